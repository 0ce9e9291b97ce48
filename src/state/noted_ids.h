#ifndef CDCL_NOTED_IDS_H
#define CDCL_NOTED_IDS_H

/* Ids that changed since a checkpoint last asked: each once, in the order of the first note. */

#include "data/chunk.h"

struct noted_ids {
	uint32_t *ids;
	uint32_t count;
	uint32_t capacity;
	uint32_t given;         /* of ids, to a checkpoint that asks for more */
	uint64_t *bits;         /* ids that are in the list */
	uint32_t bit_capacity;
};

void noted_ids_add(struct noted_ids *n, uint32_t id);
/* The next one, which is noted no more; false: there are none, and the list is empty. */
bool noted_ids_take(struct noted_ids *n, uint32_t *id);
/* The one that is taken `ahead` after the next one: for a prefetch. */
static inline bool noted_ids_look(const struct noted_ids *n, uint32_t ahead, uint32_t *id)
{
	if (ahead >= n->count - n->given)
		return false;
	*id = n->ids[n->given + ahead];
	return true;
}
void noted_ids_release(struct noted_ids *n);
size_t noted_ids_bytes(const struct noted_ids *n);

#endif
