/* Functions of doubles, bits, and tests of numbers. */

#include "expr/kernel_row.h"

#include "base/check.h"

#include <math.h>

#define MATH_KERNEL(name, expression)                                                              \
	void name(const struct expr *e, const struct run *run, const struct vector *args,          \
		struct vector *out)                                                                \
	{                                                                                          \
		const double *a = args[0].column.data;                                             \
		double *r = out->column.data;                                                      \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = expression;                                                         \
	}

MATH_KERNEL(kernel_sqrt, sqrt(a[i]))
/* glibc: cbrt(27) is 3.0000000000000004 */
MATH_KERNEL(kernel_cbrt, (double)cbrtl((long double)a[i]))
MATH_KERNEL(kernel_exp, exp(a[i]))
MATH_KERNEL(kernel_sin, sin(a[i]))
MATH_KERNEL(kernel_cos, cos(a[i]))
MATH_KERNEL(kernel_tan, tan(a[i]))
/* One product with Java's constants: two steps differ in the last digit. */
MATH_KERNEL(kernel_degrees, a[i] * 57.29577951308232)
MATH_KERNEL(kernel_radians, a[i] * 0.017453292519943295)
MATH_KERNEL(kernel_rint, rint(a[i]))
MATH_KERNEL(kernel_sign, a[i] > 0 ? 1.0 : a[i] < 0 ? -1.0 : a[i])

/* Spark: the logarithm of what is not above zero is NULL. */
static int logarithm(double x, double y, uint32_t row, struct vector *out)
{
	row_set_f64(out, row, y);
	return x <= 0 ? ROW_NULL : EXPR_FINE;
}

static int ln_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	double x = row_f64(&args[0], row);
	(void)e;
	(void)run;
	return logarithm(x, log(x), row, out);
}

static int log10_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	double x = row_f64(&args[0], row);
	(void)e;
	(void)run;
	return logarithm(x, log10(x), row, out);
}

static int log2_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	double x = row_f64(&args[0], row);
	(void)e;
	(void)run;
	return logarithm(x, log(x) / log(2.0), row, out);
}

/* log(base, x), log(x) */
static int log_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	double x = row_f64(&args[e->arg_count - 1], row), base = row_f64(&args[0], row);
	(void)run;
	if (e->arg_count == 1)
		return logarithm(x, log(x), row, out);
	if (base <= 0)
		return ROW_NULL;
	return logarithm(x, log(x) / log(base), row, out);
}

static int power_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	double x = row_f64(&args[0], row), y = row_f64(&args[1], row);
	(void)e;
	(void)run;
	/* Java: pow(1, NaN) and pow(-1, Infinity) are NaN; C says 1. */
	bool odd = y != y || (fabs(x) == 1.0 && isinf(y));
	row_set_f64(out, row, odd ? (double)NAN : pow(x, y));
	return EXPR_FINE;
}

static int atan2_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_f64(out, row, atan2(row_f64(&args[0], row) + 0.0, row_f64(&args[1], row) + 0.0));
	return EXPR_FINE;
}

/* NULL is no NaN. */
void kernel_is_nan(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		out->column.nulls[w] = 0;
		for (uint32_t i; next_row(&bits, w, &i);) {
			enum expr_fault fault = vector_fault(&args[0], i);
			double x = bit_get(args[0].column.nulls, i) ? 0 : row_f64(&args[0], i);
			row_set_bool(out, i, x != x);
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
}

/* ---- bits ---- */

#define BIT_KERNEL(name, type, op)                                                                 \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const type *a = args[0].column.data, *b = args[1].column.data;                     \
		type *r = out->column.data;                                                        \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = a[i] op b[i];                                                       \
	}

BIT_KERNEL(and_i32, int32_t, &)
BIT_KERNEL(and_i64, int64_t, &)
BIT_KERNEL(or_i32, int32_t, |)
BIT_KERNEL(or_i64, int64_t, |)
BIT_KERNEL(xor_i32, int32_t, ^)
BIT_KERNEL(xor_i64, int64_t, ^)

static void invert_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		row_set_i32(out, i, ~row_i32(&args[0], i));
}

static void invert_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		row_set_i64(out, i, ~row_i64(&args[0], i));
}

kernel_fn *const kernels_bit_and[phys_count] = {[PHYS_I32] = and_i32, [PHYS_I64] = and_i64};
kernel_fn *const kernels_bit_or[phys_count] = {[PHYS_I32] = or_i32, [PHYS_I64] = or_i64};
kernel_fn *const kernels_bit_xor[phys_count] = {[PHYS_I32] = xor_i32, [PHYS_I64] = xor_i64};
kernel_fn *const kernels_bit_not[phys_count] = {[PHYS_I32] = invert_i32, [PHYS_I64] = invert_i64};

KERNEL_OF_ROWS(kernel_ln, ln_row)
KERNEL_OF_ROWS(kernel_log10, log10_row)
KERNEL_OF_ROWS(kernel_log2, log2_row)
KERNEL_OF_ROWS(kernel_log, log_row)
KERNEL_OF_ROWS(kernel_power, power_row)
KERNEL_OF_ROWS(kernel_atan2, atan2_row)
