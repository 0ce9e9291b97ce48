/* count, sum, try_sum and avg: cells of numbers. */

#include "state/aggregate_cells.h"

#include "base/check.h"
#include "data/decimal.h"

/* ---- count ---- */

static int add_count(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)x;
	(void)err;
	int64_t *counts = (int64_t *)(void *)a->cells;
	if (rows->signs == NULL) {
		for (uint32_t i = 0; i < rows->count; i++)
			counts[rows->groups[rows->rows[i]]]++;
		return 0;
	}
	for (uint32_t i = 0; i < rows->count; i++)
		counts[rows->groups[rows->rows[i]]] += rows->signs[rows->rows[i]];
	return 0;
}

static int count_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	*is_null = false;
	out->i64 = ((int64_t *)(void *)a->cells)[group];
	return 0;
}

static int add_count_cell(struct aggregate *a, void *to, const void *saved, struct error *err)
{
	(void)a;
	(void)err;
	*(int64_t *)to += *(const int64_t *)saved;
	return 0;
}

const struct aggregate_ops aggregate_count_ops = {
	.cell_bytes = sizeof(int64_t),
	.add = add_count,
	.result = count_result,
	.add_cell = add_count_cell,
	.skips_nulls = true,
};

/* ---- overflow ---- */

static int overflow(const struct aggregate *a, struct error *err)
{
	bool decimal = a->arg.id == TYPE_DECIMAL;
	return error_set(err, CDCL_E_EXPR,
		"[ARITHMETIC_OVERFLOW] %s in " STR_FMT
		". Use 'try_sum' to tolerate overflow and return NULL instead.",
		decimal ? "Overflow in sum of decimals" : "long overflow", STR_ARG(a->call->text));
}

/* ---- sum of integers ---- */

struct int_sum {
	int64_t sum;
	int64_t count; /* values in it; count_overflowed: try_sum has given up */
};

enum { count_overflowed = -1 };

static int add_int(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct int_sum *sums = (struct int_sum *)(void *)a->cells;
	bool failed = false;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct int_sum *s = &sums[rows->groups[row]];
		failed |= __builtin_add_overflow(s->sum, x->i64[row], &s->sum);
		s->count++;
	}
	return failed ? overflow(a, err) : 0;
}

static int add_int_try(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	struct int_sum *sums = (struct int_sum *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct int_sum *s = &sums[rows->groups[row]];
		if (s->count == count_overflowed)
			continue;
		s->count++;
		if (__builtin_add_overflow(s->sum, x->i64[row], &s->sum))
			s->count = count_overflowed;
	}
	return 0;
}

static int int_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	const struct int_sum *s = aggregate_cell(a, group);
	*is_null = s->count <= 0;
	out->i64 = s->sum;
	return 0;
}

static int add_int_cell(struct aggregate *a, void *to, const void *saved, struct error *err)
{
	struct int_sum *s = to;
	const struct int_sum *more = saved;
	if (s->count == count_overflowed)
		return 0;
	s->count += more->count;
	if (!__builtin_add_overflow(s->sum, more->sum, &s->sum))
		return 0;
	if (a->call->function != AGG_TRY_SUM)
		return overflow(a, err);
	s->count = count_overflowed;
	return 0;
}

static const struct aggregate_ops int_ops = {
	.cell_bytes = sizeof(struct int_sum),
	.add = add_int,
	.result = int_result,
	.add_cell = add_int_cell,
	.skips_nulls = true,
};

static const struct aggregate_ops int_try_ops = {
	.cell_bytes = sizeof(struct int_sum),
	.add = add_int_try,
	.result = int_result,
	.add_cell = add_int_cell,
	.skips_nulls = true,
};

/* ---- sums in 128 bits: decimals, and integers that can be taken back ---- */

struct wide_sum {
	int128 sum;
	int64_t count;
};

static bool sum_fits(const struct aggregate *a, int128 sum)
{
	if (a->call->function == AGG_AVG && a->arg.id != TYPE_DECIMAL)
		return true;
	if (a->arg.id == TYPE_DECIMAL)
		return decimal_fits(sum, a->sum.precision);
	return sum >= INT64_MIN && sum <= INT64_MAX;
}

static int add_wide(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct wide_sum *sums = (struct wide_sum *)(void *)a->cells;
	bool tries = a->call->function == AGG_TRY_SUM;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct wide_sum *s = &sums[rows->groups[row]];
		if (s->count == count_overflowed)
			continue;
		int128 value = x->wide == WIDE_DECIMAL ? x->i128[row] : x->i64[row];
		int sign = rows->signs == NULL ? 1 : rows->signs[row];
		bool bad = __builtin_add_overflow(s->sum, sign < 0 ? -value : value, &s->sum);
		s->count += sign;
		/* What may be taken back again is judged when it is asked for. */
		if (!bad && (a->retract || sum_fits(a, s->sum)))
			continue;
		if (!tries)
			return overflow(a, err);
		s->count = count_overflowed;
	}
	return 0;
}

