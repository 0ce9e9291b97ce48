/* The end of a chain: hands live rows to a sink. */

#include "ops/operator_build.h"

struct operator_sink {
	struct operator op;
	struct sink *sink;
};

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_sink *self = (struct operator_sink *)op;
	if (chunk_next_live(c, 0) >= chunk_rows_max)
		return 0;
	return self->sink->ops->write(self->sink, c, err);
}

static const struct operator_ops ops = {.name = "sink", .push = push};

struct operator *
	operator_open_sink(struct sink *sink, struct dead_letters *dead, const struct batch *batch)
{
	struct operator_sink *self = operator_alloc(sizeof(*self));
	self->op.ops = &ops;
	self->op.dead = dead;
	self->op.batch = batch;
	self->op.schema = sink->schema;
	self->op.mode = sink->mode;
	self->sink = sink;
	return &self->op;
}
