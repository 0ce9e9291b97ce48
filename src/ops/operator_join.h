#ifndef CDCL_OPERATOR_JOIN_H
#define CDCL_OPERATOR_JOIN_H

/*
 * The join operator's files share this and nobody else does: operator_join.c keeps the rows of
 * Tables and gives their changes, operator_join_stream.c looks up for the rows of a Stream.
 *
 *	left port  -- -U +U ... --> changes against the right as it was before the batch
 *	right port -- -U +U ... --> held until the end of the batch (pending)
 *	finish     pending, one by one, against the left as it is now; then the net of it all
 *
 * So a batch's result is the same whatever order its inputs come in. Rows are kept packed, by the
 * value that is compared (keys gives it an id): a multiset (state/multiset.h) per side.
 */

#include "ops/row_emitter.h"
#include "state/group_key.h"
#include "state/group_table.h"
#include "state/multiset.h"

struct operator_join;

struct join_side {
	struct operator port; /* takes the chunks of this input */
	struct operator_join *join;
	struct expr **exprs;
	struct row_pack pack;
	struct multiset *rows;
	struct multiset_list *lists; /* by key id */
};

/* A change of the right side that waits for the end of the batch. */
struct join_pending {
	struct str row; /* pending_arena */
	uint32_t key;
	bool add;
};

struct join_kept; /* operator_join_stream.c: a chunk of the Stream */

/* The end of a batch, in slices. */
enum join_finish { JOIN_APPLY, JOIN_LOOK_UP, JOIN_CHANGES, JOIN_ALL };

struct operator_join {
	struct operator op;
	const struct join_plan *plan;
	bool stream; /* the left is one */
	struct join_side left;
	struct join_side right;
	struct slab slab;
	struct group_key key;
	struct group_table keys;
	uint32_t capacity; /* of the arrays by key id */
	uint32_t *touched_in; /* batch number */
	/* of this batch */
	uint32_t batch_number;
	uint32_t *touched;
	uint32_t touched_count;
	uint32_t touched_capacity;
	struct join_pending *pending;
	uint32_t pending_count;
	uint32_t applied; /* of these */
	uint32_t pending_capacity;
	struct arena pending_arena;
	struct net_changes *changes;
	enum join_finish finish;
	struct join_kept *kept;
	struct row_emitter emitter;
	struct strbuf row;
	struct strbuf out_key;
	struct operator_state state;
};

/* One side's rows of a chunk that take part, and the values that are compared. */
struct join_input {
	uint32_t count;
	uint16_t rows[chunk_rows_max];
	struct str keys[chunk_rows_max]; /* data NULL: a NULL in it, equal to nothing */
};
int join_evaluate(struct operator_join *self, struct join_side *side, struct chunk *c,
	struct join_input *in, struct error *err);

/* The Stream's half. */
struct join_kept *join_kept_open(void);
void join_kept_close(struct join_kept *kept);
int join_keep(struct operator_join *self, struct chunk *c, struct error *err);
/* Of a chunk that was kept; 1 while there are more. */
int join_look_up(struct operator_join *self, struct error *err);

#endif
