#ifndef CDCL_WORKER_BLOCK_H
#define CDCL_WORKER_BLOCK_H

/*
 * What goes to a worker and comes back, in memory that both have at the same address
 * (base/shared_memory.h): messages there, and back what happened to their rows, in the order in
 * which it happened.
 *
 *	reading process   messages ------\                 /--> chunk to the step behind an edge
 *	                                  block ... events ---> chunk ...
 *	worker            decode, steps --/                \--> a record that could not be used
 *
 * Said again in that order, block after block, the events do to the rest of the job just what it
 * would have seen in one process.
 */

#include "base/arena.h"
#include "base/log.h"
#include "data/dead_letter.h"
#include "ops/operator_exit.h"
#include "runtime/graph.h"
#include "runtime/intake_tally.h"
#include "source/source.h"

enum worker_event_kind { EVENT_ROWS, EVENT_GROUPS, EVENT_DEAD, EVENT_LOG };

struct worker_event {
	struct worker_event *next;
	enum worker_event_kind kind;
	struct chunk *chunk;
	struct row_edge edge; /* EVENT_ROWS, EVENT_GROUPS */
	struct str records; /* EVENT_GROUPS: ops/operator_group_partial.h */
	enum dead_letter_reason reason; /* EVENT_DEAD */
	bool budgeted;
	struct error *why;
	struct log_taken line; /* EVENT_LOG */
};

struct worker_block {
	/* of the reading process */
	struct messages messages;
	struct arena arena; /* of this block's memory; both use it, in turn */
	struct batch batch;
	uint32_t source; /* node of the plan */
	uint32_t number; /* of all blocks */
	uint32_t worker; /* whose it is */
	bool holds_lines; /* source_text_begin was there, and no other messages since */
	/* messages that are lines still: only their number is in `messages` */
	struct source_texts texts;
	struct source_text text_items[chunk_rows_max];
	struct str first_topic; /* the source's own */
	int64_t first_offset;
	int32_t first_partition;
	bool tells; /* the worker says what it learned: somebody keeps it */
	struct str lent; /* what it has to know before (state/source_lore.h) */
	/* of the worker */
	struct str learned; /* the same, what it learned */
	struct worker_event *events;
	struct worker_event *last;
	struct intake_tally before, after; /* of its reader of the source */
	int result;
	struct error error;
	int64_t spent_us;
	_Atomic bool done;
};

/* For messages of `source`: the arena and the events are empty then. */
void worker_block_begin(struct worker_block *b, uint32_t source, const struct batch *batch);
/* Whatever the messages point to is in the block then. */
void worker_block_keep(struct worker_block *b);

/* ---- a worker's: where its rows, dead letters and log lines go ---- */

struct worker_notes {
	struct row_exit exit;
	struct dead_letter_notes dead;
	struct log_taker log;
	struct worker_block *block;
	/* where no rows leave, but sums: messages and chunks, in memory that stays in the cache */
	struct messages *own;
	struct arena arena; /* chunk */
};

void worker_notes_init(struct worker_notes *n);
void worker_notes_release(struct worker_notes *n);
/* The block's messages, lines taken apart. */
struct messages *worker_notes_begin(
	struct worker_notes *n, struct worker_block *b, const struct graph *g);
/* The block is read: what its rows added up to. */
void worker_notes_groups(struct worker_notes *n, const struct graph *g);

/* ---- the reading process's ---- */

/* All that happened, and the worker's own error at last. */
int worker_block_replay(const struct worker_block *b, const struct graph *g,
	struct dead_letters *dead, struct error *err);

#endif
