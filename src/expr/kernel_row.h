#ifndef CDCL_KERNEL_ROW_H
#define CDCL_KERNEL_ROW_H

/*
 * For functions whose work is in each value, not in the loop (regular expressions, dates, digests):
 * a row function computes one active row into the slot of `out`. Strict functions only.
 */

#include "expr/kernels.h"

enum { ROW_NULL = -1 };

/* EXPR_FINE, a fault, or ROW_NULL. */
typedef int row_fn(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out);

void kernel_rows(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, row_fn *f);

static inline struct str row_str(const struct vector *v, uint32_t row)
{
	return ((const struct str *)v->column.data)[row];
}

static inline int32_t row_i32(const struct vector *v, uint32_t row)
{
	return ((const int32_t *)v->column.data)[row];
}

static inline int64_t row_i64(const struct vector *v, uint32_t row)
{
	return ((const int64_t *)v->column.data)[row];
}

static inline double row_f64(const struct vector *v, uint32_t row)
{
	return ((const double *)v->column.data)[row];
}

static inline void row_set_str(struct vector *out, uint32_t row, struct str s)
{
	((struct str *)out->column.data)[row] = s.data == NULL ? str_lit("") : s;
}

static inline void row_set_i32(struct vector *out, uint32_t row, int32_t i)
{
	((int32_t *)out->column.data)[row] = i;
}

static inline void row_set_i64(struct vector *out, uint32_t row, int64_t i)
{
	((int64_t *)out->column.data)[row] = i;
}

static inline void row_set_f64(struct vector *out, uint32_t row, double d)
{
	((double *)out->column.data)[row] = d;
}

static inline void row_set_bool(struct vector *out, uint32_t row, bool b)
{
	((uint8_t *)out->column.data)[row] = b;
}

/* Declares a kernel that is a row function: KERNEL_OF_ROWS(kernel_reverse, reverse_row). */
#define KERNEL_OF_ROWS(name, row)                                                                  \
	void name(const struct expr *e, const struct run *run, const struct vector *args,          \
		struct vector *out)                                                                \
	{                                                                                          \
		kernel_rows(e, run, args, out, row);                                               \
	}

#endif
