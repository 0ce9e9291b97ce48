#ifndef CDCL_EXPIRIES_H
#define CDCL_EXPIRIES_H

/*
 * Ids by the time from which a ttl counts, the earliest first, equal ones by id.
 *
 *	queue   [ block ] --> [ block ] --> ...   what came in order, as most does
 *	heap    what came later than something after it
 *
 * With ten million ids in a heap every one that is taken waits for memory at each of its levels; a
 * queue is read as it was written.
 */

#include <stdbool.h>
#include <stdint.h>

struct expiry {
	int64_t time_us;
	uint32_t id;
};

struct expiry_block;

struct expiries {
	struct expiry_block *first;
	struct expiry_block *last;
	struct expiry_block *spare;     /* NULL: none */
	struct expiry *heap;
	uint32_t heap_count;
	uint32_t heap_capacity;
};

void expiries_push(struct expiries *e, struct expiry entry);
/* The next one; false: there is none. */
bool expiries_first(const struct expiries *e, struct expiry *out);
/* Takes the one that expiries_first gave. */
void expiries_pop(struct expiries *e);
void expiries_release(struct expiries *e);

#endif
