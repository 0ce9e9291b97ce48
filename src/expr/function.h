#ifndef CDCL_FUNCTION_H
#define CDCL_FUNCTION_H

/*
 * The one table of functions and operators (function.c): a row each, with the types it takes and
 * gives, its kernel and its doc line. docs/functions.md is printed from it.
 *
 * A row's `resolve` types a call: it casts the arguments as Spark's ANSI rules say, chooses the
 * kernel and gives the node. Most rows share a few of them (expr/resolve.h). To add a function:
 * write the kernel in a kernel_*.c, declare it in kernels.h, add the row.
 */

#include "expr/aggregate_plan.h"
#include "expr/expr_node.h"

struct checker;

enum function_flag {
	FN_OWN_NULLS = 1, /* the kernel decides about NULL and failed arguments */
	FN_CHANGES = 2, /* never folded at compile */
	FN_AGGREGATE = 4,
	FN_BINARY = 8, /* Spark prints (a + b) */
};

enum { function_params_max = 4, function_any_args = 255 };

struct function {
	const char *name;
	const char *usage; /* "substring(s, from [, length])" */
	const char *result; /* for the docs: "string" */
	const char *doc;
	int (*resolve)(struct checker *c, const struct sql_node *node, const struct function *f,
		struct expr **args, uint32_t count, struct expr **out);
	uint8_t args_min;
	uint8_t args_max;
	uint8_t flags;
	enum type_id params[function_params_max]; /* TYPE_NULL: as it comes */
	enum type_id gives;
	kernel_fn *kernel;
	kernel_fn *const *kernels; /* by physical layout of the first argument */
	const char *print; /* Spark's name for it, when it is not `name` */
	enum aggregate_function aggregate;
};

/* The row of a name, letter case ignored; NULL when there is none. */
const struct function *function_find(struct str name);

/* The nearest function name, or an absent str. */
struct str function_nearest(struct str name);

/* docs/functions.md, whole. */
void function_docs(struct strbuf *out);

#endif
