#include "state/group_table.h"

#include "base/check.h"
#include "base/hash_seed.h"
#include "base/page_array.h"
#include "base/prefetch.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static void tags_of(
	const struct table_index *x, const uint32_t *ids, uint32_t count, uint32_t *tags)
{
	const struct group_table *t = container_of(x, const struct group_table, index);
	for (uint32_t i = 0; i < count; i++)
		tags[i] = t->entries[ids[i]].tag;
}

void group_table_init(struct group_table *t, struct slab *slab, uint32_t count_max)
{
	*t = (struct group_table){.slab = slab, .count_max = count_max};
	table_index_init(&t->index, table_segment_lines_max, tags_of);
}

void group_table_release(struct group_table *t)
{
	/* The keys' bytes go with the slab. */
	table_index_release(&t->index);
	page_array_release(t->entries, t->entry_capacity * sizeof(*t->entries));
	free(t->free_ids);
	*t = (struct group_table){0};
}

static inline uint32_t tag_of(struct str key, uint64_t seed)
{
	uint64_t hash = key.data == NULL ? seed : XXH3_64bits_withSeed(key.data, key.len, seed);
	return (uint32_t)(hash >> 32);
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

static inline uint32_t find(const struct group_table *t, struct str key, uint32_t tag)
{
	struct table_walk walk = table_index_walk(&t->index, tag);
	for (;;) {
		uint32_t id = table_walk_next(&walk);
		if (id == group_none || entry_is(&t->entries[id], key))
			return id;
	}
}

static void reserve(struct group_table *t, uint32_t more)
{
	uint64_t needed = (uint64_t)t->id_count + more;
	if (needed <= t->entry_capacity)
		return;
	uint64_t capacity = t->entry_capacity == 0 ? 64 : t->entry_capacity;
	while (capacity < needed)
		capacity *= 2;
	check(capacity <= UINT32_MAX);
	size_t entry = sizeof(*t->entries);
	t->entries = page_array_grow(t->entries, t->entry_capacity * entry, capacity * entry);
	t->entry_capacity = (uint32_t)capacity;
}

static uint32_t add_entry(struct group_table *t, struct str key, uint32_t tag)
{
	uint32_t id = t->free_count > 0 ? t->free_ids[--t->free_count] : t->id_count++;
	check(key.len <= UINT32_MAX);
	t->entries[id] = (struct group_entry){
		.key = key.data == NULL ? NULL : slab_copy(t->slab, key.data, key.len),
		.len = (uint32_t)key.len,
		.tag = tag,
	};
	table_index_insert(&t->index, tag, id);
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
	uint64_t seed = hash_seed();
	uint32_t tags[chunk_rows_max];
	uint16_t left[chunk_rows_max + 1];
	check(count <= chunk_rows_max);
	uint32_t left_count = list_left(t, keys, count, ids, left);
	if (left_count == 0)
		return 0;
	reserve(t, left_count);
	for (uint32_t i = 0; i < left_count; i++) {
		tags[i] = tag_of(keys[left[i]], seed);
		prefetch(table_index_line(&t->index, tags[i]));
	}
	uint32_t fresh_count = 0;
	for (uint32_t i = 0; i < left_count; i++) {
		struct str key = keys[left[i]];
		ids[left[i]] = find(t, key, tags[i]);
		if (ids[left[i]] != group_none)
			continue;
		if (t->count >= t->count_max)
			return error_set(err, CDCL_E_DATA,
				"group_by has more than %u groups: the state is bounded",
				t->count_max);
		ids[left[i]] = add_entry(t, key, tags[i]);
		fresh[fresh_count++] = ids[left[i]];
	}
	/* Also in the last put before a new try, which would otherwise find nothing. */
	for (uint32_t i = 0; t->recent_rest <= 1 && i < left_count; i++)
		keep_recent(t, keys[left[i]], ids[left[i]]);
	return (int)fresh_count;
}

uint32_t group_table_find(const struct group_table *t, struct str key)
{
	return find(t, key, tag_of(key, hash_seed()));
}

void group_table_remove(struct group_table *t, uint32_t id)
{
	table_index_remove(&t->index, t->entries[id].tag, id);
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
	return table_index_bytes(&t->index) +
		t->entry_capacity * sizeof(*t->entries) + t->free_capacity * sizeof(*t->free_ids);
}
