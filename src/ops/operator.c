#include "ops/operator.h"
#include "ops/operator_build.h"

#include "base/check.h"

#include <stdlib.h>

void *operator_alloc(size_t bytes)
{
	void *memory = calloc(1, bytes);
	check(memory != NULL);
	return memory;
}

int operator_push(struct operator *op, struct chunk *c, struct error *err)
{
	op->rows_in += chunk_live_count(c);
	return op->ops->push(op, c, err);
}

struct chunk *operator_copy_head(const struct chunk *c)
{
	struct chunk *copy = ARENA_NEW(c->arena, struct chunk);
	*copy = *c;
	return copy;
}

bool operator_wants(const struct operator *op, enum output_mode mode)
{
	for (uint32_t i = 0; i < op->out_count; i++)
		if (op->outs[i].mode == mode && op->outs[i].buckets == NULL)
			return true;
	return false;
}

void operator_pass_absent(const struct chunk *c, int from, struct chunk *out, uint32_t to)
{
	if (c->absent == NULL || from < 0)
		return;
	uint64_t(*absent)[chunk_words] = (uint64_t(*)[chunk_words])(uintptr_t)out->absent;
	if (absent == NULL)
		absent = arena_zalloc(out->arena, out->column_count * sizeof(*absent), 8);
	memcpy(absent[to], c->absent[from], sizeof(absent[to]));
	out->absent = (const uint64_t(*)[chunk_words])absent;
}

int operator_emit(struct operator *op, enum output_mode mode, struct chunk *c, struct error *err)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < op->out_count; i++)
		left += op->outs[i].mode == mode && op->outs[i].buckets == NULL;
	op->rows_out += chunk_live_count(c);
	for (uint32_t i = 0; i < op->out_count && left > 0; i++) {
		if (op->outs[i].mode != mode || op->outs[i].buckets != NULL)
			continue;
		struct chunk *head = --left > 0 ? operator_copy_head(c) : c;
		int r = operator_push(op->outs[i].to, head, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int operator_finish_slice(struct operator *op, const struct batch *b, struct error *err)
{
	return op->ops->finish == NULL ? 0 : op->ops->finish(op, b, err);
}

int operator_finish(struct operator *op, const struct batch *b, struct error *err)
{
	int r;
	while ((r = operator_finish_slice(op, b, err)) == 1)
		;
	return r;
}

int operator_take(struct operator *op, struct operator *old, struct error *err)
{
	return op->ops->take == NULL ? 0 : op->ops->take(op, old, err);
}

struct operator *operator_input(struct operator *op, uint32_t index)
{
	return op->ops->input == NULL ? op : op->ops->input(op, index);
}

void operator_close(struct operator *op)
{
	if (op == NULL)
		return;
	free(op->outs);
	if (op->ops->close != NULL)
		op->ops->close(op);
	else
		free(op);
}

void operator_connect(struct operator *from, struct operator *to, enum output_mode mode)
{
	size_t bytes = (from->out_count + 1) * sizeof(*from->outs);
	struct operator_out *outs = realloc(from->outs, bytes);
	check(outs != NULL);
	outs[from->out_count++] = (struct operator_out){.to = to, .mode = mode};
	from->outs = outs;
}

struct dead_letters *operator_dead(
	struct operator *op, const struct chunk *c, struct dead_letters *strict)
{
	if (c->messages != NULL)
		return op->dead;
	*strict = *op->dead;
	strict->stop_at_first = true;
	return strict;
}

int operator_eval(struct operator *op, const struct expr *e, struct chunk *c, struct vector *out,
	struct error *err)
{
	expr_eval(e, c, op->batch->time_us, out);
	if (out->faults == NULL)
		return 0;
	struct dead_letters strict;
	return expr_report(e, out, c, operator_dead(op, c, &strict), err);
}

int operator_never_given(const char *step, struct error *err)
{
	error_set(err, CDCL_E_DATA,
		"a row is taken back from %s that was never given to it: for the same row of the"
		" Table before it, something in between gave another value", step);
	error_help(err, "such as current_timestamp() or a Lua function that remembers");
	return -(int)err->code;
}

static struct operator *open_kind(const struct plan_node *node)
{
	switch (node->kind) {
	case PLAN_PROJECT:
		return operator_open_project(node);
	case PLAN_FILTER:
		return operator_open_filter(node);
	case PLAN_MAP:
		return operator_open_map(node);
	case PLAN_FLAT_MAP:
		return operator_open_flat_map(node);
	case PLAN_UNION:
		return operator_open_union(node);
	case PLAN_LIMIT:
		return operator_open_limit(node);
	case PLAN_GROUP:
		return operator_open_group(node);
	case PLAN_ORDER:
		return operator_open_order(node);
	case PLAN_TOP:
		return operator_open_top(node);
	case PLAN_JOIN:
		return operator_open_join(node);
	case PLAN_MERGE:
		return operator_open_merge(node);
	case PLAN_SOURCE:
	case plan_kind_count:
		break;
	}
	return NULL;
}

struct operator *operator_open(const struct plan_node *node, enum output_mode mode,
	struct dead_letters *dead, const struct batch *batch, struct error *err)
{
	struct operator *op = open_kind(node);
	if (op == NULL) {
		error_set(err, CDCL_E_INTERNAL, "this step has no operator");
		return NULL;
	}
	op->dead = dead;
	op->batch = batch;
	op->schema = node->schema;
	op->mode = mode;
	return op;
}
