#include "expr/cast.h"

#include "base/check.h"
#include "data/decimal.h"
#include "decode/json_path.h"

#include <math.h>

/* ---- what may be cast ---- */

bool cast_allowed(struct type from, struct type to)
{
	if (type_eq(from, to) || from.id == TYPE_NULL || from.id == TYPE_JSON
		|| to.id == TYPE_STRING)
		return true;
	if (from.id == TYPE_ARRAY || to.id == TYPE_ARRAY || to.id == TYPE_NULL)
		return to.id == TYPE_JSON;
	if (from.id == TYPE_STRING || to.id == TYPE_JSON)
		return true;
	bool from_number = type_is_numeric(from), to_number = type_is_numeric(to);
	switch (from.id) {
	case TYPE_BOOLEAN: return to_number;
	case TYPE_DATE: return to.id == TYPE_TIMESTAMP;
	case TYPE_TIMESTAMP: return to.id == TYPE_DATE || to_number;
	case TYPE_BINARY: return false;
	default:
		return from_number
			&& (to_number || to.id == TYPE_BOOLEAN || to.id == TYPE_TIMESTAMP);
	}
}

static int number_rank(struct type t)
{
	return t.id == TYPE_DECIMAL ? TYPE_BIGINT : (int)t.id;
}

bool cast_implicit(struct type from, struct type to)
{
	if (type_eq(from, to) || from.id == TYPE_NULL || from.id == TYPE_JSON)
		return true;
	if (from.id == TYPE_ARRAY || to.id == TYPE_ARRAY)
		return false;
	if (from.id == TYPE_STRING || to.id == TYPE_STRING)
		return true;
	if (type_is_numeric(from) && type_is_numeric(to))
		return number_rank(from) <= number_rank(to) || to.id == TYPE_DECIMAL;
	return (from.id == TYPE_DATE && to.id == TYPE_TIMESTAMP)
		|| (from.id == TYPE_TIMESTAMP && to.id == TYPE_DATE);
}

/* ---- numbers between themselves, as loops ---- */

#define WIDEN_KERNEL(name, from_type, to_type)                                                     \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const from_type *a = args[0].column.data;                                          \
		to_type *r = out->column.data;                                                     \
		(void)e;                                                                           \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = (to_type)a[i];                                                      \
	}

WIDEN_KERNEL(widen_i32_i32, int32_t, int32_t)
WIDEN_KERNEL(widen_i32_i64, int32_t, int64_t)
WIDEN_KERNEL(widen_i32_f32, int32_t, float)
WIDEN_KERNEL(widen_i32_f64, int32_t, double)
WIDEN_KERNEL(widen_i64_f32, int64_t, float)
WIDEN_KERNEL(widen_i64_f64, int64_t, double)
WIDEN_KERNEL(widen_f32_f64, float, double)
WIDEN_KERNEL(widen_f64_f32, double, float)

/* Where the decimal has room for every value of the integer type. */
#define DECIMAL_KERNEL(name, from_type)                                                            \
	static void name(const struct expr *e, const struct run *run, const struct vector *args,   \
		struct vector *out)                                                                \
	{                                                                                          \
		const from_type *a = args[0].column.data;                                          \
		int128 *r = out->column.data;                                                      \
		int128 unit = decimal_pow10(e->type.scale);                                        \
		for (uint32_t i = 0; i < run->rows; i++)                                           \
			r[i] = (int128)((uint128)a[i] * (uint128)unit);                            \
	}

DECIMAL_KERNEL(decimal_i32, int32_t)
DECIMAL_KERNEL(decimal_i64, int64_t)

static kernel_fn *widening(struct type from, struct type to)
{
	bool from_int = type_is_integer(from);
	if (from_int && to.id == TYPE_DECIMAL) {
		unsigned whole = (unsigned)(to.precision - to.scale);
		if (from.id == TYPE_BIGINT)
			return whole >= 19 ? decimal_i64 : NULL;
		return whole >= 10 ? decimal_i32 : NULL;
	}
	if (from_int && to.id == TYPE_BIGINT && from.id < TYPE_BIGINT)
		return widen_i32_i64;
	if (from_int && type_is_integer(to) && from.id < to.id)
		return widen_i32_i32;
	if (from_int && to.id == TYPE_FLOAT)
		return from.id == TYPE_BIGINT ? widen_i64_f32 : widen_i32_f32;
	if (from_int && to.id == TYPE_DOUBLE)
		return from.id == TYPE_BIGINT ? widen_i64_f64 : widen_i32_f64;
	if (from.id == TYPE_FLOAT && to.id == TYPE_DOUBLE)
		return widen_f32_f64;
	return from.id == TYPE_DOUBLE && to.id == TYPE_FLOAT ? widen_f64_f32 : NULL;
}

