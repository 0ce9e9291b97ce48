/* select, with, drop_columns, rename: new columns over the same rows. */

#include "ops/operator_build.h"

struct operator_project {
	struct operator op;
	const struct plan_node *node;
};

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_project *self = (struct operator_project *)op;
	struct chunk *out = chunk_alloc_like(c->arena, c, op->schema);
	for (uint32_t i = 0; i < schema_total(op->schema); i++) {
		struct vector v;
		int r = operator_eval(op, self->node->exprs[i], c, &v, err);
		if (r < 0)
			return r;
		out->columns[i] = v.column;
	}
	for (uint32_t i = 0; i < schema_total(op->schema) && c->absent != NULL; i++)
		operator_pass_absent(c, expr_as_column(self->node->exprs[i]), out, i);
	/* Faults cleared bits of the input. */
	memcpy(out->live, c->live, sizeof(out->live));
	if (out->kinds != NULL)
		operator_drop_same_pairs(out);
	return operator_emit(op, op->mode, out, err);
}

static const struct operator_ops ops = {.name = "project", .push = push};

struct operator *operator_open_project(const struct plan_node *node)
{
	struct operator_project *self = operator_alloc(sizeof(*self));
	self->op.ops = &ops;
	self->node = node;
	return &self->op;
}
