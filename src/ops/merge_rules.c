/* The rows of a run's steps: what was there, what is to be there, and what the rules say to it. */

#include "ops/operator_merge.h"

#include "base/check.h"

/* ---- rules in C: one row of the steps; it may change next and the outcome ---- */

static struct value value_at(const struct chunk *c, uint32_t column, uint32_t row)
{
	return value_from_column(&c->columns[column], c->schema->columns[column].type, row);
}

static void put_boolean(struct merge_rows *s, uint32_t column, uint32_t row, bool value)
{
	struct value v = {.type = type_of(TYPE_BOOLEAN), .as.boolean = value};
	value_to_column(&v, &s->next->columns[column], row);
}

static void soft_delete(struct merge_rows *s, uint32_t column, uint32_t row)
{
	bool deletes = s->action[row] == MERGE_ACTION_DELETE;
	if (deletes && !s->has_old[row])
		return;
	put_boolean(s, column, row, deletes);
	s->outcome[row] = MERGE_OUTCOME_ROW;
}

static void first_write(struct merge_rows *s, uint32_t row)
{
	if (s->action[row] == MERGE_ACTION_UPSERT && s->has_old[row])
		s->outcome[row] = MERGE_OUTCOME_OLD;
}

static void keep_greater(struct merge_rows *s, uint32_t column, uint32_t row)
{
	if (s->action[row] != MERGE_ACTION_UPSERT || !s->has_old[row])
		return;
	struct value old = value_at(s->old, column, row), next = value_at(s->next, column, row);
	if (value_cmp(&old, &next) > 0)
		value_to_column(&old, &s->next->columns[column], row);
}

static bool add_integers(const struct value *a, const struct value *b, struct value *sum)
{
	*sum = *a;
	switch (type_phys(a->type)) {
	case PHYS_I32: {
		static const int32_t bounds[] = {
			[TYPE_TINYINT] = INT8_MAX,
			[TYPE_SMALLINT] = INT16_MAX,
			[TYPE_INT] = INT32_MAX};
		int64_t wide = (int64_t)a->as.i32 + b->as.i32;
		sum->as.i32 = (int32_t)wide;
		return wide <= bounds[a->type.id] && wide >= -(int64_t)bounds[a->type.id] - 1;
	}
	case PHYS_I64:
		return !__builtin_add_overflow(a->as.i64, b->as.i64, &sum->as.i64);
	case PHYS_F32:
		sum->as.f32 = a->as.f32 + b->as.f32;
		return true;
	case PHYS_F64:
		sum->as.f64 = a->as.f64 + b->as.f64;
		return true;
	case PHYS_I128: {
		int128 bound = 1;
		for (unsigned i = 0; i < a->type.precision; i++)
			bound *= 10;
		sum->as.i128 = a->as.i128 + b->as.i128;
		return sum->as.i128 < bound && sum->as.i128 > -bound;
	}
	case PHYS_BOOL:
	case PHYS_STR:
	case phys_count:
		break;
	}
	return false;
}

/* The event leaves the column as it was: next holds the old value already. */
static bool is_kept(const struct merge_rows *s, uint32_t column, uint32_t row)
{
	return s->keeps != NULL && bit_get(s->keeps[column], s->rows[row]);
}

/* What the event says is added to what is there; NULL adds nothing, nor does an absent column. */
static bool add_up(struct merge_rows *s, uint32_t column, uint32_t row)
{
	if (s->action[row] != MERGE_ACTION_UPSERT || !s->has_old[row] || is_kept(s, column, row))
		return true;
	struct value old = value_at(s->old, column, row), next = value_at(s->next, column, row);
	struct value sum = old;
	if (old.is_null)
		return true;
	bool fits = next.is_null || add_integers(&old, &next, &sum);
	if (fits)
		value_to_column(&sum, &s->next->columns[column], row);
	return fits;
}

static int apply_rules(struct operator_merge *self, const struct merge_input *in, uint32_t row,
	struct error *err)
{
	struct merge_rows *s = &self->steps;
	for (uint32_t i = 0; i < self->plan->rule_count; i++) {
		const struct merge_rule *rule = &self->plan->rules[i];
		switch (rule->kind) {
		case MERGE_SOFT_DELETE:
			soft_delete(s, rule->column, row);
			break;
		case MERGE_FIRST_WRITE:
			first_write(s, row);
			break;
		case MERGE_MAX:
			keep_greater(s, rule->column, row);
			break;
		case MERGE_COUNTER:
			if (add_up(s, rule->column, row))
				break;
			s->outcome[row] = MERGE_OUTCOME_REFUSED;
			return merge_refuse(
				self, in, s->rows[row], "the counter leaves its type's range", err);
		case MERGE_LAST_WRITE:
		case MERGE_KEEP_HISTORY:
			break;
		}
	}
	return 0;
}

/* ---- all steps of a run ---- */

static void list_steps(struct operator_merge *self, uint32_t *ids)
{
	struct merge_run *run = &self->run;
	struct merge_rows *s = &self->steps;
	s->count = 0;
	for (uint32_t i = 0; i < run->count; i++) {
		struct merge_event *e = &run->events[i];
		if (e->fate != FATE_STEP)
			continue;
		uint32_t j = s->count++;
		bool deletes = e->op == CHANGE_DELETE || e->op == CHANGE_TOMBSTONE;
		e->step = (int16_t)j;
		ids[j] = run->ids[i];
		s->rows[j] = e->row;
		s->op[j] = e->op;
		s->link[j] = e->before == merge_none ? -1 : run->events[e->before].step;
		s->has_old[j] = table_state(self->table, ids[j]) == TABLE_LIVE;
		s->action[j] = deletes ? MERGE_ACTION_DELETE : MERGE_ACTION_UPSERT;
		s->outcome[j] = deletes ? MERGE_OUTCOME_DELETE : MERGE_OUTCOME_ROW;
	}
}

int merge_rules(struct operator_merge *self, const struct merge_input *in, struct error *err)
{
	struct merge_rows *s = &self->steps;
	struct arena *arena = in->row->arena;
	uint32_t ids[chunk_rows_max];
	list_steps(self, ids);
	s->event = in->event;
	s->old = chunk_alloc(arena, self->plan->schema);
	s->next = chunk_alloc(arena, self->plan->schema);
	s->event_column = self->plan->event_column;
	s->keeps = in->keeps;
	table_gather(self->table, ids, s->count, s->old);
	chunk_set_rows(s->next, s->count);
	merge_rows_fill(s, 0, s->count);
	bool in_lua = self->plan->function != NULL;
	int r = 0;
	struct merge_versions versions;
	if (self->history != NULL)
		merge_versions_begin(self, &versions, arena);
	for (uint32_t j = 0; j < s->count && r >= 0 && !in_lua; j++) {
		if (s->link[j] >= 0)
			merge_rows_link(s, (int32_t)j);
		r = apply_rules(self, in, j, err);
		if (r >= 0 && self->history != NULL)
			r = merge_versions_add(self, in, &versions, j, err);
	}
	if (r >= 0 && self->history != NULL)
		r = merge_versions_end(self, &versions, err);
	if (r >= 0 && in_lua)
		r = self->plan->function->call(self->plan->function, s, self->op.dead, err);
	if (r >= 0 && self->has_rules)
		merge_decide_again(self, in);
	return r;
}
