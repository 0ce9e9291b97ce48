/* The last answer of each key goes into the table, and every event into its counters. */

#include "ops/operator_merge.h"

#include "base/check.h"

struct write_list {
	uint32_t count;
	struct table_write writes[chunk_rows_max];
};

static void add_write(struct write_list *l, uint32_t id, uint32_t row, bool deletes)
{
	l->writes[l->count++] =
		(struct table_write){.id = id, .row = (uint16_t)row, .deletes = deletes};
}

static int apply_writes(struct operator_merge *self, const struct write_list *l,
	const struct chunk *from, struct error *err)
{
	if (l->count == 0)
		return 0;
	return table_apply(self->table, l->writes, l->count, from, self->newest_us, err);
}

static void watch_ttl(
	struct operator_merge *self, const struct chunk *c, uint32_t row, uint32_t id)
{
	if (self->plan->time_column < 0)
		return;
	const int64_t *times = c->columns[self->plan->time_column].data;
	merge_expire_later(self, id, times[row]);
}

static void copy_hidden(const struct column *from, uint32_t row, struct column *to,
	uint32_t to_row, struct type type)
{
	size_t bytes = phys_bytes(type_phys(type));
	if (column_is_null(from, row)) {
		bit_set(to->nulls, to_row);
		return;
	}
	bit_clear(to->nulls, to_row);
	phys_copy((char *)to->data + to_row * bytes, (const char *)from->data + row * bytes, bytes);
}

static void set_awaits(const struct operator_merge *self, const struct merge_key *k,
	struct chunk *to, uint32_t to_row)
{
	struct column *awaits = &to->columns[self->plan->awaits_column];
	bit_clear(awaits->nulls, to_row);
	((uint8_t *)awaits->data)[to_row] = k->awaits;
}

/*
 * What is remembered of a key, into the row that goes to the table: the sequence of the event that
 * counted last, which may be another than the one that wrote the row.
 */
static void set_hidden(const struct operator_merge *self, const struct merge_input *in,
	uint32_t key, int wrote, struct chunk *to, uint32_t to_row)
{
	const struct merge_plan *m = self->plan;
	const struct merge_run *run = &self->run;
	const struct merge_key *k = &run->keys[key];
	const struct column *from =
		k->event == merge_none ? run->stored->columns : in->row->columns;
	uint32_t row = k->event == merge_none ? key : run->events[k->event].row;
	bool there = from == to->columns && row == to_row;
	for (uint32_t t = m->sequence_first; t <= m->stream_column && !there; t++)
		copy_hidden(&from[t], row, &to->columns[t], to_row, m->schema->columns[t].type);
	set_awaits(self, k, to, to_row);
	if (m->time_column < 0)
		return;
	uint32_t time = (uint32_t)m->time_column;
	from = wrote == merge_none ? run->stored->columns : in->row->columns;
	row = wrote == merge_none ? key : run->events[wrote].row;
	if (from != to->columns || row != to_row)
		copy_hidden(&from[time], row, &to->columns[time], to_row,
			m->schema->columns[time].type);
}

/* The step whose answer the key's row is in the end, or none. */
static int last_answer(const struct operator_merge *self, const struct merge_key *k)
{
	const struct merge_run *run = &self->run;
	int at = k->step;
	while (self->needs_old && at != merge_none) {
		uint8_t outcome = self->steps.outcome[run->events[at].step];
		if (outcome == MERGE_OUTCOME_ROW || outcome == MERGE_OUTCOME_DELETE)
			break;
		at = run->events[at].before;
	}
	return at;
}

/*
 * The ttl counts from the newest event that touched the row, here step `at` or one before it: a
 * late one does not shorten it. So entries that wait (merge_expire.c) are never newer than rows.
 */
static void keep_newest_time(const struct operator_merge *self, const struct merge_input *in,
	uint32_t key, int at, struct chunk *to, uint32_t to_row)
{
	if (self->plan->time_column < 0)
		return;
	uint32_t time = (uint32_t)self->plan->time_column;
	const struct merge_run *run = &self->run;
	const struct column *stored = &run->stored->columns[time];
	const int64_t *was = stored->data, *came = in->row->columns[time].data;
	int64_t newest = column_is_null(stored, key) ? INT64_MIN : was[key];
	for (; at != merge_none; at = run->events[at].before) {
		const struct merge_event *e = &run->events[at];
		uint8_t outcome =
			self->needs_old ? self->steps.outcome[e->step] : MERGE_OUTCOME_ROW;
		bool touched = outcome == MERGE_OUTCOME_ROW || outcome == MERGE_OUTCOME_DELETE;
		if (touched && came[e->row] > newest)
			newest = came[e->row];
	}
	((int64_t *)to->columns[time].data)[to_row] = newest;
}

static bool answer_deletes(const struct operator_merge *self, const struct merge_event *e)
{
	if (self->needs_old)
		return self->steps.outcome[e->step] == MERGE_OUTCOME_DELETE;
	return e->op == CHANGE_DELETE || e->op == CHANGE_TOMBSTONE;
}

