#ifndef CDCL_READ_ORDER_H
#define CDCL_READ_ORDER_H

/*
 * In which order the messages of a batch came: runs of one partition each. What a batch gives may
 * follow from it (first and last, ties of sequence_by, the order of appended rows), so a batch that
 * is run again is read in the order of the first time, over all its sources.
 *
 *	noted     by the intakes as they read; the intent frame keeps it
 *	replayed  one run after the other: the pipeline asks only the source that has the turn, and
 *	          the source gives only what the turn says (source/source.h)
 */

#include "source/source.h"

enum { read_runs_max = 1000000 };

struct read_run {
	uint32_t source; /* by number in the plan's order of sources */
	struct source_turn at;
};

struct read_order {
	struct read_run *runs; /* topics live as long as their sources */
	uint32_t count;
	uint32_t capacity;
	const struct read_run *replay; /* of the caller */
	uint32_t replay_count;
	uint32_t replay_next;
};

void read_order_release(struct read_order *o);
/* A batch begins. */
void read_order_begin(struct read_order *o);
/* Messages of a partition, up to `until`, came next. */
void read_order_note(struct read_order *o, uint32_t source, struct str topic, int32_t partition,
	int64_t until);

/* Whose turn it is; NULL: anybody's. */
static inline const struct read_run *read_order_turn(const struct read_order *o)
{
	return o->replay_next < o->replay_count ? &o->replay[o->replay_next] : NULL;
}

/* The batch must end before there are more of them. */
static inline bool read_order_full(const struct read_order *o)
{
	return o->count >= read_runs_max;
}

#endif
