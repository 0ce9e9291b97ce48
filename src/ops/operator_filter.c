/* filter, by expression or by a Lua function; over an aggregate it is SQL's having. */

#include "ops/operator_build.h"

#include "expr/row_function.h"

struct operator_filter {
	struct operator op;
	const struct plan_node *node;
};

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_filter *self = (struct operator_filter *)op;
	const struct plan_node *node = self->node;
	int r;
	if (node->function != NULL) {
		struct dead_letters strict;
		struct dead_letters *dead = operator_dead(op, c, &strict);
		r = node->function->call(node->function, c, NULL, dead, err);
	} else {
		struct vector v;
		r = operator_eval(op, node->condition, c, &v, err);
		if (r >= 0)
			expr_filter(&v, c);
	}
	if (r < 0)
		return r;
	if (c->kinds != NULL)
		operator_mend_pairs(c);
	return operator_emit(op, op->mode, c, err);
}

static const struct operator_ops ops = {.name = "filter", .push = push};

struct operator *operator_open_filter(const struct plan_node *node)
{
	struct operator_filter *self = operator_alloc(sizeof(*self));
	self->op.ops = &ops;
	self->node = node;
	return &self->op;
}
