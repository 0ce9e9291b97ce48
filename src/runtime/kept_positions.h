#ifndef CDCL_KEPT_POSITIONS_H
#define CDCL_KEPT_POSITIONS_H

/*
 * Where all sources stand, also in files that were read long ago: what each batch tells the
 * checkpoint. A place keeps its number. Batch for batch they come in one order, so the one behind
 * the last is looked at first; the others are found by a hash (a folder may hold 100,000 files).
 */

#include "base/arena.h"
#include "base/hash_chains.h"
#include "source/source.h"
#include "state/checkpoint.h"

struct kept_positions {
	struct checkpoint_position *at;
	uint32_t count;
	uint32_t capacity;
	struct hash_chains places;
	uint32_t noted; /* the one that was found last */
};

void kept_positions_release(struct kept_positions *k);
/* Of an earlier run; its topic stays the caller's. */
void kept_positions_add(
	struct kept_positions *k, const struct checkpoint_position *p, bool file);
/* Where the source stands now. */
void kept_positions_note(struct kept_positions *k, uint32_t source,
	const struct source_partition *part, bool file, struct arena *arena);

#endif
