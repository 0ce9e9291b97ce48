#ifndef CDCL_SLAB_H
#define CDCL_SLAB_H

/*
 * Memory of state: many small pieces that live until the state lets go of them. Pieces of up to
 * slab_piece_bytes_max are rounded up to 16 bytes, cut from blocks and kept in a free list per size
 * when given back; larger ones go to malloc. Blocks after the first slab_small_blocks are of huge
 * pages. The caller remembers the size. Like an arena it never fails to the caller: without memory
 * the process stops.
 */

#include "state/huge_pages.h"

enum {
	slab_step_bytes = 16,
	slab_piece_bytes_max = 1024,
	slab_classes = 64,
	slab_small_blocks = 8
};

struct slab_block;
struct slab_large;

struct slab {
	struct slab_block *blocks; /* small ones */
	uint32_t block_count;
	struct slab_large *large;
	char *next;
	char *end;
	void *free[slab_classes];
	size_t bytes_used; /* rounded up, without what was given back */
	size_t bytes_held; /* from malloc */
	struct huge_pages huge;
};

void slab_init(struct slab *s);
void slab_release(struct slab *s);
void *slab_alloc(struct slab *s, size_t bytes);
void slab_free(struct slab *s, void *piece, size_t bytes); /* NULL is fine */

size_t slab_bytes(const struct slab *s); /* held */

/* Would a piece of `bytes` be as large as one of `other`? */
bool slab_same_size(size_t bytes, size_t other);

/* A copy of the bytes; of none, a pointer that is not NULL. */
char *slab_copy(struct slab *s, const char *bytes, size_t count);

#endif
