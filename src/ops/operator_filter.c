/* filter, by expression or by a Lua function; over an aggregate it is SQL's having. */

#include "ops/operator_build.h"

#include "expr/row_function.h"

struct operator_filter {
	struct operator op;
	const struct plan_node *node;
};

/*
 * In a changelog -U and +U stand side by side. When the filter keeps only one of the two, the row
 * has left the result or come into it: -U becomes -D, +U becomes +I.
 */
static void mend_pairs(struct chunk *c)
{
	uint8_t *kinds = NULL;
	for (uint32_t i = 0; i + 1 < c->row_count; i++) {
		if (c->kinds[i] != ROW_UPDATE_BEFORE || c->kinds[i + 1] != ROW_UPDATE_AFTER)
			continue;
		if (bit_get(c->live, i) == bit_get(c->live, i + 1))
			continue;
		if (kinds == NULL) {
			/* Other heads of this chunk share the old array. */
			kinds = arena_alloc(c->arena, chunk_rows_max, 1);
			memcpy(kinds, c->kinds, c->row_count);
			c->kinds = kinds;
		}
		if (bit_get(c->live, i))
			kinds[i] = ROW_DELETE;
		else
			kinds[i + 1] = ROW_INSERT;
	}
}

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
		mend_pairs(c);
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
