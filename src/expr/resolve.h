#ifndef CDCL_RESOLVE_H
#define CDCL_RESOLVE_H

/*
 * Typing of calls: what Spark's ANSI type coercion says for each kind of function. Used by the
 * rows of the function table and by expr_check.c.
 */

#include "expr/function.h"

struct checker {
	const struct expr_scope *scope;
	const struct schema
		*inner; /* aggregate outputs: what sql_node.inner counts in; else NULL */
	struct str text;
	struct arena *arena;
	struct error *err;
};

/* An error with the caret under `node`. Returns negative. */
int checker_fail(struct checker *c, const struct sql_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A node with kernel and type; folded to a literal when all arguments are literals and nothing
 * fails.
 */
struct expr *checker_call(struct checker *c, const struct sql_node *node, kernel_fn *kernel,
	unsigned flags, struct type type, struct expr **args, uint32_t count);

/* The same with what the kernel needs of its constant arguments. */
struct expr *checker_prepared(struct checker *c, const struct sql_node *node, kernel_fn *kernel,
	unsigned flags, struct type type, struct expr **args, uint32_t count, const void *prepared);

struct expr *checker_literal(struct checker *c, const struct sql_node *node, const struct value *v);

/* `arg` as `to`; itself when it has that type. Negative when Spark does not cast so by itself. */
int checker_cast(struct checker *c, const struct sql_node *node, struct expr *arg, struct type to,
	struct expr **out);

/* The same where cast_allowed has said yes. */
struct expr *checker_explicit_cast(
	struct checker *c, const struct sql_node *node, struct expr *arg, struct type to);

/* Makes a node whose arguments are all literals one itself, unless it fails. */
void checker_fold(struct checker *c, struct expr *e);

/*
 * The type that two become when they meet (comparison, coalesce, case, arithmetic on other than
 * decimals).
 */
bool resolve_common(struct type a, struct type b, struct type *out);

/* Casts all to their common type. */
int resolve_unify(struct checker *c, const struct sql_node *node, struct expr **args,
	uint32_t first, uint32_t count, uint32_t step, struct type *out);

typedef int resolve_fn(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out);

resolve_fn resolve_fixed; /* params -> gives */
resolve_fn resolve_add; /* + and - */
resolve_fn resolve_multiply;
resolve_fn resolve_divide;
resolve_fn resolve_remainder; /* % and pmod */
resolve_fn resolve_div;
resolve_fn resolve_sign; /* unary minus, plus, abs: the type stays */
resolve_fn resolve_compare;
resolve_fn resolve_between;
resolve_fn resolve_in;
resolve_fn resolve_null_test;
resolve_fn resolve_coalesce;
resolve_fn resolve_nullif;
resolve_fn resolve_nvl2;
resolve_fn resolve_case;
resolve_fn resolve_if;
resolve_fn resolve_extreme; /* greatest, least */
resolve_fn resolve_concat;
resolve_fn resolve_round;
resolve_fn resolve_floor; /* floor and ceil */
resolve_fn resolve_like;
resolve_fn resolve_rlike;
resolve_fn resolve_trim;
resolve_fn resolve_substring;
resolve_fn resolve_length;
resolve_fn resolve_now;
resolve_fn resolve_bits; /* & | ^ ~ */
resolve_fn resolve_any; /* arguments as they come */
resolve_fn resolve_first_type; /* params, gives the type of the first argument */
resolve_fn resolve_try; /* the function after try_, NULL where it fails */
resolve_fn resolve_hex;
resolve_fn resolve_typeof;
resolve_fn resolve_zero; /* nullifzero, zeroifnull */
resolve_fn resolve_concat_ws;
resolve_fn resolve_cast_to; /* date(x), to_date(x): a cast to what it gives */
resolve_fn resolve_pattern; /* dates and times by a pattern */
resolve_fn resolve_to_time;
resolve_fn resolve_seconds;
resolve_fn resolve_unix_timestamp;
resolve_fn resolve_regex;
resolve_fn resolve_array;
resolve_fn resolve_format;
resolve_fn resolve_json_object;

#endif
