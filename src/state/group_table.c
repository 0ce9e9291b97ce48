#include "state/group_table.h"

#include "base/check.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { slots_min = 64 };

void group_table_init(struct group_table *t, struct slab *slab, uint32_t count_max)
{
	*t = (struct group_table){.slab = slab, .count_max = count_max};
	t->slots = calloc(slots_min, sizeof(*t->slots));
	check(t->slots != NULL);
	t->slot_mask = slots_min - 1;
}

void group_table_release(struct group_table *t)
{
	/* The keys' bytes go with the slab. */
	free(t->slots);
	free(t->entries);
	free(t->free_ids);
	*t = (struct group_table){0};
}

static inline uint64_t hash_key(struct str key)
{
	return key.data == NULL ? UINT64_C(0x9e3779b97f4a7c15) : XXH3_64bits(key.data, key.len);
}

static inline uint64_t load64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* Most keys are short: no call for up to 16 bytes. */
static inline bool bytes_equal(const char *a, const char *b, size_t len)
{
	if (len > 16)
		return memcmp(a, b, len) == 0;
	if (len >= 8)
		return ((load64(a) ^ load64(b)) | (load64(a + len - 8) ^ load64(b + len - 8))) == 0;
	if (len >= 4)
		return ((load32(a) ^ load32(b)) | (load32(a + len - 4) ^ load32(b + len - 4))) == 0;
	if (len == 0)
		return true;
	return a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1];
}

static inline bool entry_is(const struct group_entry *e, struct str key)
{
	return e->len == key.len && (e->key == NULL) == (key.data == NULL) &&
		(key.data == NULL || bytes_equal(e->key, key.data, key.len));
}

/* The slot that holds the key, or the empty one where it belongs. */
static inline uint32_t find_slot(const struct group_table *t, struct str key, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & t->slot_mask;
	uint32_t tag = (uint32_t)(hash >> 32);
	for (;; at = (at + 1) & t->slot_mask) {
		uint64_t slot = t->slots[at];
		if (slot == 0)
			return at;
		if ((uint32_t)(slot >> 32) == tag && entry_is(&t->entries[(uint32_t)slot - 1], key))
			return at;
	}
}

static void grow_slots(struct group_table *t)
{
	uint64_t count = ((uint64_t)t->slot_mask + 1) * 2;
	check(count <= UINT32_MAX);
	uint64_t *old = t->slots;
	uint32_t old_mask = t->slot_mask;
	t->slots = calloc(count, sizeof(*t->slots));
	check(t->slots != NULL);
	t->slot_mask = (uint32_t)(count - 1);
	for (uint32_t i = 0; i <= old_mask; i++) {
		if (old[i] == 0)
			continue;
		uint32_t at = t->entries[(uint32_t)old[i] - 1].hash & t->slot_mask;
		while (t->slots[at] != 0)
			at = (at + 1) & t->slot_mask;
		t->slots[at] = old[i];
	}
	free(old);
}

/* Room for `more` groups, so that a chunk's lookups meet no resize. */
static void reserve(struct group_table *t, uint32_t more)
{
	while (((uint64_t)t->count + more) * 4 > ((uint64_t)t->slot_mask + 1) * 3)
		grow_slots(t);
	uint64_t needed = (uint64_t)t->id_count + more;
	if (needed <= t->entry_capacity)
		return;
	uint64_t capacity = t->entry_capacity == 0 ? 64 : t->entry_capacity;
	while (capacity < needed)
		capacity *= 2;
	check(capacity <= UINT32_MAX);
	struct group_entry *entries = realloc(t->entries, capacity * sizeof(*entries));
	check(entries != NULL);
	t->entries = entries;
	t->entry_capacity = (uint32_t)capacity;
}

static uint32_t add_entry(struct group_table *t, struct str key, uint64_t hash, uint32_t at)
{
	uint32_t id = t->free_count > 0 ? t->free_ids[--t->free_count] : t->id_count++;
	check(key.len <= UINT32_MAX);
	t->entries[id] = (struct group_entry){
		.key = key.data == NULL ? NULL : slab_copy(t->slab, key.data, key.len),
		.len = (uint32_t)key.len,
		.hash = (uint32_t)hash,
	};
	t->slots[at] = (hash >> 32) << 32 | (id + 1);
	t->count++;
	return id;
}

int group_table_put(struct group_table *t, const struct str *keys, uint32_t count, uint32_t *ids,
	uint32_t *fresh, struct error *err)
{
	uint64_t hashes[chunk_rows_max];
	check(count <= chunk_rows_max);
	reserve(t, count);
	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = hash_key(keys[i]);
		__builtin_prefetch(&t->slots[(uint32_t)hashes[i] & t->slot_mask]);
	}
	uint32_t fresh_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = find_slot(t, keys[i], hashes[i]);
		if (t->slots[at] != 0) {
			ids[i] = (uint32_t)t->slots[at] - 1;
			continue;
		}
		if (t->count >= t->count_max)
			return error_set(err, CDCL_E_DATA,
				"group_by has more than %u groups: the state is bounded",
				t->count_max);
		ids[i] = add_entry(t, keys[i], hashes[i], at);
		fresh[fresh_count++] = ids[i];
	}
	return (int)fresh_count;
}

uint32_t group_table_find(const struct group_table *t, struct str key)
{
	uint64_t slot = t->slots[find_slot(t, key, hash_key(key))];
	return slot == 0 ? group_none : (uint32_t)slot - 1;
}

static uint32_t slot_of(const struct group_table *t, uint32_t id)
{
	uint32_t at = t->entries[id].hash & t->slot_mask;
	while ((uint32_t)t->slots[at] != id + 1) {
		check(t->slots[at] != 0);
		at = (at + 1) & t->slot_mask;
	}
	return at;
}

/* Closes the gap: a slot moves back when its probing began at or before the gap. */
static void close_gap(struct group_table *t, uint32_t gap)
{
	uint32_t mask = t->slot_mask;
	for (uint32_t at = (gap + 1) & mask; t->slots[at] != 0; at = (at + 1) & mask) {
		uint32_t home = t->entries[(uint32_t)t->slots[at] - 1].hash & mask;
		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		t->slots[gap] = t->slots[at];
		gap = at;
	}
	t->slots[gap] = 0;
}

void group_table_remove(struct group_table *t, uint32_t id)
{
	close_gap(t, slot_of(t, id));
	struct group_entry *e = &t->entries[id];
	slab_free(t->slab, (void *)(uintptr_t)e->key, e->len);
	*e = (struct group_entry){0};
	t->count--;
	if (t->free_count == t->free_capacity) {
		uint32_t capacity = t->free_capacity == 0 ? 64 : t->free_capacity * 2;
		uint32_t *ids = realloc(t->free_ids, capacity * sizeof(*ids));
		check(ids != NULL);
		t->free_ids = ids;
		t->free_capacity = capacity;
	}
	t->free_ids[t->free_count++] = id;
}
