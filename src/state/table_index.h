#ifndef CDCL_TABLE_INDEX_H
#define CDCL_TABLE_INDEX_H

/*
 * Hash of a key to the ids that may be it (the caller compares the keys):
 *
 *	directory   [ segment segment segment ... ]   by the first bits of the hash
 *	segment     [ tag 32 | id + 1 32 ] ...        open addressing, linear probing
 *
 * The tag is the hash's upper half: it holds the bits that choose the segment, and its product with
 * a constant chooses the slot, so a segment is rehashed or split without looking at any key. A
 * segment grows by doubling up to slots_max and then splits in two: the most work that one insert
 * can cause is moving one segment (some 100 us), however many rows there are. Segments fill alike,
 * so each is full at a count of its own, from 5/8 to 7/8 of its slots: else all of them would split
 * within a few chunks.
 */

#include "base/str.h"
#include "state/huge_pages.h"

enum { table_segment_slots_min = 64, table_segment_slots_max = 16384 };

struct table_segment {
	uint64_t *slots;
	uint32_t mask;
	uint32_t count;
	uint32_t count_max;     /* beyond it the segment grows or splits */
	uint32_t depth;         /* how many bits of the directory lead here */
	bool is_huge;           /* slots are a block of huge pages */
};

struct table_index {
	struct table_segment **directory;
	uint32_t depth;         /* the directory has 1 << depth entries */
	uint32_t segment_count;
	uint32_t slots_max;     /* of a segment */
	int64_t count;
	size_t bytes;           /* of what is not huge */
	struct huge_pages huge; /* for whole segments of a large table */
};

/* slots_max: a power of two, at least table_segment_slots_min */
void table_index_init(struct table_index *x, uint32_t slots_max);
void table_index_release(struct table_index *x);
/* An empty one gets segments enough for `count` ids at once: none of them grows or splits. */
void table_index_reserve(struct table_index *x, uint32_t count);

static inline struct table_segment *table_index_segment(const struct table_index *x, uint32_t tag)
{
	return x->directory[x->depth == 0 ? 0 : tag >> (32 - x->depth)];
}

static inline uint32_t table_index_home(const struct table_segment *s, uint32_t tag)
{
	return (uint32_t)((uint64_t)tag * UINT64_C(0x9e3779b97f4a7c15) >> 32) & s->mask;
}

/*
 * Walks the ids with `tag`: *at is the slot to go on with (table_index_home at first). UINT32_MAX
 * when there are no more.
 */
static inline uint32_t table_index_next(const struct table_segment *s, uint32_t tag, uint32_t *at)
{
	for (;;) {
		uint64_t slot = s->slots[*at];
		if (slot == 0)
			return UINT32_MAX;
		*at = (*at + 1) & s->mask;
		if ((uint32_t)(slot >> 32) == tag)
			return (uint32_t)slot - 1;
	}
}

void table_index_insert(struct table_index *x, uint32_t tag, uint32_t id);

/* The same where the segment mostly has room: table_index_reserve was told of the id. */
static inline void table_index_insert_reserved(struct table_index *x, uint32_t tag, uint32_t id)
{
	struct table_segment *s = table_index_segment(x, tag);
	if (s->count >= s->count_max) {
		table_index_insert(x, tag, id);
		return;
	}
	uint32_t at = table_index_home(s, tag);
	while (s->slots[at] != 0)
		at = (at + 1) & s->mask;
	s->slots[at] = (uint64_t)tag << 32 | (id + 1);
	s->count++;
	x->count++;
}

void table_index_remove(struct table_index *x, uint32_t tag, uint32_t id);

#endif
