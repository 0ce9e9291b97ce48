#include "state/table_hash.h"

#include "base/check.h"
#include "base/hash_seed.h"

#include <math.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static const uint64_t null_hash = UINT64_C(0x9e3779b97f4a7c15);

/* 128-bit product, folded: two instructions, and every bit of `h` reaches the upper half. */
static inline uint64_t mix(uint64_t h)
{
	uint128 product = (uint128)(h ^ UINT64_C(0xa0761d6478bd642f)) *
		UINT64_C(0xe7037ed1a0b428db);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline double plain_double(double d)
{
	return d != d ? (double)NAN : d == 0 ? 0 : d;
}

static inline uint64_t hash_double(double d)
{
	uint64_t bits;
	d = plain_double(d);
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

/* Of a value that is not NULL, before mix; `at` is its slot in a column or in a row. */
static inline uint64_t hash_fixed(enum phys phys, const char *at)
{
	switch (phys) {
	case PHYS_BOOL:
		return (unsigned char)*at;
	case PHYS_I32: {
		uint32_t i;
		memcpy(&i, at, sizeof(i));
		return i;
	}
	case PHYS_F32: {
		float f;
		memcpy(&f, at, sizeof(f));
		return hash_double((double)f);
	}
	case PHYS_F64: {
		double d;
		memcpy(&d, at, sizeof(d));
		return hash_double(d);
	}
	case PHYS_I64: {
		uint64_t i;
		memcpy(&i, at, sizeof(i));
		return i;
	}
	case PHYS_I128: {
		uint64_t i[2];
		memcpy(i, at, sizeof(i));
		return mix(i[0]) ^ i[1];
	}
	case PHYS_STR:
	case phys_count:
		break;
	}
	check(phys < PHYS_STR);
	return 0;
}

static uint64_t hash_str(struct str s)
{
	return XXH3_64bits_withSeed(s.data, s.len, hash_seed());
}

static void add_column(const struct column *col, enum phys phys, const uint16_t *rows,
	uint32_t count, uint64_t *hashes)
{
	size_t bytes = phys_bytes(phys);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = rows[i];
		uint64_t h = null_hash;
		if (column_is_null(col, row))
			;
		else if (phys == PHYS_STR)
			h = hash_str(((const struct str *)col->data)[row]);
		else
			h = hash_fixed(phys, (const char *)col->data + row * bytes);
		hashes[i] = mix(hashes[i] + h);
	}
}

/* What the columns' loops make of the key of one integer. */
static void plain_tags(const struct table_plain_key *k, const uint16_t *rows, uint32_t count,
	uint32_t *tags)
{
	const void *data = k->data;
	const uint32_t *narrow = data;
	const uint64_t *wide = data;
	uint64_t seed = hash_seed();
	if (k->bytes == 4) {
#pragma GCC unroll 4
		for (uint32_t i = 0; i < count; i++)
			tags[i] = (uint32_t)(mix(seed + narrow[rows[i]]) >> 32);
		return;
	}
#pragma GCC unroll 4
	for (uint32_t i = 0; i < count; i++)
		tags[i] = (uint32_t)(mix(seed + wide[rows[i]]) >> 32);
}

void table_key_tags(const struct table_key *k, const struct chunk *c, const uint16_t *rows,
	uint32_t count, uint32_t *tags)
{
	uint64_t hashes[chunk_rows_max];
	check(count <= chunk_rows_max);
	struct table_plain_key plain = table_plain_key(k, c);
	if (plain.bytes > 0) {
		plain_tags(&plain, rows, count, tags);
		return;
	}
	uint64_t seed = hash_seed();
	for (uint32_t i = 0; i < count; i++)
		hashes[i] = seed;
	for (uint32_t i = 0; i < k->key->count; i++) {
		uint32_t column = k->key->columns[i];
		const struct column *col = &c->columns[column];
		/* The kind of the column out of the loop, for those that keys mostly have. */
		switch (k->layout->fields[column].phys) {
		case PHYS_I64:
			add_column(col, PHYS_I64, rows, count, hashes);
			break;
		case PHYS_I32:
			add_column(col, PHYS_I32, rows, count, hashes);
			break;
		case PHYS_STR:
			add_column(col, PHYS_STR, rows, count, hashes);
			break;
		default:
			add_column(col, k->layout->fields[column].phys, rows, count, hashes);
		}
	}
	for (uint32_t i = 0; i < count; i++)
		tags[i] = (uint32_t)(hashes[i] >> 32);
}

/* A column of slots[0..count-1] into their hashes. */
__attribute__((always_inline)) static inline void add_field(const struct table_field *f,
	enum phys phys, uint32_t column, const char *const *slots, uint32_t count,
	uint64_t *hashes)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *field = slots[i] + f->offset;
		uint64_t h = null_hash;
		if (table_row_is_null(slots[i], column))
			;
		else if (phys == PHYS_STR)
			h = hash_str(table_row_str(field));
		else
			h = hash_fixed(phys, field);
		hashes[i] = mix(hashes[i] + h);
	}
}

