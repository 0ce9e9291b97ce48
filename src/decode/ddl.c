#include "decode/ddl.h"

#include "base/bounds.h"

#include <stdio.h>

/*
 * A cursor over the text: `at` is the next byte not yet read. Every failure goes through fail(),
 * which notes the line and the column range for the caret.
 */
struct ddl {
	struct str text;
	size_t at;
	struct arena *arena;
	struct error *err;
	bool arrays; /* taken: columns may have them, casts may not */
	bool repeats; /* a name may come again */
};

struct type_word {
	const char *word;
	enum type_id id;
};

/* Spark's names first, then its other spellings. */
static const struct type_word type_words[] = {
	{"boolean", TYPE_BOOLEAN},
	{"tinyint", TYPE_TINYINT},
	{"smallint", TYPE_SMALLINT},
	{"int", TYPE_INT},
	{"bigint", TYPE_BIGINT},
	{"float", TYPE_FLOAT},
	{"double", TYPE_DOUBLE},
	{"decimal", TYPE_DECIMAL},
	{"string", TYPE_STRING},
	{"binary", TYPE_BINARY},
	{"date", TYPE_DATE},
	{"timestamp", TYPE_TIMESTAMP},
	{"json", TYPE_JSON},
	{"byte", TYPE_TINYINT},
	{"short", TYPE_SMALLINT},
	{"integer", TYPE_INT},
	{"long", TYPE_BIGINT},
	{"real", TYPE_FLOAT},
	{"dec", TYPE_DECIMAL},
	{"numeric", TYPE_DECIMAL},
	{"timestamp_ltz", TYPE_TIMESTAMP},
};

/* Types that Spark or another system has and cdcl does not, with what to write instead. */
static const char *const missing_types[][2] = {
	{"struct", "nested types are not supported yet: declare the column as json"},
	{"array", "nested types are not supported yet: declare the column as json"},
	{"map", "nested types are not supported yet: declare the column as json"},
	{"variant", "declare the column as json"},
	{"varchar", "declare the column as string"},
	{"char", "declare the column as string"},
	{"character", "declare the column as string"},
	{"timestamp_ntz", "declare the column as timestamp or string"},
	{"interval", "declare the column as string"},
	{"void", "leave the column out"},
	{"bool", "did you mean 'boolean'?"},
	{"text", "did you mean 'string'?"},
	{"datetime", "did you mean 'timestamp'?"},
	{"timestamptz", "did you mean 'timestamp'?"},
	{"int32", "did you mean 'int'?"},
	{"int64", "did you mean 'bigint'?"},
	{"number", "did you mean 'double' or 'decimal(p,s)'?"},
	{"bytes", "did you mean 'binary'?"},
};

