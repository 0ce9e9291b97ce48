#include "state/slab.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { block_bytes = 256 * 1024 };

struct slab_block {
	struct slab_block *next;
	_Alignas(16) char bytes[];
};

struct slab_large {
	struct slab_large *next;
	struct slab_large *previous;
	_Alignas(16) char bytes[];
};

void slab_init(struct slab *s)
{
	*s = (struct slab){0};
	huge_pages_init(&s->huge, block_bytes);
}

void slab_release(struct slab *s)
{
	for (struct slab_block *b = s->blocks; b != NULL;) {
		struct slab_block *next = b->next;
		free(b);
		b = next;
	}
	for (struct slab_large *l = s->large; l != NULL;) {
		struct slab_large *next = l->next;
		free(l);
		l = next;
	}
	huge_pages_release(&s->huge);
	*s = (struct slab){0};
}

static size_t round_up(size_t bytes)
{
	if (bytes == 0)
		return slab_step_bytes;
	return (bytes + slab_step_bytes - 1) & ~(size_t)(slab_step_bytes - 1);
}

static void *alloc_large(struct slab *s, size_t bytes)
{
	struct slab_large *l = malloc(sizeof(*l) + bytes);
	check(l != NULL);
	s->bytes_held += sizeof(*l) + bytes;
	l->next = s->large;
	l->previous = NULL;
	if (s->large != NULL)
		s->large->previous = l;
	s->large = l;
	return l->bytes;
}

static void free_large(struct slab *s, void *piece, size_t bytes)
{
	struct slab_large *l =
		(struct slab_large *)((char *)piece - offsetof(struct slab_large, bytes));
	s->bytes_held -= sizeof(*l) + bytes;
	if (l->previous != NULL)
		l->previous->next = l->next;
	else
		s->large = l->next;
	if (l->next != NULL)
		l->next->previous = l->previous;
	free(l);
}

/* What is left of the old block is less than one piece: not worth keeping. */
static void next_block(struct slab *s)
{
	if (s->block_count == slab_small_blocks / 2)
		huge_pages_expect();
	if (s->block_count < slab_small_blocks) {
		struct slab_block *b = malloc(sizeof(*b) + block_bytes);
		check(b != NULL);
		s->bytes_held += sizeof(*b) + block_bytes;
		b->next = s->blocks;
		s->blocks = b;
		s->block_count++;
		s->next = b->bytes;
	} else {
		s->next = huge_pages_take(&s->huge);
	}
	s->end = s->next + block_bytes;
}

void *slab_alloc(struct slab *s, size_t bytes)
{
	size_t size = round_up(bytes);
	s->bytes_used += size;
	if (size > slab_piece_bytes_max)
		return alloc_large(s, size);
	size_t class = size / slab_step_bytes - 1;
	void *piece = s->free[class];
	if (piece != NULL) {
		memcpy(&s->free[class], piece, sizeof(void *));
		return piece;
	}
	if ((size_t)(s->end - s->next) < size)
		next_block(s);
	piece = s->next;
	s->next += size;
	return piece;
}

void slab_free(struct slab *s, void *piece, size_t bytes)
{
	if (piece == NULL)
		return;
	size_t size = round_up(bytes);
	check(s->bytes_used >= size);
	s->bytes_used -= size;
	if (size > slab_piece_bytes_max) {
		free_large(s, piece, size);
		return;
	}
	size_t class = size / slab_step_bytes - 1;
	memcpy(piece, &s->free[class], sizeof(void *));
	s->free[class] = piece;
}

size_t slab_bytes(const struct slab *s)
{
	return s->bytes_held + huge_pages_bytes(&s->huge);
}

bool slab_same_size(size_t bytes, size_t other)
{
	return round_up(bytes) == round_up(other);
}

char *slab_copy(struct slab *s, const char *bytes, size_t count)
{
	char *copy = slab_alloc(s, count);
	if (count > 0)
		memcpy(copy, bytes, count);
	return copy;
}
