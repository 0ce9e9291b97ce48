#include "expr/sql_parse.h"

#include "base/bounds.h"
#include "base/check.h"
#include "decode/ddl.h"

#include <stdio.h>

struct parser {
	struct str text;
	struct arena *arena;
	struct error *err;
	struct sql_token token; /* the one being looked at */
	size_t next; /* where the token after it begins */
	size_t end; /* end of the token before it */
	uint32_t depth;
};

static int parse_expression(struct parser *p, struct sql_node **out);
static int parse_value(struct parser *p, unsigned level, struct sql_node **out);

static int advance(struct parser *p)
{
	p->end = p->token.at + p->token.text.len;
	return sql_token_next(p->text, &p->next, &p->token, p->err);
}

static int fail_at(struct parser *p, size_t at, size_t len, const char *what)
{
	error_set(p->err, CDCL_E_SQL, "%s", what);
	return sql_error_at(p->err, p->text, at, len);
}

static int fail_token(struct parser *p, const char *wanted)
{
	if (p->token.kind == SQL_TOKEN_END)
		error_set(p->err, CDCL_E_SQL,
			"[PARSE_SYNTAX_ERROR] Syntax error at or near end of input: %s", wanted);
	else
		error_set(p->err, CDCL_E_SQL,
			"[PARSE_SYNTAX_ERROR] Syntax error at or near '" STR_FMT "': %s",
			STR_ARG(str_sub(p->token.text, 0, 100)), wanted);
	return sql_error_at(p->err, p->text, p->token.at, p->token.text.len);
}

static bool is_symbol(const struct parser *p, const char *symbol)
{
	return p->token.kind == SQL_TOKEN_SYMBOL && str_eq(p->token.text, str_c(symbol));
}

static bool is_word(const struct parser *p, const char *word)
{
	return p->token.kind == SQL_TOKEN_WORD && str_eq_fold(p->token.text, str_c(word));
}

/* 1 and moves on when the token is this word or symbol, else 0. */
static int accept(struct parser *p, const char *text)
{
	if (!is_symbol(p, text) && !is_word(p, text))
		return 0;
	int rc = advance(p);
	return rc < 0 ? rc : 1;
}

static int expect(struct parser *p, const char *text)
{
	int rc = accept(p, text);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return 0;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "expected %s", text);
	return fail_token(p, wanted);
}

/* ---- nodes ---- */

static struct sql_node *node_alloc(struct parser *p, enum sql_kind kind, size_t at)
{
	struct sql_node *n = ARENA_NEW(p->arena, struct sql_node);
	n->kind = kind;
	n->at = at;
	n->inner = -1;
	n->depth = 1;
	return n;
}

static int node_close(struct parser *p, struct sql_node *n)
{
	n->len = p->end > n->at ? p->end - n->at : 1;
	for (uint32_t i = 0; i < n->arg_count; i++)
		if (n->args[i]->depth >= n->depth)
			n->depth = n->args[i]->depth + 1;
	if (n->depth > sql_depth_max)
		return fail_at(
			p, n->at, 1, "the expression is nested too deeply (more than 200 levels)");
	return 0;
}

static int node_call(struct parser *p, const char *name, size_t at, struct sql_node **args,
	uint32_t count, struct sql_node **out)
{
	struct sql_node *n = node_alloc(p, SQL_CALL, at);
	n->name = str_c(name);
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, count);
	if (count > 0)
		memcpy(n->args, args, count * sizeof(*args));
	n->arg_count = count;
	*out = n;
	return node_close(p, n);
}

static int node_not(struct parser *p, size_t at, struct sql_node **n)
{
	struct sql_node *arg = *n;
	return node_call(p, "not", at, &arg, 1, n);
}

/* A growing list of arguments, on the stack until its length is known. */
struct node_list {
	struct sql_node *items[sql_arguments_max];
	uint32_t count;
};

