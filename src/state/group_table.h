#ifndef CDCL_GROUP_TABLE_H
#define CDCL_GROUP_TABLE_H

/*
 * Key bytes to a group id: dense numbers from 0, so that everything else about a group lives in
 * plain arrays by id.
 *
 *	index    tag -> ids that may be it   segments that split one at a time (state/table_index.h)
 *	entries  [ key, len, tag ] ...       by id; the key's bytes are a copy in the slab
 *
 * A whole chunk is looked up at once: hash and prefetch every key, then compare. A key with data
 * NULL is a key of its own (SQL's NULL group). Ids of removed groups are used again. A
 * table that grows never does much at once.
 */

#include "cdcl/error.h"
#include "base/str.h"
#include "state/slab.h"
#include "state/table_index.h"

/* Few keys make most rows: those of up to 16 bytes are looked for here before they are hashed. */
struct group_recent {
	uint64_t low; /* the first and the last bytes, which overlap in short keys */
	uint64_t high;
	uint32_t len; /* UINT32_MAX: the NULL key */
	uint32_t id; /* + 1; 0: nothing here */
};

enum { group_recent_slots = 64, group_recent_rest = 16 };

struct group_entry {
	const char *key; /* slab; NULL: the NULL key */
	uint32_t len;
	uint32_t tag; /* of the index: the upper half of the hash */
};

struct group_table {
	struct table_index index;
	uint32_t count; /* groups there */
	uint32_t count_max;
	uint32_t id_count; /* ids ever in use: arrays by id have this length */
	uint32_t entry_capacity;
	struct group_entry *entries;
	uint32_t *free_ids;
	uint32_t free_count;
	uint32_t free_capacity;
	uint32_t recent_rest; /* puts to go before the recent keys are tried again */
	uint32_t recent_poor; /* tries in a row that found less than half */
	struct group_recent recent[group_recent_slots];
	struct slab *slab;
};

void group_table_init(struct group_table *t, struct slab *slab, uint32_t count_max);
void group_table_release(struct group_table *t);

enum { group_none = UINT32_MAX };

/*
 * The ids of `count` keys (at most chunk_rows_max); unknown keys become groups, whose ids are
 * listed in `fresh`. Returns how many, or negative when the table is full (the keys before are in
 * it).
 */
int group_table_put(struct group_table *t, const struct str *keys, uint32_t count, uint32_t *ids,
	uint32_t *fresh, struct error *err);

/* The id of one key, or group_none. */
uint32_t group_table_find(const struct group_table *t, struct str key);

void group_table_remove(struct group_table *t, uint32_t id);

size_t group_table_bytes(const struct group_table *t); /* without the keys, which the slab has */

static inline struct str group_table_key(const struct group_table *t, uint32_t id)
{
	return (struct str){t->entries[id].key, t->entries[id].len};
}

#endif
