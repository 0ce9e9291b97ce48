/*
 * Arithmetic. Integer loops compute with wrap-around and gather an overflow mark as they go, so
 * that they vectorise; only when some row overflowed is it looked up which.
 */

#include "expr/kernels.h"

#include "base/check.h"
#include "data/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The limits of the result type of an int32 kernel. */
static int32_t low_of(struct type t)
{
	return t.id == TYPE_TINYINT ? INT8_MIN : t.id == TYPE_SMALLINT ? INT16_MIN : INT32_MIN;
}

static int32_t high_of(struct type t)
{
	return t.id == TYPE_TINYINT ? INT8_MAX : t.id == TYPE_SMALLINT ? INT16_MAX : INT32_MAX;
}

/* The int64 loop computes an int32 kernel exactly; the range check is one compare. */
#define INT32_KERNEL(name, op)                                                                     \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const int32_t *a = args[0].column.data, *b = args[1].column.data;                  \
		int32_t *r = out->column.data;                                                     \
		int64_t low = low_of(e->type), high = high_of(e->type);                            \
		int64_t bad = 0;                                                                   \
		for (uint32_t i = 0; i < run->rows; i++) {                                         \
			int64_t x = (int64_t)a[i] op(int64_t) b[i];                                \
			r[i] = (int32_t)x;                                                         \
			bad |= (x - low) | (high - x);                                             \
		}                                                                                  \
		for (uint32_t i = 0; bad < 0 && i < run->rows; i++) {                              \
			int64_t x = (int64_t)a[i] op(int64_t) b[i];                                \
			if (x < low || x > high)                                                   \
				expr_fault(run, out, i, EXPR_OVERFLOW);                            \
		}                                                                                  \
	}

INT32_KERNEL(add_i32, +)
INT32_KERNEL(subtract_i32, -)
INT32_KERNEL(multiply_i32, *)

static void add_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data, *b = args[1].column.data;
	int64_t *r = out->column.data;
	int64_t bad = 0;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		int64_t x = (int64_t)((uint64_t)a[i] + (uint64_t)b[i]);
		r[i] = x;
		bad |= (a[i] ^ x) & (b[i] ^ x);
	}
	for (uint32_t i = 0; bad < 0 && i < run->rows; i++)
		if (((a[i] ^ r[i]) & (b[i] ^ r[i])) < 0)
			expr_fault(run, out, i, EXPR_OVERFLOW);
}

static void subtract_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data, *b = args[1].column.data;
	int64_t *r = out->column.data;
	int64_t bad = 0;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		int64_t x = (int64_t)((uint64_t)a[i] - (uint64_t)b[i]);
		r[i] = x;
		bad |= (a[i] ^ b[i]) & (a[i] ^ x);
	}
	for (uint32_t i = 0; bad < 0 && i < run->rows; i++)
		if (((a[i] ^ b[i]) & (a[i] ^ r[i])) < 0)
			expr_fault(run, out, i, EXPR_OVERFLOW);
}

static void multiply_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data, *b = args[1].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		if (__builtin_mul_overflow(a[i], b[i], &r[i]))
			expr_fault(run, out, i, EXPR_OVERFLOW);
}

#define FLOAT_KERNEL(name, type, op)                                                               \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const type *a = args[0].column.data, *b = args[1].column.data;                     \
		type *r = out->column.data;                                                        \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = a[i] op b[i];                                                       \
	}

FLOAT_KERNEL(add_f32, float, +)
FLOAT_KERNEL(subtract_f32, float, -)
FLOAT_KERNEL(multiply_f32, float, *)
FLOAT_KERNEL(add_f64, double, +)
FLOAT_KERNEL(subtract_f64, double, -)
FLOAT_KERNEL(multiply_f64, double, *)

static void divide_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *a = args[0].column.data, *b = args[1].column.data;
	double *r = out->column.data;
	int zeros = 0;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = a[i] / b[i];
		zeros |= b[i] == 0.0;
	}
	for (uint32_t i = 0; zeros && i < run->rows; i++)
		if (b[i] == 0.0)
			expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
}

