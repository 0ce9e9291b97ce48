#include "sink/thrift_compact.h"

#include "base/check.h"

void thrift_varint(struct strbuf *out, uint64_t value)
{
	strbuf_reserve(out, 10);
	for (; value >= 0x80; value >>= 7) {
		out->data[out->len++] = (char)(value | 0x80);
	}
	out->data[out->len++] = (char)value;
}

static void zigzag(struct strbuf *out, int64_t value)
{
	thrift_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void field(struct thrift *t, int id, enum thrift_type type)
{
	check(t->depth > 0);
	int *last = &t->last[t->depth - 1];
	int distance = id - *last;
	check(distance > 0);
	if (distance <= 15) {
		strbuf_add_byte(t->out, (char)(distance << 4 | (int)type));
	} else {
		strbuf_add_byte(t->out, (char)type);
		zigzag(t->out, id);
	}
	*last = id;
}

static void push(struct thrift *t)
{
	check(t->depth < thrift_depth_max);
	t->last[t->depth++] = 0;
}

void thrift_begin(struct thrift *t, struct strbuf *out)
{
	*t = (struct thrift){.out = out};
	push(t);
}

void thrift_end(struct thrift *t)
{
	check(t->depth > 0);
	strbuf_add_byte(t->out, '\0');
	t->depth--;
}

void thrift_bool(struct thrift *t, int id, bool value)
{
	field(t, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_byte(struct thrift *t, int id, int8_t value)
{
	field(t, id, THRIFT_BYTE);
	strbuf_add_byte(t->out, (char)value);
}

void thrift_i16(struct thrift *t, int id, int16_t value)
{
	field(t, id, THRIFT_I16);
	zigzag(t->out, value);
}

void thrift_i32(struct thrift *t, int id, int32_t value)
{
	field(t, id, THRIFT_I32);
	zigzag(t->out, value);
}

void thrift_i64(struct thrift *t, int id, int64_t value)
{
	field(t, id, THRIFT_I64);
	zigzag(t->out, value);
}

void thrift_binary(struct thrift *t, int id, struct str value)
{
	field(t, id, THRIFT_BINARY);
	thrift_element_binary(t, value);
}

void thrift_struct(struct thrift *t, int id)
{
	field(t, id, THRIFT_STRUCT);
	push(t);
}

void thrift_list(struct thrift *t, int id, enum thrift_type element, uint32_t count)
{
	field(t, id, THRIFT_LIST);
	if (count < 15) {
		strbuf_add_byte(t->out, (char)(count << 4 | element));
	} else {
		strbuf_add_byte(t->out, (char)(0xf0 | element));
		thrift_varint(t->out, count);
	}
}

void thrift_element(struct thrift *t)
{
	push(t);
}

void thrift_element_i32(struct thrift *t, int32_t value)
{
	zigzag(t->out, value);
}

void thrift_element_binary(struct thrift *t, struct str value)
{
	thrift_varint(t->out, value.len);
	strbuf_add(t->out, value);
}
