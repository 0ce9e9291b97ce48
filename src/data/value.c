#include "data/value.h"

#include "base/check.h"
#include "data/row_codec.h"

struct value value_null(struct type type)
{
	return (struct value){.type = type, .is_null = true};
}

struct value value_from_column(const struct column *c, struct type type, uint32_t row)
{
	check(row < chunk_rows_max);
	struct value v = {.type = type};
	if (type.id == TYPE_NULL || column_is_null(c, row)) {
		v.is_null = true;
		return v;
	}
	switch (type_phys(type)) {
	case PHYS_BOOL: v.as.boolean = ((const uint8_t *)c->data)[row] != 0; break;
	case PHYS_I32: v.as.i32 = ((const int32_t *)c->data)[row]; break;
	case PHYS_I64: v.as.i64 = ((const int64_t *)c->data)[row]; break;
	case PHYS_F32: v.as.f32 = ((const float *)c->data)[row]; break;
	case PHYS_F64: v.as.f64 = ((const double *)c->data)[row]; break;
	case PHYS_I128: v.as.i128 = ((const int128 *)c->data)[row]; break;
	case PHYS_STR: v.as.str = ((const struct str *)c->data)[row]; break;
	case phys_count: check_failed("no such layout", __FILE__, __LINE__);
	}
	return v;
}

void value_to_column(const struct value *v, struct column *c, uint32_t row)
{
	check(row < chunk_rows_max);
	if (v->is_null || v->type.id == TYPE_NULL) {
		bit_set(c->nulls, row);
		return;
	}
	bit_clear(c->nulls, row);
	switch (type_phys(v->type)) {
	case PHYS_BOOL: ((uint8_t *)c->data)[row] = v->as.boolean; break;
	case PHYS_I32: ((int32_t *)c->data)[row] = v->as.i32; break;
	case PHYS_I64: ((int64_t *)c->data)[row] = v->as.i64; break;
	case PHYS_F32: ((float *)c->data)[row] = v->as.f32; break;
	case PHYS_F64: ((double *)c->data)[row] = v->as.f64; break;
	case PHYS_I128: ((int128 *)c->data)[row] = v->as.i128; break;
	case PHYS_STR: ((struct str *)c->data)[row] = v->as.str; break;
	case phys_count: check_failed("no such layout", __FILE__, __LINE__);
	}
}

/* NaN is the greatest and equal to itself; -0.0 equals 0.0. */
static int cmp_double(double a, double b)
{
	if (a != a || b != b) {
		return (a != a) - (b != b);
	}
	return (a > b) - (a < b);
}

static int cmp_arrays(const struct value *a, const struct value *b)
{
	uint32_t a_count = row_codec_array_count(a->as.str),
		 b_count = row_codec_array_count(b->as.str);
	size_t a_at = sizeof a_count, b_at = sizeof b_count;
	for (uint32_t i = 0; i < a_count && i < b_count; i++) {
		struct value x = row_codec_read(a->as.str, &a_at, *a->type.element);
		struct value y = row_codec_read(b->as.str, &b_at, *b->type.element);
		int order = value_cmp(&x, &y);
		if (order != 0) {
			return order;
		}
	}
	return (a_count > b_count) - (a_count < b_count);
}

int value_cmp(const struct value *a, const struct value *b)
{
	check(a->type.id == b->type.id);
	if (a->is_null || b->is_null || a->type.id == TYPE_NULL) {
		return (int)b->is_null - (int)a->is_null;
	}
	switch (type_phys(a->type)) {
	case PHYS_BOOL: return (int)a->as.boolean - (int)b->as.boolean;
	case PHYS_I32: return (a->as.i32 > b->as.i32) - (a->as.i32 < b->as.i32);
	case PHYS_I64: return (a->as.i64 > b->as.i64) - (a->as.i64 < b->as.i64);
	case PHYS_F32: return cmp_double((double)a->as.f32, (double)b->as.f32);
	case PHYS_F64: return cmp_double(a->as.f64, b->as.f64);
	case PHYS_I128: return (a->as.i128 > b->as.i128) - (a->as.i128 < b->as.i128);
	case PHYS_STR:
		return a->type.id == TYPE_ARRAY ? cmp_arrays(a, b) : str_cmp(a->as.str, b->as.str);
	case phys_count: break;
	}
	check_failed("no such layout", __FILE__, __LINE__);
	return 0;
}

bool value_same(const struct value *a, const struct value *b)
{
	bool a_null = a->is_null || a->type.id == TYPE_NULL;
	bool b_null = b->is_null || b->type.id == TYPE_NULL;
	if (a_null || b_null) {
		return a_null && b_null;
	}
	enum phys phys = type_phys(a->type);
	switch (phys) {
	case PHYS_BOOL: return a->as.boolean == b->as.boolean;
	case PHYS_STR: return str_eq(a->as.str, b->as.str);
	case PHYS_F32:
		if (a->as.f32 != a->as.f32 || b->as.f32 != b->as.f32) {
			return a->as.f32 != a->as.f32 && b->as.f32 != b->as.f32;
		}
		break;
	case PHYS_F64:
		if (a->as.f64 != a->as.f64 || b->as.f64 != b->as.f64) {
			return a->as.f64 != a->as.f64 && b->as.f64 != b->as.f64;
		}
		break;
	case PHYS_I32:
	case PHYS_I64:
	case PHYS_I128:
	case phys_count: break;
	}
	return memcmp(&a->as, &b->as, phys_bytes(phys)) == 0;
}