static int list_add(struct parser *p, struct node_list *l, struct sql_node *n)
{
	if (l->count == sql_arguments_max)
		return fail_at(p, n->at, n->len, "too many arguments (more than 256)");
	l->items[l->count++] = n;
	return 0;
}

/* ---- literals ---- */

static struct sql_node *literal(struct parser *p, struct value v, struct str text, size_t at)
{
	struct sql_node *n = node_alloc(p, SQL_LITERAL, at);
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

static struct str negated(struct parser *p, struct str s, bool negative)
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

static int parse_number(struct parser *p, bool negative, size_t at, struct sql_node **out)
{
	struct value v = {.is_null = false};
	struct str body;
	struct str text = negated(p, p->token.text, negative);
	if (!number_value(text, &v, &body))
		return fail_at(p, p->token.at, p->token.text.len, "not a number, or out of range");
	struct strbuf printed;
	strbuf_init(&printed);
	value_text(&v, VALUE_CAST, NULL, &printed);
	*out = literal(p, v, str_dup(strbuf_str(&printed), p->arena), at);
	strbuf_release(&printed);
	int rc = advance(p);
	return rc < 0 ? rc : node_close(p, *out);
}

/* Adjacent strings are one: 'a' 'b' is 'ab'. */
static int parse_string(struct parser *p, struct sql_node **out)
{
	size_t at = p->token.at;
	struct str s = sql_token_unquote(p->token, p->arena);
	int rc = advance(p);
	while (rc == 0 && p->token.kind == SQL_TOKEN_STRING) {
		struct str more = sql_token_unquote(p->token, p->arena);
		char *both = arena_alloc(p->arena, s.len + more.len + 1, 1);
		memcpy(both, s.data, s.len);
		memcpy(both + s.len, more.data, more.len);
		s = (struct str){both, s.len + more.len};
		rc = advance(p);
	}
	if (rc < 0)
		return rc;
	struct value v = {.type = type_of(TYPE_STRING), .as.str = s};
	*out = literal(p, v, s, at);
	return node_close(p, *out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* X'1F': the word X is the token, the string follows. */
static int parse_hex(struct parser *p, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = advance(p);
	if (rc < 0)
		return rc;
	struct str s = sql_token_unquote(p->token, p->arena);
	size_t odd = s.len & 1;
	char *bytes = arena_zalloc(p->arena, s.len / 2 + 1, 1);
	for (size_t i = 0; i < s.len; i++) {
		int d = hex_digit(s.data[i]);
		if (d < 0)
			return fail_token(p, "expected hexadecimal digits");
		size_t slot = (i + odd) / 2;
		bytes[slot] = (char)((unsigned char)bytes[slot] << 4 | d);
	}
	struct value v = {.type = type_of(TYPE_BINARY), .as.str = {bytes, (s.len + odd) / 2}};
	*out = literal(p, v, str_printf(p->arena, "X'" STR_FMT "'", STR_ARG(s)), at);
	rc = advance(p);
	return rc < 0 ? rc : node_close(p, *out);
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
static struct str typed_text(struct parser *p, enum type_id id, struct str text)
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

/* DATE '2024-01-15' and TIMESTAMP '...': a cast of the string, which folds away. */
static int parse_typed_string(struct parser *p, enum type_id id, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = advance(p);
	if (rc < 0)
		return rc;
	struct sql_node *text;
	rc = parse_string(p, &text);
	if (rc < 0)
		return rc;
	struct sql_node *n = node_alloc(p, SQL_CAST, at);
	n->type = type_of(id);
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	n->args[0] = text;
	n->arg_count = 1;
	n->literal_text = typed_text(p, id, text->literal_text);
	*out = n;
	return node_close(p, n);
}

/* ---- cast, case, calls ---- */

/* A type is handed to decode/ddl as its text: up to the bracket or word that ends it. */
static int parse_type(struct parser *p, struct type *out)
{
	size_t at = p->token.at;
	if (p->token.kind != SQL_TOKEN_WORD)
		return fail_token(p, "expected a type");
	int rc = advance(p);
	if (rc == 0 && (is_symbol(p, "(") || is_symbol(p, "<"))) {
		int open = 0;
		do {
			open += is_symbol(p, "(") || is_symbol(p, "<");
			open -= is_symbol(p, ")") || is_symbol(p, ">");
			rc = advance(p);
		} while (rc == 0 && open > 0 && p->token.kind != SQL_TOKEN_END);
	}
	if (rc < 0)
		return rc;
	struct error inner;
	error_init(&inner);
	if (ddl_parse_type(str_sub(p->text, at, p->end - at), p->arena, out, &inner) == 0)
		return 0;
	error_set(p->err, CDCL_E_SQL, "%s", inner.text);
	if (inner.help[0] != '\0')
		error_help(p->err, "%s", inner.help);
	return sql_error_at(p->err, p->text, at, p->end - at);
}

static int cast_of(
	struct parser *p, struct sql_node *arg, size_t at, bool try_cast, struct sql_node **out)
{
	struct sql_node *n = node_alloc(p, SQL_CAST, at);
	n->try_cast = try_cast;
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	n->args[0] = arg;
	n->arg_count = 1;
	*out = n;
	return parse_type(p, &n->type);
}

static int parse_cast(struct parser *p, bool try_cast, size_t at, struct sql_node **out)
{
	struct sql_node *arg;
	int rc = parse_expression(p, &arg);
	if (rc == 0)
		rc = expect(p, "as");
	if (rc == 0)
		rc = cast_of(p, arg, at, try_cast, out);
	if (rc == 0)
		rc = expect(p, ")");
	return rc < 0 ? rc : node_close(p, *out);
}

/* case x when a then b ...: x is compared with each. */
static int parse_when(struct parser *p, struct sql_node *subject, struct node_list *l)
{
	struct sql_node *when, *then;
	int rc = parse_expression(p, &when);
	if (rc == 0 && subject != NULL) {
		struct sql_node *pair[2] = {subject, when};
		rc = node_call(p, "=", when->at, pair, 2, &when);
	}
	if (rc == 0)
		rc = expect(p, "then");
	if (rc == 0)
		rc = parse_expression(p, &then);
	if (rc == 0)
		rc = list_add(p, l, when);
	return rc < 0 ? rc : list_add(p, l, then);
}

static int parse_case(struct parser *p, struct sql_node **out)
{
	size_t at = p->token.at;
	struct node_list l = {.count = 0};
	struct sql_node *subject = NULL;
	int rc = advance(p);
	if (rc == 0 && !is_word(p, "when"))
		rc = parse_expression(p, &subject);
	if (rc == 0 && !is_word(p, "when"))
		return fail_token(p, "expected when");
	while (rc == 0 && (rc = accept(p, "when")) > 0)
		rc = parse_when(p, subject, &l);
	if (rc == 0 && (rc = accept(p, "else")) > 0) {
		struct sql_node *otherwise;
		rc = parse_expression(p, &otherwise);
		if (rc == 0)
			rc = list_add(p, &l, otherwise);
	}
	if (rc == 0)
		rc = expect(p, "end");
	return rc < 0 ? rc : node_call(p, "case", at, l.items, l.count, out);
}

/* trim(both 'x' from s), trim('x' from s): the arguments of btrim, ltrim or rtrim. */
static int parse_trim(struct parser *p, struct node_list *l, struct sql_node *call)
{
	const char *name = is_word(p, "leading") ? "ltrim"
		: is_word(p, "trailing")	 ? "rtrim"
						 : "trim";
	int rc = is_word(p, "leading") || is_word(p, "trailing") || is_word(p, "both") ? advance(p)
										       : 0;
	struct sql_node *first = NULL, *s;
	if (rc == 0 && !is_word(p, "from"))
		rc = parse_expression(p, &first);
	if (rc == 0 && (rc = accept(p, "from")) > 0) {
		rc = parse_expression(p, &s);
		call->name = str_c(name);
		if (rc == 0 && first != NULL)
			call->literal_text = str_lit("from"); /* printed as TRIM(BOTH x FROM s) */
		if (rc == 0)
			rc = list_add(p, l, s);
	}
	return rc < 0 || first == NULL ? rc : list_add(p, l, first);
}

static int parse_star(struct parser *p, struct sql_node **out)
{
	*out = node_alloc(p, SQL_STAR, p->token.at);
	int rc = advance(p);
	return rc < 0 ? rc : node_close(p, *out);
}

static int parse_argument(struct parser *p, struct node_list *l)
{
	struct sql_node *arg;
	int rc = is_symbol(p, "*") ? parse_star(p, &arg) : parse_expression(p, &arg);
	return rc < 0 ? rc : list_add(p, l, arg);
}

/* position(a in b): `in` is a comma here, so `a` ends before it. */
static int parse_position(struct parser *p, struct node_list *l)
{
	struct sql_node *part;
	int rc = parse_value(p, 1, &part);
	if (rc == 0)
		rc = list_add(p, l, part);
	if (rc == 0 && (rc = accept(p, "in")) > 0)
		rc = parse_argument(p, l);
	return rc;
}

static int parse_arguments(struct parser *p, struct sql_node *call, struct node_list *l)
{
	int rc = 0;
	if (str_eq_fold(call->name, str_lit("trim")))
		rc = parse_trim(p, l, call);
	else if (str_eq_fold(call->name, str_lit("position")))
		rc = parse_position(p, l);
	else if (!is_symbol(p, ")"))
		rc = parse_argument(p, l);
	while (rc == 0) {
		/* substring(s from 2 for 3) */
		bool words = is_word(p, "from") || is_word(p, "for");
		rc = words ? advance(p) < 0 ? -CDCL_E_SQL : 1 : accept(p, ",");
		if (rc == 0)
			return expect(p, ")");
		if (rc > 0)
			rc = parse_argument(p, l);
	}
	return rc;
}

static int parse_filter(struct parser *p, struct sql_node *call)
{
	int rc = accept(p, "filter");
	if (rc <= 0)
		return rc;
	rc = expect(p, "(");
	if (rc == 0)
		rc = expect(p, "where");
	if (rc == 0)
		rc = parse_expression(p, &call->filter);
	return rc < 0 ? rc : expect(p, ")");
}

static int parse_nulls(struct parser *p, struct sql_node *call)
{
	if (!is_word(p, "ignore") && !is_word(p, "respect"))
		return 0;
	call->ignore_nulls = is_word(p, "ignore");
	int rc = advance(p);
	return rc < 0 ? rc : expect(p, "nulls");
}

/* The opening bracket has been read. */
static int parse_call(struct parser *p, struct str name, size_t at, struct sql_node **out)
{
	if (str_eq_fold(name, str_lit("cast")) || str_eq_fold(name, str_lit("try_cast")))
		return parse_cast(p, name.len == 8, at, out);
	struct sql_node *n = node_alloc(p, SQL_CALL, at);
	struct node_list l = {.count = 0};
	n->name = name;
	int rc = accept(p, "distinct");
	n->distinct = rc > 0;
	if (rc >= 0)
		rc = parse_arguments(p, n, &l);
	if (rc < 0)
		return rc;
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, l.count);
	if (l.count > 0)
		memcpy(n->args, l.items, l.count * sizeof(l.items[0]));
	n->arg_count = l.count;
	n->len = p->end - at;
	rc = parse_nulls(p, n);
	if (rc == 0)
		rc = parse_filter(p, n);
	*out = n;
	return rc < 0 ? rc : node_close(p, n);
}

/* ---- primaries ---- */

static int parse_word_literal(struct parser *p, struct sql_node **out)
{
	struct value v = {.is_null = false};
	size_t at = p->token.at;
	if (is_word(p, "null")) {
		*out = literal(p, value_null(type_of(TYPE_NULL)), str_lit("NULL"), at);
	} else {
		v.type = type_of(TYPE_BOOLEAN);
		v.as.boolean = is_word(p, "true");
		*out = literal(p, v, v.as.boolean ? str_lit("true") : str_lit("false"), at);
	}
	int rc = advance(p);
	return rc < 0 ? rc : node_close(p, *out);
}

static bool next_is_string(struct parser *p)
{
	struct sql_token t;
	size_t at = p->next;
	struct error ignored;
	error_init(&ignored);
	return sql_token_next(p->text, &at, &t, &ignored) == 0 && t.kind == SQL_TOKEN_STRING;
}

/* Words that cannot be a column without back-quotes; Spark reserves few, and so do we. */
static bool is_reserved(const struct parser *p)
{
	static const char *const words[] = {"and", "or", "not", "then", "when", "else", "as"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (is_word(p, words[i]))
			return true;
	return false;
}

static int parse_name(struct parser *p, struct sql_node **out)
{
	size_t at = p->token.at;
	bool quoted = p->token.kind == SQL_TOKEN_QUOTED_WORD;
	if (!quoted && is_reserved(p))
		return fail_token(p, "expected a value");
	struct str name = sql_token_unquote(p->token, p->arena);
	int rc = advance(p);
	if (rc == 0 && (rc = accept(p, "(")) > 0)
		return parse_call(p, name, at, out);
	if (rc < 0)
		return rc;
	if (!quoted
		&& (str_eq_fold(name, str_lit("current_timestamp"))
			|| str_eq_fold(name, str_lit("current_date"))))
		return node_call(
			p, name.len == 12 ? "current_date" : "current_timestamp", at, NULL, 0, out);
	*out = node_alloc(p, SQL_COLUMN, at);
	(*out)->name = name;
	return node_close(p, *out);
}

static int parse_word(struct parser *p, struct sql_node **out)
{
	if (is_word(p, "null") || is_word(p, "true") || is_word(p, "false"))
		return parse_word_literal(p, out);
	if (is_word(p, "case"))
		return parse_case(p, out);
	if (next_is_string(p)) {
		if (is_word(p, "date"))
			return parse_typed_string(p, TYPE_DATE, out);
		if (is_word(p, "timestamp"))
			return parse_typed_string(p, TYPE_TIMESTAMP, out);
		if (is_word(p, "x") && p->token.at + 1 == p->next && p->text.data[p->next] != ' ')
			return parse_hex(p, out);
	}
	return parse_name(p, out);
}

static int parse_bracket(struct parser *p, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = advance(p);
	if (rc == 0)
		rc = parse_expression(p, out);
	if (rc == 0)
		rc = expect(p, ")");
	if (rc < 0)
		return rc;
	(*out)->len = p->end - at;
	(*out)->at = at;
	return 0;
}

static int parse_atom(struct parser *p, struct sql_node **out)
{
	switch (p->token.kind) {
	case SQL_TOKEN_NUMBER: return parse_number(p, false, p->token.at, out);
	case SQL_TOKEN_STRING: return parse_string(p, out);
	case SQL_TOKEN_WORD: return parse_word(p, out);
	case SQL_TOKEN_QUOTED_WORD: return parse_name(p, out);
	case SQL_TOKEN_METADATA: {
		struct sql_node *n = node_alloc(p, SQL_METADATA, p->token.at);
		n->name = p->token.text;
		*out = n;
		int rc = advance(p);
		return rc < 0 ? rc : node_close(p, n);
	}
	case SQL_TOKEN_SYMBOL:
		if (is_symbol(p, "("))
			return parse_bracket(p, out);
		return fail_token(p, "expected a value");
	case SQL_TOKEN_END: break;
	}
	return fail_token(p, "expected a value");
}

static int parse_field(struct parser *p, struct sql_node **n)
{
	struct sql_node *field = node_alloc(p, SQL_FIELD, (*n)->at);
	if (p->token.kind != SQL_TOKEN_WORD && p->token.kind != SQL_TOKEN_QUOTED_WORD)
		return fail_token(p, "expected a field name");
	field->name = sql_token_unquote(p->token, p->arena);
	field->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	field->args[0] = *n;
	field->arg_count = 1;
	*n = field;
	int rc = advance(p);
	return rc < 0 ? rc : node_close(p, field);
}

static int parse_index(struct parser *p, struct sql_node **n)
{
	struct sql_node *index = node_alloc(p, SQL_INDEX, (*n)->at);
	index->args = ARENA_ARRAY(p->arena, struct sql_node *, 2);
	index->args[0] = *n;
	index->arg_count = 2;
	int rc = parse_expression(p, &index->args[1]);
	if (rc == 0)
		rc = expect(p, "]");
	*n = index;
	return rc < 0 ? rc : node_close(p, index);
}

static int parse_primary(struct parser *p, struct sql_node **out)
{
	int rc = parse_atom(p, out);
	while (rc == 0) {
		if ((rc = accept(p, ".")) != 0)
			rc = rc < 0 ? rc : parse_field(p, out);
		else if ((rc = accept(p, "[")) != 0)
			rc = rc < 0 ? rc : parse_index(p, out);
		else if ((rc = accept(p, "::")) != 0) {
			if (rc > 0)
				rc = cast_of(p, *out, (*out)->at, false, out);
			if (rc == 0)
				rc = node_close(p, *out);
		} else {
			return 0;
		}
	}
	return rc;
}

/* ---- operators ---- */

struct operator_row {
	const char *text;
	const char *name;
	unsigned level;
};

/* Lowest first; each level is left-associative. */
static const struct operator_row operators[] = {
	{"=", "=", 1},
	{"==", "=", 1},
	{"<>", "<>", 1},
	{"!=", "<>", 1},
	{"<", "<", 1},
	{"<=", "<=", 1},
	{">", ">", 1},
	{">=", ">=", 1},
	{"<=>", "<=>", 1},
	{"|", "|", 2},
	{"^", "^", 3},
	{"&", "&", 4},
	{"+", "+", 5},
	{"-", "-", 5},
	{"||", "||", 5},
	{"*", "*", 6},
	{"/", "/", 6},
	{"%", "%", 6},
	{"div", "div", 6},
};

enum { operator_level_unary = 7 };

static const struct operator_row *operator_at(const struct parser *p, unsigned level)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (operators[i].level == level
			&& (is_symbol(p, operators[i].text) || is_word(p, operators[i].text)))
			return &operators[i];
	return NULL;
}

static int parse_unary(struct parser *p, struct sql_node **out)
{
	const char *name = is_symbol(p, "-") ? "negative"
		: is_symbol(p, "+")	     ? "positive"
		: is_symbol(p, "~")	     ? "~"
					     : NULL;
	if (name == NULL)
		return parse_primary(p, out);
	size_t at = p->token.at;
	bool negative = is_symbol(p, "-");
	int rc = advance(p);
	if (rc < 0)
		return rc;
	if (negative && p->token.kind == SQL_TOKEN_NUMBER)
		return parse_number(p, true, at, out);
	if (++p->depth > sql_depth_max)
		return fail_at(
			p, at, 1, "the expression is nested too deeply (more than 200 levels)");
	struct sql_node *arg;
	rc = parse_unary(p, &arg);
	p->depth--;
	return rc < 0 ? rc : node_call(p, name, at, &arg, 1, out);
}

static int parse_value(struct parser *p, unsigned level, struct sql_node **out)
{
	if (level == operator_level_unary)
		return parse_unary(p, out);
	int rc = parse_value(p, level + 1, out);
	const struct operator_row *op;
	while (rc == 0 && (op = operator_at(p, level)) != NULL) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = advance(p);
		if (rc == 0)
			rc = parse_value(p, level + 1, &pair[1]);
		if (rc == 0)
			rc = node_call(p, op->name, pair[0]->at, pair, 2, out);
	}
	return rc;
}

static int parse_between(struct parser *p, struct sql_node **out)
{
	struct sql_node *args[3] = {*out, NULL, NULL};
	int rc = parse_value(p, 1, &args[1]);
	if (rc == 0)
		rc = expect(p, "and");
	if (rc == 0)
		rc = parse_value(p, 1, &args[2]);
	return rc < 0 ? rc : node_call(p, "between", args[0]->at, args, 3, out);
}

static int parse_in(struct parser *p, struct sql_node **out)
{
	struct node_list l = {.items = {*out}, .count = 1};
	size_t at = (*out)->at;
	int rc = expect(p, "(");
	do {
		if (rc >= 0)
			rc = parse_argument(p, &l);
	} while (rc == 0 && (rc = accept(p, ",")) > 0);
	if (rc == 0)
		rc = expect(p, ")");
	return rc < 0 ? rc : node_call(p, "in", at, l.items, l.count, out);
}

static int parse_like(struct parser *p, const char *name, struct sql_node **out)
{
	struct sql_node *args[3] = {*out, NULL, NULL};
	uint32_t count = 2;
	int rc = parse_value(p, 1, &args[1]);
	if (rc == 0 && (rc = accept(p, "escape")) > 0) {
		count = 3;
		if (p->token.kind != SQL_TOKEN_STRING)
			return fail_token(p, "expected the escape character in quotes");
		rc = parse_string(p, &args[2]);
	}
	return rc < 0 ? rc : node_call(p, name, args[0]->at, args, count, out);
}

static int parse_is(struct parser *p, struct sql_node **out)
{
	struct sql_node *arg = *out;
	int rc = accept(p, "not");
	if (rc < 0)
		return rc;
	bool negative = rc > 0;
	if ((rc = accept(p, "null")) > 0)
		return node_call(p, negative ? "isnotnull" : "isnull", arg->at, &arg, 1, out);
	if (rc == 0 && (rc = accept(p, "distinct")) > 0) {
		struct sql_node *pair[2] = {arg, NULL};
		rc = expect(p, "from");
		if (rc == 0)
			rc = parse_value(p, 1, &pair[1]);
		if (rc == 0)
			rc = node_call(p, "<=>", arg->at, pair, 2, out);
		return rc < 0 || negative ? rc : node_not(p, arg->at, out);
	}
	if (rc == 0 && (is_word(p, "true") || is_word(p, "false"))) {
		struct sql_node *pair[2] = {arg, NULL};
		rc = parse_word_literal(p, &pair[1]);
		if (rc == 0)
			rc = node_call(p, "<=>", arg->at, pair, 2, out);
		return rc < 0 || !negative ? rc : node_not(p, arg->at, out);
	}
	return rc < 0 ? rc : fail_token(p, "expected null, true, false or distinct from");
}

static int parse_predicate(struct parser *p, struct sql_node **out)
{
	int rc = parse_value(p, 1, out);
	if (rc < 0)
		return rc;
	size_t at = (*out)->at;
	if ((rc = accept(p, "is")) != 0)
		return rc < 0 ? rc : parse_is(p, out);
	rc = accept(p, "not");
	if (rc < 0)
		return rc;
	bool negative = rc > 0;
	if ((rc = accept(p, "between")) > 0)
		rc = parse_between(p, out);
	else if (rc == 0 && (rc = accept(p, "in")) > 0)
		rc = parse_in(p, out);
	else if (rc == 0 && (rc = accept(p, "like")) > 0)
		rc = parse_like(p, "like", out);
	else if (rc == 0 && (rc = accept(p, "ilike")) > 0)
		rc = parse_like(p, "ilike", out);
	else if (rc == 0
		&& ((rc = accept(p, "rlike")) > 0 || (rc == 0 && (rc = accept(p, "regexp")) > 0)))
		rc = parse_like(p, "rlike", out);
	else if (rc == 0 && negative)
		return fail_token(p, "expected in, between or like");
	return rc < 0 || !negative ? rc : node_not(p, at, out);
}

static int parse_not(struct parser *p, struct sql_node **out)
{
	if (!is_word(p, "not") && !is_symbol(p, "!"))
		return parse_predicate(p, out);
	size_t at = p->token.at;
	if (++p->depth > sql_depth_max)
		return fail_at(
			p, at, 1, "the expression is nested too deeply (more than 200 levels)");
	int rc = advance(p);
	if (rc == 0)
		rc = parse_not(p, out);
	p->depth--;
	return rc < 0 ? rc : node_not(p, at, out);
}

static int parse_and(struct parser *p, struct sql_node **out)
{
	int rc = parse_not(p, out);
	while (rc == 0 && (rc = accept(p, "and")) > 0) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = parse_not(p, &pair[1]);
		if (rc == 0)
			rc = node_call(p, "and", pair[0]->at, pair, 2, out);
	}
	return rc;
}

static int parse_expression(struct parser *p, struct sql_node **out)
{
	if (++p->depth > sql_depth_max)
		return fail_at(p, p->token.at, 1,
			"the expression is nested too deeply (more than 200 levels)");
	int rc = parse_and(p, out);
	while (rc == 0 && (rc = accept(p, "or")) > 0) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = parse_and(p, &pair[1]);
		if (rc == 0)
			rc = node_call(p, "or", pair[0]->at, pair, 2, out);
	}
	p->depth--;
	return rc;
}

