#ifndef CDCL_ROW_KEEPER_H
#define CDCL_ROW_KEEPER_H

/*
 * Copies of rows for a sink that needs them after their chunk is gone: full chunks in an arena of
 * its own, so that many small chunks cost no more than their rows. Bounded by
 * retained_batch_bytes_max.
 */

#include "cdcl/error.h"
#include "data/chunk.h"

struct row_keeper {
	struct arena arena;
	struct chunk **chunks;          /* malloc */
	uint32_t count;
	uint32_t capacity;
	size_t bytes;
};

void row_keeper_init(struct row_keeper *k);
void row_keeper_release(struct row_keeper *k);
void row_keeper_clear(struct row_keeper *k);

/*
 * Live rows of `in`, whose columns are laid out by `schema` (which lives longer than the keeper).
 */
int row_keeper_add(struct row_keeper *k, const struct chunk *in, const struct schema *schema,
	struct error *err);

#endif