/* Row by row, for division of integers: `positive` is pmod, which takes the divisor's sign away. */
static void remainder_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int32_t *a = args[0].column.data, *b = args[1].column.data;
	int32_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		int64_t divisor = b[i] == 0 ? 1 : b[i];
		r[i] = (int32_t)((int64_t)a[i] % divisor);
		if (b[i] == 0)
			expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
	}
}

static void remainder_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data, *b = args[1].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = b[i] == 0 || b[i] == -1 ? 0 : a[i] % b[i];
		if (b[i] == 0)
			expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
	}
}

static void remainder_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *a = args[0].column.data, *b = args[1].column.data;
	double *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = fmod(a[i], b[i]);
		if (b[i] == 0.0)
			expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
	}
}

static void remainder_f32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const float *a = args[0].column.data, *b = args[1].column.data;
	float *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = fmodf(a[i], b[i]);
		if (b[i] == 0.0F)
			expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
	}
}

/* pmod(a, n): r = a % n; negative r becomes (r + n) % n. */
static void pmod_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int32_t *b = args[1].column.data;
	int32_t *r = out->column.data;
	remainder_i32(e, run, args, out);
	for (uint32_t i = 0; i < run->rows; i++)
		if (r[i] < 0 && b[i] != 0)
			r[i] = (int32_t)(((int64_t)r[i] + b[i]) % b[i]);
}

static void pmod_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *b = args[1].column.data;
	int64_t *r = out->column.data;
	remainder_i64(e, run, args, out);
	for (uint32_t i = 0; i < run->rows; i++)
		if (r[i] < 0 && b[i] != 0)
			r[i] = (int64_t)(((int128)r[i] + b[i]) % b[i]);
}

static void pmod_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *b = args[1].column.data;
	double *r = out->column.data;
	remainder_f64(e, run, args, out);
	for (uint32_t i = 0; i < run->rows; i++)
		if (r[i] < 0)
			r[i] = fmod(r[i] + b[i], b[i]);
}

static void pmod_f32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const float *b = args[1].column.data;
	float *r = out->column.data;
	remainder_f32(e, run, args, out);
	for (uint32_t i = 0; i < run->rows; i++)
		if (r[i] < 0)
			r[i] = fmodf(r[i] + b[i], b[i]);
}

static void div_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data, *b = args[1].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		bool over = a[i] == INT64_MIN && b[i] == -1;
		r[i] = b[i] == 0 || over ? 0 : a[i] / b[i];
		if (b[i] == 0 || over)
			expr_fault(run, out, i, over ? EXPR_OVERFLOW : EXPR_DIVIDE_BY_ZERO);
	}
}

/* ---- decimals ---- */

typedef bool decimal_op(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out);

static void decimal_loop(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, decimal_op *op)
{
	const int128 *a = args[0].column.data, *b = args[1].column.data;
	struct type at = e->args[0]->type, bt = e->args[1]->type;
	int128 *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			r[i] = 0;
			if (b[i] == 0)
				expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
			else if (!op(a[i], at, b[i], bt, e->type, &r[i]))
				expr_fault(run, out, i, EXPR_OVERFLOW);
		}
	}
}

/* Both fit in 64 bits, the common case: then products and aligned sums cannot overflow 128. */
static bool is_small(int128 a)
{
	return a == (int64_t)a;
}

static bool within(int128 x, int128 limit)
{
	return x < limit && x > -limit;
}

/* a * fa + b * fb with the factors that bring both to the result's scale. */
static void sum_i128(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, bool minus)
{
	struct type at = e->args[0]->type, bt = e->args[1]->type;
	const int128 *a = args[0].column.data, *b = args[1].column.data;
	int128 *r = out->column.data;
	int da = e->type.scale - at.scale, db = e->type.scale - bt.scale;
	bool easy = da >= 0 && db >= 0 && da <= 18 && db <= 18;
	int64_t fa = easy ? (int64_t)decimal_pow10((unsigned)da) : 0;
	int64_t fb = easy ? (int64_t)decimal_pow10((unsigned)db) * (minus ? -1 : 1) : 0;
	int128 limit = decimal_pow10(e->type.precision);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			bool good;
			if (easy && is_small(a[i]) && is_small(b[i])) {
				r[i] = a[i] * fa + b[i] * fb;
				good = within(r[i], limit);
			} else {
				good = (minus ? decimal_subtract : decimal_add)(
					a[i], at, b[i], bt, e->type, &r[i]);
			}
			if (!good)
				expr_fault(run, out, i, EXPR_OVERFLOW);
		}
	}
}

