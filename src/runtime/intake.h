#ifndef CDCL_INTAKE_H
#define CDCL_INTAKE_H

/*
 * One source with what turns its messages into rows: the block of messages, the arena that they and
 * their chunk live in, the decoder. intake_read is the whole life of a chunk: filled, decoded,
 * pushed through the operators, forgotten.
 *
 *	source --fill--> messages --json_ / raw_ / envelope_decode--> chunk --operator_emit--> ...
 *	                 \_________________ arena, reset for each chunk _________________/
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "runtime/quarantine.h"
#include "runtime/read_order.h"
#include "runtime/row_reader.h"
#include "source/source.h"
#include "state/source_lore.h"

/* Who decodes, and so learns; whoever comes next is told what was learned before. */
enum intake_learner { LEARNER_NONE, LEARNER_HERE, LEARNER_WORKER };

struct intake {
	const struct plan_node *node;
	struct source *source;
	struct row_reader rows;
	struct messages *messages;
	struct arena arena; /* chunk */
	struct dead_letters *dead; /* the pipeline's */
	struct quarantine *quarantine; /* the pipeline's; NULL: no checkpoint */
	struct read_order *order; /* the pipeline's; NULL: no checkpoint */
	struct source_lore *lore; /* the checkpoint's; NULL: none, or nothing is to be learned */
	enum intake_learner learner;
	uint32_t number; /* of the source, in `order` */
	uint32_t noted; /* files: partitions before this one are noted, */
	int64_t noted_until; /* and of this one so much */
	struct messages *one; /* of a block that is read record by record; NULL: never was */
	struct arena one_arena;
	enum source_state state; /* what the source said last */
	uint32_t next; /* of `messages`: decoded up to here */
	bool pending; /* messages from `next` on wait */
	uint32_t carried; /* how many waited when the batch began: its input, too */
	/* the messages say more columns than the node has; nothing is read until somebody takes
	 * over */
	const struct schema *wider;
	int64_t messages_at_batch; /* source's counters when the batch began */
	int64_t bytes_at_batch;
	int64_t files_at_batch;
	struct intake_tally tally_at_batch; /* rows.tally, when the batch began */
};

int intake_open(struct intake *in, const struct plan_node *node, enum source_run run,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err);
void intake_close(struct intake *in);

/*
 * The source, the messages that wait and what the decoder knows go over to `in`, whose node has
 * the wider columns; `old` can only be closed then.
 */
int intake_take(struct intake *in, struct intake *old, const struct plan_node *node,
	struct operator *head, struct dead_letters *dead, const struct clock *clock,
	struct error *err);

/* Around a batch that is run again: envelope.h. */
void intake_hold_columns(struct intake *in);
void intake_release_columns(struct intake *in);

int intake_begin_batch(struct intake *in, struct error *err);

/*
 * A batch that is run again: whether this source is asked next, and (after intake_read) whether it
 * has given what it was asked for.
 */
bool intake_has_turn(struct intake *in);
bool intake_ends_turn(struct intake *in);

/* At most one chunk. Sets in->state; answers the number of rows or a negative error. */
int intake_read(struct intake *in, struct error *err);

/*
 * Only the messages of a chunk into `m`, or as lines into `texts`, for a worker to read; their
 * arena is reset. Sets in->state; answers their number or a negative error.
 */
int intake_fill(struct intake *in, struct messages *m, struct source_texts *texts,
	struct error *err);

/* What a worker has to know before it reads what was filled: records in `arena`, or nothing. */
struct str intake_lend(struct intake *in, struct arena *arena);
/* The batch is over: what was learned here is the checkpoint's, too. */
void intake_gather(struct intake *in);

/* Messages of the batch so far; those that wait belong to the next one. */
int64_t intake_messages(const struct intake *in);

/* Every message of the batch became something; CDCL_E_INTERNAL else. */
int intake_settle(const struct intake *in, struct error *err);

/* Has the batch had input from here? An empty file counts, as in Spark. */
bool intake_had_input(const struct intake *in);

#endif
