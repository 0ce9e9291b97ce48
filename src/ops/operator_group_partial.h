#ifndef CDCL_OPERATOR_GROUP_PARTIAL_H
#define CDCL_OPERATOR_GROUP_PARTIAL_H

/*
 * Groups whose rows are added up by workers first, a block at a time (runtime/workers.h):
 *
 *	worker           rows --> groups of the block --> [ key | rows | accumulators ] ...
 *	job's process    in the order of blocks, added to the groups that all rows went into
 *
 * Groups are listed in the order in which the block's rows reached them, so they are born and
 * touched as if the rows had come. Only where the sums are the same to the bit: counts, and sums
 * of integers that a block cannot overflow. Where the rows of a block are nearly all of other
 * groups, they go themselves.
 */

#include "ops/operator_exit.h"

bool group_adds_up(const struct plan_node *node);

/* In a worker, in place of the group's input. */
struct operator *operator_open_partial(
	const struct plan_node *node, struct row_exit *x, struct row_edge edge);
/*
 * The operator of the group itself: it gives what it has and begins anew. Records go into the
 * arena; absent: no rows came.
 */
struct str operator_partial_take(struct operator *op, struct arena *arena);
struct row_edge operator_partial_edge(const struct operator *op);
/* The rows that come next leave by themselves. */
bool operator_partial_rests(const struct operator *op);
/* The job's process: `op` is the group's. */
int group_add_partial(struct operator *op, struct str records, struct error *err);

#endif