static void add_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	sum_i128(e, run, args, out, false);
}

static void subtract_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	sum_i128(e, run, args, out, true);
}

static void multiply_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct type at = e->args[0]->type, bt = e->args[1]->type;
	const int128 *a = args[0].column.data, *b = args[1].column.data;
	int128 *r = out->column.data;
	bool easy = e->type.scale == at.scale + bt.scale;
	int128 limit = decimal_pow10(e->type.precision);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			bool good;
			if (easy && is_small(a[i]) && is_small(b[i])) {
				r[i] = (int128)(int64_t)a[i] * (int64_t)b[i];
				good = within(r[i], limit);
			} else {
				good = decimal_multiply(a[i], at, b[i], bt, e->type, &r[i]);
			}
			if (!good)
				expr_fault(run, out, i, EXPR_OVERFLOW);
		}
	}
}

static void divide_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	decimal_loop(e, run, args, out, decimal_divide);
}

static void remainder_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	decimal_loop(e, run, args, out, decimal_remainder);
}

static bool decimal_pmod(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	if (!decimal_remainder(a, at, b, bt, result, out))
		return false;
	int128 sum;
	if (*out >= 0)
		return true;
	return decimal_add(*out, result, b, bt, result, &sum)
		&& decimal_remainder(sum, result, b, bt, result, out);
}

static void pmod_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	decimal_loop(e, run, args, out, decimal_pmod);
}

/* Whole quotient of two decimals, as bigint. */
static void div_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int128 *a = args[0].column.data, *b = args[1].column.data;
	unsigned sa = e->args[0]->type.scale, sb = e->args[1]->type.scale;
	unsigned scale = sa > sb ? sa : sb;
	int64_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			int128 x, y;
			r[i] = 0;
			if (b[i] == 0) {
				expr_fault(run, out, i, EXPR_DIVIDE_BY_ZERO);
				continue;
			}
			bool good = decimal_rescale(a[i], sa, scale, &x)
				&& decimal_rescale(b[i], sb, scale, &y);
			int128 q = good ? x / y : 0;
			if (!good || q > INT64_MAX || q < INT64_MIN)
				expr_fault(run, out, i, EXPR_OVERFLOW);
			else
				r[i] = (int64_t)q;
		}
	}
}

/* ---- one argument ---- */

static void negative_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int32_t *a = args[0].column.data;
	int32_t *r = out->column.data;
	int32_t low = low_of(e->type);
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = (int32_t) - (uint32_t)a[i];
		if (a[i] == low)
			expr_fault(run, out, i, EXPR_OVERFLOW);
	}
}

static void negative_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = (int64_t) - (uint64_t)a[i];
		if (a[i] == INT64_MIN)
			expr_fault(run, out, i, EXPR_OVERFLOW);
	}
}

#define SIGN_KERNEL(name, type, expression)                                                        \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const type *a = args[0].column.data;                                               \
		type *r = out->column.data;                                                        \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = expression;                                                         \
	}

SIGN_KERNEL(negative_f32, float, -a[i])
SIGN_KERNEL(negative_f64, double, -a[i])
SIGN_KERNEL(negative_i128, int128, (int128) - (uint128)a[i])
SIGN_KERNEL(abs_f32, float, fabsf(a[i]))
SIGN_KERNEL(abs_f64, double, fabs(a[i]))
SIGN_KERNEL(abs_i128, int128, a[i] < 0 ? (int128) - (uint128)a[i] : a[i])

