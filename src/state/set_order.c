#include "state/set_order.h"

#include "base/check.h"
#include "data/row_codec.h"
#include "data/spark_hash.h"

#include <stdlib.h>

struct element {
	struct str bytes;
	uint32_t slot;
	int32_t hash;
	uint32_t arrival;
};

static int32_t hash_long(int64_t v)
{
	if (v == (int32_t)v)
		return (int32_t)v;
	return (int32_t)(uint32_t)((uint64_t)v ^ ((uint64_t)v >> 32));
}

/* Scala's ## of a double: equal numbers of any type have equal hashes. */
static int32_t hash_double(double d)
{
	if (d >= -2147483648.0 && d <= 2147483647.0 && (double)(int32_t)d == d)
		return (int32_t)d;
	if (d >= -9223372036854775808.0 && d < 9223372036854775808.0 && (double)(int64_t)d == d)
		return hash_long((int64_t)d);
	float f = (float)d;
	if ((double)f == d) {
		int32_t bits;
		memcpy(&bits, &f, sizeof(bits));
		return bits;
	}
	uint64_t bits = UINT64_C(0x7ff8000000000000);
	if (d == d)
		memcpy(&bits, &d, sizeof(bits));
	return (int32_t)(uint32_t)(bits ^ (bits >> 32));
}

static int32_t hash_element(const struct value *v)
{
	switch (v->type.id) {
	case TYPE_BOOLEAN:
		return v->as.boolean ? 1231 : 1237;
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_DATE:
		return v->as.i32;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		return hash_long(v->as.i64);
	case TYPE_FLOAT:
		return hash_double((double)v->as.f32);
	case TYPE_DOUBLE:
		return hash_double(v->as.f64);
	case TYPE_STRING:
	case TYPE_JSON:
		return (int32_t)spark_hash_value(v, spark_hash_seed);
	default:
		return 0;
	}
}

static int compare(const void *left, const void *right)
{
	const struct element *a = left, *b = right;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

struct str set_order(struct str array, struct type element, struct arena *arena)
{
	uint32_t count = row_codec_array_count(array);
	if (count < 2 || element.id == TYPE_DECIMAL || element.id == TYPE_BINARY)
		return array;
	uint32_t slots = 16;
	while ((uint64_t)count * 4 >= (uint64_t)slots * 3)
		slots *= 2;
	struct element *list = malloc(count * sizeof(*list));
	check(list != NULL);
	size_t at = sizeof(uint32_t);
	for (uint32_t i = 0; i < count; i++) {
		size_t start = at;
		struct value v = row_codec_read(array, &at, element);
		uint32_t hash = (uint32_t)hash_element(&v);
		hash ^= hash >> 16;
		list[i] = (struct element){
			{array.data + start, at - start}, hash & (slots - 1), (int32_t)hash, i};
	}
	qsort(list, count, sizeof(*list), compare);
	char *bytes = arena_alloc(arena, array.len, 1), *end = bytes + sizeof(uint32_t);
	memcpy(bytes, array.data, sizeof(uint32_t));
	for (uint32_t i = 0; i < count; i++) {
		memcpy(end, list[i].bytes.data, list[i].bytes.len);
		end += list[i].bytes.len;
	}
	free(list);
	return (struct str){bytes, array.len};
}
