/* Which events of a run count: keys, order, policies. Nothing in the table changes here. */

#include "ops/operator_merge.h"

#include "base/check.h"

#include <stdio.h>

int merge_refuse(struct operator_merge *self, const struct merge_input *in, uint32_t row,
	const char *why, struct error *err)
{
	struct error cause;
	struct strbuf text;
	error_init(&cause);
	strbuf_init(&text);
	for (uint32_t i = 0; i < self->plan->key.count; i++) {
		uint32_t column = self->plan->key.columns[i];
		const struct schema_column *named = &self->plan->schema->columns[column];
		struct value v = value_from_column(&in->row->columns[column], named->type, row);
		strbuf_addf(&text, "%s" STR_FMT "=", i > 0 ? ", " : "", STR_ARG(named->name));
		value_text(&v, VALUE_CONSOLE, NULL, &text);
	}
	int shown = text.len < 200 ? (int)text.len : 200;
	error_set(&cause, CDCL_E_DATA, "table " STR_FMT ": %s (%.*s)", STR_ARG(self->plan->name),
		why, shown, text.data);
	strbuf_release(&text);
	self->counts.refused++;
	return dead_letter_add(self->op.dead, DEAD_MERGE, in->event, row, &cause, err);
}

/* ---- which key ---- */

static bool key_is_null(
	const struct operator_merge *self, const struct merge_input *in, uint32_t row)
{
	for (uint32_t i = 0; i < self->plan->key.count; i++)
		if (column_is_null(&in->row->columns[self->plan->key.columns[i]], row))
			return true;
	return false;
}

static bool key_has_nulls(const struct operator_merge *self, const struct merge_input *in)
{
	uint64_t any = 0;
	for (uint32_t i = 0; i < self->plan->key.count; i++)
		for (uint32_t w = 0; w < chunk_words; w++)
			any |= in->row->columns[self->plan->key.columns[i]].nulls[w];
	return any != 0;
}

/* A word that is no operation, as it came; an envelope's reader has no word to show. */
static int refuse_word(struct operator_merge *self, const struct merge_input *in, uint32_t row,
	struct error *err)
{
	char why[128];
	const struct column *words = in->words;
	self->counts.unknown_op++;
	if (words == NULL)
		return merge_refuse(self, in, row, "no known operation", err);
	if (column_is_null(words, row))
		return merge_refuse(self, in, row, "NULL is no operation", err);
	struct str word = ((const struct str *)words->data)[row];
	int shown = word.len < 60 ? (int)word.len : 60;
	snprintf(why, sizeof(why), "\"%.*s\" is no operation; op_map = {...} can name it", shown,
		word.data);
	return merge_refuse(self, in, row, why, err);
}

int merge_take(struct operator_merge *self, const struct merge_input *in, uint16_t *rows,
	uint32_t *count, struct error *err)
{
	uint32_t usable = 0;
	bool nulls = key_has_nulls(self, in);
	int r = 0;
	if (!nulls && !(in->ops_seen & 1u << CHANGE_UNKNOWN)) {
		self->counts.events += *count;
		return 0;
	}
	for (uint32_t i = 0; i < *count && r >= 0; i++) {
		uint32_t row = rows[i];
		self->counts.events++;
		if (nulls && key_is_null(self, in, row)) {
			self->counts.null_key++;
			r = merge_refuse(self, in, row, "NULL in the key", err);
		} else if (in->op[row] == CHANGE_UNKNOWN) {
			r = refuse_word(self, in, row, err);
		} else {
			rows[usable++] = (uint16_t)row;
		}
	}
	*count = usable;
	return r;
}

/* The first event of the run with this one's id. */
static int16_t first_of_key(struct merge_run *run, uint32_t number)
{
	uint32_t id = run->ids[number], at = merge_index_slot(id);
	for (; run->index[at] != 0; at = (at + 1) & (merge_index_slots - 1))
		if (run->ids[run->index[at] - 1] == id)
			return (int16_t)(run->index[at] - 1);
	run->index[at] = (uint16_t)(number + 1);
	return (int16_t)number;
}

/* By arrival, and from one partition: then an event's order asks for nothing that is stored. */
static bool one_stream(const struct operator_merge *self)
{
	return self->plan->sequence == MERGE_BY_ARRIVAL && self->stream_count <= 1;
}

static void gather_stored(struct operator_merge *self, struct arena *arena)
{
	const struct merge_plan *m = self->plan;
	struct merge_run *run = &self->run;
	run->stored = ARENA_NEW(arena, struct chunk);
	run->stored->columns = ARENA_ARRAY(arena, struct column, schema_total(m->schema));
	for (uint32_t t = m->schema->column_count; t < schema_total(m->schema); t++) {
		struct column *c = &run->stored->columns[t];
		c->data = chunk_alloc_data(arena, m->schema->columns[t].type);
		if (t == m->stream_column && one_stream(self)) {
			memset(c->data, 0, run->count * sizeof(int32_t));
			continue;
		}
		table_gather_column(self->table, run->ids, run->count, t, c);
	}
}

