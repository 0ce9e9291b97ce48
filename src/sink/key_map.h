#ifndef CDCL_KEY_MAP_H
#define CDCL_KEY_MAP_H

/*
 * Bytes of keys to a number, by their 128-bit hash alone: 24 bytes a slot, and no key is kept. Two
 * keys of one hash do not occur.
 */

#include "base/str.h"

enum { KEY_MAP_MISSING = UINT32_MAX };

struct key_map {
	struct key_map_slot {
		uint64_t low;
		uint64_t high;
		uint32_t value;
		uint32_t used;
	} *slots;
	uint64_t capacity;              /* a power of two */
	uint64_t count;
};

void key_map_init(struct key_map *m);
void key_map_release(struct key_map *m);
/* The key's number, or KEY_MAP_MISSING. */
uint32_t key_map_get(const struct key_map *m, struct str key);
/* The number stays as it is when the key is there. */
void key_map_put(struct key_map *m, struct str key, uint32_t value);

#endif
