#ifndef CDCL_CAST_H
#define CDCL_CAST_H

/*
 * cast(x as type) between all types, as Spark's ANSI mode does it: what does not fit is a fault
 * (try_cast: NULL), never another value. Numbers have loops of their own; everything else goes
 * value by value through data/value.h's text forms.
 */

#include "expr/expr_node.h"

/* Spark allows this cast (explicitly written). */
bool cast_allowed(struct type from, struct type to);

/* Spark does it by itself where a type is wanted. */
bool cast_implicit(struct type from, struct type to);

kernel_fn *cast_kernel(struct type from, struct type to);

/* One value; strings of the result live in `arena` or in the input. */
enum expr_fault cast_value(const struct value *in, struct type to, const struct timezone *tz,
	int64_t now_us, struct arena *arena, struct value *out);

#endif
