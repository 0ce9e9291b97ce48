#include "sink/key_map.h"

#include "base/check.h"

#include <stdlib.h>
#include <xxhash.h>

enum { capacity_first = 1024 };

void key_map_init(struct key_map *m)
{
	*m = (struct key_map){.count = 0};
}

void key_map_release(struct key_map *m)
{
	free(m->slots);
	key_map_init(m);
}

static struct key_map_slot *find(const struct key_map *m, uint64_t low, uint64_t high)
{
	uint64_t at = low & (m->capacity - 1);
	while (m->slots[at].used && (m->slots[at].low != low || m->slots[at].high != high))
		at = (at + 1) & (m->capacity - 1);
	return &m->slots[at];
}

uint32_t key_map_get(const struct key_map *m, struct str key)
{
	if (m->count == 0)
		return KEY_MAP_MISSING;
	XXH128_hash_t h = XXH3_128bits(key.data, key.len);
	const struct key_map_slot *s = find(m, h.low64, h.high64);
	return s->used ? s->value : KEY_MAP_MISSING;
}

static void grow(struct key_map *m)
{
	struct key_map old = *m;
	m->capacity = old.capacity == 0 ? capacity_first : old.capacity * 2;
	m->slots = calloc(m->capacity, sizeof(*m->slots));
	check(m->slots != NULL); /* out of memory */
	for (uint64_t i = 0; i < old.capacity; i++)
		if (old.slots[i].used)
			*find(m, old.slots[i].low, old.slots[i].high) = old.slots[i];
	free(old.slots);
}

void key_map_put(struct key_map *m, struct str key, uint32_t value)
{
	if (m->count * 4 >= m->capacity * 3)
		grow(m);
	XXH128_hash_t h = XXH3_128bits(key.data, key.len);
	struct key_map_slot *s = find(m, h.low64, h.high64);
	if (s->used)
		return;
	*s = (struct key_map_slot){h.low64, h.high64, value, 1};
	m->count++;
}
