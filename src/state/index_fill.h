#ifndef CDCL_INDEX_FILL_H
#define CDCL_INDEX_FILL_H

/*
 * Many ids into an empty index at once. They are sorted by segment first, in blocks of a page, so
 * that a segment is in the cache while its ids come: one after the other, each would wait for
 * memory. Who adds has two halves of the ids, and two threads may add them:
 *
 *	index_fill_begin(f, index, count)
 *	index_fill_add(f, half, tags, ids, n) ...       of which there are about `count` in all
 *	index_fill_end(f)
 *
 *	half 0    [ list | list | list | list ]         by the first bits of the tag
 *	half 1    [ list | list | list | list ]
 *	            thread 0      thread 1              at the end, each into segments of its own
 */

#include "state/table_index.h"

enum { index_fill_halves = 2 };

struct index_fill_half {
	/*
	 * Where the next entry of each goes: tag and id. One list more: ids whose segments have no
	 * room. NULL: the index is small, ids go there at once.
	 */
	uint64_t **lists;
	int64_t count;                          /* of ids in segments of this half */
	struct huge_pages memory;
};

struct index_fill {
	struct table_index *index;
	uint32_t bits;                          /* so many of a tag choose a list */
	bool worth_a_thread;                    /* halves may be added by two */
	struct index_fill_half halves[index_fill_halves];
};

void index_fill_begin(struct index_fill *f, struct table_index *index, uint32_t count);
void index_fill_add(struct index_fill *f, uint32_t half, const uint32_t *tags,
	const uint32_t *ids, uint32_t count);
void index_fill_end(struct index_fill *f);

#endif
