#include "expr/sql_literal.h"

/* ---- literals ---- */

static struct sql_node *literal(struct sql_cursor *p, struct value v, struct str text, size_t at)
{
	struct sql_node *n = sql_node_open(p, SQL_LITERAL, at);
	n->literal = v;
	n->literal_text = text;
	return n;
}

static bool ends_fold(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);
	return s.len > n && str_eq_fold(str_sub(s, s.len - n, n), str_c(suffix));
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.len > 0;
}

static struct str negated(struct sql_cursor *p, struct str s, bool negative)
{
	return negative ? str_printf(p->arena, "-" STR_FMT, STR_ARG(s)) : s;
}

static bool decimal_literal(struct str digits, struct value *v)
{
	size_t point = 0;
	while (point < digits.len && digits.data[point] != '.')
		point++;
	size_t scale = point < digits.len ? digits.len - point - 1 : 0;
	size_t first = 0;
	while (first < point && (digits.data[first] == '0' || digits.data[first] == '-'))
		first++;
	size_t whole = point - first;
	size_t precision = whole + scale == 0 ? 1 : whole + scale;
	if (precision > decimal_digits_max)
		return false;
	v->type = type_decimal((unsigned)precision, (unsigned)scale);
	return decimal_parse(digits, (unsigned)precision, (unsigned)scale, &v->as.i128)
		== DECIMAL_OK;
}

static bool integer_literal(struct str digits, enum type_id id, struct value *v)
{
	int64_t i;
	if (!int64_parse(digits, &i))
		return false;
	v->type = type_of(id);
	v->as.i64 = i;
	if (id == TYPE_BIGINT)
		return true;
	int64_t limit = id == TYPE_TINYINT ? 128
		: id == TYPE_SMALLINT	   ? 32768
					   : INT64_C(2147483648);
	v->as.i128 = 0;
	v->as.i32 = (int32_t)i;
	return i >= -limit && i < limit;
}

static bool plain_number(struct str s, struct value *v)
{
	if (memchr(s.data, 'e', s.len) != NULL || memchr(s.data, 'E', s.len) != NULL) {
		v->type = type_of(TYPE_DOUBLE);
		return double_parse(s, &v->as.f64);
	}
	struct str digits = s.data[0] == '-' ? str_sub(s, 1, s.len - 1) : s;
	if (!all_digits(digits))
		return decimal_literal(s, v);
	return integer_literal(s, TYPE_INT, v) || integer_literal(s, TYPE_BIGINT, v)
		|| decimal_literal(s, v);
}

/* Number with a suffix, or without one. The text that Spark prints has no suffix. */
static bool number_value(struct str s, struct value *v, struct str *body)
{
	*body = s;
	if (ends_fold(s, "bd")) {
		*body = str_sub(s, 0, s.len - 2);
		return decimal_literal(*body, v);
	}
	char last = (char)(s.data[s.len - 1] | 32);
	if (last < 'a' || last > 'z')
		return plain_number(s, v);
	*body = str_sub(s, 0, s.len - 1);
	switch (last) {
	case 'l': return integer_literal(*body, TYPE_BIGINT, v);
	case 's': return integer_literal(*body, TYPE_SMALLINT, v);
	case 'y': return integer_literal(*body, TYPE_TINYINT, v);
	case 'd': v->type = type_of(TYPE_DOUBLE); return double_parse(*body, &v->as.f64);
	case 'f': {
		double d;
		v->type = type_of(TYPE_FLOAT);
		if (!double_parse(*body, &d))
			return false;
		v->as.f32 = (float)d;
		return true;
	}
	default: return false;
	}
}

int sql_literal_number(struct sql_cursor *p, bool negative, size_t at, struct sql_node **out)
{
	struct value v = {.is_null = false};
	struct str body;
	struct str text = negated(p, p->token.text, negative);
	if (!number_value(text, &v, &body))
		return sql_cursor_fail_at(
			p, p->token.at, p->token.text.len, "not a number, or out of range");
	struct strbuf printed;
	strbuf_init(&printed);
	value_text(&v, VALUE_CAST, NULL, &printed);
	*out = literal(p, v, str_dup(strbuf_str(&printed), p->arena), at);
	strbuf_release(&printed);
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_node_close(p, *out);
}

