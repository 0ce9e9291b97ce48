#ifndef CDCL_GROUP_KEY_H
#define CDCL_GROUP_KEY_H

/*
 * Key columns of a chunk as key bytes, and back. One column needs no copy: a string's key is its
 * bytes, a number's the bytes of its slot, NULL is the absent key. Several are laid out by the row
 * codec: per value 0 for NULL or 1, then the slot, or length and bytes. -0.0 becomes 0.0 and every
 * NaN one NaN first, so equal keys have equal bytes.
 */

#include "base/arena.h"
#include "expr/expr.h"

struct group_key {
	uint32_t count;
	struct type *types;
};

/* Keys of the rows listed, into keys[0..row_count-1]; what must be built is built in `arena`. */
void group_key_encode(const struct group_key *k, const struct vector *columns, const uint16_t *rows,
	uint32_t row_count, struct arena *arena, struct str *keys);

/* Bytes from outside: can group_key_decode read them? */
bool group_key_is_good(const struct group_key *k, struct str key);

/* The values of one key; strings point into it. */
void group_key_decode(const struct group_key *k, struct str key, struct value *values);

#endif
