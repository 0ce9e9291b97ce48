#include "data/sort_key.h"

#include "base/check.h"
#include "data/row_codec.h"

#include <math.h>

static void add_big_endian(struct strbuf *out, uint128 bits, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;)
		strbuf_add_byte(out, (char)(unsigned char)(bits >> (8 * i)));
}

/* IEEE numbers order like integers once the negative ones are turned round. */
static uint64_t double_bits(double d)
{
	uint64_t bits;
	if (isnan(d))
		return UINT64_MAX;
	if (d == 0.0)
		d = 0.0;
	memcpy(&bits, &d, sizeof bits);
	uint64_t sign = UINT64_C(1) << 63;
	return (bits & sign) != 0 ? ~bits : bits | sign;
}

static void add_string(struct strbuf *out, struct str s)
{
	for (size_t at = 0; at < s.len;) {
		const char *zero = memchr(s.data + at, 0, s.len - at);
		size_t end = zero == NULL ? s.len : (size_t)(zero - s.data) + 1;
		strbuf_add(out, (struct str){s.data + at, end - at});
		if (zero != NULL)
			strbuf_add_byte(out, (char)0xff);
		at = end;
	}
	strbuf_add(out, (struct str){"\0\0", 2});
}

static void add_array(struct strbuf *out, struct str array, struct type element)
{
	size_t at = sizeof(uint32_t);
	for (uint32_t left = row_codec_array_count(array); left > 0; left--) {
		struct value v = row_codec_read(array, &at, element);
		strbuf_add_byte(out, 1);
		sort_key_add(out, &v, false, false);
	}
	strbuf_add_byte(out, 0);
}

static void add_value(struct strbuf *out, const struct value *v)
{
	switch (type_phys(v->type)) {
	case PHYS_BOOL:
		strbuf_add_byte(out, v->as.boolean ? 1 : 0);
		break;
	case PHYS_I32:
		add_big_endian(out, (uint32_t)v->as.i32 ^ UINT32_C(1) << 31, 4);
		break;
	case PHYS_I64:
		add_big_endian(out, (uint64_t)v->as.i64 ^ UINT64_C(1) << 63, 8);
		break;
	case PHYS_F32:
		add_big_endian(out, double_bits((double)v->as.f32), 8);
		break;
	case PHYS_F64:
		add_big_endian(out, double_bits(v->as.f64), 8);
		break;
	case PHYS_I128:
		add_big_endian(out, (uint128)v->as.i128 ^ (uint128)1 << 127, 16);
		break;
	case PHYS_STR:
		if (v->type.id == TYPE_ARRAY)
			add_array(out, v->as.str, *v->type.element);
		else
			add_string(out, v->as.str);
		break;
	case phys_count:
		check(false);
	}
}

void sort_key_add(struct strbuf *out, const struct value *v, bool descending, bool nulls_last)
{
	if (v->is_null || v->type.id == TYPE_NULL) {
		strbuf_add_byte(out, nulls_last ? 2 : 0);
		return;
	}
	strbuf_add_byte(out, 1);
	size_t start = out->len;
	add_value(out, v);
	for (size_t i = start; descending && i < out->len; i++)
		out->data[i] = (char)~out->data[i];
}
