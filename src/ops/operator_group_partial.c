#include "ops/operator_group_partial.h"

#include "base/check.h"
#include "ops/operator_group.h"
#include "state/record.h"

#include <stdlib.h>

enum {
	rest_chunks = 64, /* where it did not pay, it is not tried again before so many */
	ids_max = 1 << 16 /* a worker forgets its groups beyond */
};

struct operator_partial {
	struct operator op;
	const struct plan_node *node;
	struct row_exit *exit;
	struct row_edge edge;
	struct operator *group;
	struct strbuf records;
	uint32_t rest;
};

bool group_adds_up(const struct plan_node *node)
{
	const struct aggregate_plan *plan = node->group;
	for (uint32_t i = 0; i < plan->call_count; i++)
		if (!aggregate_adds_up(&plan->calls[i]))
			return false;
	return plan->call_count > 0;
}

/* ---- a worker's ---- */

static void open_group(struct operator_partial *self)
{
	self->group = operator_open_group(self->node);
	self->group->dead = self->op.dead;
	self->group->batch = self->op.batch;
	self->group->schema = self->op.schema;
	struct operator_group *group = (struct operator_group *)self->group;
	group->counts_rows = true;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_partial *self = (struct operator_partial *)op;
	if (self->rest > 0) {
		self->rest--;
		return self->exit->give(self->exit, self->edge, c, err);
	}
	if (self->group == NULL)
		open_group(self);
	return operator_push(self->group, c, err);
}

static void close(struct operator *op)
{
	struct operator_partial *self = (struct operator_partial *)op;
	operator_close(self->group);
	strbuf_release(&self->records);
	free(self);
}

static const struct operator_ops partial_ops = {.name = "partial", .push = push, .close = close};

struct operator *operator_open_partial(
	const struct plan_node *node, struct row_exit *x, struct row_edge edge)
{
	struct operator_partial *self = operator_alloc(sizeof(*self));
	self->op.ops = &partial_ops;
	self->node = node;
	self->exit = x;
	self->edge = edge;
	strbuf_init(&self->records);
	return &self->op;
}

struct row_edge operator_partial_edge(const struct operator *op)
{
	return ((const struct operator_partial *)op)->edge;
}

bool operator_partial_rests(const struct operator *op)
{
	return ((const struct operator_partial *)op)->rest > 0;
}

/* Its accumulators, which are empty then. */
static void take_group(struct operator_group *group, uint32_t id, struct strbuf *out)
{
	record_add_str(out, group_table_key(&group->table, id));
	record_add_i64(out, group->row_counts[id]);
	group->row_counts[id] = 0;
	for (uint32_t i = 0; i < group->plan->call_count; i++) {
		aggregate_save(group->calls[i].aggregate, id, out);
		aggregate_clear(group->calls[i].aggregate, id);
	}
}

struct str operator_partial_take(struct operator *op, struct arena *arena)
{
	struct operator_partial *self = (struct operator_partial *)op;
	struct operator_group *group = (struct operator_group *)self->group;
	if (group == NULL || group->touched_count == 0)
		return (struct str){NULL, 0};
	int64_t rows = 0;
	strbuf_reset(&self->records);
	for (uint32_t i = 0; i < group->touched_count; i++) {
		rows += group->row_counts[group->touched[i]];
		take_group(group, group->touched[i], &self->records);
	}
	if ((int64_t)group->touched_count * 2 > rows)
		self->rest = rest_chunks;
	group->touched_count = 0;
	group->batch_number++;
	if (group->table.id_count > ids_max) {
		operator_close(self->group);
		self->group = NULL;
	}
	return str_dup(strbuf_str(&self->records), arena);
}

/* ---- the job's process's ---- */

static int add_calls(
	struct operator_group *self, uint32_t id, struct record_reader *r, struct error *err)
{
	int result = 0;
	for (uint32_t i = 0; i < self->plan->call_count && result >= 0; i++)
		result = aggregate_add_saved(self->calls[i].aggregate, id, r, err);
	return result;
}

/* Of at most a chunk's rows, so of as many groups at most. */
int group_add_partial(struct operator *op, struct str records, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	struct record_reader r = {.bytes = records};
	int result = self->started ? 0 : group_start(self, err);
	while (record_left(&r) > 0 && result >= 0) {
		uint32_t id;
		struct str key = record_str(&r);
		int64_t rows = record_i64(&r);
		check(!r.bad);
		op->rows_in += rows;
		result = group_find(self, &key, 1, &id, err);
		if (result < 0)
			return result;
		if (self->counts_rows)
			self->row_counts[id] += rows;
		result = add_calls(self, id, &r, err);
	}
	return result < 0 ? result : 0;
}
