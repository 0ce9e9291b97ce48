#include "expr/sql_parse.h"

#include "base/bounds.h"
#include "base/check.h"
#include "decode/ddl.h"
#include "expr/sql_literal.h"

#include <stdio.h>

static int parse_expression(struct sql_cursor *p, struct sql_node **out);
static int parse_value(struct sql_cursor *p, unsigned level, struct sql_node **out);

/* ---- cast, case, calls ---- */

/* A type is handed to decode/ddl as its text: up to the bracket or word that ends it. */
static int parse_type(struct sql_cursor *p, struct type *out)
{
	size_t at = p->token.at;
	if (p->token.kind != SQL_TOKEN_WORD)
		return sql_cursor_fail(p, "expected a type");
	int rc = sql_cursor_advance(p);
	if (rc == 0 && (sql_cursor_is_symbol(p, "(") || sql_cursor_is_symbol(p, "<"))) {
		int open = 0;
		do {
			open += sql_cursor_is_symbol(p, "(") || sql_cursor_is_symbol(p, "<");
			open -= sql_cursor_is_symbol(p, ")") || sql_cursor_is_symbol(p, ">");
			rc = sql_cursor_advance(p);
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
	struct sql_cursor *p, struct sql_node *arg, size_t at, bool try_cast, struct sql_node **out)
{
	struct sql_node *n = sql_node_open(p, SQL_CAST, at);
	n->try_cast = try_cast;
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	n->args[0] = arg;
	n->arg_count = 1;
	*out = n;
	return parse_type(p, &n->type);
}

static int parse_cast(struct sql_cursor *p, bool try_cast, size_t at, struct sql_node **out)
{
	struct sql_node *arg;
	int rc = parse_expression(p, &arg);
	if (rc == 0)
		rc = sql_cursor_expect(p, "as");
	if (rc == 0)
		rc = cast_of(p, arg, at, try_cast, out);
	if (rc == 0)
		rc = sql_cursor_expect(p, ")");
	return rc < 0 ? rc : sql_node_close(p, *out);
}

/* case x when a then b ...: x is compared with each. */
static int parse_when(struct sql_cursor *p, struct sql_node *subject, struct sql_node_list *l)
{
	struct sql_node *when, *then;
	int rc = parse_expression(p, &when);
	if (rc == 0 && subject != NULL) {
		struct sql_node *pair[2] = {subject, when};
		rc = sql_node_call(p, "=", when->at, pair, 2, &when);
	}
	if (rc == 0)
		rc = sql_cursor_expect(p, "then");
	if (rc == 0)
		rc = parse_expression(p, &then);
	if (rc == 0)
		rc = sql_node_list_add(p, l, when);
	return rc < 0 ? rc : sql_node_list_add(p, l, then);
}

static int parse_case(struct sql_cursor *p, struct sql_node **out)
{
	size_t at = p->token.at;
	struct sql_node_list l = {.count = 0};
	struct sql_node *subject = NULL;
	int rc = sql_cursor_advance(p);
	if (rc == 0 && !sql_cursor_is_word(p, "when"))
		rc = parse_expression(p, &subject);
	if (rc == 0 && !sql_cursor_is_word(p, "when"))
		return sql_cursor_fail(p, "expected when");
	while (rc == 0 && (rc = sql_cursor_accept(p, "when")) > 0)
		rc = parse_when(p, subject, &l);
	if (rc == 0 && (rc = sql_cursor_accept(p, "else")) > 0) {
		struct sql_node *otherwise;
		rc = parse_expression(p, &otherwise);
		if (rc == 0)
			rc = sql_node_list_add(p, &l, otherwise);
	}
	if (rc == 0)
		rc = sql_cursor_expect(p, "end");
	return rc < 0 ? rc : sql_node_call(p, "case", at, l.items, l.count, out);
}

/* trim(both 'x' from s), trim('x' from s): the arguments of btrim, ltrim or rtrim. */
static int parse_trim(struct sql_cursor *p, struct sql_node_list *l, struct sql_node *call)
{
	const char *name = sql_cursor_is_word(p, "leading") ? "ltrim"
		: sql_cursor_is_word(p, "trailing")	 ? "rtrim"
						 : "trim";
	bool sided = sql_cursor_is_word(p, "leading") || sql_cursor_is_word(p, "trailing") ||
		sql_cursor_is_word(p, "both");
	int rc = sided ? sql_cursor_advance(p) : 0;
	struct sql_node *first = NULL, *s;
	if (rc == 0 && !sql_cursor_is_word(p, "from"))
		rc = parse_expression(p, &first);
	if (rc == 0 && (rc = sql_cursor_accept(p, "from")) > 0) {
		rc = parse_expression(p, &s);
		call->name = str_c(name);
		if (rc == 0 && first != NULL)
			call->literal_text = str_lit("from"); /* printed as TRIM(BOTH x FROM s) */
		if (rc == 0)
			rc = sql_node_list_add(p, l, s);
	}
	return rc < 0 || first == NULL ? rc : sql_node_list_add(p, l, first);
}

static int parse_star(struct sql_cursor *p, struct sql_node **out)
{
	*out = sql_node_open(p, SQL_STAR, p->token.at);
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_node_close(p, *out);
}

static int parse_argument(struct sql_cursor *p, struct sql_node_list *l)
{
	struct sql_node *arg;
	int rc = sql_cursor_is_symbol(p, "*") ? parse_star(p, &arg) : parse_expression(p, &arg);
	return rc < 0 ? rc : sql_node_list_add(p, l, arg);
}

/*
 * position(a in b): `in` is a comma here, so `a` ends before it. To Spark, words make it another
 * function, by name too: locate.
 */
static int parse_position(struct sql_cursor *p, struct sql_node_list *l, struct sql_node *call)
{
	struct sql_node *part;
	int rc = parse_value(p, 1, &part);
	if (rc == 0)
		rc = sql_node_list_add(p, l, part);
	if (rc == 0 && (rc = sql_cursor_accept(p, "in")) > 0) {
		call->name = str_lit("locate");
		rc = parse_argument(p, l);
	}
	return rc;
}

static int parse_arguments(struct sql_cursor *p, struct sql_node *call, struct sql_node_list *l)
{
	int rc = 0;
	if (str_eq_fold(call->name, str_lit("trim")))
		rc = parse_trim(p, l, call);
	else if (str_eq_fold(call->name, str_lit("position")))
		rc = parse_position(p, l, call);
	else if (!sql_cursor_is_symbol(p, ")"))
		rc = parse_argument(p, l);
	while (rc == 0) {
		/* substring(s from 2 for 3) */
		bool words = sql_cursor_is_word(p, "from") || sql_cursor_is_word(p, "for");
		if (words && str_eq_fold(call->name, str_lit("substr")))
			call->name = str_lit("substring");
		rc = !words			 ? sql_cursor_accept(p, ",")
			: sql_cursor_advance(p) < 0 ? -CDCL_E_SQL
						 : 1;
		if (rc == 0)
			return sql_cursor_expect(p, ")");
		if (rc > 0)
			rc = parse_argument(p, l);
	}
	return rc;
}

static int parse_filter(struct sql_cursor *p, struct sql_node *call)
{
	int rc = sql_cursor_accept(p, "filter");
	if (rc <= 0)
		return rc;
	rc = sql_cursor_expect(p, "(");
	if (rc == 0)
		rc = sql_cursor_expect(p, "where");
	if (rc == 0)
		rc = parse_expression(p, &call->filter);
	return rc < 0 ? rc : sql_cursor_expect(p, ")");
}

static int parse_nulls(struct sql_cursor *p, struct sql_node *call)
{
	if (!sql_cursor_is_word(p, "ignore") && !sql_cursor_is_word(p, "respect"))
		return 0;
	call->ignore_nulls = sql_cursor_is_word(p, "ignore");
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_cursor_expect(p, "nulls");
}

/* int(a), string(a), ...: casts that look like calls. */
static bool is_cast_call(struct str name, struct type *type)
{
	static const struct {
		const char *name;
		enum type_id id;
	} casts[] = {{"boolean", TYPE_BOOLEAN}, {"tinyint", TYPE_TINYINT},
		{"smallint", TYPE_SMALLINT}, {"int", TYPE_INT}, {"bigint", TYPE_BIGINT},
		{"float", TYPE_FLOAT}, {"double", TYPE_DOUBLE}, {"decimal", TYPE_DECIMAL},
		{"date", TYPE_DATE}, {"timestamp", TYPE_TIMESTAMP}, {"binary", TYPE_BINARY},
		{"string", TYPE_STRING}};
	for (size_t i = 0; i < ARRAY_LEN(casts); i++) {
		if (!str_eq_fold(name, str_c(casts[i].name)))
			continue;
		*type = casts[i].id == TYPE_DECIMAL ? type_decimal(10, 0) : type_of(casts[i].id);
		return true;
	}
	return false;
}

/* The opening bracket has been read. */
static int parse_call(struct sql_cursor *p, struct str name, size_t at, struct sql_node **out)
{
	if (str_eq_fold(name, str_lit("cast")) || str_eq_fold(name, str_lit("try_cast")))
		return parse_cast(p, name.len == 8, at, out);
	struct sql_node *n = sql_node_open(p, SQL_CALL, at);
	struct sql_node_list l = {.count = 0};
	n->name = name;
	int rc = sql_cursor_accept(p, "distinct");
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
	*out = n;
	if (l.count == 1 && !n->distinct && is_cast_call(name, &n->type)) {
		n->kind = SQL_CAST;
		return sql_node_close(p, n);
	}
	rc = parse_nulls(p, n);
	if (rc == 0)
		rc = parse_filter(p, n);
	return rc < 0 ? rc : sql_node_close(p, n);
}

/* ---- primaries ---- */

static bool next_is_string(struct sql_cursor *p)
{
	struct sql_token t;
	size_t at = p->next;
	struct error ignored;
	error_init(&ignored);
	return sql_token_next(p->text, &at, &t, &ignored) == 0 && t.kind == SQL_TOKEN_STRING;
}

/* Words that cannot be a column without back-quotes; Spark reserves few, and so do we. */
static bool is_reserved(const struct sql_cursor *p)
{
	static const char *const words[] = {"and", "or", "not", "then", "when", "else", "as"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (sql_cursor_is_word(p, words[i]))
			return true;
	return false;
}

static int parse_name(struct sql_cursor *p, struct sql_node **out)
{
	size_t at = p->token.at;
	bool quoted = p->token.kind == SQL_TOKEN_QUOTED_WORD;
	if (!quoted && is_reserved(p))
		return sql_cursor_fail(p, "expected a value");
	struct str name = sql_token_unquote(p->token, p->arena);
	int rc = sql_cursor_advance(p);
	if (rc == 0 && (rc = sql_cursor_accept(p, "(")) > 0)
		return parse_call(p, name, at, out);
	if (rc < 0)
		return rc;
	if (!quoted
		&& (str_eq_fold(name, str_lit("current_timestamp"))
			|| str_eq_fold(name, str_lit("current_date"))))
		return sql_node_call(
			p, name.len == 12 ? "current_date" : "current_timestamp", at, NULL, 0, out);
	*out = sql_node_open(p, SQL_COLUMN, at);
	(*out)->name = name;
	return sql_node_close(p, *out);
}

static int parse_word(struct sql_cursor *p, struct sql_node **out)
{
	if (sql_cursor_is_word(p, "null") || sql_cursor_is_word(p, "true") ||
		sql_cursor_is_word(p, "false"))
		return sql_literal_word(p, out);
	if (sql_cursor_is_word(p, "case"))
		return parse_case(p, out);
	if (next_is_string(p)) {
		if (sql_cursor_is_word(p, "date"))
			return sql_literal_typed(p, TYPE_DATE, out);
		if (sql_cursor_is_word(p, "timestamp"))
			return sql_literal_typed(p, TYPE_TIMESTAMP, out);
		if (sql_cursor_is_word(p, "x") && p->token.at + 1 == p->next &&
		p->text.data[p->next] != ' ')
			return sql_literal_hex(p, out);
	}
	return parse_name(p, out);
}

static int parse_bracket(struct sql_cursor *p, struct sql_node **out)
{
	size_t at = p->token.at;
	int rc = sql_cursor_advance(p);
	if (rc == 0)
		rc = parse_expression(p, out);
	if (rc == 0)
		rc = sql_cursor_expect(p, ")");
	if (rc < 0)
		return rc;
	(*out)->len = p->end - at;
	(*out)->at = at;
	return 0;
}

static int parse_atom(struct sql_cursor *p, struct sql_node **out)
{
	switch (p->token.kind) {
	case SQL_TOKEN_NUMBER: return sql_literal_number(p, false, p->token.at, out);
	case SQL_TOKEN_STRING: return sql_literal_string(p, out);
	case SQL_TOKEN_WORD: return parse_word(p, out);
	case SQL_TOKEN_QUOTED_WORD: return parse_name(p, out);
	case SQL_TOKEN_METADATA: {
		struct sql_node *n = sql_node_open(p, SQL_METADATA, p->token.at);
		n->name = p->token.text;
		*out = n;
		int rc = sql_cursor_advance(p);
		return rc < 0 ? rc : sql_node_close(p, n);
	}
	case SQL_TOKEN_SYMBOL:
		if (sql_cursor_is_symbol(p, "("))
			return parse_bracket(p, out);
		return sql_cursor_fail(p, "expected a value");
	case SQL_TOKEN_END: break;
	}
	return sql_cursor_fail(p, "expected a value");
}

static int parse_field(struct sql_cursor *p, struct sql_node **n)
{
	struct sql_node *field = sql_node_open(p, SQL_FIELD, (*n)->at);
	if (p->token.kind != SQL_TOKEN_WORD && p->token.kind != SQL_TOKEN_QUOTED_WORD)
		return sql_cursor_fail(p, "expected a field name");
	field->name = sql_token_unquote(p->token, p->arena);
	field->args = ARENA_ARRAY(p->arena, struct sql_node *, 1);
	field->args[0] = *n;
	field->arg_count = 1;
	*n = field;
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : sql_node_close(p, field);
}

static int parse_index(struct sql_cursor *p, struct sql_node **n)
{
	struct sql_node *index = sql_node_open(p, SQL_INDEX, (*n)->at);
	index->args = ARENA_ARRAY(p->arena, struct sql_node *, 2);
	index->args[0] = *n;
	index->arg_count = 2;
	int rc = parse_expression(p, &index->args[1]);
	if (rc == 0)
		rc = sql_cursor_expect(p, "]");
	*n = index;
	return rc < 0 ? rc : sql_node_close(p, index);
}

static int parse_primary(struct sql_cursor *p, struct sql_node **out)
{
	int rc = parse_atom(p, out);
	while (rc == 0) {
		if ((rc = sql_cursor_accept(p, ".")) != 0)
			rc = rc < 0 ? rc : parse_field(p, out);
		else if ((rc = sql_cursor_accept(p, "[")) != 0)
			rc = rc < 0 ? rc : parse_index(p, out);
		else if ((rc = sql_cursor_accept(p, "::")) != 0) {
			if (rc > 0)
				rc = cast_of(p, *out, (*out)->at, false, out);
			if (rc == 0)
				rc = sql_node_close(p, *out);
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

static const struct operator_row *operator_at(const struct sql_cursor *p, unsigned level)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (operators[i].level == level
			&& (sql_cursor_is_symbol(p, operators[i].text) ||
				sql_cursor_is_word(p, operators[i].text)))
			return &operators[i];
	return NULL;
}

static int parse_unary(struct sql_cursor *p, struct sql_node **out)
{
	const char *name = sql_cursor_is_symbol(p, "-") ? "negative"
		: sql_cursor_is_symbol(p, "+")	     ? "positive"
		: sql_cursor_is_symbol(p, "~")	     ? "~"
					     : NULL;
	if (name == NULL)
		return parse_primary(p, out);
	size_t at = p->token.at;
	bool negative = sql_cursor_is_symbol(p, "-");
	int rc = sql_cursor_advance(p);
	if (rc < 0)
		return rc;
	if (negative && p->token.kind == SQL_TOKEN_NUMBER)
		return sql_literal_number(p, true, at, out);
	if (++p->depth > sql_depth_max)
		return sql_cursor_fail_at(
			p, at, 1, "the expression is nested too deeply (more than 200 levels)");
	struct sql_node *arg;
	rc = parse_unary(p, &arg);
	p->depth--;
	return rc < 0 ? rc : sql_node_call(p, name, at, &arg, 1, out);
}

static int parse_value(struct sql_cursor *p, unsigned level, struct sql_node **out)
{
	if (level == operator_level_unary)
		return parse_unary(p, out);
	int rc = parse_value(p, level + 1, out);
	const struct operator_row *op;
	while (rc == 0 && (op = operator_at(p, level)) != NULL) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = sql_cursor_advance(p);
		if (rc == 0)
			rc = parse_value(p, level + 1, &pair[1]);
		if (rc == 0)
			rc = sql_node_call(p, op->name, pair[0]->at, pair, 2, out);
	}
	return rc;
}

static int parse_between(struct sql_cursor *p, struct sql_node **out)
{
	struct sql_node *args[3] = {*out, NULL, NULL};
	int rc = parse_value(p, 1, &args[1]);
	if (rc == 0)
		rc = sql_cursor_expect(p, "and");
	if (rc == 0)
		rc = parse_value(p, 1, &args[2]);
	return rc < 0 ? rc : sql_node_call(p, "between", args[0]->at, args, 3, out);
}

static int parse_in(struct sql_cursor *p, struct sql_node **out)
{
	struct sql_node_list l = {.items = {*out}, .count = 1};
	size_t at = (*out)->at;
	int rc = sql_cursor_expect(p, "(");
	do {
		if (rc >= 0)
			rc = parse_argument(p, &l);
	} while (rc == 0 && (rc = sql_cursor_accept(p, ",")) > 0);
	if (rc == 0)
		rc = sql_cursor_expect(p, ")");
	return rc < 0 ? rc : sql_node_call(p, "in", at, l.items, l.count, out);
}

static int parse_like(struct sql_cursor *p, const char *name, struct sql_node **out)
{
	struct sql_node *args[3] = {*out, NULL, NULL};
	uint32_t count = 2;
	int rc = parse_value(p, 1, &args[1]);
	if (rc == 0 && (rc = sql_cursor_accept(p, "escape")) > 0) {
		count = 3;
		if (p->token.kind != SQL_TOKEN_STRING)
			return sql_cursor_fail(p, "expected the escape character in quotes");
		rc = sql_literal_string(p, &args[2]);
	}
	return rc < 0 ? rc : sql_node_call(p, name, args[0]->at, args, count, out);
}

static int parse_is(struct sql_cursor *p, struct sql_node **out)
{
	struct sql_node *arg = *out;
	int rc = sql_cursor_accept(p, "not");
	if (rc < 0)
		return rc;
	bool negative = rc > 0;
	if ((rc = sql_cursor_accept(p, "null")) > 0)
		return sql_node_call(p, negative ? "isnotnull" : "isnull", arg->at, &arg, 1, out);
	if (rc == 0 && (rc = sql_cursor_accept(p, "distinct")) > 0) {
		struct sql_node *pair[2] = {arg, NULL};
		rc = sql_cursor_expect(p, "from");
		if (rc == 0)
			rc = parse_value(p, 1, &pair[1]);
		if (rc == 0)
			rc = sql_node_call(p, "<=>", arg->at, pair, 2, out);
		return rc < 0 || negative ? rc : sql_node_not(p, arg->at, out);
	}
	if (rc == 0 && (sql_cursor_is_word(p, "true") || sql_cursor_is_word(p, "false"))) {
		struct sql_node *pair[2] = {arg, NULL};
		rc = sql_literal_word(p, &pair[1]);
		if (rc == 0)
			rc = sql_node_call(p, "<=>", arg->at, pair, 2, out);
		return rc < 0 || !negative ? rc : sql_node_not(p, arg->at, out);
	}
	return rc < 0 ? rc : sql_cursor_fail(p, "expected null, true, false or distinct from");
}

static int parse_predicate(struct sql_cursor *p, struct sql_node **out)
{
	int rc = parse_value(p, 1, out);
	if (rc < 0)
		return rc;
	size_t at = (*out)->at;
	if ((rc = sql_cursor_accept(p, "is")) != 0)
		return rc < 0 ? rc : parse_is(p, out);
	rc = sql_cursor_accept(p, "not");
	if (rc < 0)
		return rc;
	bool negative = rc > 0;
	if ((rc = sql_cursor_accept(p, "between")) > 0)
		rc = parse_between(p, out);
	else if (rc == 0 && (rc = sql_cursor_accept(p, "in")) > 0)
		rc = parse_in(p, out);
	else if (rc == 0 && (rc = sql_cursor_accept(p, "like")) > 0)
		rc = parse_like(p, "like", out);
	else if (rc == 0 && (rc = sql_cursor_accept(p, "ilike")) > 0)
		rc = parse_like(p, "ilike", out);
	else if (rc == 0
		&& ((rc = sql_cursor_accept(p, "rlike")) > 0 ||
			(rc == 0 && (rc = sql_cursor_accept(p, "regexp")) > 0)))
		rc = parse_like(p, "rlike", out);
	else if (rc == 0 && negative)
		return sql_cursor_fail(p, "expected in, between or like");
	return rc < 0 || !negative ? rc : sql_node_not(p, at, out);
}

static int parse_not(struct sql_cursor *p, struct sql_node **out)
{
	if (!sql_cursor_is_word(p, "not") && !sql_cursor_is_symbol(p, "!"))
		return parse_predicate(p, out);
	size_t at = p->token.at;
	if (++p->depth > sql_depth_max)
		return sql_cursor_fail_at(
			p, at, 1, "the expression is nested too deeply (more than 200 levels)");
	int rc = sql_cursor_advance(p);
	if (rc == 0)
		rc = parse_not(p, out);
	p->depth--;
	return rc < 0 ? rc : sql_node_not(p, at, out);
}

static int parse_and(struct sql_cursor *p, struct sql_node **out)
{
	int rc = parse_not(p, out);
	while (rc == 0 && (rc = sql_cursor_accept(p, "and")) > 0) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = parse_not(p, &pair[1]);
		if (rc == 0)
			rc = sql_node_call(p, "and", pair[0]->at, pair, 2, out);
	}
	return rc;
}

static int parse_expression(struct sql_cursor *p, struct sql_node **out)
{
	if (++p->depth > sql_depth_max)
		return sql_cursor_fail_at(p, p->token.at, 1,
			"the expression is nested too deeply (more than 200 levels)");
	int rc = parse_and(p, out);
	while (rc == 0 && (rc = sql_cursor_accept(p, "or")) > 0) {
		struct sql_node *pair[2] = {*out, NULL};
		rc = parse_and(p, &pair[1]);
		if (rc == 0)
			rc = sql_node_call(p, "or", pair[0]->at, pair, 2, out);
	}
	p->depth--;
	return rc;
}

/* ---- whole texts ---- */

/* The name after an expression, `as` or not; absent when there is none. */
static int parse_alias(struct sql_cursor *p, struct str *out)
{
	bool as = sql_cursor_is_word(p, "as");
	int rc = as ? sql_cursor_advance(p) : 0;
	if (rc < 0)
		return rc;
	if (p->token.kind != SQL_TOKEN_WORD && p->token.kind != SQL_TOKEN_QUOTED_WORD)
		return as ? sql_cursor_fail(p, "expected a name after as") : 0;
	*out = sql_token_unquote(p->token, p->arena);
	return sql_cursor_advance(p);
}

static int parse_named(struct sql_cursor *p, struct sql_expression *out)
{
	*out = (struct sql_expression){.text = p->text, .at = p->token.at};
	int rc = sql_cursor_is_symbol(p, "*") ? parse_star(p, &out->node)
					      : parse_expression(p, &out->node);
	if (rc == 0)
		rc = parse_alias(p, &out->alias);
	out->len = p->end > out->at ? p->end - out->at : 0;
	return rc;
}

int sql_parse(struct str text, struct arena *arena, struct sql_expression *out, struct error *err)
{
	struct sql_cursor p;
	int rc = sql_cursor_start(&p, text, arena, err);
	if (rc == 0)
		rc = parse_named(&p, out);
	if (rc == 0 && p.token.kind != SQL_TOKEN_END)
		rc = sql_cursor_fail(&p, "expected an operator or the end");
	return rc;
}

int sql_parse_list(struct str text, struct arena *arena, struct sql_expression **out,
	uint32_t *count, struct error *err)
{
	struct sql_cursor p;
	uint32_t capacity = 0;
	*count = 0;
	*out = NULL;
	int rc = sql_cursor_start(&p, text, arena, err);
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
	} while (rc == 0 && (rc = sql_cursor_accept(&p, ",")) > 0 && (rc = 0) == 0);
	if (rc == 0 && p.token.kind != SQL_TOKEN_END)
		rc = sql_cursor_fail(&p, "expected an operator, a comma or the end");
	return rc;
}
