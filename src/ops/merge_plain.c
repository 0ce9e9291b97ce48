/*
 * Events that ask for nothing but their rows: no rules, no patches, no order but that of arrival,
 * no policy that says no. What merge_resolve, merge_decide and merge_apply would find, in two
 * loops.
 */

#include "ops/operator_merge.h"

#include "base/check.h"

/* A key of the run, in the order of first events. */
struct plain_key {
	uint16_t row;           /* of its last event */
	bool live;              /* as far as decided */
	bool awaits;
	int32_t stream;         /* of the event before, or merge_none */
};

struct plain_run {
	uint32_t count;
	struct plain_key keys[chunk_rows_max];
	uint32_t ids[chunk_rows_max];           /* by key */
	uint16_t key_of[chunk_rows_max];        /* by event */
	uint16_t index[merge_index_slots];      /* hashed id to key + 1 */
};

bool merge_is_plain(const struct operator_merge *self, const struct merge_input *in)
{
	const struct merge_plan *m = self->plan;
	return !self->needs_old && m->sequence == MERGE_BY_ARRIVAL && m->time_column < 0 &&
		m->insert_existing == MERGE_APPLY && m->update_missing == MERGE_APPLY &&
		m->delete_missing == MERGE_APPLY &&
		!(in->ops_seen & 1u << CHANGE_TOMBSTONE);
}

static uint16_t find_key(struct plain_run *run, uint32_t id)
{
	uint32_t at = merge_index_slot(id);
	for (; run->index[at] != 0; at = (at + 1) & (merge_index_slots - 1))
		if (run->ids[run->index[at] - 1] == id)
			return (uint16_t)(run->index[at] - 1);
	run->ids[run->count] = id;
	run->index[at] = (uint16_t)++run->count;
	return (uint16_t)(run->count - 1);
}

/* A column of each key as it is stored. */
static const struct column *gather(
	const struct operator_merge *self, const struct plain_run *run, uint32_t column,
	struct arena *arena)
{
	struct column *c = ARENA_NEW(arena, struct column);
	c->data = chunk_alloc_data(arena, self->plan->schema->columns[column].type);
	table_gather_column(self->table, run->ids, run->count, column, c);
	return c;
}

static void read_keys(
	const struct operator_merge *self, struct plain_run *run, struct arena *arena)
{
	const struct column *awaits = gather(self, run, self->plan->awaits_column, arena);
	const uint8_t *waits = awaits->data;
	bool live[chunk_rows_max];
	table_are_live(self->table, run->ids, run->count, live);
	for (uint32_t k = 0; k < run->count; k++)
		run->keys[k] = (struct plain_key){
			.live = live[k],
			.awaits = !column_is_null(awaits, k) && waits[k] != 0,
			.stream = merge_none};
	if (self->stream_count <= 1)
		return;
	const struct column *stream = gather(self, run, self->plan->stream_column, arena);
	const int32_t *streams = stream->data;
	for (uint32_t k = 0; k < run->count; k++)
		if (!column_is_null(stream, k))
			run->keys[k].stream = streams[k];
}

static void decide(struct operator_merge *self, const struct merge_input *in,
	struct plain_run *run, const uint16_t *rows, uint32_t count)
{
	const int32_t *streams = in->row->columns[self->plan->stream_column].data;
	uint32_t by_op[change_op_count][2] = {{0}}, other = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct plain_key *k = &run->keys[run->key_of[i]];
		uint32_t row = rows[i];
		bool deletes = in->op[row] == CHANGE_DELETE;
		by_op[in->op[row]][k->live]++;
		other += k->stream != merge_none && k->stream != streams[row];
		k->row = (uint16_t)row;
		k->live = !deletes;
		k->awaits |= deletes;
		k->stream = streams[row];
	}
	merge_add_counts(&self->counts, (const uint32_t(*)[2])by_op);
	self->counts.applied += count;
	self->counts.other_partition += other;
}

static void set_awaits(const struct operator_merge *self, const struct merge_input *in,
	const struct plain_run *run)
{
	struct column *awaits = &in->row->columns[self->plan->awaits_column];
	uint8_t *waits = awaits->data;
	for (uint32_t k = 0; k < run->count; k++) {
		const struct plain_key *key = &run->keys[k];
		bit_clear(awaits->nulls, key->row);
		waits[key->row] = key->awaits;
	}
}

static int apply(struct operator_merge *self, const struct merge_input *in,
	const struct plain_run *run, struct error *err)
{
	struct table_write writes[chunk_rows_max];
	for (uint32_t k = 0; k < run->count; k++)
		writes[k] = (struct table_write){.id = run->ids[k],
			.row = run->keys[k].row,
			.deletes = !run->keys[k].live};
	return table_apply(self->table, writes, run->count, in->row, self->newest_us, err);
}

int merge_plain(struct operator_merge *self, const struct merge_input *in, const uint16_t *rows,
	uint32_t count, struct error *err)
{
	struct plain_run run;
	uint32_t ids[chunk_rows_max];
	uint16_t written[chunk_rows_max];
	int r = count == 0 ? 0 : table_resolve(self->table, in->row, rows, count, ids, err);
	if (r < 0 || count == 0)
		return r;
	run.count = 0;
	memset(run.index, 0, sizeof(run.index));
	for (uint32_t i = 0; i < count; i++)
		run.key_of[i] = find_key(&run, ids[i]);
	read_keys(self, &run, in->row->arena);
	decide(self, in, &run, rows, count);
	set_awaits(self, in, &run);
	if (in->ops_seen & 1u << CHANGE_DELETE)
		return apply(self, in, &run, err);
	for (uint32_t k = 0; k < run.count; k++)
		written[k] = run.keys[k].row;
	return table_put(self->table, run.ids, in->row, written, run.count, err);
}