static void abs_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int32_t *a = args[0].column.data;
	int32_t *r = out->column.data;
	int32_t low = low_of(e->type);
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = a[i] < 0 ? (int32_t) - (uint32_t)a[i] : a[i];
		if (a[i] == low)
			expr_fault(run, out, i, EXPR_OVERFLOW);
	}
}

static void abs_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++) {
		r[i] = a[i] < 0 ? (int64_t) - (uint64_t)a[i] : a[i];
		if (a[i] == INT64_MIN)
			expr_fault(run, out, i, EXPR_OVERFLOW);
	}
}

/* Java's (long) of a double: clamped, NaN is 0. */
static int64_t java_long(double d)
{
	if (!(d == d))
		return 0;
	if (d >= 9223372036854775808.0)
		return INT64_MAX;
	return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
}

static void floor_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *a = args[0].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = java_long(floor(a[i]));
}

static void ceil_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *a = args[0].column.data;
	int64_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = java_long(ceil(a[i]));
}

static void whole_i128(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, bool up)
{
	const int128 *a = args[0].column.data;
	int128 unit = decimal_pow10(e->args[0]->type.scale);
	int128 *r = out->column.data;
	for (uint32_t i = 0; i < run->rows; i++) {
		int128 q = a[i] / unit, rest = a[i] % unit;
		r[i] = q + (up ? rest > 0 : -(rest < 0));
	}
}

static void floor_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	whole_i128(e, run, args, out, false);
}

static void ceil_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	whole_i128(e, run, args, out, true);
}

/* ---- round(x, digits): HALF_UP on the decimal text, as Spark's BigDecimal does ---- */

static int round_digits(const struct expr *e, const struct vector *args)
{
	const int32_t *digits = args[1].column.data;
	(void)e;
	return digits[0];
}

/* Integers change only for negative digits. */
static bool round_whole(int128 x, int digits, int128 *out)
{
	*out = x;
	if (digits >= 0)
		return true;
	*out = 0;
	if (digits < -38)
		return true;
	int128 unit = decimal_pow10((unsigned)-digits);
	int128 q = x / unit, rest = x % unit;
	int128 half = rest < 0 ? -rest : rest;
	if (half >= unit - half)
		q += x < 0 ? -1 : 1;
	return !__builtin_mul_overflow(q, unit, out);
}

static void round_i32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int32_t *a = args[0].column.data;
	int32_t *r = out->column.data;
	int digits = round_digits(e, args);
	for (uint32_t i = 0; i < run->rows; i++) {
		int128 x;
		r[i] = 0;
		if (!round_whole(a[i], digits, &x) || x > high_of(e->type) || x < low_of(e->type))
			expr_fault(run, out, i, EXPR_OVERFLOW);
		else
			r[i] = (int32_t)x;
	}
}

static void round_i64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int64_t *a = args[0].column.data;
	int64_t *r = out->column.data;
	int digits = round_digits(e, args);
	for (uint32_t i = 0; i < run->rows; i++) {
		int128 x;
		r[i] = 0;
		if (!round_whole(a[i], digits, &x) || x > INT64_MAX || x < INT64_MIN)
			expr_fault(run, out, i, EXPR_OVERFLOW);
		else
			r[i] = (int64_t)x;
	}
}

/*
 * Rounds the shortest text of a double ("d.ddd", "d.dddE-5"): digits and exponent are taken apart,
 * rounded half up where the text says, and read again.
 */
