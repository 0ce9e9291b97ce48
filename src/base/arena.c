#include "base/arena.h"

#include "base/check.h"
#include "base/shared_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Blocks hang in one list in order of use; `current` is the one being filled and those after it are
 * empty ones that a reset kept.
 */
struct arena_block {
	struct arena_block *next;
	size_t bytes; /* after this head */
	_Alignas(max_align_t) char data[];
};

enum { block_bytes_min = 1024, kept_bytes_max = 8 * 1024 * 1024, blocks_tried_max = 16 };

void arena_init(struct arena *a, size_t block_bytes)
{
	*a = (struct arena){
		.block_bytes = block_bytes < block_bytes_min ? block_bytes_min : block_bytes};
}

void arena_init_in(struct arena *a, size_t block_bytes, void *region, size_t bytes)
{
	arena_init(a, block_bytes);
	a->region = region;
	a->region_end = a->region + bytes;
	a->region_used = a->next = a->end = a->region;
}

/* Of one piece there is no block to look for: its filled part grows. */
static void *grow_region(struct arena *a, size_t bytes, size_t align)
{
	char *start = (char *)(((size_t)a->next + (align - 1)) & ~(align - 1));
	check(start <= a->region_end && bytes <= (size_t)(a->region_end - start)); /* no memory */
	size_t left = (size_t)(a->region_end - start);
	a->end = start + (bytes > a->block_bytes || left < a->block_bytes ? bytes : a->block_bytes);
	a->next = start + bytes;
	a->region_used = a->end > a->region_used ? a->end : a->region_used;
	a->bytes_held = (size_t)(a->end - a->region);
	return start;
}

static void reset_region(struct arena *a)
{
	if (a->region_used > a->region + kept_bytes_max) {
		shared_memory_give_back(a->region + kept_bytes_max, a->region_used);
		a->region_used = a->region + kept_bytes_max;
	}
	a->next = a->end = a->region;
	a->bytes_held = 0;
}

static void free_blocks(struct arena *a, struct arena_block *b)
{
	while (b != NULL) {
		struct arena_block *next = b->next;
		a->bytes_held -= b->bytes;
		free(b);
		b = next;
	}
}

static void use_block(struct arena *a, struct arena_block *b)
{
	a->current = b;
	a->next = b == NULL ? NULL : b->data;
	a->end = b == NULL ? NULL : b->data + b->bytes;
}

void arena_release(struct arena *a)
{
	free_blocks(a, a->first);
	a->first = NULL;
	use_block(a, NULL);
}

void arena_reset(struct arena *a)
{
	if (a->region != NULL) {
		reset_region(a);
		return;
	}
	size_t kept = 0;
	for (struct arena_block **at = &a->first; *at != NULL;) {
		struct arena_block *b = *at;
		if (kept + b->bytes > kept_bytes_max) {
			*at = b->next;
			a->bytes_held -= b->bytes;
			free(b);
			continue;
		}
		kept += b->bytes;
		at = &b->next;
	}
	use_block(a, a->first);
}

static struct arena_block *add_block(struct arena *a, size_t bytes)
{
	check(bytes <= SIZE_MAX / 2);
	struct arena_block *b = malloc(sizeof *b + bytes);
	check(b != NULL); /* out of memory */
	b->bytes = bytes;
	if (a->current == NULL) {
		b->next = a->first;
		a->first = b;
	} else {
		b->next = a->current->next;
		a->current->next = b;
	}
	a->bytes_held += bytes;
	return b;
}

/* A kept block of at least that size among the next few, moved up to be the next one; NULL: none.
 */
static struct arena_block *find_kept(struct arena *a, size_t bytes)
{
	struct arena_block **next = a->current == NULL ? &a->first : &a->current->next, **at = next;
	for (int i = 0; i < blocks_tried_max && *at != NULL; i++, at = &(*at)->next) {
		if ((*at)->bytes >= bytes) {
			struct arena_block *found = *at;
			*at = found->next;
			found->next = *next;
			*next = found;
			return found;
		}
	}
	return NULL;
}

void *arena_alloc_slow(struct arena *a, size_t bytes, size_t align)
{
	check(align > 0 && (align & (align - 1)) == 0);
	check(bytes <= SIZE_MAX / 2 - align);
	check(a->block_bytes > 0); /* arena_init was called */
	if (a->region != NULL)
		return grow_region(a, bytes, align);
	size_t wanted = bytes + align;
	struct arena_block *next = find_kept(a, wanted);
	if (next == NULL) {
		next = add_block(a, wanted > a->block_bytes ? wanted : a->block_bytes);
	}
	use_block(a, next);
	char *start = (char *)(((size_t)a->next + (align - 1)) & ~(align - 1));
	check(start + bytes <= a->end);
	a->next = start + bytes;
	return start;
}

void *arena_zalloc(struct arena *a, size_t bytes, size_t align)
{
	void *p = arena_alloc(a, bytes, align);
	memset(p, 0, bytes);
	return p;
}
