#ifndef CDCL_OPERATOR_GROUP_H
#define CDCL_OPERATOR_GROUP_H

/*
 * The group operator's two halves share this and nobody else does: operator_group.c takes rows
 * (push), operator_group_emit.c gives results (finish).
 *
 *	by group id    table, calls[i] (cells of the i-th aggregate), partitions, row_counts, born
 *	of the batch   touched: groups in the order in which input reached them
 *	               before:  where in befores a touched group's old row is, for a changelog
 *
 * All of it is state memory: it belongs to the operator and outlives every chunk.
 */

#include "data/spark_hash.h"
#include "ops/operator_build.h"
#include "state/aggregate.h"
#include "state/custom_state.h"
#include "state/group_key.h"
#include "state/group_table.h"

struct group_call {
	struct aggregate *aggregate;
	struct custom_state *custom; /* one of the two */
};

/* The end of a batch, as far as it is. */
struct group_finish {
	uint32_t step;
	uint32_t at;            /* of the step */
	uint32_t *listed;       /* all groups, as first seen */
	uint32_t listed_count;
	uint32_t *sorted;       /* as they leave: groups, or numbers of touched ones */
	uint32_t count;
	uint32_t starts[spark_shuffle_partitions + 1];
	int64_t removed;
};

struct operator_group {
	struct operator op;
	const struct aggregate_plan *plan;
	bool started;
	bool retract; /* the input is a changelog */
	bool counts_rows; /* a group is there while it has rows */
	struct operator_state state;
	bool keeps_before; /* and what they were before it */
	bool removed; /* some group was: ids are no longer in order of birth */
	bool emitted; /* a global group's first +I is out */
	struct slab slab;
	struct group_table table;
	struct group_key key;
	const struct row_key *row_key; /* of the Table it gives; its columns come first in both */
	struct value *values; /* of one key */
	struct group_call *calls;
	/* by group id */
	uint32_t capacity;
	uint8_t *partitions;
	int64_t *row_counts;
	uint32_t *touched_in; /* batch number */
	uint64_t *born;
	uint64_t births;
	/* of this batch */
	uint32_t batch_number;
	uint32_t *touched;
	uint32_t *before; /* by index in touched: chunk << 10 | row of befores, or none */
	uint32_t touched_count;
	uint32_t touched_capacity;
	struct chunk **befores;
	uint32_t before_count;
	uint32_t before_capacity;
	struct arena before_arena;
	struct arena arena; /* of the chunk being emitted */
	struct group_finish finish;
	struct group_state *kept; /* operator_group_state.c; NULL: no checkpoint */
};

/* No keys: one group, which is there from the beginning. */
static inline bool group_global(const struct operator_group *self)
{
	return self->plan->key_count == 0;
}

static inline bool group_exists(const struct operator_group *self, uint32_t group)
{
	return !self->counts_rows || group_global(self) || self->row_counts[group] > 0;
}

/* realloc of an array by count; what is new is zero. */
void *group_grown(void *array, size_t width, uint32_t from, uint32_t to);

void group_reserve_touched(struct operator_group *self, uint32_t more);

/* The groups touched from number `first` on: keeps what they were before this batch. */
int group_keep_before(struct operator_group *self, uint32_t first, struct error *err);

/* Begins the operator when its first chunk or batch comes: only then is known who listens. */
int group_start(struct operator_group *self, struct error *err);

/* Arrays for all ids there are, and a new group in them. */
void group_reserve(struct operator_group *self);
void group_begin(struct operator_group *self, uint32_t group);

/* The groups of some keys, which are touched with it: before they are changed. */
int group_find(struct operator_group *self, const struct str *keys, uint32_t count, uint32_t *ids,
	struct error *err);

/* ---- operator_group_state.c ---- */

void group_note(struct operator_group *self, uint32_t group);
int group_parts(
	struct operator *op, struct state_part **parts, uint32_t parts_max, struct error *err);
void group_restore(struct operator *op);
void group_state_release(struct operator_group *self);

void group_finish_release(struct group_finish *f);
int group_finish(struct operator *op, const struct batch *b, struct error *err);

#endif