/* ---- one value ---- */

static enum expr_fault put_integer(int128 i, struct value *out)
{
	int128 low, high;
	switch (out->type.id) {
	case TYPE_TINYINT: low = INT8_MIN, high = INT8_MAX; break;
	case TYPE_SMALLINT: low = INT16_MIN, high = INT16_MAX; break;
	case TYPE_INT: low = INT32_MIN, high = INT32_MAX; break;
	default: low = INT64_MIN, high = INT64_MAX; break;
	}
	if (i < low || i > high)
		return EXPR_CAST_OVERFLOW;
	if (out->type.id == TYPE_BIGINT)
		out->as.i64 = (int64_t)i;
	else
		out->as.i32 = (int32_t)i;
	return EXPR_FINE;
}

static int64_t integer_of(const struct value *v)
{
	return v->type.id == TYPE_BIGINT || v->type.id == TYPE_TIMESTAMP ? v->as.i64 : v->as.i32;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static double fraction_of(const struct value *v)
{
	return v->type.id == TYPE_FLOAT ? (double)v->as.f32 : v->as.f64;
}

static enum expr_fault put_decimal(int128 unscaled, unsigned scale, struct value *out)
{
	if (!decimal_rescale(unscaled, scale, out->type.scale, &out->as.i128)
		|| !decimal_fits(out->as.i128, out->type.precision))
		return EXPR_CAST_OVERFLOW;
	return EXPR_FINE;
}

static const double two_63 = 9223372036854775808.0;

/* 2^63 is what the largest bigint is as a double: Spark lets it pass, and it becomes that. */
static bool whole_fits(double d)
{
	return fabs(d) <= two_63;
}

static int64_t saturated(double d)
{
	return d >= two_63 ? INT64_MAX : (int64_t)d;
}

static int64_t seconds_to_us(int64_t seconds)
{
	int64_t us;
	if (!__builtin_mul_overflow(seconds, INT64_C(1000000), &us))
		return us;
	return seconds < 0 ? INT64_MIN : INT64_MAX;
}

/* Like Spark's, wraps beyond what a timestamp holds. */
static int64_t decimal_to_us(int128 seconds, unsigned scale)
{
	if (scale > 6)
		return (int64_t)(seconds / decimal_pow10(scale - 6));
	return (int64_t)((uint128)seconds * (uint128)decimal_pow10(6 - scale));
}

static enum expr_fault integer_to(int64_t i, struct value *out)
{
	switch (out->type.id) {
	case TYPE_BOOLEAN: out->as.boolean = i != 0; return EXPR_FINE;
	case TYPE_FLOAT: out->as.f32 = (float)i; return EXPR_FINE;
	case TYPE_DOUBLE: out->as.f64 = (double)i; return EXPR_FINE;
	case TYPE_DECIMAL: return put_decimal(i, 0, out);
	case TYPE_TIMESTAMP: out->as.i64 = seconds_to_us(i); return EXPR_FINE;
	default: return put_integer(i, out);
	}
}

static enum expr_fault fraction_to(double d, struct value *out)
{
	switch (out->type.id) {
	case TYPE_BOOLEAN: out->as.boolean = d != 0; return EXPR_FINE;
	case TYPE_FLOAT: out->as.f32 = (float)d; return EXPR_FINE;
	case TYPE_DOUBLE: out->as.f64 = d; return EXPR_FINE;
	case TYPE_TIMESTAMP:
		if (!isfinite(d)) {
			out->is_null = true;
			return EXPR_FINE;
		}
		if (!whole_fits(d * 1e6))
			return EXPR_CAST_OVERFLOW;
		out->as.i64 = saturated(d * 1e6);
		return EXPR_FINE;
	case TYPE_DECIMAL:
		return decimal_from_double(d, out->type.precision, out->type.scale, &out->as.i128)
			? EXPR_FINE
			: EXPR_CAST_OVERFLOW;
	default:
		if (!whole_fits(d))
			return EXPR_CAST_OVERFLOW;
		return put_integer(saturated(d), out);
	}
}

static enum expr_fault decimal_to(int128 i, unsigned scale, struct value *out)
{
	switch (out->type.id) {
	case TYPE_BOOLEAN: out->as.boolean = i != 0; return EXPR_FINE;
	case TYPE_FLOAT: out->as.f32 = (float)decimal_to_double(i, scale); return EXPR_FINE;
	case TYPE_DOUBLE: out->as.f64 = decimal_to_double(i, scale); return EXPR_FINE;
	case TYPE_DECIMAL: return put_decimal(i, scale, out);
	case TYPE_TIMESTAMP: out->as.i64 = decimal_to_us(i, scale); return EXPR_FINE;
	default: return put_integer(i / decimal_pow10(scale), out);
	}
}

static enum expr_fault text_to_decimal(struct str s, struct value *out)
{
	switch (decimal_parse(str_trim(s), out->type.precision, out->type.scale, &out->as.i128)) {
	case DECIMAL_OK: return EXPR_FINE;
	case DECIMAL_OVERFLOW: return EXPR_CAST_OVERFLOW;
	case DECIMAL_BAD: break;
	}
	return EXPR_CAST_INVALID;
}

static enum expr_fault text_to(
	struct str s, const struct timezone *tz, int64_t now_us, struct value *out)
{
	bool good;
	int64_t i = 0;
	switch (out->type.id) {
	case TYPE_BOOLEAN: good = boolean_parse(s, &out->as.boolean); break;
	case TYPE_FLOAT: good = float_parse(s, &out->as.f32); break;
	case TYPE_DOUBLE: good = double_parse(s, &out->as.f64); break;
	case TYPE_DECIMAL: return text_to_decimal(s, out);
	case TYPE_DATE: good = date_parse(s, &out->as.i32); break;
	case TYPE_TIMESTAMP: good = timestamp_parse(s, tz, now_us, &out->as.i64); break;
	case TYPE_STRING:
	case TYPE_BINARY: out->as.str = s; return EXPR_FINE;
	default: good = int64_parse(str_trim(s), &i) && put_integer(i, out) == EXPR_FINE; break;
	}
	return good ? EXPR_FINE : EXPR_CAST_INVALID;
}

static enum expr_fault time_to(const struct value *in, const struct timezone *tz, struct value *out)
{
	int64_t us = in->type.id == TYPE_TIMESTAMP ? in->as.i64 : 0;
	int64_t seconds = floor_div(us, 1000000);
	if (in->type.id == TYPE_DATE) {
		int64_t local = (int64_t)in->as.i32 * 86400;
		int64_t utc = tz == NULL ? local : timezone_to_utc(tz, local);
		return __builtin_mul_overflow(utc, INT64_C(1000000), &out->as.i64)
			? EXPR_CAST_OVERFLOW
			: EXPR_FINE;
	}
	switch (out->type.id) {
	case TYPE_DATE:
		if (tz != NULL)
			seconds += timezone_offset_at(tz, seconds);
		out->as.i32 = (int32_t)floor_div(seconds, 86400);
		return EXPR_FINE;
	case TYPE_FLOAT: out->as.f32 = (float)((double)us / 1e6); return EXPR_FINE;
	case TYPE_DOUBLE: out->as.f64 = (double)us / 1e6; return EXPR_FINE;
	case TYPE_DECIMAL: return fraction_to((double)us / 1e6, out); /* as Spark */
	default: return put_integer(seconds, out);
	}
}

static struct str text_of(const struct value *v, enum value_style style, const struct timezone *tz,
	struct arena *arena)
{
	struct strbuf s;
	strbuf_init(&s);
	value_text(v, style, tz, &s);
	struct str copy = str_dup(strbuf_str(&s), arena);
	strbuf_release(&s);
	return copy.data == NULL ? str_lit("") : copy;
}

/*
 * A JSON number that is no plain integer, as one: 5.0 and 1e3 are, 5.5 loses its fraction as
 * decimals do.
 */
static enum expr_fault json_number_to(
	struct str text, const struct timezone *tz, int64_t now_us, struct value *out)
{
	enum expr_fault fault = text_to(text, tz, now_us, out);
	if (fault == EXPR_FINE || out->type.id == TYPE_DATE)
		return fault;
	int64_t i;
	double d;
	if (int64_parse(text, &i))
		return integer_to(i, out);
	return double_parse(text, &d) ? fraction_to(d, out) : EXPR_CAST_INVALID;
}

static enum expr_fault json_to(struct str json, const struct timezone *tz, int64_t now_us,
	struct arena *arena, struct value *out)
{
	switch (json_kind_of(json)) {
	case JSON_KIND_NULL: out->is_null = true; return EXPR_FINE;
	case JSON_KIND_STRING: return text_to(json_unquote(json, arena), tz, now_us, out);
	case JSON_KIND_BOOLEAN: {
		struct value v = {.type = type_of(TYPE_BOOLEAN),
			.as.boolean = json.len > 0 && json.data[0] == 't'};
		if (out->type.id == TYPE_STRING || out->type.id == TYPE_BINARY)
			break;
		return cast_value(&v, out->type, tz, now_us, arena, out);
	}
	case JSON_KIND_NUMBER:
		if (out->type.id == TYPE_STRING || out->type.id == TYPE_BINARY)
			break;
		return json_number_to(json, tz, now_us, out);
	case JSON_KIND_ARRAY:
	case JSON_KIND_OBJECT:
		if (out->type.id != TYPE_STRING && out->type.id != TYPE_BINARY)
			return EXPR_CAST_INVALID;
		break;
	}
	out->as.str = json;
	return EXPR_FINE;
}

enum expr_fault cast_value(const struct value *in, struct type to, const struct timezone *tz,
	int64_t now_us, struct arena *arena, struct value *out)
{
	*out = (struct value){.type = to, .is_null = in->is_null};
	if (in->is_null)
		return EXPR_FINE;
	if (type_eq(in->type, to)) {
		*out = *in;
		return EXPR_FINE;
	}
	if (in->type.id == TYPE_JSON)
		return json_to(in->as.str, tz, now_us, arena, out);
	if (to.id == TYPE_JSON || to.id == TYPE_STRING) {
		bool bytes = to.id == TYPE_STRING && in->type.id == TYPE_BINARY;
		out->as.str = bytes
			? in->as.str
			: text_of(in, to.id == TYPE_JSON ? VALUE_JSON : VALUE_CAST, tz, arena);
		return EXPR_FINE;
	}
	switch (in->type.id) {
	case TYPE_STRING: return text_to(in->as.str, tz, now_us, out);
	case TYPE_BOOLEAN: return integer_to(in->as.boolean, out);
	case TYPE_FLOAT:
	case TYPE_DOUBLE: return fraction_to(fraction_of(in), out);
	case TYPE_DECIMAL: return decimal_to(in->as.i128, in->type.scale, out);
	case TYPE_DATE:
	case TYPE_TIMESTAMP: return time_to(in, tz, out);
	default: return integer_to(integer_of(in), out);
	}
}

/* ---- value by value ---- */

static void cast_rows(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct type from = e->args[0]->type;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			struct value in = value_from_column(&args[0].column, from, i), v;
			enum expr_fault fault =
				cast_value(&in, e->type, e->timezone, run->time_us, run->arena, &v);
			if (fault == EXPR_FINE)
				value_to_column(&v, &out->column, i);
			else
				expr_fault(run, out, i, fault);
		}
	}
}

/* Integers to text are common enough to write straight into the arena. */
static void integer_text_rows(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct type from = e->args[0]->type;
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			struct value in = value_from_column(&args[0].column, from, i);
			char *text = arena_alloc(run->arena, 24, 1);
			r[i] = (struct str){text, int64_text(integer_of(&in), text)};
		}
	}
}

kernel_fn *cast_kernel(struct type from, struct type to)
{
	if (to.id == TYPE_STRING && type_is_integer(from))
		return integer_text_rows;
	kernel_fn *fast = widening(from, to);
	return fast == NULL ? cast_rows : fast;
}
