/* union and limit: rows go through as they are. */

#include "ops/operator_build.h"

static int push_union(struct operator *op, struct chunk *c, struct error *err)
{
	/* Names are the first stream's; types are equal by position. */
	c->schema = op->schema;
	return operator_emit(op, op->mode, c, err);
}

static const struct operator_ops union_ops = {.name = "union", .push = push_union};

struct operator *operator_open_union(const struct plan_node *node)
{
	(void)node;
	struct operator *op = operator_alloc(sizeof(*op));
	op->ops = &union_ops;
	return op;
}

struct operator_limit {
	struct operator op;
	int64_t limit;
	int64_t left;
};

static int push_limit(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_limit *self = (struct operator_limit *)op;
	int64_t live = chunk_live_count(c);
	if (live > self->left) {
		uint32_t row = chunk_next_live(c, 0);
		for (int64_t kept = 0; kept < self->left; kept++)
			row = chunk_next_live(c, row + 1);
		for (; row < chunk_rows_max; row = chunk_next_live(c, row + 1))
			bit_clear(c->live, row);
		live = self->left;
	}
	self->left -= live;
	return live == 0 ? 0 : operator_emit(op, op->mode, c, err);
}

/* Of a stream the first rows ever; of an aggregate the first of each complete result. */
static int finish_limit(struct operator *op, const struct batch *b, struct error *err)
{
	(void)b;
	(void)err;
	struct operator_limit *self = (struct operator_limit *)op;
	if (op->mode == OUTPUT_COMPLETE)
		self->left = self->limit;
	return 0;
}

static const struct operator_ops limit_ops = {
	.name = "limit", .push = push_limit, .finish = finish_limit};

struct operator *operator_open_limit(const struct plan_node *node)
{
	struct operator_limit *self = operator_alloc(sizeof(*self));
	self->op.ops = &limit_ops;
	self->limit = node->limit;
	self->left = node->limit;
	return &self->op;
}
