#ifndef CDCL_AGGREGATE_PLAN_H
#define CDCL_AGGREGATE_PLAN_H

/*
 * What a `group_by(...):agg(...)` computes. Each text may be any expression over aggregates and
 * keys ("sum(price * quantity) / count(*) as mean"): the aggregate calls in it are pulled out into
 * `calls`, and what remains becomes an expression over `inner`, whose columns are the keys and then
 * one column per call.
 *
 *	input row --keys, args, filters--> groups of accumulators --inner row--> outputs --> schema
 */

#include "expr/expr.h"

enum aggregate_function {
	AGG_COUNT_STAR, AGG_COUNT, AGG_SUM, AGG_TRY_SUM, AGG_AVG, AGG_MIN, AGG_MAX,
	AGG_FIRST, AGG_LAST, AGG_MIN_BY, AGG_MAX_BY, AGG_ANY_VALUE, AGG_BOOL_AND, AGG_BOOL_OR,
	AGG_COLLECT_LIST, AGG_COLLECT_SET,
	AGG_CUSTOM,                             /* cdcl.aggregate: a Lua function set */
	aggregate_function_count
};

struct custom_aggregate;                        /* expr/row_function.h */

struct aggregate_call {
	enum aggregate_function function;
	struct expr *arguments[2];              /* min_by and max_by have two */
	uint32_t argument_count;
	bool distinct;
	bool ignore_nulls;                      /* first(x, true) */
	struct expr *filter;                    /* boolean, or NULL */
	struct custom_aggregate *custom;
	struct type type;                       /* of the result */
	struct str text;                        /* "sum(quantity)", for messages */
};

struct aggregate_plan {
	struct expr **keys;
	uint32_t key_count;
	struct aggregate_call *calls;
	uint32_t call_count;
	const struct schema *inner;
	struct expr **outputs;                  /* keys first, then one per text */
	uint32_t output_count;
	const struct schema *schema;            /* of the outputs */
};

struct aggregate_source {                       /* one argument of agg() */
	struct str text;                        /* SQL, when custom is NULL */
	struct custom_aggregate *custom;
};

int aggregate_compile(const struct str *keys, uint32_t key_count,
	const struct aggregate_source *aggregates, uint32_t aggregate_count,
	const struct expr_scope *scope, struct arena *arena, struct aggregate_plan **out,
	struct error *err);

#endif