/* Keys without an answer of which something else is to be remembered. */
static int apply_remembered(struct operator_merge *self, const struct merge_input *in,
	const uint16_t *keys, uint32_t count, struct error *err)
{
	struct merge_run *run = &self->run;
	uint32_t ids[chunk_rows_max];
	if (count == 0)
		return 0;
	struct chunk *from = chunk_alloc(in->row->arena, self->plan->schema);
	struct write_list list;
	list.count = 0;
	for (uint32_t i = 0; i < count; i++)
		ids[i] = run->ids[keys[i]];
	table_gather(self->table, ids, count, from);
	for (uint32_t i = 0; i < count; i++) {
		set_hidden(self, in, keys[i], merge_none, from, i);
		add_write(&list, ids[i], i, table_state(self->table, ids[i]) != TABLE_LIVE);
	}
	return apply_writes(self, &list, from, err);
}

static int apply_keys(struct operator_merge *self, const struct merge_input *in, struct error *err)
{
	struct merge_run *run = &self->run;
	struct chunk *from = self->needs_old ? self->steps.next : in->row;
	struct write_list list;
	uint16_t remembered[chunk_rows_max];
	uint32_t remembered_count = 0;
	list.count = 0;
	for (uint32_t i = 0; i < run->count; i++) {
		if (run->events[i].key != (int16_t)i)
			continue;
		const struct merge_key *k = &run->keys[i];
		int at = last_answer(self, k);
		if (at == merge_none) {
			if (k->changed)
				remembered[remembered_count++] = (uint16_t)i;
			continue;
		}
		const struct merge_event *e = &run->events[at];
		uint32_t row = self->needs_old ? (uint32_t)e->step : e->row;
		bool deletes = answer_deletes(self, e);
		/* The event's own row has its sequence and time. */
		if (!self->needs_old && k->event == at)
			set_awaits(self, k, from, row);
		else
			set_hidden(self, in, i, at, from, row);
		keep_newest_time(self, in, i, at, from, row);
		if (!deletes)
			watch_ttl(self, from, row, run->ids[i]);
		add_write(&list, run->ids[i], row, deletes);
	}
	int r = apply_writes(self, &list, from, err);
	return r < 0 ? r : apply_remembered(self, in, remembered, remembered_count, err);
}

/* What each event was, from numbers by op and fate: most are alike. */
void merge_add_counts(struct merge_counts *c, const uint32_t by_op[change_op_count][2])
{
	c->inserts += by_op[CHANGE_INSERT][0] + by_op[CHANGE_INSERT][1];
	c->updates += by_op[CHANGE_UPDATE][0] + by_op[CHANGE_UPDATE][1];
	c->deletes += by_op[CHANGE_DELETE][0] + by_op[CHANGE_DELETE][1];
	c->reads += by_op[CHANGE_READ][0] + by_op[CHANGE_READ][1];
	c->upserts += by_op[CHANGE_UPSERT][0] + by_op[CHANGE_UPSERT][1];
	c->tombstones += by_op[CHANGE_TOMBSTONE][0] + by_op[CHANGE_TOMBSTONE][1];
	c->insert_over_existing += by_op[CHANGE_INSERT][1];
	c->update_of_missing += by_op[CHANGE_UPDATE][0];
	c->delete_of_missing += by_op[CHANGE_DELETE][0];
}

static void count_stale(struct merge_counts *c, enum change_op op)
{
	uint32_t as_expected[change_op_count][2] = {{0}};
	as_expected[op][op == CHANGE_UPDATE || op == CHANGE_DELETE] = 1;
	merge_add_counts(c, (const uint32_t(*)[2])as_expected);
	c->stale++;
}

static void count_events(struct operator_merge *self)
{
	struct merge_counts *c = &self->counts;
	uint32_t by_op[change_op_count][2] = {{0}}, applied = 0, ignored = 0, refused = 0;
	for (uint32_t i = 0; i < self->run.count; i++) {
		struct merge_event *e = &self->run.events[i];
		uint8_t outcome = MERGE_OUTCOME_ROW;
		if (e->fate == FATE_STALE) {
			count_stale(c, (enum change_op)e->op);
			continue;
		}
		if (e->fate == FATE_STEP && self->needs_old) {
			outcome = self->steps.outcome[e->step];
			e->had = self->steps.has_old[e->step] != 0;
		}
		by_op[e->op][e->had]++;
		c->other_partition += e->other_stream;
		ignored += e->fate == FATE_IGNORED || e->fate == FATE_SAID ||
			outcome == MERGE_OUTCOME_OLD;
		applied += e->fate == FATE_STEP && outcome != MERGE_OUTCOME_OLD &&
			outcome != MERGE_OUTCOME_REFUSED;
		refused += outcome == MERGE_OUTCOME_REFUSED;
	}
	merge_add_counts(c, (const uint32_t(*)[2])by_op);
	c->ignored += ignored;
	c->applied += applied;
	/* Those of policies and ready rules were counted with their dead letters. */
	c->refused += self->plan->function != NULL ? refused : 0;
}

int merge_apply(struct operator_merge *self, const struct merge_input *in, struct error *err)
{
	int r = apply_keys(self, in, err);
	count_events(self);
	return r;
}
