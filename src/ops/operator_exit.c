#include "ops/operator_exit.h"

#include "ops/operator_build.h"

struct operator_exit {
	struct operator op;
	struct row_exit *exit;
	struct row_edge edge;
};

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_exit *self = (struct operator_exit *)op;
	return self->exit->give(self->exit, self->edge, c, err);
}

static const struct operator_ops exit_ops = {.name = "exit", .push = push};

struct operator *operator_open_exit(struct row_exit *x, struct row_edge edge)
{
	struct operator_exit *self = operator_alloc(sizeof(*self));
	self->op.ops = &exit_ops;
	self->exit = x;
	self->edge = edge;
	return &self->op;
}

static const struct operator_ops absent_ops = {.name = "absent"};

struct operator *operator_open_absent(void)
{
	struct operator *op = operator_alloc(sizeof(*op));
	op->ops = &absent_ops;
	return op;
}
