#include "state/group_key.h"

#include "base/check.h"
#include "data/row_codec.h"
#include "state/record.h"

#include <math.h>

/* Floats in a form where equal means equal bytes; other columns as they are. */
static const char *normalized(
	const struct vector *v, const uint16_t *rows, uint32_t row_count, struct arena *arena)
{
	enum phys phys = type_phys(v->type);
	if (phys == PHYS_F64) {
		const double *from = v->column.data;
		double *to = ARENA_ARRAY(arena, double, chunk_rows_max);
		for (uint32_t i = 0; i < row_count; i++) {
			double d = from[rows[i]];
			to[rows[i]] = d != d ? (double)NAN : d + 0.0;
		}
		return (const char *)to;
	}
	if (phys == PHYS_F32) {
		const float *from = v->column.data;
		float *to = ARENA_ARRAY(arena, float, chunk_rows_max);
		for (uint32_t i = 0; i < row_count; i++) {
			float f = from[rows[i]];
			to[rows[i]] = f != f ? (float)NAN : f + 0.0f;
		}
		return (const char *)to;
	}
	return v->column.data;
}

static void encode_one(const struct vector *v, const uint16_t *rows, uint32_t row_count,
	struct arena *arena, struct str *keys)
{
	const struct str null = {NULL, 0};
	if (type_phys(v->type) == PHYS_STR) {
		const struct str *strings = v->column.data;
		for (uint32_t i = 0; i < row_count; i++) {
			struct str s = strings[rows[i]];
			if (s.len == 0)
				s.data = "";
			keys[i] = column_is_null(&v->column, rows[i]) ? null : s;
		}
		return;
	}
	size_t width = phys_bytes(type_phys(v->type));
	const char *slots = normalized(v, rows, row_count, arena);
	for (uint32_t i = 0; i < row_count; i++) {
		struct str s = {slots + rows[i] * width, width};
		keys[i] = column_is_null(&v->column, rows[i]) ? null : s;
	}
}

static void add_lengths(
	const struct vector *v, const uint16_t *rows, uint32_t row_count, struct str *keys)
{
	bool strings = type_phys(v->type) == PHYS_STR;
	size_t width = strings ? sizeof(uint32_t) : phys_bytes(type_phys(v->type));
	for (uint32_t i = 0; i < row_count; i++) {
		keys[i].len++;
		if (column_is_null(&v->column, rows[i]))
			continue;
		keys[i].len += width;
		if (strings)
			keys[i].len += ((const struct str *)v->column.data)[rows[i]].len;
	}
}

/* Writes one column of every key; ends[i] is where key i goes on. */
static void add_bytes(const struct vector *v, const uint16_t *rows, uint32_t row_count,
	struct arena *arena, char **ends)
{
	bool strings = type_phys(v->type) == PHYS_STR;
	size_t width = phys_bytes(type_phys(v->type));
	const char *slots = normalized(v, rows, row_count, arena);
	for (uint32_t i = 0; i < row_count; i++) {
		char *end = ends[i];
		bool null = column_is_null(&v->column, rows[i]);
		*end++ = null ? 0 : 1;
		if (!null && strings) {
			struct str s = ((const struct str *)(const void *)slots)[rows[i]];
			check(s.len <= UINT32_MAX);
			uint32_t len = (uint32_t)s.len;
			memcpy(end, &len, sizeof(len));
			if (len > 0)
				memcpy(end + sizeof(len), s.data, len);
			end += sizeof(len) + len;
		} else if (!null) {
			phys_copy(end, slots + rows[i] * width, width);
			end += width;
		}
		ends[i] = end;
	}
}

void group_key_encode(const struct group_key *k, const struct vector *columns, const uint16_t *rows,
	uint32_t row_count, struct arena *arena, struct str *keys)
{
	check(row_count <= chunk_rows_max);
	if (k->count == 1) {
		encode_one(&columns[0], rows, row_count, arena, keys);
		return;
	}
	for (uint32_t i = 0; i < row_count; i++)
		keys[i] = (struct str){"", 0};
	for (uint32_t c = 0; c < k->count; c++)
		add_lengths(&columns[c], rows, row_count, keys);
	size_t total = 0;
	for (uint32_t i = 0; i < row_count; i++)
		total += keys[i].len;
	char *bytes = arena_alloc(arena, total + 1, 1);
	char **ends = ARENA_ARRAY(arena, char *, chunk_rows_max);
	for (uint32_t i = 0; i < row_count; i++) {
		keys[i].data = bytes;
		ends[i] = bytes;
		bytes += keys[i].len;
	}
	for (uint32_t c = 0; c < k->count; c++)
		add_bytes(&columns[c], rows, row_count, arena, ends);
}

static struct value decode_one(struct str key, struct type type)
{
	struct value v = {.type = type, .is_null = key.data == NULL};
	if (v.is_null)
		return v;
	enum phys phys = type_phys(type);
	if (phys == PHYS_STR) {
		v.as.str = key;
		return v;
	}
	check(key.len == phys_bytes(phys));
	if (phys == PHYS_BOOL)
		v.as.boolean = key.data[0] != 0;
	else
		memcpy(&v.as, key.data, key.len);
	return v;
}

void group_key_decode(const struct group_key *k, struct str key, struct value *values)
{
	if (k->count == 1) {
		values[0] = decode_one(key, k->types[0]);
		return;
	}
	size_t offset = 0;
	for (uint32_t c = 0; c < k->count; c++)
		values[c] = row_codec_read(key, &offset, k->types[c]);
	check(offset == key.len);
}

static bool value_is_good(struct record_reader *r, struct type type)
{
	uint8_t tag = record_u8(r);
	if (r->bad || tag > 1)
		return false;
	if (tag == 0)
		return true;
	if (type_phys(type) == PHYS_STR)
		return record_str(r).data != NULL && !r->bad;
	return record_take(r, phys_bytes(type_phys(type))) != NULL;
}

bool group_key_is_good(const struct group_key *k, struct str key)
{
	if (k->count == 1)
		return key.data == NULL || type_phys(k->types[0]) == PHYS_STR ||
			key.len == phys_bytes(type_phys(k->types[0]));
	struct record_reader r = {.bytes = key};
	for (uint32_t c = 0; c < k->count; c++)
		if (key.data == NULL || !value_is_good(&r, k->types[c]))
			return false;
	return record_left(&r) == 0;
}