static int wide_sum_result(struct aggregate *a, uint32_t group, union wide_value *out,
	bool *is_null, struct arena *arena, struct error *err)
{
	(void)arena;
	const struct wide_sum *s = aggregate_cell(a, group);
	*is_null = s->count <= 0;
	if (*is_null)
		return 0;
	if (!sum_fits(a, s->sum)) {
		*is_null = true;
		return a->call->function == AGG_TRY_SUM ? 0 : overflow(a, err);
	}
	if (a->arg.id == TYPE_DECIMAL)
		out->i128 = s->sum;
	else
		out->i64 = (int64_t)s->sum;
	return 0;
}

static int wide_avg_result(struct aggregate *a, uint32_t group, union wide_value *out,
	bool *is_null, struct arena *arena, struct error *err)
{
	(void)arena;
	const struct wide_sum *s = aggregate_cell(a, group);
	*is_null = s->count <= 0;
	if (*is_null)
		return 0;
	if (a->arg.id != TYPE_DECIMAL) {
		out->f64 = (double)s->sum / (double)s->count;
		return 0;
	}
	if (!sum_fits(a, s->sum) ||
		!decimal_divide(
			s->sum, a->sum, s->count, type_decimal(20, 0), a->call->type, &out->i128))
		return overflow(a, err);
	return 0;
}

static const struct aggregate_ops wide_sum_ops = {
	.cell_bytes = sizeof(struct wide_sum),
	.add = add_wide,
	.result = wide_sum_result,
	.skips_nulls = true,
};

static const struct aggregate_ops wide_avg_ops = {
	.cell_bytes = sizeof(struct wide_sum),
	.add = add_wide,
	.result = wide_avg_result,
	.skips_nulls = true,
};

/* ---- sums of doubles, as Spark adds them ---- */

struct float_sum {
	double sum;
	int64_t count;
};

static int add_float(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	struct float_sum *sums = (struct float_sum *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct float_sum *s = &sums[rows->groups[row]];
		s->sum += x->wide == WIDE_FLOAT ? x->f64[row] : (double)x->i64[row];
		s->count++;
	}
	return 0;
}

static int float_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	const struct float_sum *s = aggregate_cell(a, group);
	*is_null = s->count == 0;
	out->f64 = a->call->function == AGG_AVG ? s->sum / (double)s->count : s->sum;
	return 0;
}

static const struct aggregate_ops float_ops = {
	.cell_bytes = sizeof(struct float_sum),
	.add = add_float,
	.result = float_result,
	.skips_nulls = true,
};

/* ---- sums of doubles that can be taken back ---- */

/*
 * NaN and the infinities are counted apart, since they could not be subtracted again; of the finite
 * values the rounding errors are summed too (Neumaier), so that what came and went leaves nothing.
 */
struct exact_sum {
	double sum;
	double error;
	int64_t count;
	int64_t nan;
	int64_t positive;
	int64_t negative;
};

static void add_finite(struct exact_sum *s, double value)
{
	double total = s->sum + value;
	if (__builtin_fabs(s->sum) >= __builtin_fabs(value))
		s->error += (s->sum - total) + value;
	else
		s->error += (value - total) + s->sum;
	s->sum = total;
}

static int add_exact(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	struct exact_sum *sums = (struct exact_sum *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct exact_sum *s = &sums[rows->groups[row]];
		int sign = rows->signs == NULL ? 1 : rows->signs[row];
		double value = x->f64[row];
		s->count += sign;
		if (__builtin_isnan(value))
			s->nan += sign;
		else if (__builtin_isinf(value))
			*(value > 0 ? &s->positive : &s->negative) += sign;
		else
			add_finite(s, sign < 0 ? -value : value);
		if (s->count == 0)
			*s = (struct exact_sum){0};
	}
	return 0;
}

static int exact_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	const struct exact_sum *s = aggregate_cell(a, group);
	*is_null = s->count == 0;
	double sum = s->sum + s->error;
	if (s->nan > 0 || (s->positive > 0 && s->negative > 0))
		sum = __builtin_nan("");
	else if (s->positive > 0)
		sum = __builtin_inf();
	else if (s->negative > 0)
		sum = -__builtin_inf();
	out->f64 = a->call->function == AGG_AVG ? sum / (double)s->count : sum;
	return 0;
}

static const struct aggregate_ops exact_ops = {
	.cell_bytes = sizeof(struct exact_sum),
	.add = add_exact,
	.result = exact_result,
	.skips_nulls = true,
};

const struct aggregate_ops *aggregate_sum_ops(
	const struct aggregate_call *call, struct type arg, bool retract)
{
	bool avg = call->function == AGG_AVG;
	switch (aggregate_wide(arg)) {
	case WIDE_DECIMAL:
		return avg ? &wide_avg_ops : &wide_sum_ops;
	case WIDE_FLOAT:
		return retract ? &exact_ops : &float_ops;
	case WIDE_INT:
		if (retract)
			return avg ? &wide_avg_ops : &wide_sum_ops;
		if (avg)
			return &float_ops; /* as Spark: the average of bigint adds doubles */
		return call->function == AGG_TRY_SUM ? &int_try_ops : &int_ops;
	case WIDE_STR:
		break;
	}
	check(false); /* the expression compiler casts strings */
	return NULL;
}