static double round_text(const char *text, size_t len, int digits, double d)
{
	char mantissa[40];
	int n = 0, point = 0, exponent = 0;
	bool negative = text[0] == '-', seen = false;
	for (size_t i = negative; i < len; i++) {
		if (text[i] == '.') {
			seen = true;
		} else if (text[i] == 'E') {
			exponent = atoi(text + i + 1);
			break;
		} else {
			mantissa[n++] = text[i];
			point += !seen;
		}
	}
	/* No double has a digit beyond these places. */
	digits = digits > 400 ? 400 : digits < -400 ? -400 : digits;
	int keep = point + exponent + digits; /* digits of the mantissa that stay */
	if (keep >= n)
		return d + 0.0; /* -0.0 becomes 0.0: a BigDecimal has no negative zero */
	if (keep < 0)
		return negative ? -0.0 + 0.0 : 0.0;
	bool up = mantissa[keep] >= '5';
	int128 whole = 0;
	for (int i = 0; i < keep; i++)
		whole = whole * 10 + (mantissa[i] - '0');
	whole += up;
	char out[80];
	int len_out = snprintf(
		out, sizeof(out), "%s%lldE%d", negative ? "-" : "", (long long)whole, -digits);
	double result = d;
	if (whole == 0 || !double_parse((struct str){out, (size_t)len_out}, &result))
		return 0.0;
	return result;
}

static void round_f64(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const double *a = args[0].column.data;
	double *r = out->column.data;
	int digits = round_digits(e, args);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			char text[40] = {0};
			size_t n = isfinite(a[i]) ? double_text(a[i], text) : 0;
			r[i] = n == 0 ? a[i] : round_text(text, n, digits, a[i]);
		}
	}
}

static void round_f32(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const float *a = args[0].column.data;
	float *r = out->column.data;
	int digits = round_digits(e, args);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			char text[40] = {0};
			size_t n = isfinite(a[i]) ? float_text(a[i], text) : 0;
			r[i] = n == 0 ? a[i] : (float)round_text(text, n, digits, (double)a[i]);
		}
	}
}

static void round_i128(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const int128 *a = args[0].column.data;
	int128 *r = out->column.data;
	unsigned from = e->args[0]->type.scale;
	int digits = round_digits(e, args);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			bool good = true;
			if (digits >= 0)
				good = decimal_rescale(a[i], from, e->type.scale, &r[i]);
			else
				good = round_whole(a[i], digits - (int)from, &r[i]);
			if (good && digits < 0)
				r[i] /= decimal_pow10(from);
			if (!good || !decimal_fits(r[i], e->type.precision))
				expr_fault(run, out, i, EXPR_OVERFLOW);
		}
	}
}

/* PHYS_BOOL PHYS_I32 PHYS_I64 PHYS_F32 PHYS_F64 PHYS_I128 PHYS_STR */
kernel_fn *const kernels_add[phys_count] = {
	NULL, add_i32, add_i64, add_f32, add_f64, add_i128, NULL};
kernel_fn *const kernels_subtract[phys_count] = {
	NULL, subtract_i32, subtract_i64, subtract_f32, subtract_f64, subtract_i128, NULL};
kernel_fn *const kernels_multiply[phys_count] = {
	NULL, multiply_i32, multiply_i64, multiply_f32, multiply_f64, multiply_i128, NULL};
kernel_fn *const kernels_divide[phys_count] = {
	NULL, NULL, NULL, NULL, divide_f64, divide_i128, NULL};
kernel_fn *const kernels_remainder[phys_count] = {
	NULL, remainder_i32, remainder_i64, remainder_f32, remainder_f64, remainder_i128, NULL};
kernel_fn *const kernels_pmod[phys_count] = {
	NULL, pmod_i32, pmod_i64, pmod_f32, pmod_f64, pmod_i128, NULL};
kernel_fn *const kernels_div[phys_count] = {NULL, NULL, div_i64, NULL, NULL, div_i128, NULL};
kernel_fn *const kernels_negative[phys_count] = {
	NULL, negative_i32, negative_i64, negative_f32, negative_f64, negative_i128, NULL};
kernel_fn *const kernels_abs[phys_count] = {
	NULL, abs_i32, abs_i64, abs_f32, abs_f64, abs_i128, NULL};
kernel_fn *const kernels_floor[phys_count] = {NULL, NULL, NULL, NULL, floor_f64, floor_i128, NULL};
kernel_fn *const kernels_ceil[phys_count] = {NULL, NULL, NULL, NULL, ceil_f64, ceil_i128, NULL};
kernel_fn *const kernels_round[phys_count] = {
	NULL, round_i32, round_i64, round_f32, round_f64, round_i128, NULL};
