/*
 * What a merge gives when the batch ends.
 *
 *	complete    every row, or those of the dirty buckets of a sink
 *	update      the rows of the keys that were touched, -D for those that went
 *	changelog   -U +U of keys whose row changed, +I of new ones, -D of those that went
 *
 * Keys come in the order in which the batch first touched them, a Table's rows in store order. One
 * net change a key and batch.
 */

#include "ops/operator_merge.h"

#include "base/check.h"

enum {
	pairs_max = chunk_rows_max / 2,
	forget_max = chunk_rows_max, /* deletes that are forgotten in one go, */
	end_max = 8 * chunk_rows_max /* and changes, which is much less */
};

/* A chunk of stored rows without the hidden columns. */
static struct chunk *visible(struct operator_merge *self, struct chunk *stored)
{
	stored->schema = self->op.schema;
	stored->column_count = self->op.schema->column_count;
	return stored;
}

static struct chunk *gather(struct operator_merge *self, const uint32_t *ids, uint32_t count)
{
	struct chunk *c = chunk_alloc(&self->arena, self->shown_schema);
	table_gather(self->shown, ids, count, c);
	return visible(self, c);
}

/* ---- complete ---- */

/* The next rows of the store; 1: there may be more. */
static int emit_complete(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b;
	uint32_t ids[chunk_rows_max];
	uint32_t count = operator_wants(&self->op, OUTPUT_COMPLETE)
		? table_scan(self->shown, &self->finish_at, ids)
		: 0;
	if (count == 0)
		return 0;
	arena_reset(&self->arena);
	struct chunk *c = gather(self, ids, count);
	int r = operator_emit(&self->op, OUTPUT_COMPLETE, c, err);
	return r < 0 ? r : 1;
}

/* ---- buckets ---- */

static void mark_changed(struct operator_merge *self)
{
	struct table_change changes[chunk_rows_max];
	uint32_t ids[chunk_rows_max];
	for (uint32_t at = 0, rows;
		(rows = table_changes(self->shown, at, chunk_rows_max, changes)) > 0; at += rows) {
		for (uint32_t i = 0; i < rows; i++)
			ids[i] = changes[i].id;
		arena_reset(&self->arena);
		struct chunk *keys = gather(self, ids, rows);
		operator_mark_buckets(&self->op, self->shown_key, keys);
	}
}

