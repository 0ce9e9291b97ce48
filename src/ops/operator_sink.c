/* The end of a chain: hands live rows to a sink. */

#include "ops/operator_build.h"

struct operator_sink {
	struct operator op;
	struct sink *sink;
	bool mute;
};

/* In update mode what a row was before is not asked for: +I and +U write it, -D removes it. */
static void leave_out_before(struct chunk *c)
{
	for (uint32_t i = 0; i < c->row_count; i++)
		if (c->kinds[i] == ROW_UPDATE_BEFORE)
			bit_clear(c->live, i);
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_sink *self = (struct operator_sink *)op;
	if (self->mute)
		return 0;
	if (op->mode == OUTPUT_UPDATE && c->kinds != NULL)
		leave_out_before(c);
	if (chunk_next_live(c, 0) >= chunk_rows_max)
		return 0;
	const struct bucket_set *buckets = self->sink->buckets;
	if (buckets != NULL && !bucket_set_due(buckets, op->batch))
		return 0; /* from a step that gives all rows in every batch */
	return self->sink->ops->write(self->sink, c, err);
}

static const struct operator_ops ops = {.name = "sink", .push = push};

void operator_sink_mute(struct operator *op, bool mute)
{
	((struct operator_sink *)op)->mute = mute;
}

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
	sink->dead = dead;
	return &self->op;
}
