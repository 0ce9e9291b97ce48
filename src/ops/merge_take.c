/*
 * A merge whose columns became wider takes the rows of the one before it: by column name, values
 * cast, columns that are new NULL. To the batch they are new rows, so that the steps behind are
 * computed from them.
 */

#include "ops/operator_merge.h"

#include "expr/cast.h"

#include <stdlib.h>

/* From one layout of rows to the other. */
struct moving {
	struct operator_merge *to;
	const struct table *from;
	const struct schema *old;
	int32_t *source;                /* by new column: the old one, or -1 */
	struct arena arena;             /* of one chunk */
};

static int find_sources(struct moving *m, struct error *err)
{
	const struct schema *now = m->to->plan->schema, *old = m->old;
	if (now->hidden_count != old->hidden_count)
		return error_set(err, CDCL_E_SCRIPT,
			"table " STR_FMT " is merged otherwise with the wider columns",
			STR_ARG(m->to->plan->name));
	m->source = ARENA_ARRAY(&m->arena, int32_t, schema_total(now) + 1);
	for (uint32_t i = 0; i < schema_total(now); i++)
		m->source[i] = i < now->column_count
			? schema_find(old, now->columns[i].name)
			: (int32_t)(old->column_count + i - now->column_count);
	return 0;
}

static int fail_to_move(const struct moving *m, uint32_t column, struct error *err)
{
	return error_set(err, CDCL_E_DATA,
		"table " STR_FMT ": a value of column " STR_FMT " does not fit its new type",
		STR_ARG(m->to->plan->name), STR_ARG(m->to->plan->schema->columns[column].name));
}

static int move_column(const struct moving *m, const struct chunk *from, uint32_t column,
	uint32_t count, struct chunk *to, struct error *err)
{
	struct column *into = &to->columns[column];
	struct type now = m->to->plan->schema->columns[column].type;
	int32_t source = m->source[column];
	if (source < 0) {
		memset(into->nulls, 0xFF, sizeof(into->nulls));
		return 0;
	}
	struct type was = m->old->columns[source].type;
	if (type_eq(was, now)) {
		*into = from->columns[source];
		return 0;
	}
	for (uint32_t row = 0; row < count; row++) {
		struct value value = value_from_column(&from->columns[source], was, row), cast;
		if (column_is_null(&from->columns[source], row)) {
			bit_set(into->nulls, row);
			continue;
		}
		if (!cast_allowed(was, now) ||
			cast_value(&value, now, NULL, 0, to->arena, &cast) != EXPR_FINE)
			return fail_to_move(m, column, err);
		value_to_column(&cast, into, row);
	}
	return 0;
}

/* The stored rows of `ids`, laid out as the new table's. NULL with the error filled. */
static struct chunk *move_rows(
	struct moving *m, const uint32_t *ids, uint32_t count, struct error *err)
{
	struct chunk *from = chunk_alloc(&m->arena, m->old);
	struct chunk *to = chunk_alloc(&m->arena, m->to->plan->schema);
	table_gather(m->from, ids, count, from);
	chunk_set_rows(to, count);
	for (uint32_t i = 0; i < to->column_count; i++)
		if (move_column(m, from, i, count, to, err) < 0)
			return NULL;
	return to;
}

static int put_rows(struct moving *m, const uint32_t *ids, uint32_t count, struct error *err)
{
	uint16_t rows[chunk_rows_max];
	uint32_t now_ids[chunk_rows_max];
	struct chunk *c = move_rows(m, ids, count, err);
	for (uint32_t i = 0; i < count; i++)
		rows[i] = (uint16_t)i;
	int r = c == NULL ? -(int)err->code
			  : table_resolve(m->to->table, c, rows, count, now_ids, err);
	return r < 0 ? r : table_put(m->to->table, now_ids, c, rows, count, err);
}

/* Deletes that are remembered, each with its age. */
static int put_deletes(struct moving *m, struct error *err)
{
	uint32_t ids[chunk_rows_max], now_ids[chunk_rows_max], at = 0;
	int64_t ages_us[chunk_rows_max];
	int r = 0;
	for (uint32_t count;
		r >= 0 && (count = table_scan_deleted(m->from, &at, ids, ages_us)) > 0;) {
		uint16_t rows[chunk_rows_max];
		for (uint32_t i = 0; i < count; i++)
			rows[i] = (uint16_t)i;
		struct chunk *c = move_rows(m, ids, count, err);
		r = c == NULL ? -(int)err->code
			      : table_resolve(m->to->table, c, rows, count, now_ids, err);
		for (uint32_t i = 0; r >= 0 && i < count; i++)
			r = table_delete(m->to->table, &now_ids[i], c, &rows[i], 1, ages_us[i],
				err);
	}
	return r;
}

static int move_all(struct moving *m, struct error *err)
{
	uint32_t at = 0, ids[chunk_rows_max];
	struct moving one = *m;
	int r = 0;
	arena_init(&one.arena, 256 * 1024);
	for (uint32_t count; r >= 0 && (count = table_scan(m->from, &at, ids)) > 0;) {
		arena_reset(&one.arena);
		r = put_rows(&one, ids, count, err);
	}
	if (r >= 0)
		r = put_deletes(&one, err);
	if (r >= 0)
		table_release_empty(m->to->table);
	arena_release(&one.arena);
	return r;
}

int merge_take_over(struct operator *op, struct operator *old, struct error *err)
{
	struct operator_merge *self = (struct operator_merge *)op;
	struct operator_merge *before = (struct operator_merge *)old;
	struct moving m = {.to = self, .from = before->table, .old = before->plan->schema};
	self->counts = before->counts;
	self->newest_us = before->newest_us;
	self->streams = before->streams;
	self->stream_count = before->stream_count;
	self->stream_capacity = before->stream_capacity;
	self->stream_places = before->stream_places;
	before->streams = NULL;
	before->stream_count = before->stream_capacity = 0;
	before->stream_places = (struct hash_chains){0};
	if (before->table == NULL)
		return 0;
	arena_init(&m.arena, 4096);
	int r = find_sources(&m, err);
	if (r >= 0)
		r = merge_start(self, err);
	if (r >= 0)
		r = move_all(&m, err);
	if (r >= 0)
		merge_expire_all_later(self);
	self->resumed = true;
	arena_release(&m.arena);
	return r;
}
