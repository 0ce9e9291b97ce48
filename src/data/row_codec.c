#include "data/row_codec.h"

#include "base/check.h"

#include <math.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rows are written as they lie in memory: little-endian machines only"
#endif

static void add_raw(struct strbuf *out, const void *bytes, size_t len)
{
	strbuf_add(out, (struct str){bytes, len});
}

static void add_str(struct strbuf *out, struct str s)
{
	check(s.len <= UINT32_MAX);
	uint32_t len = (uint32_t)s.len;
	add_raw(out, &len, sizeof len);
	strbuf_add(out, s);
}

void row_codec_add(struct strbuf *out, const struct value *v)
{
	bool present = !v->is_null && v->type.id != TYPE_NULL;
	strbuf_add_byte(out, present ? 1 : 0);
	if (!present) {
		return;
	}
	enum phys p = type_phys(v->type);
	if (p == PHYS_STR) {
		add_str(out, v->as.str);
	} else if (p == PHYS_BOOL) {
		strbuf_add_byte(out, v->as.boolean ? 1 : 0);
	} else if (p == PHYS_F64 && isnan(v->as.f64)) {
		double nan = (double)NAN;
		add_raw(out, &nan, sizeof nan);
	} else if (p == PHYS_F32 && isnan(v->as.f32)) {
		float nan = NAN;
		add_raw(out, &nan, sizeof nan);
	} else {
		add_raw(out, &v->as, phys_bytes(p));
	}
}

static void add_array_key(struct strbuf *out, const struct value *v)
{
	uint32_t count = row_codec_array_count(v->as.str);
	struct strbuf elements;
	strbuf_init(&elements);
	add_raw(&elements, &count, sizeof count);
	size_t at = sizeof count;
	for (uint32_t i = 0; i < count; i++) {
		struct value element = row_codec_read(v->as.str, &at, *v->type.element);
		row_codec_add_key(&elements, &element);
	}
	strbuf_add_byte(out, 1);
	add_str(out, strbuf_str(&elements));
	strbuf_release(&elements);
}

void row_codec_add_key(struct strbuf *out, const struct value *v)
{
	struct value key = *v;
	if (!v->is_null && v->type.id == TYPE_DOUBLE) {
		if (v->as.f64 == 0.0) {
			key.as.f64 = 0.0;
		}
	} else if (!v->is_null && v->type.id == TYPE_FLOAT) {
		if (v->as.f32 == 0.0f) {
			key.as.f32 = 0.0f;
		}
	} else if (!v->is_null && v->type.id == TYPE_ARRAY) {
		add_array_key(out, v);
		return;
	}
	row_codec_add(out, &key);
}

static const char *take(struct str bytes, size_t *at, size_t len)
{
	check(*at <= bytes.len);
	check(len <= bytes.len - *at);
	const char *p = bytes.data + *at;
	*at += len;
	return p;
}

struct value row_codec_read(struct str bytes, size_t *at, struct type type)
{
	struct value v = {.type = type};
	char tag = *take(bytes, at, 1);
	check(tag == 0 || tag == 1);
	if (tag == 0) {
		v.is_null = true;
		return v;
	}
	enum phys p = type_phys(type);
	if (p == PHYS_STR) {
		uint32_t len;
		memcpy(&len, take(bytes, at, sizeof len), sizeof len);
		v.as.str = (struct str){take(bytes, at, len), len};
	} else if (p == PHYS_BOOL) {
		v.as.boolean = *take(bytes, at, 1) != 0;
	} else {
		memcpy(&v.as, take(bytes, at, phys_bytes(p)), phys_bytes(p));
	}
	return v;
}

uint32_t row_codec_array_count(struct str array)
{
	uint32_t count;
	check(array.len >= sizeof count);
	memcpy(&count, array.data, sizeof count);
	return count;
}