void table_key_tags_of_slots(
	const struct table_key *k, const char *const *slots, uint32_t count, uint32_t *tags)
{
	uint64_t hashes[64];
	check(count <= ARRAY_LEN(hashes));
	uint64_t seed = hash_seed();
	for (uint32_t i = 0; i < count; i++)
		hashes[i] = seed;
	for (uint32_t i = 0; i < k->key->count; i++) {
		uint32_t column = k->key->columns[i];
		const struct table_field *f = &k->layout->fields[column];
		if (f->phys == PHYS_I64)
			add_field(f, PHYS_I64, column, slots, count, hashes);
		else if (f->phys == PHYS_I32)
			add_field(f, PHYS_I32, column, slots, count, hashes);
		else
			add_field(f, f->phys, column, slots, count, hashes);
	}
	for (uint32_t i = 0; i < count; i++)
		tags[i] = (uint32_t)(hashes[i] >> 32);
}

uint32_t table_key_tag_of_slot(const struct table_key *k, const char *slot)
{
	uint32_t tag;
	table_key_tags_of_slots(k, &slot, 1, &tag);
	return tag;
}

static bool equal_value(const struct table_field *f, const char *slot, const struct column *col,
	uint32_t row)
{
	const char *mine = slot + f->offset;
	const char *other = (const char *)col->data + row * phys_bytes(f->phys);
	switch (f->phys) {
	case PHYS_STR: {
		struct str a = table_row_str(mine), b = ((const struct str *)col->data)[row];
		return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
	}
	case PHYS_F32:
	case PHYS_F64:
		return hash_fixed(f->phys, mine) == hash_fixed(f->phys, other);
	case PHYS_BOOL:
		return *mine == *other;
	case PHYS_I32:
		return memcmp(mine, other, 4) == 0;
	case PHYS_I64:
		return memcmp(mine, other, 8) == 0;
	case PHYS_I128:
		return memcmp(mine, other, 16) == 0;
	case phys_count:
		break;
	}
	return false;
}

struct table_plain_key table_plain_key(const struct table_key *k, const struct chunk *c)
{
	uint32_t column = k->key->columns[0];
	const struct table_field *f = &k->layout->fields[column];
	struct table_plain_key plain = {
		.null_at = 1 + (column >> 3),
		.null_bit = (char)(1 << (column & 7)),
		.offset = f->offset,
		.data = c->columns[column].data};
	if (k->key->count == 1 && (f->phys == PHYS_I32 || f->phys == PHYS_I64) &&
		!table_rows_have_nulls(&c->columns[column]))
		plain.bytes = (uint32_t)phys_bytes(f->phys);
	return plain;
}

bool table_key_equal(
	const struct table_key *k, const char *slot, const struct chunk *c, uint32_t row)
{
	for (uint32_t i = 0; i < k->key->count; i++) {
		uint32_t column = k->key->columns[i];
		const struct column *col = &c->columns[column];
		bool is_null = column_is_null(col, row);
		if (is_null != table_row_is_null(slot, column))
			return false;
		if (!is_null && !equal_value(&k->layout->fields[column], slot, col, row))
			return false;
	}
	return true;
}
