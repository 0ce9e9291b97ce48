#include "data/row_key.h"

#include "base/check.h"
#include "data/value.h"

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static uint64_t hash_bytes(const char *bytes, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ len;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Equal values give equal numbers; the last integer of a key by its block. */
static uint64_t hash_value(const struct column *col, struct type type, uint32_t row, bool last)
{
	if (column_is_null(col, row))
		return UINT64_C(0x9e3779b97f4a7c15);
	struct value v = value_from_column(col, type, row);
	switch (type_phys(type)) {
	case PHYS_BOOL:
		return v.as.boolean ? 1 : 2;
	case PHYS_I32:
		return (uint64_t)(last ? (int64_t)v.as.i32 >> 12 : v.as.i32);
	case PHYS_I64:
		return (uint64_t)(last ? v.as.i64 >> 12 : v.as.i64);
	case PHYS_F32: {
		float f = v.as.f32 == 0 ? 0 : v.as.f32;
		return f != f ? 3 : hash_bytes((const char *)&f, sizeof(f));
	}
	case PHYS_F64: {
		double d = v.as.f64 == 0 ? 0 : v.as.f64;
		return d != d ? 3 : hash_bytes((const char *)&d, sizeof(d));
	}
	case PHYS_I128:
		return hash_bytes((const char *)&v.as.i128, sizeof(v.as.i128));
	case PHYS_STR:
	case phys_count:
		break;
	}
	return hash_bytes(v.as.str.data, v.as.str.len);
}

void row_key_buckets(
	const struct row_key *k, const struct chunk *c, uint32_t bucket_count, uint32_t *buckets)
{
	_Static_assert(row_key_block == 1 << 12, "hash_value shifts by it");
	check(bucket_count > 0);
	for (uint32_t row = chunk_next_live(c, 0); row < chunk_rows_max;
		row = chunk_next_live(c, row + 1)) {
		uint64_t h = 0;
		for (uint32_t i = 0; i < k->count; i++) {
			uint32_t column = k->columns[i];
			h = mix(h + hash_value(&c->columns[column], c->schema->columns[column].type,
					    row, i + 1 == k->count));
		}
		buckets[row] = (uint32_t)(h % bucket_count);
	}
}
