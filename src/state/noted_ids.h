#ifndef CDCL_NOTED_IDS_H
#define CDCL_NOTED_IDS_H

/*
 * Ids that changed since a checkpoint last asked, each once. They are given in ascending order:
 * what lies behind them is read from start to end, whatever the order in which it changed.
 *
 *	bits    [ 64 ids | 64 ids | ...        which are noted
 *	words   [ 64 words of bits | ...       which of those have any
 */

#include "data/chunk.h"

struct noted_ids {
	uint64_t *bits;
	uint64_t *words;
	uint32_t word_count;    /* of bits */
	uint32_t from;          /* no word of `words` before it has any */
	uint32_t count;
};

void noted_ids_grow(struct noted_ids *n, uint32_t id);

static inline void noted_ids_add(struct noted_ids *n, uint32_t id)
{
	uint32_t word = id / 64;
	if (word >= n->word_count)
		noted_ids_grow(n, id);
	if (bit_get(n->bits, id))
		return;
	bit_set(n->bits, id);
	bit_set(n->words, word);
	n->from = word / 64 < n->from ? word / 64 : n->from;
	n->count++;
}

/* The next ones, which are noted no more: how many; fewer than max only when none is left. */
uint32_t noted_ids_take(struct noted_ids *n, uint32_t *ids, uint32_t max);
void noted_ids_release(struct noted_ids *n);
size_t noted_ids_bytes(const struct noted_ids *n);

#endif
