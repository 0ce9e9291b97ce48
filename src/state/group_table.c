#include "state/group_table.h"

#include "base/check.h"
#include "base/prefetch.h"
#include "base/hash_seed.h"

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

static inline uint64_t hash_key(struct str key, uint64_t seed)
{
	return key.data == NULL ? seed : XXH3_64bits_withSeed(key.data, key.len, seed);
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

/* ---- recent keys ---- */

/* All bytes of a key of up to 16, in two words; false for a longer one. */
static inline bool recent_words(struct str key, struct group_recent *r)
{
	size_t len = key.len;
	*r = (struct group_recent){.len = (uint32_t)len};
	if (key.data == NULL)
		r->len = UINT32_MAX;
	else if (len > 16)
		return false;
	else if (len >= 8)
		r->low = load64(key.data), r->high = load64(key.data + len - 8);
	else if (len >= 4)
		r->low = load32(key.data), r->high = load32(key.data + len - 4);
	else if (len > 0)
		r->low = (uint64_t)(uint8_t)key.data[0] |
			(uint64_t)(uint8_t)key.data[len / 2] << 8 |
			(uint64_t)(uint8_t)key.data[len - 1] << 16;
	return true;
}

static inline uint32_t recent_slot(const struct group_recent *r)
{
	uint64_t mixed = (r->low ^ (r->high << 21) ^ r->len) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mixed >> 58);
}

/* Answers what it can; the rows of the others go to `left`. Returns how many those are. */
static uint32_t find_recent(struct group_table *t, const struct str *keys, uint32_t count,
	uint32_t *ids, uint16_t *left)
{
	uint32_t missed = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct group_recent want;
		left[missed] = (uint16_t)i;
		if (!recent_words(keys[i], &want)) {
			missed++;
			continue;
		}
		const struct group_recent *have = &t->recent[recent_slot(&want)];
		bool hit = have->low == want.low && have->high == want.high &&
			have->len == want.len && have->id != 0;
		ids[i] = have->id - 1;
		missed += !hit;
	}
	return missed;
}

static void keep_recent(struct group_table *t, struct str key, uint32_t id)
{
	struct group_recent r;
	if (!recent_words(key, &r))
		return;
	r.id = id + 1;
	t->recent[recent_slot(&r)] = r;
}

/* ---- put ---- */

static uint32_t list_left(struct group_table *t, const struct str *keys, uint32_t count,
	uint32_t *ids, uint16_t *left)
{
	if (t->recent_rest == 0) {
		uint32_t missed = find_recent(t, keys, count, ids, left);
		/* Where most keys are others, looking for them costs more than it saves. */
		t->recent_poor = missed > count / 2 ? t->recent_poor + 1 : 0;
		if (t->recent_poor > 1)
			t->recent_rest = group_recent_rest;
		return missed;
	}
	t->recent_rest--;
	for (uint32_t i = 0; i < count; i++)
		left[i] = (uint16_t)i;
	return count;
}

int group_table_put(struct group_table *t, const struct str *keys, uint32_t count, uint32_t *ids,
	uint32_t *fresh, struct error *err)
{
	uint64_t hashes[chunk_rows_max], seed = hash_seed();
	uint16_t left[chunk_rows_max + 1];
	check(count <= chunk_rows_max);
	uint32_t left_count = list_left(t, keys, count, ids, left);
	if (left_count == 0)
		return 0;
	reserve(t, left_count);
	for (uint32_t i = 0; i < left_count; i++) {
		hashes[i] = hash_key(keys[left[i]], seed);
		prefetch(&t->slots[(uint32_t)hashes[i] & t->slot_mask]);
	}
	uint32_t fresh_count = 0;
	for (uint32_t i = 0; i < left_count; i++) {
		struct str key = keys[left[i]];
		uint32_t at = find_slot(t, key, hashes[i]);
		if (t->slots[at] != 0) {
			ids[left[i]] = (uint32_t)t->slots[at] - 1;
			continue;
		}
		if (t->count >= t->count_max)
			return error_set(err, CDCL_E_DATA,
				"group_by has more than %u groups: the state is bounded",
				t->count_max);
		ids[left[i]] = add_entry(t, key, hashes[i], at);
		fresh[fresh_count++] = ids[left[i]];
	}
	/* Also in the last put before a new try, which would otherwise find nothing. */
	for (uint32_t i = 0; t->recent_rest <= 1 && i < left_count; i++)
		keep_recent(t, keys[left[i]], ids[left[i]]);
	return (int)fresh_count;
}

uint32_t group_table_find(const struct group_table *t, struct str key)
{
	uint64_t slot = t->slots[find_slot(t, key, hash_key(key, hash_seed()))];
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
	memset(t->recent, 0, sizeof(t->recent));
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

size_t group_table_bytes(const struct group_table *t)
{
	return ((size_t)t->slot_mask + 1) * sizeof(*t->slots) +
		t->entry_capacity * sizeof(*t->entries) + t->free_capacity * sizeof(*t->free_ids);
}