int sql_literal_string(struct sql_cursor *p, struct sql_node **out)
{
	size_t at = p->token.at;
	struct str s = sql_token_unquote(p->token, p->arena);
	int rc = sql_cursor_advance(p);
	while (rc == 0 && p->token.kind == SQL_TOKEN_STRING) {
		struct str more = sql_token_unquote(p->token, p->arena);
		char *both = arena_alloc(p->arena, s.len + more.len + 1, 1);
		memcpy(both, s.data, s.len);
		memcpy(both + s.len, more.data, more.len);
		s = (struct str){both, s.len + more.len};
		rc = sql_cursor_advance(p);
	}
	if (rc < 0)
		return rc;
	struct value v = {.type = type_of(TYPE_STRING), .as.str = s};
	*out = literal(p, v, s, at);
	return sql_node_close(p, *out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int sql_literal_hex(struct sql_cursor *p, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = sql_cursor_advance(p);
	if (rc < 0)
		return rc;
	struct str s = sql_token_unquote(p->token, p->arena);
	size_t odd = s.len & 1;
	char *bytes = arena_zalloc(p->arena, s.len / 2 + 1, 1);
	for (size_t i = 0; i < s.len; i++) {
		int d = hex_digit(s.data[i]);
		if (d < 0)
			return sql_cursor_fail(p, "expected hexadecimal digits");
		size_t slot = (i + odd) / 2;
		bytes[slot] = (char)((unsigned char)bytes[slot] << 4 | d);
	}
	struct value v = {.type = type_of(TYPE_BINARY), .as.str = {bytes, (s.len + odd) / 2}};
	*out = literal(p, v, str_printf(p->arena, "X'" STR_FMT "'", STR_ARG(s)), at);
	rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_node_close(p, *out);
}

/* Neither a time of today nor one with its own zone. */
static bool names_day_only(struct str text)
{
	bool day = false, time = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z' && c != 'T';
		if (letter || (time && (c == '+' || c == '-')))
			return false;
		time = time || c == ':';
		day = day || (c == '-' && i > 0 && !time);
	}
	return day || !time;
}

/*
 * Printed is the value, not what was written: TIMESTAMP '2024-01-15 10:00:00' for '...:00.000'.
 * A text that names a zone is left as it is, since the session's zone is not known here.
 */
static struct str typed_text(struct sql_cursor *p, enum type_id id, struct str text)
{
	struct value v = {.type = type_of(id)};
	const char *word = id == TYPE_DATE ? "DATE" : "TIMESTAMP";
	bool known = id == TYPE_DATE
		? date_parse(text, &v.as.i32)
		: names_day_only(text) && timestamp_parse(text, NULL, 0, &v.as.i64);
	if (!known)
		return str_printf(p->arena, "%s '" STR_FMT "'", word, STR_ARG(text));
	struct strbuf s;
	strbuf_init(&s);
	value_text(&v, VALUE_CAST, NULL, &s);
	struct str out = str_printf(p->arena, "%s '" STR_FMT "'", word, STR_ARG(strbuf_str(&s)));
	strbuf_release(&s);
	return out;
}

int sql_literal_typed(struct sql_cursor *p, enum type_id id, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = sql_cursor_advance(p);
	if (rc < 0)
		return rc;
	struct sql_node *text;
	rc = sql_literal_string(p, &text);
	if (rc < 0)
		return rc;
	struct sql_node *n = sql_node_open(p, SQL_CAST, at);
	n->type = type_of(id);
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	n->args[0] = text;
	n->arg_count = 1;
	n->literal_text = typed_text(p, id, text->literal_text);
	*out = n;
	return sql_node_close(p, n);
}

int sql_literal_word(struct sql_cursor *p, struct sql_node **out)
{
	struct value v = {.is_null = false};
	size_t at = p->token.at;
	if (sql_cursor_is_word(p, "null")) {
		*out = literal(p, value_null(type_of(TYPE_NULL)), str_lit("NULL"), at);
	} else {
		v.type = type_of(TYPE_BOOLEAN);
		v.as.boolean = sql_cursor_is_word(p, "true");
		*out = literal(p, v, v.as.boolean ? str_lit("true") : str_lit("false"), at);
	}
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_node_close(p, *out);
}
