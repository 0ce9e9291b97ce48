#ifndef CDCL_TABLE_HASH_H
#define CDCL_TABLE_HASH_H

/*
 * Hash tags of keys, and whether keys are equal. Equal as in group_by: NULL is NULL, -0.0 is 0.0,
 * every NaN is NaN. Other bits in each process (base/hash_seed.h): only the index depends on them,
 * no order that anybody sees.
 */

#include "state/table_row.h"

struct table_key {
	const struct table_layout *layout;
	const struct row_key *key;
};

/* Of rows rows[0..count-1]. */
void table_key_tags(const struct table_key *k, const struct chunk *c, const uint16_t *rows,
	uint32_t count, uint32_t *tags);
uint32_t table_key_tag_of_slot(const struct table_key *k, const char *slot);
/* Of up to 64. */
void table_key_tags_of_slots(
	const struct table_key *k, const char *const *slots, uint32_t count, uint32_t *tags);

/* A key of one integer column without NULLs in the chunk: compared without a call. */
struct table_plain_key {
	uint32_t null_at;       /* the byte of its null bit in a slot */
	uint32_t offset;        /* in a slot */
	char null_bit;
	uint32_t bytes;         /* 4 or 8; 0: the key is no such */
	const char *data;
};

struct table_plain_key table_plain_key(const struct table_key *k, const struct chunk *c);

static inline bool table_plain_key_equal(
	const struct table_plain_key *k, const char *slot, uint32_t row)
{
	uint64_t mine = 0, other = 0;
	memcpy(&mine, slot + k->offset, k->bytes == 4 ? 4 : 8);
	memcpy(&other, k->data + (size_t)row * k->bytes, k->bytes == 4 ? 4 : 8);
	/* A field that is NULL is all zeros. */
	return mine == other && (mine != 0 || !(slot[k->null_at] & k->null_bit));
}

bool table_key_equal(
	const struct table_key *k, const char *slot, const struct chunk *c, uint32_t row);

#endif
