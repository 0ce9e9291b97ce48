/* map, with(ddl, f) and flat_map: Lua functions over the rows of a chunk. */

#include "ops/operator_build.h"

#include "expr/row_function.h"

#include <stdlib.h>

struct operator_map {
	struct operator op;
	const struct plan_node *node;
	struct arena arena; /* flat_map: of the chunk being filled */
};

static int push_map(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_map *self = (struct operator_map *)op;
	const struct plan_node *node = self->node;
	struct chunk *out = chunk_alloc_like(c->arena, c, op->schema);
	for (uint32_t i = 0; i < op->schema->column_count; i++) {
		struct column *column = &out->columns[i];
		if (i < node->map_keeps) {
			*column = c->columns[i];
			operator_pass_absent(c, (int)i, out, i);
			continue;
		}
		column->data = chunk_alloc_data(c->arena, op->schema->columns[i].type);
		memset(column->nulls, 0, sizeof(column->nulls));
	}
	uint32_t hidden = op->schema->hidden_count;
	for (uint32_t i = 0; i < hidden; i++)
		out->columns[op->schema->column_count + i] =
			c->columns[node->inputs[0]->schema->column_count + i];
	struct dead_letters strict;
	struct dead_letters *dead = operator_dead(op, c, &strict);
	int r = node->function->call(node->function, c, out, dead, err);
	if (r < 0)
		return r;
	for (uint32_t w = 0; w < chunk_words; w++)
		out->live[w] &= c->live[w];
	if (out->kinds != NULL)
		operator_drop_same_pairs(out);
	return operator_emit(op, op->mode, out, err);
}

/*
 * A row may give any number of rows, so `out` has its own memory, given back after each push: what
 * one message multiplies into is never held as a whole; except in a worker, which hands it over.
 */
static int push_flat(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_map *self = (struct operator_map *)op;
	struct row_function *f = self->node->function;
	struct dead_letters strict;
	struct dead_letters *dead = operator_dead(op, c, &strict);
	struct arena *arena = op->output_stays ? c->arena : &self->arena;
	uint32_t next = 0;
	for (int more = 1; more > 0;) {
		if (!op->output_stays)
			arena_reset(arena);
		struct chunk *out = chunk_alloc(arena, op->schema);
		for (uint32_t i = 0; i < out->column_count; i++)
			memset(out->columns[i].nulls, 0, sizeof(out->columns[i].nulls));
		out->messages = c->messages;
		more = f->call_flat(f, c, &next, out, dead, err);
		if (more < 0)
			return more;
		int r = out->row_count == 0 ? 0 : operator_emit(op, op->mode, out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void close_map(struct operator *op)
{
	struct operator_map *self = (struct operator_map *)op;
	arena_release(&self->arena);
	free(self);
}

static const struct operator_ops map_ops = {.name = "map", .push = push_map, .close = close_map};
static const struct operator_ops flat_ops = {
	.name = "flat_map", .push = push_flat, .close = close_map};

static struct operator *make(const struct plan_node *node, const struct operator_ops *ops)
{
	struct operator_map *self = operator_alloc(sizeof(*self));
	self->op.ops = ops;
	self->node = node;
	arena_init(&self->arena, 256 * 1024);
	return &self->op;
}

struct operator *operator_open_map(const struct plan_node *node)
{
	return make(node, &map_ops);
}
struct operator *operator_open_flat_map(const struct plan_node *node)
{
	return make(node, &flat_ops);
}