static int fail(struct ddl *d, size_t from, size_t len, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Copies the line that holds `from` into the error (a window of it when it is long), caret under
 * it. */
static void show_place(struct ddl *d, size_t from, size_t len)
{
	size_t start = from, end = from;
	while (start > 0 && d->text.data[start - 1] != '\n')
		start--;
	while (end < d->text.len && d->text.data[end] != '\n')
		end++;
	size_t room = error_line_bytes - 1;
	if (from - start > room / 2)
		start = from - room / 2;
	if (end - start > room)
		end = start + room;
	memcpy(d->err->source_line, d->text.data + start, end - start);
	d->err->source_line[end - start] = '\0';
	for (char *c = d->err->source_line; *c != '\0'; c++)
		if (*c == '\t' || *c == '\r')
			*c = ' ';
	if (len > end - from)
		len = end - from;
	d->err->caret_start = (int)(from - start);
	d->err->caret_len = len == 0 ? 1 : (int)len;
}

static int fail(struct ddl *d, size_t from, size_t len, const char *format, ...)
{
	char message[error_text_bytes];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	int code = error_set(d->err, CDCL_E_DDL, "%s", message);
	if (d->err != NULL)
		show_place(d, from, len);
	return code;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Bytes of other alphabets are letters, as in Spark. */
static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || (unsigned char)c >= 0x80;
}

static void skip_space(struct ddl *d)
{
	while (d->at < d->text.len && is_space(d->text.data[d->at]))
		d->at++;
}

/* The next byte that is not space, or '\0' at the end (a NUL in the text is no token either). */
static char peek(struct ddl *d)
{
	skip_space(d);
	return d->at < d->text.len ? d->text.data[d->at] : '\0';
}

static bool take(struct ddl *d, char c)
{
	if (peek(d) != c || d->at >= d->text.len)
		return false;
	d->at++;
	return true;
}

/* A run of word bytes, perhaps empty. */
static struct str word(struct ddl *d)
{
	skip_space(d);
	size_t from = d->at;
	while (d->at < d->text.len && is_word(d->text.data[d->at]))
		d->at++;
	return str_sub(d->text, from, d->at - from);
}

static size_t offset_of(const struct ddl *d, struct str s)
{
	return (size_t)(s.data - d->text.data);
}

/* What stands at the cursor, for "got ..." */
static struct str found(struct ddl *d, size_t *from)
{
	skip_space(d);
	*from = d->at;
	if (d->at >= d->text.len)
		return str_lit("the end");
	size_t end = d->at;
	while (end < d->text.len && is_word(d->text.data[end]))
		end++;
	if (end == d->at)
		end++;
	return str_sub(d->text, d->at, end - d->at);
}

static int fail_expected(struct ddl *d, const char *what)
{
	size_t from;
	struct str got = found(d, &from);
	bool at_end = from >= d->text.len;
	const char *quote = at_end ? "" : "'";
	return fail(d, from, at_end ? 1 : got.len, "expected %s, got %s" STR_FMT "%s", what, quote,
		STR_ARG(got), quote);
}

/* `any ``name` with the doubled quote undone. */
static int quoted_name(struct ddl *d, struct str *out)
{
	size_t open = d->at++;
	char *name = arena_alloc(d->arena, d->text.len - open, 1);
	size_t len = 0;
	for (; d->at < d->text.len; d->at++) {
		if (d->text.data[d->at] == '`') {
			if (d->at + 1 >= d->text.len || d->text.data[d->at + 1] != '`')
				break;
			d->at++;
		}
		if (d->text.data[d->at] == '\0')
			return fail(d, d->at, 1, "a NUL cannot be in a name");
		name[len++] = d->text.data[d->at];
	}
	if (d->at >= d->text.len)
		return fail(d, open, 1, "the quoted name that begins here has no end");
	d->at++;
	if (len == 0)
		return fail(d, open, 2, "a column needs a name");
	*out = (struct str){name, len};
	return 0;
}

static int column_name(struct ddl *d, struct str *out)
{
	if (peek(d) == '`')
		return quoted_name(d, out);
	struct str name = word(d);
	if (name.len == 0)
		return fail_expected(d, "a column name");
	if (name.len > json_name_bytes_max)
		return fail(d, offset_of(d, name), 1, "the column name is longer than %d bytes",
			json_name_bytes_max);
	*out = str_dup(name, d->arena);
	return 0;
}

static int small_number(struct ddl *d, unsigned *out)
{
	struct str digits = word(d);
	unsigned value = 0;
	bool good = digits.len > 0 && digits.len <= 9;
	for (size_t i = 0; good && i < digits.len; i++) {
		good = digits.data[i] >= '0' && digits.data[i] <= '9';
		value = value * 10 + (unsigned)(digits.data[i] - '0');
	}
	if (good) {
		*out = value;
		return 0;
	}
	d->at -= digits.len;
	return fail_expected(d, "a number of digits");
}

/* "(10,2)", "(10)" or nothing: Spark's default is (10,0). */
static int decimal_parameters(struct ddl *d, struct type *out)
{
	unsigned precision = 10, scale = 0;
	if (take(d, '(')) {
		skip_space(d);
		size_t from = d->at;
		if (small_number(d, &precision) < 0)
			return -CDCL_E_DDL;
		if (take(d, ',') && small_number(d, &scale) < 0)
			return -CDCL_E_DDL;
		size_t len = d->at - from;
		if (!take(d, ')'))
			return fail_expected(d, "')'");
		if (precision < 1 || precision > decimal_digits_max)
			return fail(d, from, len, "decimal can hold 1 to %d digits, not %u",
				decimal_digits_max, precision);
		if (scale > precision)
			return fail(d, from, len,
				"decimal(%u,%u) has more digits after the point "
				"than in all",
				precision, scale);
	}
	*out = type_decimal(precision, scale);
	return 0;
}

static int fail_type(struct ddl *d, struct str name)
{
	for (size_t i = 0; i < sizeof(missing_types) / sizeof(missing_types[0]); i++) {
		if (!str_eq_fold(name, str_c(missing_types[i][0])))
			continue;
		int code = fail(d, offset_of(d, name), name.len,
			"type '" STR_FMT "' is not supported", STR_ARG(name));
		error_help(d->err, "%s", missing_types[i][1]);
		return code;
	}
	struct str names[sizeof(type_words) / sizeof(type_words[0])];
	size_t count = sizeof(type_words) / sizeof(type_words[0]);
	for (size_t i = 0; i < count; i++)
		names[i] = str_c(type_words[i].word);
	int code = fail(
		d, offset_of(d, name), name.len, "there is no type '" STR_FMT "'", STR_ARG(name));
	struct str lower = str_dup(name, d->arena);
	for (size_t i = 0; i < lower.len; i++)
		if (lower.data[i] >= 'A' && lower.data[i] <= 'Z')
			((char *)(uintptr_t)lower.data)[i] = (char)(lower.data[i] | 0x20);
	struct str near = str_nearest(lower, names, count);
	if (near.data != NULL)
		error_help(d->err, "did you mean '" STR_FMT "'?", STR_ARG(near));
	else
		error_help(d->err, "types: boolean, tinyint, smallint, int, bigint, float, double, "
				   "decimal(p,s), string, binary, date, timestamp, json, array<T>");
	return code;
}

static int type_word(struct ddl *d, struct type *out);

/* array<T>, T being no array itself. */
static int array_of(struct ddl *d, struct str name, struct type *out)
{
	struct type *element = ARENA_NEW(d->arena, struct type);
	if (!take(d, '<'))
		return fail_expected(d, "'<' and the type of the elements");
	if (type_word(d, element) < 0)
		return -CDCL_E_DDL;
	if (element->id == TYPE_ARRAY) {
		int code = fail(d, offset_of(d, name), name.len,
			"arrays of arrays are not supported");
		error_help(d->err, "declare the column as json");
		return code;
	}
	if (!take(d, '>'))
		return fail_expected(d, "'>'");
	*out = (struct type){.id = TYPE_ARRAY, .element = element};
	return 0;
}

static int type_word(struct ddl *d, struct type *out)
{
	struct str name = word(d);
	if (name.len == 0)
		return fail_expected(d, "a type");
	if (d->arrays && str_eq_fold(name, str_lit("array")))
		return array_of(d, name, out);
	for (size_t i = 0; i < sizeof(type_words) / sizeof(type_words[0]); i++) {
		if (!str_eq_fold(name, str_c(type_words[i].word)))
			continue;
		*out = type_of(type_words[i].id);
		return out->id == TYPE_DECIMAL ? decimal_parameters(d, out) : 0;
	}
	return fail_type(d, name);
}

/* '...' or "...", backslash escapes the next byte. The text is not kept. */
static int skip_comment_text(struct ddl *d)
{
	char quote = peek(d);
	if (quote != '\'' && quote != '"')
		return fail_expected(d, "the comment's text in quotes");
	size_t open = d->at++;
	while (d->at < d->text.len && d->text.data[d->at] != quote)
		d->at += d->text.data[d->at] == '\\' ? 2 : 1;
	if (d->at >= d->text.len)
		return fail(d, open, 1, "the comment that begins here has no end");
	d->at++;
	return 0;
}

/* NOT NULL (ignored, as Spark does) and COMMENT '...', in any order. */
static int column_clauses(struct ddl *d)
{
	for (;;) {
		struct str clause = word(d);
		if (clause.len == 0)
			return 0;
		if (str_eq_fold(clause, str_lit("not"))) {
			struct str null = word(d);
			if (str_eq_fold(null, str_lit("null")))
				continue;
			d->at -= null.len;
			return fail_expected(d, "NULL after NOT");
		}
		if (str_eq_fold(clause, str_lit("comment"))) {
			if (skip_comment_text(d) < 0)
				return -CDCL_E_DDL;
			continue;
		}
		d->at = offset_of(d, clause);
		return fail_expected(d, "',', NOT NULL or COMMENT");
	}
}

static int column(struct ddl *d, bool colon, struct schema_column *out)
{
	if (column_name(d, &out->name) < 0)
		return -CDCL_E_DDL;
	size_t at = d->at;
	if (take(d, ':') && !colon) {
		d->at = at;
		fail_expected(d, "a type");
		error_help(
			d->err, "write `name type`, as in `" STR_FMT " int`", STR_ARG(out->name));
		return -CDCL_E_DDL;
	}
	if (type_word(d, &out->type) < 0)
		return -CDCL_E_DDL;
	return column_clauses(d);
}

static int refuse_repeated(
	struct ddl *d, const struct schema_column *columns, uint32_t count, size_t from)
{
	struct str name = columns[count].name;
	for (uint32_t i = 0; i < count; i++) {
		if (!str_eq_fold(columns[i].name, name))
			continue;
		if (str_eq(columns[i].name, name))
			return fail(d, from, name.len, "column '" STR_FMT "' is there twice",
				STR_ARG(name));
		return fail(d, from, name.len,
			"columns '" STR_FMT "' and '" STR_FMT "' differ only in case",
			STR_ARG(columns[i].name), STR_ARG(name));
	}
	return 0;
}

/* Columns up to the end of the text, or up to '>' inside struct<...>. */
static int column_list(struct ddl *d, bool in_struct, struct schema **out)
{
	uint32_t capacity = 16, count = 0;
	struct schema_column *columns = ARENA_ARRAY(d->arena, struct schema_column, capacity);
	do {
		if (count == schema_columns_max)
			return fail(d, d->at, 1, "more than %d columns", schema_columns_max);
		if (count == capacity) {
			struct schema_column *more =
				ARENA_ARRAY(d->arena, struct schema_column, (size_t)capacity * 2);
			memcpy(more, columns, count * sizeof(*columns));
			columns = more;
			capacity *= 2;
		}
		skip_space(d);
		size_t from = d->at;
		if (column(d, in_struct, &columns[count]) < 0 ||
			(!d->repeats && refuse_repeated(d, columns, count, from) < 0))
			return -CDCL_E_DDL;
		count++;
	} while (take(d, ','));
	*out = schema_alloc(d->arena, count);
	memcpy((*out)->columns, columns, count * sizeof(*columns));
	return 0;
}

static int expect_end(struct ddl *d, const char *what)
{
	skip_space(d);
	return d->at == d->text.len ? 0 : fail_expected(d, what);
}

/* struct<a: int, b: string> as the whole text; any other text that begins with the word is columns.
 */
static bool take_struct(struct ddl *d)
{
	if (str_eq_fold(word(d), str_lit("struct")) && take(d, '<'))
		return true;
	d->at = 0;
	return false;
}

static struct ddl begin(struct str text, struct arena *arena, struct error *err)
{
	return (struct ddl){
		.text = text.data == NULL ? str_lit("") : text, .arena = arena, .err = err};
}

static int parse(struct ddl *d, struct schema **out)
{
	d->arrays = true;
	if (take_struct(d)) {
		if (column_list(d, true, out) < 0)
			return -CDCL_E_DDL;
		if (!take(d, '>'))
			return fail_expected(d, "',' or '>'");
		return expect_end(d, "the end after '>'");
	}
	if (peek(d) == '\0' && d->at >= d->text.len)
		return fail(d, 0, 1,
			"a schema needs at least one column, as in \"id int, name string\"");
	if (column_list(d, false, out) < 0)
		return -CDCL_E_DDL;
	return expect_end(d, "','");
}

int ddl_parse(struct str text, struct arena *arena, struct schema **out, struct error *err)
{
	struct ddl d = begin(text, arena, err);
	return parse(&d, out);
}

int ddl_parse_hidden(
	struct str text, struct arena *arena, struct schema **out, struct error *err)
{
	struct ddl d = begin(text, arena, err);
	d.repeats = true;
	return parse(&d, out);
}

int ddl_parse_type(struct str text, struct arena *arena, struct type *out, struct error *err)
{
	struct ddl d = begin(text, arena, err);
	if (type_word(&d, out) < 0)
		return -CDCL_E_DDL;
	return expect_end(&d, "the end of the type");
}