/* ---- whole texts ---- */

/* The name after an expression, `as` or not; absent when there is none. */
static int parse_alias(struct parser *p, struct str *out)
{
	bool as = is_word(p, "as");
	int rc = as ? advance(p) : 0;
	if (rc < 0)
		return rc;
	if (p->token.kind != SQL_TOKEN_WORD && p->token.kind != SQL_TOKEN_QUOTED_WORD)
		return as ? fail_token(p, "expected a name after as") : 0;
	*out = sql_token_unquote(p->token, p->arena);
	return advance(p);
}

static int parse_named(struct parser *p, struct sql_expression *out)
{
	*out = (struct sql_expression){.text = p->text, .at = p->token.at};
	int rc = is_symbol(p, "*") ? parse_star(p, &out->node) : parse_expression(p, &out->node);
	if (rc == 0)
		rc = parse_alias(p, &out->alias);
	out->len = p->end > out->at ? p->end - out->at : 0;
	return rc;
}

static int parser_start(struct parser *p, struct str text, struct arena *arena, struct error *err)
{
	*p = (struct parser){.text = text, .arena = arena, .err = err};
	if (text.len > sql_text_bytes_max)
		return error_set(err, CDCL_E_SQL, "the expression has %zu bytes, more than %d",
			text.len, sql_text_bytes_max);
	return advance(p);
}

