/* Comparison. NaN equals NaN and is greater than all; -0.0 equals 0.0; strings compare by bytes. */

#include "expr/kernels.h"

#include "base/check.h"

#define COMPARE_KERNEL(name, type, condition)                                                      \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const type *a = args[0].column.data, *b = args[1].column.data;                     \
		uint8_t *r = out->column.data;                                                     \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = (uint8_t)(condition);                                               \
	}

COMPARE_KERNEL(equal_bool, uint8_t, a[i] == b[i])
COMPARE_KERNEL(equal_i32, int32_t, a[i] == b[i])
COMPARE_KERNEL(equal_i64, int64_t, a[i] == b[i])
COMPARE_KERNEL(equal_f32, float, (a[i] == b[i]) | ((a[i] != a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(equal_f64, double, (a[i] == b[i]) | ((a[i] != a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(equal_i128, int128, a[i] == b[i])
COMPARE_KERNEL(not_equal_bool, uint8_t, a[i] != b[i])
COMPARE_KERNEL(not_equal_i32, int32_t, a[i] != b[i])
COMPARE_KERNEL(not_equal_i64, int64_t, a[i] != b[i])
COMPARE_KERNEL(not_equal_f32, float, (a[i] != b[i]) & !((a[i] != a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(not_equal_f64, double, (a[i] != b[i]) & !((a[i] != a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(not_equal_i128, int128, a[i] != b[i])
COMPARE_KERNEL(less_bool, uint8_t, a[i] < b[i])
COMPARE_KERNEL(less_i32, int32_t, a[i] < b[i])
COMPARE_KERNEL(less_i64, int64_t, a[i] < b[i])
COMPARE_KERNEL(less_f32, float, (a[i] < b[i]) | ((a[i] == a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(less_f64, double, (a[i] < b[i]) | ((a[i] == a[i]) & (b[i] != b[i])))
COMPARE_KERNEL(less_i128, int128, a[i] < b[i])
COMPARE_KERNEL(less_equal_bool, uint8_t, a[i] <= b[i])
COMPARE_KERNEL(less_equal_i32, int32_t, a[i] <= b[i])
COMPARE_KERNEL(less_equal_i64, int64_t, a[i] <= b[i])
COMPARE_KERNEL(less_equal_f32, float, (a[i] <= b[i]) | (b[i] != b[i]))
COMPARE_KERNEL(less_equal_f64, double, (a[i] <= b[i]) | (b[i] != b[i]))
COMPARE_KERNEL(less_equal_i128, int128, a[i] <= b[i])

static uint32_t load32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Two loads that may overlap decide words of 4 to 8 bytes: insert, update, delete. */
static void equal_word(
	const struct run *run, const struct str *a, struct str want, struct vector *out)
{
	uint32_t head = load32(want.data), tail = load32(want.data + want.len - 4);
	size_t len = want.len;
	uint8_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = a[i].len == len && load32(a[i].data) == head
				&& load32(a[i].data + len - 4) == tail;
	}
}

/* A constant on one side is the common case: op = 'insert'. */
static void equal_constant(
	const struct run *run, const struct str *a, struct str want, struct vector *out)
{
	if (want.len >= 4 && want.len <= 8) {
		equal_word(run, a, want, out);
		return;
	}
	uint8_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = a[i].len == want.len && memcmp(a[i].data, want.data, want.len) == 0;
	}
}

static void equal_str(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data, *b = args[1].column.data;
	uint8_t *r = out->column.data;
	if (e->arg_count == 2 && expr_is_literal(e->args[1]) && !e->args[1]->literal.is_null
		&& e->args[1]->literal.as.str.len > 0) {
		equal_constant(run, a, e->args[1]->literal.as.str, out);
		return;
	}
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = str_eq(a[i], b[i]);
	}
}

static void not_equal_str(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint8_t *r = out->column.data;
	equal_str(e, run, args, out);
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] ^= 1;
}

static void less_str(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data, *b = args[1].column.data;
	uint8_t *r = out->column.data;
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = str_cmp(a[i], b[i]) < 0;
	}
}

static void less_equal_str(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data, *b = args[1].column.data;
	uint8_t *r = out->column.data;
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = str_cmp(a[i], b[i]) <= 0;
	}
}

/*
 * a > b is b < a; the arguments keep their order until here, since a NULL before a failure is
 * NULL.
 */
static void greater(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct vector swapped[2] = {args[1], args[0]};
	kernels_less[type_phys(args[0].type)](e, run, swapped, out);
}

static void greater_equal(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct vector swapped[2] = {args[1], args[0]};
	kernels_less_equal[type_phys(args[0].type)](e, run, swapped, out);
}

kernel_fn *const kernels_greater[phys_count] = {
	greater, greater, greater, greater, greater, greater, greater};
kernel_fn *const kernels_greater_equal[phys_count] = {greater_equal, greater_equal, greater_equal,
	greater_equal, greater_equal, greater_equal, greater_equal};

kernel_fn *const kernels_equal[phys_count] = {
	equal_bool, equal_i32, equal_i64, equal_f32, equal_f64, equal_i128, equal_str};
kernel_fn *const kernels_not_equal[phys_count] = {not_equal_bool, not_equal_i32, not_equal_i64,
	not_equal_f32, not_equal_f64, not_equal_i128, not_equal_str};
kernel_fn *const kernels_less[phys_count] = {
	less_bool, less_i32, less_i64, less_f32, less_f64, less_i128, less_str};
kernel_fn *const kernels_less_equal[phys_count] = {less_equal_bool, less_equal_i32, less_equal_i64,
	less_equal_f32, less_equal_f64, less_equal_i128, less_equal_str};

/* ---- <=>: NULL equals NULL, the answer is never NULL ---- */

static void same(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint8_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++)
		out->column.nulls[w] = args[0].column.nulls[w] | args[1].column.nulls[w];
	kernels_equal[type_phys(e->args[0]->type)](e, run, args, out);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t either = out->column.nulls[w];
		uint64_t both = args[0].column.nulls[w] & args[1].column.nulls[w];
		out->column.nulls[w] = 0;
		for (uint32_t i; next_row(&either, w, &i);) {
			enum expr_fault fault = vector_fault(&args[0], i);
			if (fault == EXPR_FINE)
				fault = vector_fault(&args[1], i);
			r[i] = (both >> (i & 63)) & 1;
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
}

kernel_fn *const kernels_same[phys_count] = {same, same, same, same, same, same, same};

/* ---- in ---- */

/* One element: what equal says, for rows that no element matched yet. */
static void in_element(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t k, struct vector *equal, struct vector *out, uint64_t *matched, uint64_t *unknown)
{
	struct vector pair[2] = {args[0], args[k]};
	struct expr shape = *e;
	struct expr *shape_args[2] = {e->args[0], e->args[k]};
	shape.args = shape_args;
	shape.arg_count = 2;
	kernel_fn *const *kernel = e->prepared;
	for (uint32_t w = 0; w < run_words(run); w++)
		equal->column.nulls[w] = args[0].column.nulls[w] | args[k].column.nulls[w];
	(*kernel)(&shape, run, pair, equal);
	uint64_t hits[chunk_words];
	expr_pack_bits(equal->column.data, run->rows, hits);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t null = args[k].column.nulls[w];
		for (uint64_t bits = args[k].faults == NULL
				? 0
				: null & ~args[0].column.nulls[w] & ~matched[w];
			bits != 0; bits &= bits - 1) {
			uint32_t i = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (vector_fault(&args[k], i) != EXPR_FINE)
				expr_pass_fault(run, out, i, vector_fault(&args[k], i));
		}
		matched[w] |= hits[w] & ~equal->column.nulls[w];
		unknown[w] |= null;
	}
}

void kernel_in(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint64_t matched[chunk_words] = {0}, unknown[chunk_words] = {0};
	struct vector equal = {.type = type_of(TYPE_BOOLEAN)};
	uint8_t *r = out->column.data;
	equal.column.data = chunk_alloc_data(run->arena, equal.type);
	memset(equal.column.data, 0, chunk_rows_max);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = args[0].column.nulls[w];
		for (uint32_t i; args[0].faults != NULL && next_row(&bits, w, &i);)
			if (vector_fault(&args[0], i) != EXPR_FINE)
				expr_pass_fault(run, out, i, vector_fault(&args[0], i));
	}
	for (uint32_t k = 1; k < e->arg_count; k++)
		in_element(e, run, args, k, &equal, out, matched, unknown);
	for (uint32_t w = 0; w < run_words(run); w++)
		out->column.nulls[w] |= args[0].column.nulls[w] | (unknown[w] & ~matched[w]);
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = bit_get(matched, i);
}

/* ---- greatest, least: NULLs are passed over ---- */

static void extreme(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, int sign)
{
	struct type t = e->type;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			struct value best = value_null(t);
			enum expr_fault fault = EXPR_FINE;
			for (uint32_t k = 0; k < e->arg_count && fault == EXPR_FINE; k++) {
				fault = vector_fault(&args[k], i);
				struct value v = value_from_column(&args[k].column, t, i);
				if (!v.is_null && (best.is_null || value_cmp(&v, &best) * sign > 0))
					best = v;
			}
			if (!best.is_null)
				value_to_column(&best, &out->column, i);
			else
				bit_set(out->column.nulls, i);
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
}

static void greatest(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	extreme(e, run, args, out, 1);
}

static void least(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	extreme(e, run, args, out, -1);
}

kernel_fn *const kernels_greatest[phys_count] = {
	greatest, greatest, greatest, greatest, greatest, greatest, greatest};
kernel_fn *const kernels_least[phys_count] = {least, least, least, least, least, least, least};