int merge_resolve(struct operator_merge *self, const struct merge_input *in, const uint16_t *rows,
	uint32_t count, struct error *err)
{
	struct merge_run *run = &self->run;
	run->count = count;
	int r = table_resolve(self->table, in->row, rows, count, run->ids, err);
	if (r < 0)
		return r;
	gather_stored(self, in->row->arena);
	const uint8_t *awaits = run->stored->columns[self->plan->awaits_column].data;
	const struct column *awaits_column = &run->stored->columns[self->plan->awaits_column];
	memset(run->index, 0, sizeof(run->index));
	for (uint32_t i = 0; i < run->count; i++) {
		run->events[i] = (struct merge_event){
			.row = rows[i],
			.op = in->op[rows[i]],
			.key = first_of_key(run, i),
			.before = merge_none,
			.step = merge_none,
		};
		if (run->events[i].key != (int16_t)i)
			continue;
		run->keys[i] = (struct merge_key){
			.live = table_state(self->table, run->ids[i]) == TABLE_LIVE,
			.awaits = !column_is_null(awaits_column, i) && awaits[i] != 0,
			.step = merge_none,
			.event = merge_none,
		};
	}
	return 0;
}

/* ---- order ---- */

/* Where the sequence of a key is: the column set and the row in it. */
struct merge_place {
	const struct column *columns;
	uint32_t row;
};

static struct merge_place place_of(
	const struct operator_merge *self, const struct merge_input *in, uint32_t key, int event)
{
	const struct merge_run *run = &self->run;
	if (event == merge_none)
		return (struct merge_place){run->stored->columns, key};
	return (struct merge_place){in->row->columns, run->events[event].row};
}

static int64_t bigint_at(const struct merge_place *p, uint32_t column)
{
	return ((const int64_t *)p->columns[column].data)[p->row];
}

static bool same_stream(const struct operator_merge *self, const struct merge_place *a,
	const struct merge_place *b)
{
	uint32_t column = self->plan->stream_column;
	return ((const int32_t *)a->columns[column].data)[a->row] ==
		((const int32_t *)b->columns[column].data)[b->row];
}

static bool newer_position(const struct operator_merge *self, const struct merge_place *mine,
	const struct merge_place *last)
{
	uint32_t first = self->plan->sequence_first;
	if (column_is_null(&mine->columns[first], mine->row) ||
		column_is_null(&last->columns[first], last->row))
		return true;
	for (uint32_t p = first; p < first + change_position_parts; p++) {
		int64_t a = bigint_at(mine, p), b = bigint_at(last, p);
		if (a != b)
			return a > b;
	}
	uint32_t offset = first + change_position_parts;
	return !same_stream(self, mine, last) || bigint_at(mine, offset) > bigint_at(last, offset);
}

static bool newer_expressions(const struct operator_merge *self, const struct merge_place *mine,
	const struct merge_place *last)
{
	const struct merge_plan *m = self->plan;
	for (uint32_t i = m->sequence_first; i < m->sequence_first + m->sequence_count; i++) {
		struct type type = m->schema->columns[i].type;
		struct value a = value_from_column(&mine->columns[i], type, mine->row);
		struct value b = value_from_column(&last->columns[i], type, last->row);
		int order = value_cmp(&a, &b);
		if (order != 0)
			return order > 0;
	}
	return false;
}

/* Does the event come after what counted last for its key? `event` of the run, or none. */
static bool is_newer(const struct operator_merge *self, const struct merge_input *in,
	uint32_t number, int event)
{
	if (self->plan->sequence == MERGE_BY_ARRIVAL)
		return true;
	uint32_t key = (uint32_t)self->run.events[number].key;
	struct merge_place mine = place_of(self, in, key, (int)number);
	struct merge_place last = place_of(self, in, key, event);
	if (column_is_null(&last.columns[self->plan->stream_column], last.row))
		return true; /* nothing counted yet */
	return self->plan->sequence == MERGE_BY_POSITION ? newer_position(self, &mine, &last)
							 : newer_expressions(self, &mine, &last);
}

/* The event counts. One whose position is not known leaves the known one there. */
static void note_sequence(
	struct operator_merge *self, const struct merge_input *in, uint32_t number)
{
	struct merge_event *e = &self->run.events[number];
	struct merge_key *k = &self->run.keys[e->key];
	if (one_stream(self)) {
		k->event = (int16_t)number;
		return;
	}
	struct merge_place mine = place_of(self, in, (uint32_t)e->key, (int)number);
	struct merge_place last = place_of(self, in, (uint32_t)e->key, k->event);
	bool had = !column_is_null(&last.columns[self->plan->stream_column], last.row);
	e->other_stream = had && !same_stream(self, &mine, &last);
	k->changed |= self->plan->sequence != MERGE_BY_ARRIVAL;
	uint32_t first = self->plan->sequence_first;
	if (had && self->plan->sequence == MERGE_BY_POSITION &&
		column_is_null(&mine.columns[first], mine.row) &&
		!column_is_null(&last.columns[first], last.row))
		return;
	k->event = (int16_t)number;
}

