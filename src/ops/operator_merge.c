/* merge: change events of a Stream into the current rows of a Table. */

#include "ops/operator_merge.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"

#include <stdlib.h>

static struct table *open_table(const struct operator_merge *self, struct str name,
	const struct schema *schema, const struct row_key *key, bool keep_before,
	struct error *err)
{
	struct table_config config = {
		.schema = schema,
		.key = key,
		.rows_max = self->plan->rows_max,
		.deleted_max = table_deleted_max,
		.name = name,
		.keep_before = keep_before,
	};
	return table_open(&config, err);
}

int merge_start(struct operator_merge *self, struct error *err)
{
	const struct merge_plan *m = self->plan;
	if (self->shown != NULL)
		return 0;
	bool changelog = operator_wants(&self->op, OUTPUT_CHANGELOG);
	self->has_rules = m->function != NULL || m->rule_count > 0 || m->keeps_history;
	self->table = open_table(
		self, m->name, m->schema, &m->key, changelog && !m->keeps_history, err);
	if (self->table == NULL)
		return -(int)err->code;
	self->shown_schema = m->schema;
	self->shown_key = &m->key;
	if (m->keeps_history) {
		self->shown_schema = self->op.schema;
		self->shown_key = &m->history_key;
		self->history = open_table(self, m->history_name, self->op.schema,
			&m->history_key, changelog, err);
		if (self->history == NULL)
			return -(int)err->code;
	}
	self->shown = m->keeps_history ? self->history : self->table;
	return 0;
}

/* Events between two truncates. */
static int merge_events(struct operator_merge *self, const struct merge_input *in, uint16_t *rows,
	uint32_t count, struct error *err)
{
	int r = merge_take(self, in, rows, &count, err);
	self->needs_old = self->has_rules || in->keeps != NULL;
	if (r >= 0 && merge_is_plain(self, in))
		return merge_plain(self, in, rows, count, err);
	for (uint32_t at = 0; at < count && r >= 0; at += self->run.count) {
		r = merge_resolve(self, in, rows + at, count - at, err);
		if (r >= 0)
			r = merge_decide(self, in, err);
		if (r >= 0 && self->needs_old)
			r = merge_rules(self, in, err);
		if (r >= 0)
			r = merge_apply(self, in, err);
	}
	return r;
}

static int truncate_table(
	struct operator_merge *self, const struct merge_input *in, uint32_t row, struct error *err)
{
	self->counts.events++;
	self->counts.truncates++;
	switch (self->plan->truncate) {
	case TRUNCATE_IGNORE:
		self->counts.ignored++;
		return 0;
	case TRUNCATE_CLEAR: {
		self->counts.applied++;
		int r = self->history == NULL ? 0 : merge_versions_close_all(self, in, row, err);
		return r < 0 ? r : table_clear(self->table, true, in->time_us[row], err);
	}
	case TRUNCATE_FAIL:
		break;
	}
	self->counts.refused++;
	struct str place = chunk_row_place(in->event, row, in->event->arena);
	return error_set(err, CDCL_E_DATA,
		STR_FMT ": table " STR_FMT " is truncated at the source, on_truncate = \"fail\"",
		STR_ARG(place), STR_ARG(self->plan->name));
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_merge *self = (struct operator_merge *)op;
	struct merge_input in;
	uint16_t rows[chunk_rows_max];
	uint32_t count = 0;
	int r = merge_start(self, err);
	if (r >= 0)
		r = merge_read(self, c, &in, err);
	for (uint32_t row = 0; r >= 0 && row < c->row_count; row++) {
		if (!bit_get(c->live, row))
			continue;
		if (c->changes != NULL && c->changes->key_change[row])
			self->counts.key_changes++;
		if (in.op[row] != CHANGE_TRUNCATE) {
			rows[count++] = (uint16_t)row;
			continue;
		}
		r = merge_events(self, &in, rows, count, err);
		count = 0;
		if (r >= 0)
			r = truncate_table(self, &in, row, err);
	}
	if (r >= 0)
		r = merge_events(self, &in, rows, count, err);
	if (r >= 0)
		table_release_empty(self->table);
	return r;
}

static void close(struct operator *op)
{
	struct operator_merge *self = (struct operator_merge *)op;
	table_close(self->table);
	table_close(self->history);
	arena_release(&self->arena);
	merge_ttl_release(&self->ttl);
	for (uint32_t i = 0; i < self->stream_count; i++)
		free((char *)(uintptr_t)self->streams[i].topic.data);
	free(self->streams);
	hash_chains_release(&self->stream_places);
	merge_state_release(self);
	free(self);
}

/* ---- open ---- */

static void tell_start(const struct merge_plan *m, const struct plan_node *n)
{
	for (uint32_t i = 0; i < n->input_count; i++)
		tell_start(m, n->inputs[i]);
	if (n->kind != PLAN_SOURCE || n->source.kind != SOURCE_KAFKA ||
		n->source.kafka.starting.given)
		return;
	log_info("merge",
		"table " STR_FMT ": reads from the earliest offsets on, since it is made of all "
		"events; --from latest, or a time, would leave out the rows before that",
		STR_ARG(m->name));
}

static const struct plan_node *filter_before(const struct plan_node *n)
{
	const struct plan_node *found = n->kind == PLAN_FILTER && !n->is_table ? n : NULL;
	for (uint32_t i = 0; i < n->input_count && found == NULL; i++)
		found = filter_before(n->inputs[i]);
	return found;
}

/* Debezium makes up the other columns of a delete: few filters mean those. */
static void tell_filter(const struct merge_plan *m, const struct plan_node *node)
{
	const struct plan_node *filter = filter_before(node->inputs[0]);
	if (filter != NULL)
		log_warn("merge",
			"table " STR_FMT ": the filter before it (" STR_FMT
			") sees events, deletes too: the row of a delete that does not pass stays; "
			"a filter behind the merge sees rows",
			STR_ARG(m->name), STR_ARG(filter->place));
}

static void tell_defaults(const struct plan_node *node)
{
	const struct merge_plan *m = node->merge;
	tell_start(m, node);
	tell_filter(m, node);
	if (m->op_default)
		log_info("merge",
			"table " STR_FMT ": operations from the column \"" STR_FMT
			"\"; op = \"...\" names another",
			STR_ARG(m->name), STR_ARG(expr_name(m->op)));
}

static const struct operator_ops ops = {
	.name = "merge",
	.push = push,
	.finish = merge_finish,
	.take = merge_take_over,
	.parts = merge_parts,
	.restore = merge_restore,
	.close = close,
};

struct operator *operator_open_merge(const struct plan_node *node)
{
	struct operator_merge *self = operator_alloc(sizeof(*self));
	self->op.ops = &ops;
	self->op.state = &self->state;
	self->state.merge = &self->counts;
	self->state.name = node->merge->name;
	self->op.marks_buckets = true;
	self->plan = node->merge;
	self->newest_us = INT64_MIN;
	arena_init(&self->arena, 256 * 1024);
	tell_defaults(node);
	return &self->op;
}
