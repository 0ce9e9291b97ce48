#ifndef CDCL_ARENA_H
#define CDCL_ARENA_H

/*
 * Bump allocation for everything that dies together: a chunk's strings, a plan's nodes. A function
 * that takes an `arena *` may allocate there; one that does not, does not. arena_reset keeps the
 * blocks, so a chunk's arena reaches its size once and then never calls malloc again.
 *
 * Allocation never fails to the caller: when the system has no memory the process stops with a
 * message (a half-applied chunk must not be observable). What bounds the bytes is what bounds the
 * input: messages of a chunk, rows a sink keeps (base/bounds.h).
 *
 * arena_init_in takes its bytes from one piece of shared memory instead of malloc: a chunk built in
 * it can be handed to another process. It is never released.
 */

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *first;
	struct arena_block *current;
	char *next;
	char *end;
	size_t block_bytes;
	size_t bytes_held;      /* in all blocks */
	char *region;           /* NULL: blocks come from malloc */
	char *region_end;
	char *region_used;      /* pages up to here were written since they were given back */
};

void arena_init(struct arena *a, size_t block_bytes);
void arena_init_in(struct arena *a, size_t block_bytes, void *region, size_t bytes);
void arena_release(struct arena *a);
void arena_reset(struct arena *a);      /* frees blocks beyond the first few MB, keeps the rest */

void *arena_alloc_slow(struct arena *a, size_t bytes, size_t align);

/* Not zeroed. */
static inline void *arena_alloc(struct arena *a, size_t bytes, size_t align)
{
	char *start = (char *)(((size_t)a->next + (align - 1)) & ~(align - 1));
	if (a->next != NULL && start <= a->end && bytes <= (size_t)(a->end - start)) {
		a->next = start + bytes;
		return start;
	}
	return arena_alloc_slow(a, bytes, align);
}

void *arena_zalloc(struct arena *a, size_t bytes, size_t align);

#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type), _Alignof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zalloc((a), sizeof(type) * (n), _Alignof(type)))

#endif
