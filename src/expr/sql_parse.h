#ifndef CDCL_SQL_PARSE_H
#define CDCL_SQL_PARSE_H

/*
 * Tokens to a tree, with Spark's grammar and precedence. The tree says what was written and knows
 * no types. Operators are calls like any other (`a + b` is "+"(a, b)), so that one table of
 * functions serves both; `x between a and b` is "between"(x, a, b), `not in` is "not"("in"(...)),
 * and `case when c then v else e end` is "case"(c, v, e).
 *
 * Nodes carry the bytes of the text they came from, for carets. sql_name prints what Spark calls an
 * unnamed expression ("(quantity + 1)").
 */

#include "expr/sql_token.h"
#include "data/value.h"

enum sql_kind {
	SQL_LITERAL,
	SQL_COLUMN, /* name */
	SQL_METADATA, /* @name */
	SQL_STAR,
	SQL_CALL, /* name, args */
	SQL_CAST, /* args[0], type */
	SQL_FIELD, /* args[0].name */
	SQL_INDEX /* args[0][args[1]] */
};

struct sql_node {
	enum sql_kind kind;
	struct str name;
	struct value literal;
	struct str literal_text; /* as Spark prints it */
	struct type type; /* SQL_CAST */
	bool try_cast;
	bool distinct; /* count(distinct x) */
	bool ignore_nulls;
	struct sql_node *filter; /* filter (where ...) */
	struct sql_node **args;
	uint32_t arg_count;
	uint32_t depth;
	int32_t inner; /* column of an aggregate's inner row that holds it, or -1 */
	size_t at;
	size_t len;
};

struct sql_expression {
	struct sql_node *node;
	size_t at; /* where it and its name are in the text */
	size_t len;
	struct str alias; /* absent when none was given */
	struct str text; /* the whole text it was read from: carets count in it */
};

/* One expression with an optional name; nothing may follow. */
int sql_parse(struct str text, struct arena *arena, struct sql_expression *out, struct error *err);

/* "a, b + 1 as c": an array in `arena`. */
int sql_parse_list(struct str text, struct arena *arena, struct sql_expression **out,
	uint32_t *count, struct error *err);

/* The name that Spark gives to it; `*` of count(*) is 1. */
void sql_name(const struct sql_node *n, struct strbuf *out);

/* The same expression, names folded. */
bool sql_equal(const struct sql_node *a, const struct sql_node *b);

#endif