static int emit_dirty(struct operator *op, struct operator_out *out, struct error *err)
{
	struct operator_merge *self = (struct operator_merge *)op;
	uint32_t at = 0, ids[chunk_rows_max];
	for (uint32_t count; (count = table_scan(self->shown, &at, ids)) > 0;) {
		arena_reset(&self->arena);
		struct chunk *c = gather(self, ids, count);
		operator_keep_dirty(out, self->shown_key, c);
		int r = operator_emit_to(&self->op, out, c, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int emit_buckets(struct operator_merge *self, const struct batch *b, struct error *err)
{
	if (!operator_has_buckets(&self->op))
		return 0;
	mark_changed(self);
	return operator_emit_due(&self->op, emit_dirty, b, err);
}

/* ---- update ---- */

static int emit_updates(struct operator_merge *self, const struct table_change *changes,
	uint32_t count, struct error *err)
{
	uint32_t ids[chunk_rows_max], listed = 0;
	uint8_t kinds[chunk_rows_max];
	for (uint32_t i = 0; i < count; i++) {
		if (!changes[i].was && !changes[i].is)
			continue;
		kinds[listed] = !changes[i].is ? ROW_DELETE
			: changes[i].was       ? ROW_UPDATE_AFTER
					       : ROW_INSERT;
		ids[listed++] = changes[i].id;
	}
	arena_reset(&self->arena);
	struct chunk *c = gather(self, ids, listed);
	c->kinds = arena_alloc(&self->arena, chunk_rows_max, 1);
	memcpy(c->kinds, kinds, listed);
	return operator_emit(&self->op, OUTPUT_UPDATE, c, err);
}

/* ---- changelog ---- */

static void spread_column(const struct column *from, const uint16_t *rows, uint32_t count,
	struct column *to, uint32_t first, size_t bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = rows[i] * 2u + first;
		memcpy((char *)to->data + row * bytes, (const char *)from->data + i * bytes,
			bytes);
		if (column_is_null(from, i))
			bit_set(to->nulls, row);
	}
}

static bool cells_equal(const struct column *c, enum phys phys, uint32_t a, uint32_t b)
{
	if (column_is_null(c, a) || column_is_null(c, b))
		return column_is_null(c, a) && column_is_null(c, b);
	if (phys == PHYS_STR)
		return str_eq(((struct str *)c->data)[a], ((struct str *)c->data)[b]);
	size_t bytes = phys_bytes(phys);
	const char *data = c->data;
	return memcmp(data + a * bytes, data + b * bytes, bytes) == 0;
}

static bool pair_equal(const struct chunk *c, uint32_t pair)
{
	for (uint32_t t = 0; t < c->column_count; t++) {
		enum phys phys = type_phys(c->schema->columns[t].type);
		if (!cells_equal(&c->columns[t], phys, 2 * pair, 2 * pair + 1))
			return false;
	}
	return true;
}

/* Rows 2i and 2i+1: what key i was, and what it is. */
static void set_kinds(struct chunk *c, const struct table_change *changes, uint32_t count)
{
	c->kinds = arena_zalloc(c->arena, chunk_rows_max, 1);
	for (uint32_t i = 0; i < count; i++) {
		bool was = changes[i].was, is = changes[i].is;
		c->kinds[2 * i] = is ? ROW_UPDATE_BEFORE : ROW_DELETE;
		c->kinds[2 * i + 1] = was ? ROW_UPDATE_AFTER : ROW_INSERT;
		bool same = was && is && pair_equal(c, i);
		if (!was || same)
			bit_clear(c->live, 2 * i);
		if (!is || same)
			bit_clear(c->live, 2 * i + 1);
	}
}

static int emit_pairs(struct operator_merge *self, const struct table_change *changes,
	uint32_t first, uint32_t count, struct error *err)
{
	uint32_t ids[pairs_max], indexes[pairs_max], afters = 0, befores = 0;
	uint16_t after_rows[pairs_max], before_rows[pairs_max];
	for (uint32_t i = 0; i < count; i++) {
		if (changes[i].is) {
			ids[afters] = changes[i].id;
			after_rows[afters++] = (uint16_t)i;
		}
		if (changes[i].was) {
			indexes[befores] = first + i;
			before_rows[befores++] = (uint16_t)i;
		}
	}
	arena_reset(&self->arena);
	struct chunk *after = gather(self, ids, afters);
	struct chunk *before = chunk_alloc(&self->arena, self->shown_schema);
	table_gather_before(self->shown, indexes, befores, before);
	struct chunk *pairs = chunk_alloc(&self->arena, self->op.schema);
	chunk_set_rows(pairs, 2 * count);
	for (uint32_t t = 0; t < pairs->column_count; t++) {
		size_t bytes = phys_bytes(type_phys(pairs->schema->columns[t].type));
		struct column *to = &pairs->columns[t];
		spread_column(&after->columns[t], after_rows, afters, to, 1, bytes);
		spread_column(&before->columns[t], before_rows, befores, to, 0, bytes);
	}
	set_kinds(pairs, changes, count);
	return operator_emit(&self->op, OUTPUT_CHANGELOG, pairs, err);
}

/* ---- the end of a batch, a chunk at a time ---- */

/* Each event had one fate: none is lost in silence. */
static int settle(const struct operator_merge *self, struct error *err)
{
	const struct merge_counts *c = &self->counts;
	if (c->events == c->applied + c->stale + c->ignored + c->refused)
		return 0;
	return error_set(err, CDCL_E_INTERNAL,
		"table " STR_FMT ": of %lld events %lld were applied, %lld stale, %lld ignored and "
		"%lld refused, which is not all: the batch does not count",
		STR_ARG(self->plan->name), (long long)c->events, (long long)c->applied,
		(long long)c->stale, (long long)c->ignored, (long long)c->refused);
}

static int begin_finish(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b;
	self->finish_rows = (struct finish_rows){0};
	int r = merge_start(self, err);
	return r < 0 ? r : settle(self, err);
}

/* Keys that changed; 1: there may be more. */
static int emit_update(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b;
	struct table_change changes[chunk_rows_max];
	uint32_t rows = table_changes(self->shown, self->finish_at, chunk_rows_max, changes);
	for (uint32_t i = 0; i < rows; i++) {
		self->finish_rows.updated += changes[i].is;
		self->finish_rows.removed += changes[i].was && !changes[i].is;
	}
	self->finish_at += rows;
	if (rows == 0 || !operator_wants(&self->op, OUTPUT_UPDATE))
		return rows > 0;
	int r = emit_updates(self, changes, rows, err);
	return r < 0 ? r : 1;
}

static int emit_changelog(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b;
	struct table_change changes[pairs_max];
	uint32_t rows = operator_wants(&self->op, OUTPUT_CHANGELOG)
		? table_changes(self->shown, self->finish_at, pairs_max, changes)
		: 0;
	if (rows == 0)
		return 0;
	int r = emit_pairs(self, changes, self->finish_at, rows, err);
	self->finish_at += rows;
	return r < 0 ? r : 1;
}

static int forget_deleted(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	int64_t ttl_us = self->plan->tombstone_ttl_us;
	if (self->newest_us <= INT64_MIN + ttl_us)
		return 0;
	return table_forget_deleted(self->table, self->newest_us - ttl_us, forget_max) ==
		forget_max;
}

static int end_batch(struct operator_merge *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	return table_end_slice(self->table, end_max) ||
		(self->history != NULL && table_end_slice(self->history, end_max));
}

static void note_state(struct operator_merge *self)
{
	self->state = (struct operator_state){
		.rows_total = table_rows(self->shown),
		.rows_updated = self->finish_rows.updated,
		.rows_removed = self->finish_rows.removed,
		.memory_bytes = table_bytes(self->table) +
			(self->history == NULL ? 0 : table_bytes(self->history)),
		.merge = &self->counts,
		.name = self->plan->name,
	};
}

/* In this order; each is called until it answers 0. */
static int (*const finish_steps[])(
	struct operator_merge *self, const struct batch *b, struct error *err) = {begin_finish,
	merge_expire, emit_buckets, emit_update, emit_changelog, emit_complete, forget_deleted,
	end_batch};

int merge_finish(struct operator *op, const struct batch *b, struct error *err)
{
	struct operator_merge *self = (struct operator_merge *)op;
	int r = finish_steps[self->finish_step](self, b, err);
	if (r != 0)
		return r;
	self->finish_at = 0;
	if (++self->finish_step < ARRAY_LEN(finish_steps))
		return 1;
	note_state(self);
	self->finish_step = 0;
	self->resumed = false;
	return 0;
}
