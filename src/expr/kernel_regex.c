/*
 * Regular expressions, by PCRE2, whose syntax contains nearly all of Java's. A constant pattern is
 * compiled with the expression, into the plan's arena; others per row. Backtracking is bounded: a
 * pattern that runs away is a failure of that record.
 */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "base/utf8.h"
#include "data/row_codec.h"
#include "expr/resolve.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { regex_match_limit = 1000 * 1000, regex_heap_kb_max = 16 * 1024 };

static void *arena_give(PCRE2_SIZE bytes, void *arena)
{
	return arena_alloc(arena, bytes, 16);
}

static void arena_keep(void *bytes, void *arena)
{
	(void)bytes;
	(void)arena;
}

/* NULL: no such pattern; *offset says where. */
static pcre2_code *regex_compile(struct str pattern, struct arena *arena, int *code, size_t *offset)
{
	pcre2_general_context *memory = pcre2_general_context_create(arena_give, arena_keep, arena);
	pcre2_compile_context *context = pcre2_compile_context_create(memory);
	return pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
		PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, code, offset, context);
}

/* What one kernel call matches with: the arena's memory, bounded work. */
struct matcher {
	const pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

static bool matcher_init(
	struct matcher *m, const struct expr *e, const struct run *run, struct str pattern)
{
	m->code = e->prepared;
	if (m->code == NULL) {
		int code;
		size_t offset;
		m->code = regex_compile(pattern, run->arena, &code, &offset);
	}
	if (m->code == NULL)
		return false;
	pcre2_general_context *memory =
		pcre2_general_context_create(arena_give, arena_keep, run->arena);
	m->data = pcre2_match_data_create_from_pattern(m->code, memory);
	m->context = pcre2_match_context_create(memory);
	pcre2_set_match_limit(m->context, regex_match_limit);
	pcre2_set_heap_limit(m->context, regex_heap_kb_max);
	return true;
}

/*
 * What is matched in: valid UTF-8, broken sequences being the U+FFFD that Spark has there.
 * It is looked through once here, since PCRE2 would do so again for every match.
 */
static struct str matcher_text(struct str s, struct arena *arena)
{
	if (s.len == 0)
		return str_lit("");
	if (utf8_valid(s))
		return s;
	char *text = arena_alloc(arena, 3 * s.len, 1);
	size_t len = 0;
	const char *end = s.data + s.len;
	for (const char *p = s.data; p < end;) {
		bool malformed = false;
		unsigned bytes = utf8_step(p, end, &malformed);
		if (malformed) {
			len += utf8_put(text + len, utf8_replacement);
		} else {
			memcpy(text + len, p, bytes);
			len += bytes;
		}
		p += bytes;
	}
	return (struct str){text, len};
}

/* 1 found, 0 not, negative: given up. `s` is a matcher_text. */
static int matcher_find(struct matcher *m, struct str s, size_t from, size_t *start, size_t *end)
{
	int rc = pcre2_match(m->code, (PCRE2_SPTR)s.data, s.len, from, PCRE2_NO_UTF_CHECK, m->data,
		m->context);
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (rc < 0)
		return rc;
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
	*start = at[0];
	*end = at[1] < at[0] ? at[0] : at[1];
	return 1;
}

static size_t step(struct str s, size_t at)
{
	at++;
	while (at < s.len && ((unsigned char)s.data[at] & 0xC0) == 0x80)
		at++;
	return at;
}

static int rlike_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct matcher m;
	size_t start, end;
	if (!matcher_init(&m, e, run, row_str(&args[1], row)))
		return EXPR_INVALID_ARGUMENT;
	struct str s = matcher_text(row_str(&args[0], row), run->arena);
	int rc = matcher_find(&m, s, 0, &start, &end);
	row_set_bool(out, row, rc > 0);
	return rc < 0 ? EXPR_INVALID_ARGUMENT : EXPR_FINE;
}

/* Java's replacement text: $1 is a group, a backslash takes the meaning of what follows away. */
static void add_replacement(struct matcher *m, struct str s, struct str with, struct strbuf *b)
{
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
	uint32_t groups = pcre2_get_ovector_count(m->data);
	for (size_t i = 0; i < with.len; i++) {
		char c = with.data[i];
		if (c == '\\' && i + 1 < with.len) {
			strbuf_add_byte(b, with.data[++i]);
			continue;
		}
		if (c != '$' || i + 1 == with.len || with.data[i + 1] < '0'
			|| with.data[i + 1] > '9') {
			strbuf_add_byte(b, c);
			continue;
		}
		uint32_t g = (uint32_t)(with.data[++i] - '0');
		if (g < groups && at[2 * g] != PCRE2_UNSET)
			strbuf_add(b, str_sub(s, at[2 * g], at[2 * g + 1] - at[2 * g]));
	}
}