int sql_parse(struct str text, struct arena *arena, struct sql_expression *out, struct error *err)
{
	struct parser p;
	int rc = parser_start(&p, text, arena, err);
	if (rc == 0)
		rc = parse_named(&p, out);
	if (rc == 0 && p.token.kind != SQL_TOKEN_END)
		rc = fail_token(&p, "expected an operator or the end");
	return rc;
}

int sql_parse_list(struct str text, struct arena *arena, struct sql_expression **out,
	uint32_t *count, struct error *err)
{
	struct parser p;
	uint32_t capacity = 0;
	*count = 0;
	*out = NULL;
	int rc = parser_start(&p, text, arena, err);
	do {
		if (rc < 0)
			return rc;
		if (*count == capacity) {
			capacity = capacity == 0 ? 8 : capacity * 2;
			struct sql_expression *more =
				ARENA_ARRAY(arena, struct sql_expression, capacity);
			memcpy(more, *out == NULL ? more : *out, *count * sizeof(*more));
			*out = more;
		}
		rc = parse_named(&p, &(*out)[*count]);
		*count += 1;
	} while (rc == 0 && (rc = accept(&p, ",")) > 0 && (rc = 0) == 0);
	if (rc == 0 && p.token.kind != SQL_TOKEN_END)
		rc = fail_token(&p, "expected an operator, a comma or the end");
	return rc;
}
