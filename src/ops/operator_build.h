#ifndef CDCL_OPERATOR_BUILD_H
#define CDCL_OPERATOR_BUILD_H

/* What the operators share, and how each is made; nobody outside ops/ includes it. */

#include "expr/expr.h"
#include "ops/operator.h"
#include "plan/plan.h"

/*
 * Zeroed memory for a struct whose first member is the operator; the process stops when there is
 * none.
 */
void *operator_alloc(size_t bytes);

/*
 * Where faults of the rows of `c` are reported. A row that comes from no message is the row of a
 * Table: leaving it out would make a wrong result, so there `strict` is filled, which stops at the
 * first.
 */
struct dead_letters *operator_dead(
	struct operator *op, const struct chunk *c, struct dead_letters *strict);

/* expr_eval and expr_report of one expression over the rows of `c`. */
int operator_eval(struct operator *op, const struct expr *e, struct chunk *c, struct vector *out,
	struct error *err);

/* The chunk's head once more, its columns shared. */
struct chunk *operator_copy_head(const struct chunk *c);

/*
 * For chunks with kinds. When one row of -U +U is gone, the row has left the result or come into
 * it: -U becomes -D, +U becomes +I. When both are the same, nothing has changed: both go.
 */
void operator_mend_pairs(struct chunk *c);
void operator_drop_same_pairs(struct chunk *c);

/* Fills err: `step` is to take back a row that it never got. Always negative. */
int operator_never_given(const char *step, struct error *err);

/*
 * Column `to` of `out` is column `from` of `c` as it is (or none, below 0): it is absent where that
 * was.
 */
void operator_pass_absent(const struct chunk *c, int from, struct chunk *out, uint32_t to);

/* Some out without buckets wants it. */
bool operator_wants(const struct operator *op, enum output_mode mode);

/*
 * Outs with buckets (operator_buckets.c), for a step that holds a Table and sets marks_buckets:
 *
 *	when rows changed, once a key and batch is enough, and before the batch's rows are given:
 *		operator_mark_buckets(op, key, chunk with the keys)
 *	in finish, for each out:
 *		if (operator_out_due(out, b))   (operator_emit_due asks it)
 *			for its rows, chunk by chunk:
 *				operator_keep_dirty(out, key, chunk)
 *				operator_emit_to(op, out, chunk)
 *
 * `key` says which columns of the chunk are the key, in key order; NULL when there is none.
 */
bool operator_has_buckets(const struct operator *op);
void operator_mark_buckets(
	struct operator *op, const struct row_key *key, const struct chunk *c);
bool operator_out_due(const struct operator_out *out, const struct batch *b);
/* Clears the live bits of rows whose bucket has no change. */
void operator_keep_dirty(
	const struct operator_out *out, const struct row_key *key, struct chunk *c);
/* Calls emit_dirty for each out that is due. */
int operator_emit_due(struct operator *op,
	int (*emit_dirty)(struct operator *op, struct operator_out *out, struct error *err),
	const struct batch *b, struct error *err);
int operator_emit_to(
	struct operator *op, struct operator_out *out, struct chunk *c, struct error *err);

struct operator *operator_open_project(const struct plan_node *node);
struct operator *operator_open_filter(const struct plan_node *node);
struct operator *operator_open_map(const struct plan_node *node);
struct operator *operator_open_flat_map(const struct plan_node *node);
struct operator *operator_open_union(const struct plan_node *node);
struct operator *operator_open_limit(const struct plan_node *node);
struct operator *operator_open_group(const struct plan_node *node);
struct operator *operator_open_merge(const struct plan_node *node);
struct operator *operator_open_order(const struct plan_node *node);
struct operator *operator_open_top(const struct plan_node *node);
struct operator *operator_open_join(const struct plan_node *node);

#endif
