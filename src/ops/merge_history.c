/*
 * keep_history (slowly changing dimension, type 2): every version of a row is kept, with the time
 * from which and until which it was the current one.
 *
 *	table     the current version of each key, as in any merge; it decides about events
 *	history   all versions, by key and valid_from: what steps behind the merge see
 *
 * A version that would have been current for no time at all is replaced. An event that changes no
 * column makes no version.
 */

#include "ops/operator_merge.h"

#include "base/check.h"

static struct value time_value(int64_t us)
{
	return (struct value){.type = type_of(TYPE_TIMESTAMP), .as.i64 = us};
}

/* From when on an event's row holds: the sequence, when that is one timestamp, else its time. */
static int64_t valid_time(
	const struct operator_merge *self, const struct merge_input *in, uint32_t row)
{
	const struct merge_plan *m = self->plan;
	const struct column *c = &in->row->columns[m->sequence_first];
	bool by_sequence = m->sequence == MERGE_BY_EXPRESSIONS && m->sequence_count == 1 &&
		m->schema->columns[m->sequence_first].type.id == TYPE_TIMESTAMP;
	if (by_sequence && !column_is_null(c, row))
		return ((const int64_t *)c->data)[row];
	return in->time_us[row];
}

static void set_validity(const struct operator_merge *self, struct chunk *c, uint32_t row,
	int64_t from_us, const int64_t *to_us)
{
	uint32_t first = self->plan->history_first;
	struct value from = time_value(from_us);
	struct value to = to_us == NULL ? value_null(from.type) : time_value(*to_us);
	struct value current = {.type = type_of(TYPE_BOOLEAN), .as.boolean = to_us == NULL};
	value_to_column(&from, &c->columns[first], row);
	value_to_column(&to, &c->columns[first + 1], row);
	value_to_column(&current, &c->columns[first + 2], row);
}

static int flush(struct operator_merge *self, struct merge_versions *v, struct error *err)
{
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max], count = v->chunk->row_count;
	for (uint32_t i = 0; i < count; i++)
		rows[i] = (uint16_t)i;
	v->chunk->row_count = 0;
	int r = table_resolve(self->history, v->chunk, rows, count, ids, err);
	return r < 0 ? r : table_put(self->history, ids, v->chunk, rows, count, err);
}

/* A version as row `row` of `from` says, with another validity. */
static int add_version(struct operator_merge *self, struct merge_versions *v,
	const struct chunk *from, uint32_t row, int64_t from_us, const int64_t *to_us,
	struct error *err)
{
	if (v->chunk->row_count == chunk_rows_max) {
		int r = flush(self, v, err);
		if (r < 0)
			return r;
	}
	uint32_t at = v->chunk->row_count++;
	for (uint32_t t = 0; t < self->op.schema->column_count; t++) {
		struct value value = value_from_column(
			&from->columns[t], self->op.schema->columns[t].type, row);
		value_to_column(&value, &v->chunk->columns[t], at);
	}
	set_validity(self, v->chunk, at, from_us, to_us);
	return 0;
}

static bool changes_nothing(const struct operator_merge *self, uint32_t row)
{
	const struct merge_rows *s = &self->steps;
	for (uint32_t t = 0; t < self->plan->history_first; t++) {
		struct type type = self->op.schema->columns[t].type;
		struct value old = value_from_column(&s->old->columns[t], type, row);
		struct value next = value_from_column(&s->next->columns[t], type, row);
		if (old.is_null != next.is_null)
			return false;
		if (!old.is_null && value_cmp(&old, &next) != 0)
			return false;
	}
	return true;
}

void merge_versions_begin(
	struct operator_merge *self, struct merge_versions *v, struct arena *arena)
{
	v->chunk = chunk_alloc(arena, self->op.schema);
}

int merge_versions_end(struct operator_merge *self, struct merge_versions *v, struct error *err)
{
	int r = flush(self, v, err);
	if (r >= 0)
		table_release_empty(self->history);
	return r;
}

int merge_versions_add(struct operator_merge *self, const struct merge_input *in,
	struct merge_versions *v, uint32_t row, struct error *err)
{
	struct merge_rows *s = &self->steps;
	int64_t at = valid_time(self, in, s->rows[row]), began = at;
	bool deletes = s->outcome[row] == MERGE_OUTCOME_DELETE;
	if (!deletes && s->outcome[row] != MERGE_OUTCOME_ROW)
		return 0;
	if (!deletes && s->has_old[row] && changes_nothing(self, row)) {
		s->outcome[row] = MERGE_OUTCOME_OLD;
		return 0;
	}
	if (s->has_old[row]) {
		began = ((int64_t *)s->old->columns[self->plan->history_first].data)[row];
		if (at < began)
			at = began;
	}
	if (s->has_old[row] && (deletes || at > began)) {
		int r = add_version(self, v, s->old, row, began, &at, err);
		if (r < 0)
			return r;
	}
	if (deletes)
		return 0;
	set_validity(self, s->next, row, at, NULL);
	return add_version(self, v, s->next, row, at, NULL, err);
}

/* A truncate: every current version ends. */
int merge_versions_close_all(struct operator_merge *self, const struct merge_input *in,
	uint32_t row, struct error *err)
{
	uint32_t scan = 0, ids[chunk_rows_max];
	struct arena *arena = &self->arena;
	for (uint32_t count; (count = table_scan(self->table, &scan, ids)) > 0;) {
		arena_reset(arena);
		struct merge_versions v;
		merge_versions_begin(self, &v, arena);
		struct chunk *c = chunk_alloc(arena, self->plan->schema);
		table_gather(self->table, ids, count, c);
		const int64_t *began = c->columns[self->plan->history_first].data;
		int r = 0;
		for (uint32_t i = 0; i < count && r >= 0; i++) {
			int64_t at = valid_time(self, in, row);
			at = at < began[i] ? began[i] : at;
			r = add_version(self, &v, c, i, began[i], &at, err);
		}
		if (r >= 0)
			r = merge_versions_end(self, &v, err);
		if (r < 0)
			return r;
	}
	return 0;
}
