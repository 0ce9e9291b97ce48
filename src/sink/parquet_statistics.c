#include "sink/parquet_statistics.h"

#include "base/check.h"

#include <math.h>

void parquet_statistics_init(struct parquet_statistics *s)
{
	*s = (struct parquet_statistics){0};
	strbuf_init(&s->least_text);
	strbuf_init(&s->greatest_text);
}

void parquet_statistics_release(struct parquet_statistics *s)
{
	strbuf_release(&s->least_text);
	strbuf_release(&s->greatest_text);
}

void parquet_statistics_clear(struct parquet_statistics *s)
{
	s->any = false;
}

/* ---- typed loops, without a branch so that they vectorise ---- */

static void bounds_u8(const uint8_t *v, uint32_t n, int64_t *least, int64_t *greatest)
{
	uint8_t low = v[0], high = v[0];
	for (uint32_t i = 1; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = low;
	*greatest = high;
}

static void bounds_i32(const int32_t *v, uint32_t n, int64_t *least, int64_t *greatest)
{
	int32_t low = v[0], high = v[0];
	for (uint32_t i = 1; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = low;
	*greatest = high;
}

static void bounds_i64(const int64_t *v, uint32_t n, int64_t *least, int64_t *greatest)
{
	int64_t low = v[0], high = v[0];
	for (uint32_t i = 1; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = low;
	*greatest = high;
}

static void bounds_i128(const int128 *v, uint32_t n, int128 *least, int128 *greatest)
{
	int128 low = v[0], high = v[0];
	for (uint32_t i = 1; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = low;
	*greatest = high;
}

/* A comparison with NaN is false, so NaN never gets in. False: there was nothing else. */
static bool bounds_f64(const double *v, uint32_t n, double *least, double *greatest)
{
	double low = INFINITY, high = -INFINITY;
	for (uint32_t i = 0; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = low;
	*greatest = high;
	return low <= high;
}

static bool bounds_f32(const float *v, uint32_t n, double *least, double *greatest)
{
	float low = INFINITY, high = -INFINITY;
	for (uint32_t i = 0; i < n; i++) {
		low = v[i] < low ? v[i] : low;
		high = v[i] > high ? v[i] : high;
	}
	*least = (double)low;
	*greatest = (double)high;
	return low <= high;
}

static void bounds_text(const struct str *v, uint32_t n, struct str *least, struct str *greatest)
{
	*least = *greatest = v[0];
	for (uint32_t i = 1; i < n; i++) {
		if (str_cmp(v[i], *least) < 0) {
			*least = v[i];
		} else if (str_cmp(v[i], *greatest) > 0) {
			*greatest = v[i];
		}
	}
}

/* ---- merging ---- */

static void merge_i64(struct parquet_statistics *s, int64_t least, int64_t greatest)
{
	s->least.i64 = s->any && s->least.i64 < least ? s->least.i64 : least;
	s->greatest.i64 = s->any && s->greatest.i64 > greatest ? s->greatest.i64 : greatest;
	s->any = true;
}

static void merge_f64(struct parquet_statistics *s, double least, double greatest)
{
	s->least.f64 = s->any && s->least.f64 < least ? s->least.f64 : least;
	s->greatest.f64 = s->any && s->greatest.f64 > greatest ? s->greatest.f64 : greatest;
	s->any = true;
}

static void merge_i128(struct parquet_statistics *s, int128 least, int128 greatest)
{
	s->least.i128 = s->any && s->least.i128 < least ? s->least.i128 : least;
	s->greatest.i128 = s->any && s->greatest.i128 > greatest ? s->greatest.i128 : greatest;
	s->any = true;
}

static void keep_text(struct strbuf *kept, struct str s)
{
	strbuf_reset(kept);
	strbuf_add(kept, s);
}

static void merge_text(struct parquet_statistics *s, struct str least, struct str greatest)
{
	if (!s->any || str_cmp(least, strbuf_str(&s->least_text)) < 0) {
		keep_text(&s->least_text, least);
	}
	if (!s->any || str_cmp(greatest, strbuf_str(&s->greatest_text)) > 0) {
		keep_text(&s->greatest_text, greatest);
	}
	s->any = true;
}

void parquet_statistics_add(
	struct parquet_statistics *s, enum parquet_form form, const void *values, uint32_t n)
{
	int64_t least, greatest;
	int128 least128, greatest128;
	double least_f64, greatest_f64;
	struct str least_text, greatest_text;
	if (n == 0) {
		return;
	}
	switch (form) {
	case FORM_BOOL: bounds_u8(values, n, &least, &greatest); break;
	case FORM_I32: bounds_i32(values, n, &least, &greatest); break;
	case FORM_I64: bounds_i64(values, n, &least, &greatest); break;
	case FORM_F32:
		if (bounds_f32(values, n, &least_f64, &greatest_f64)) {
			merge_f64(s, least_f64, greatest_f64);
		}
		return;
	case FORM_F64:
		if (bounds_f64(values, n, &least_f64, &greatest_f64)) {
			merge_f64(s, least_f64, greatest_f64);
		}
		return;
	case FORM_I128:
		bounds_i128(values, n, &least128, &greatest128);
		merge_i128(s, least128, greatest128);
		return;
	case FORM_BYTES:
		bounds_text(values, n, &least_text, &greatest_text);
		merge_text(s, least_text, greatest_text);
		return;
	default: check_failed("unknown form", __FILE__, __LINE__);
	}
	merge_i64(s, least, greatest);
}

/* ---- writing ---- */

/* A bound's bytes as PLAIN has them; `upper` for the greatest. */
static struct str fixed_bound(const struct parquet_statistics *s, const struct parquet_type *type,
	bool upper, char out[16])
{
	int64_t i64 = upper ? s->greatest.i64 : s->least.i64;
	double f64 = upper ? s->greatest.f64 : s->least.f64;
	f64 = f64 == 0 ? (upper ? 0.0 : -0.0) : f64;
	int32_t i32 = (int32_t)i64;
	float f32 = (float)f64;
	switch (type->form) {
	case FORM_BOOL: out[0] = (char)i64; return (struct str){out, 1};
	case FORM_I32: memcpy(out, &i32, 4); return (struct str){out, 4};
	case FORM_I64: memcpy(out, &i64, 8); return (struct str){out, 8};
	case FORM_F32: memcpy(out, &f32, 4); return (struct str){out, 4};
	case FORM_F64: memcpy(out, &f64, 8); return (struct str){out, 8};
	default: break;
	}
	parquet_fixed_bytes(upper ? s->greatest.i128 : s->least.i128, type->fixed_bytes, out);
	return (struct str){out, type->fixed_bytes};
}

/* At most `bytes` bytes of s, UTF-8 sequences whole. */
static struct str cut(struct str s, size_t bytes, bool text)
{
	if (s.len <= bytes) {
		return s;
	}
	while (text && bytes > 0 && ((unsigned char)s.data[bytes] & 0xc0) == 0x80) {
		bytes--;
	}
	return (struct str){s.data, bytes};
}

/*
 * An upper bound of at most statistics_text_bytes_max bytes in `out`: the text cut, its last byte
 * that can be counted up in place counted up. In text only ASCII is, so that it stays UTF-8. False:
 * there is none.
 */
static bool cut_upper(struct str s, bool text, char *out, struct str *bound)
{
	*bound = cut(s, statistics_text_bytes_max, text);
	if (bound->len > 0) {
		memcpy(out, bound->data, bound->len);
	}
	bound->data = out;
	if (bound->len == s.len) {
		return true;
	}
	for (; bound->len > 0; bound->len--) {
		unsigned char last = (unsigned char)out[bound->len - 1];
		if (last < (text ? 0x7f : 0xff)) {
			out[bound->len - 1] = (char)(last + 1);
			return true;
		}
	}
	return false;
}

static void write_text(const struct parquet_statistics *s, const struct parquet_type *type,
	struct thrift *t)
{
	char upper[statistics_text_bytes_max];
	bool text = type->type.id != TYPE_BINARY;
	struct str whole = strbuf_str(&s->least_text), greatest = strbuf_str(&s->greatest_text);
	struct str bound;
	bool has_upper = cut_upper(greatest, text, upper, &bound);
	if (has_upper) {
		thrift_binary(t, 5, bound);
	}
	struct str least = cut(whole, statistics_text_bytes_max, text);
	thrift_binary(t, 6, least);
	if (has_upper) {
		thrift_bool(t, 7, bound.len == greatest.len && str_eq(bound, greatest));
	}
	thrift_bool(t, 8, least.len == whole.len);
}

void parquet_statistics_write(const struct parquet_statistics *s, const struct parquet_type *type,
	int64_t null_count, struct thrift *t, int id)
{
	char least[16], greatest[16];
	thrift_struct(t, id);
	if (!s->any || type->form == FORM_BYTES) {
		thrift_i64(t, 3, null_count);
		if (s->any) {
			write_text(s, type, t);
		}
		thrift_end(t);
		return;
	}
	struct str lower = fixed_bound(s, type, false, least);
	struct str upper = fixed_bound(s, type, true, greatest);
	bool older = type->form != FORM_I128; /* readers before min_value compare bytes */
	if (older) {
		thrift_binary(t, 1, upper);
		thrift_binary(t, 2, lower);
	}
	thrift_i64(t, 3, null_count);
	thrift_binary(t, 5, upper);
	thrift_binary(t, 6, lower);
	thrift_bool(t, 7, true);
	thrift_bool(t, 8, true);
	thrift_end(t);
}