/* ---- policies ---- */

static enum merge_policy policy_of(
	const struct merge_plan *m, enum change_op op, bool live, const char **why)
{
	if (op == CHANGE_INSERT && live) {
		*why = "insert of a row that is there, on_insert_existing = \"error\"";
		return m->insert_existing;
	}
	if (op == CHANGE_UPDATE && !live) {
		*why = "update of a row that is not there, on_update_missing = \"error\"";
		return m->update_missing;
	}
	if (op == CHANGE_DELETE && !live) {
		*why = "delete of a row that is not there, on_delete_missing = \"error\"";
		return m->delete_missing;
	}
	return MERGE_APPLY;
}

/* Does the answer of the rules to an earlier event decide about this one? */
static bool must_wait(
	const struct operator_merge *self, const struct merge_input *in, uint32_t number)
{
	const struct merge_event *e = &self->run.events[number];
	const struct merge_key *k = &self->run.keys[e->key];
	const char *why;
	if (!self->has_rules || k->step == merge_none || e->op == CHANGE_TOMBSTONE)
		return false;
	enum change_op op = (enum change_op)e->op;
	if (policy_of(self->plan, op, true, &why) != MERGE_APPLY ||
		policy_of(self->plan, op, false, &why) != MERGE_APPLY)
		return true;
	/* Refused, the earlier ones leave the sequence as it was stored. */
	return !is_newer(self, in, number, k->event) &&
		is_newer(self, in, number, merge_none);
}

static void make_step(struct merge_run *run, struct merge_event *e, uint32_t number, bool live)
{
	struct merge_key *k = &run->keys[e->key];
	e->fate = FATE_STEP;
	e->before = k->step;
	k->step = (int16_t)number;
	k->live = live;
}

static void decide_tombstone(struct operator_merge *self, uint32_t number)
{
	struct merge_run *run = &self->run;
	struct merge_event *e = &run->events[number];
	struct merge_key *k = &run->keys[e->key];
	bool maybe = k->live || (self->has_rules && k->step != merge_none);
	e->fate = FATE_SAID;
	if (!k->awaits && maybe)
		make_step(run, e, number, false);
	k->changed |= k->awaits;
	k->awaits = false;
}

static int decide(struct operator_merge *self, const struct merge_input *in, uint32_t number,
	struct error *err)
{
	struct merge_run *run = &self->run;
	struct merge_event *e = &run->events[number];
	struct merge_key *k = &run->keys[e->key];
	const char *why = NULL;
	e->had = k->live;
	if (e->op == CHANGE_TOMBSTONE) {
		decide_tombstone(self, number);
		return 0;
	}
	if (e->op == CHANGE_DELETE) {
		k->changed |= !k->awaits;
		k->awaits = true;
	}
	if (self->plan->sequence != MERGE_BY_ARRIVAL && !is_newer(self, in, number, k->event)) {
		e->fate = FATE_STALE;
		return 0;
	}
	switch (policy_of(self->plan, (enum change_op)e->op, k->live, &why)) {
	case MERGE_ERROR:
		e->fate = FATE_REFUSED;
		return merge_refuse(self, in, e->row, why, err);
	case MERGE_IGNORE:
		e->fate = FATE_IGNORED;
		break;
	case MERGE_APPLY:
		make_step(run, e, number, e->op != CHANGE_DELETE);
		break;
	}
	note_sequence(self, in, number);
	return 0;
}

int merge_decide(struct operator_merge *self, const struct merge_input *in, struct error *err)
{
	struct merge_run *run = &self->run;
	for (uint32_t i = 0; i < run->count; i++) {
		if (must_wait(self, in, i)) {
			run->count = i;
			return 0;
		}
		int r = decide(self, in, i, err);
		if (r < 0)
			return r;
	}
	return 0;
}

void merge_decide_again(struct operator_merge *self, const struct merge_input *in)
{
	struct merge_run *run = &self->run;
	for (uint32_t i = 0; i < run->count; i++)
		run->keys[run->events[i].key].event = merge_none;
	for (uint32_t i = 0; i < run->count; i++) {
		const struct merge_event *e = &run->events[i];
		bool refused = e->fate == FATE_STEP &&
			self->steps.outcome[e->step] == MERGE_OUTCOME_REFUSED;
		bool counts = e->fate == FATE_STEP || e->fate == FATE_IGNORED;
		if (counts && !refused && e->op != CHANGE_TOMBSTONE)
			note_sequence(self, in, i);
	}
}