static int replace_all(struct matcher *m, struct str s, struct str with, struct strbuf *b)
{
	size_t at = 0, start, end;
	int rc;
	while ((rc = matcher_find(m, s, at, &start, &end)) > 0) {
		strbuf_add(b, str_sub(s, at, start - at));
		add_replacement(m, s, with, b);
		if (end == start) { /* an empty match: the next character stays */
			size_t next = start < s.len ? step(s, start) : s.len + 1;
			strbuf_add(b, str_sub(s, start, next - start));
			end = next;
		}
		at = end;
		if (at > s.len)
			return 0;
	}
	strbuf_add(b, str_sub(s, at, s.len - at));
	return rc;
}

static int replace_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct matcher m;
	struct strbuf b;
	if (!matcher_init(&m, e, run, row_str(&args[1], row)))
		return EXPR_INVALID_ARGUMENT;
	strbuf_init(&b);
	struct str s = matcher_text(row_str(&args[0], row), run->arena);
	int rc = replace_all(&m, s, row_str(&args[2], row), &b);
	row_set_str(out, row, str_dup(b.data == NULL ? str_lit("") : strbuf_str(&b), run->arena));
	strbuf_release(&b);
	return rc < 0 ? EXPR_INVALID_ARGUMENT : EXPR_FINE;
}

/* The group of the first match; no match is an empty string. */
static int extract_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct matcher m;
	struct str s = matcher_text(row_str(&args[0], row), run->arena);
	int32_t group = e->arg_count > 2 ? row_i32(&args[2], row) : 1;
	size_t start, end;
	if (!matcher_init(&m, e, run, row_str(&args[1], row)))
		return EXPR_INVALID_ARGUMENT;
	if (group < 0 || (uint32_t)group >= pcre2_get_ovector_count(m.data))
		return EXPR_INVALID_ARGUMENT;
	int rc = matcher_find(&m, s, 0, &start, &end);
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(m.data);
	bool found = rc > 0 && at[2 * group] != PCRE2_UNSET;
	row_set_str(out, row,
		found ? str_sub(s, at[2 * group], at[2 * group + 1] - at[2 * group]) : str_lit(""));
	return rc < 0 ? EXPR_INVALID_ARGUMENT : EXPR_FINE;
}

static void add_element(struct str s, uint32_t *count, struct strbuf *b)
{
	struct value v = {.type = type_of(TYPE_STRING), .as.str = s.data == NULL ? str_lit("") : s};
	row_codec_add(b, &v);
	*count += 1;
}

/* split(s, pattern [, limit]): as Java's with a limit of -1, nothing is dropped at the end. */
static int split_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct matcher m;
	struct str s = matcher_text(row_str(&args[0], row), run->arena);
	int32_t limit = e->arg_count > 2 ? row_i32(&args[2], row) : -1;
	size_t at = 0, from = 0, start, end;
	uint32_t count = 0;
	int rc = 0;
	struct strbuf b;
	if (!matcher_init(&m, e, run, row_str(&args[1], row)))
		return EXPR_INVALID_ARGUMENT;
	strbuf_init(&b);
	strbuf_add(&b, (struct str){"\0\0\0\0", 4});
	while ((limit <= 0 || (int32_t)count + 1 < limit) && from <= s.len
		&& (rc = matcher_find(&m, s, from, &start, &end)) > 0) {
		if (end == start && start >= s.len)
			break;
		if (end > 0) { /* nothing is split off before the first character */
			if (end > start || start > at)
				add_element(str_sub(s, at, start - at), &count, &b);
			at = end;
		}
		from = end > start ? end : step(s, end);
	}
	add_element(str_sub(s, at, s.len - at), &count, &b);
	memcpy(b.data, &count, 4);
	row_set_str(out, row, str_dup(strbuf_str(&b), run->arena));
	strbuf_release(&b);
	return rc < 0 ? EXPR_INVALID_ARGUMENT : EXPR_FINE;
}

KERNEL_OF_ROWS(kernel_rlike, rlike_row)
KERNEL_OF_ROWS(kernel_regexp_replace, replace_row)
KERNEL_OF_ROWS(kernel_regexp_extract, extract_row)
KERNEL_OF_ROWS(kernel_split, split_row)

/* Rows whose second argument is the pattern. */
int resolve_regex(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	for (uint32_t i = 0; i < count; i++) {
		int rc = checker_cast(c, node, args[i], type_of(f->params[i]), &args[i]);
		if (rc < 0)
			return rc;
	}
	const pcre2_code *code = NULL;
	if (args[1]->kind == EXPR_LITERAL && !args[1]->literal.is_null) {
		int number;
		size_t offset;
		code = regex_compile(args[1]->literal.as.str, c->arena, &number, &offset);
		if (code == NULL) {
			unsigned char why[200];
			pcre2_get_error_message(number, why, sizeof(why));
			return checker_fail(c, node->args[1],
				"the regular expression is broken at character %zu: %s", offset + 1,
				(const char *)why);
		}
	}
	struct type t = type_of(f->gives);
	if (t.id == TYPE_ARRAY) {
		static const struct type text = {.id = TYPE_STRING};
		t.element = &text;
	}
	*out = checker_prepared(c, node, f->kernel, f->flags, t, args, count, code);
	return 0;
}
