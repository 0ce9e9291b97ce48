#ifndef CDCL_INDEX_FILL_H
#define CDCL_INDEX_FILL_H

/*
 * Many ids into an empty index at once. They are sorted by segment first, in blocks of a page, so
 * that a segment is in the cache while its ids come: one after the other, each would wait for
 * memory.
 *
 *	index_fill_begin(f, index, count)
 *	index_fill_add(f, tags, ids, n) ...     of which there are about `count`
 *	index_fill_end(f)
 */

#include "state/table_index.h"

struct index_fill_list;

struct index_fill {
	struct table_index *index;
	uint32_t bits;                          /* so many of a tag choose a list */
	struct index_fill_list *lists;          /* NULL: the index is small, ids go there at once */
	struct huge_pages memory;
};

void index_fill_begin(struct index_fill *f, struct table_index *index, uint32_t count);
void index_fill_add(
	struct index_fill *f, const uint32_t *tags, const uint32_t *ids, uint32_t count);
void index_fill_end(struct index_fill *f);

#endif
