#ifndef CDCL_TABLE_STORE_H
#define CDCL_TABLE_STORE_H

/*
 * Slots by number, in blocks that never move: a slot's address is good until the store goes. All of
 * a new slot's bytes are zero. Blocks after the first table_small_blocks are of huge pages.
 */

#include "state/huge_pages.h"

enum { table_small_blocks = 8 };

struct table_store {
	char **blocks;
	uint32_t block_count;
	uint32_t block_capacity;
	uint32_t slot_bytes;
	uint32_t shift;         /* a block has 1 << shift slots */
	uint32_t count;         /* slots ever in use */
	struct huge_pages huge;
};

void table_store_init(struct table_store *s, uint32_t slot_bytes);
void table_store_release(struct table_store *s);

static inline char *table_store_slot(const struct table_store *s, uint32_t at)
{
	return s->blocks[at >> s->shift] +
		(size_t)(at & ((UINT32_C(1) << s->shift) - 1)) * s->slot_bytes;
}

void table_store_add_block(struct table_store *s);

/* Where the next slot will be, which is not in use yet. */
static inline char *table_store_next(struct table_store *s)
{
	if (s->count >> s->shift == s->block_count)
		table_store_add_block(s);
	return table_store_slot(s, s->count);
}

/* The number of one more slot. */
static inline uint32_t table_store_add(struct table_store *s)
{
	if (s->count >> s->shift == s->block_count)
		table_store_add_block(s);
	return s->count++;
}

size_t table_store_bytes(const struct table_store *s);

#endif
