#ifndef CDCL_HASH_CHAINS_H
#define CDCL_HASH_CHAINS_H

/*
 * Finds things of an array that only grows, by a hash. The array is the owner's and so is the
 * comparing: this knows only the numbers 0, 1, 2 ... of what was added, and gives those of one
 * hash, the newest first.
 *
 *	heads   . 4 . . 2 . . .        by the hash's low bits
 *	links   0:- 1:- 2:1 3:- 4:3    each tells the one before it
 *
 * All zeros is an empty one.
 */

#include <stdint.h>

enum { HASH_CHAINS_END = UINT32_MAX };

struct hash_chains {
	struct hash_link {
		uint32_t hash;
		uint32_t older;
	} *links;
	uint32_t count;
	uint32_t capacity;
	uint32_t *heads;
	uint32_t head_count; /* a power of two */
};

void hash_chains_release(struct hash_chains *h);
/* Its number is the count of those before it. */
void hash_chains_add(struct hash_chains *h, uint32_t hash);
/* Those of this hash, or HASH_CHAINS_END. */
uint32_t hash_chains_newest(const struct hash_chains *h, uint32_t hash);
uint32_t hash_chains_older(const struct hash_chains *h, uint32_t number);

#endif
