/*
 * What a group gives when the batch ends.
 *
 *	complete    every group        update    groups that got input
 *	            (buckets: every group of those that got some)
 *	changelog   -U +U of groups that changed, +I of new ones, -D of those whose last row went
 *
 * Rows leave in Spark's order: by the partition that its shuffle would put the key in, then as
 * first seen. In a changelog -U and +U of a group stand side by side in one chunk (the filter
 * relies on it).
 */

#include "ops/operator_group.h"

#include "base/check.h"
#include "data/spark_hash.h"

#include <stdlib.h>

enum { sorted_max = 8 * chunk_rows_max }; /* in one go */

static void fill_keys(
	struct operator_group *self, const uint32_t *groups, uint32_t count, struct chunk *c)
{
	for (uint32_t k = 0; k < self->key.count; k++)
		memset(c->columns[k].nulls, 0, sizeof(c->columns[k].nulls));
	for (uint32_t i = 0; i < count && self->key.count > 0; i++) {
		group_key_decode(
			&self->key, group_table_key(&self->table, groups[i]), self->values);
		for (uint32_t k = 0; k < self->key.count; k++)
			value_to_column(&self->values[k], &c->columns[k], i);
	}
}

/* Keys and results of the groups listed, as a chunk of the plan's inner schema. */
static struct chunk *build_inner(struct operator_group *self, const uint32_t *groups,
	uint32_t count, struct arena *arena, struct error *err)
{
	check(count <= chunk_rows_max);
	struct chunk *c = chunk_alloc(arena, self->plan->inner);
	chunk_set_rows(c, count);
	fill_keys(self, groups, count, c);
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		struct column *out = &c->columns[self->key.count + i];
		struct group_call *call = &self->calls[i];
		int r = call->custom != NULL
			? custom_state_finish(call->custom, groups, count, out, arena, err)
			: aggregate_result(call->aggregate, groups, count, out, arena, err);
		if (r < 0)
			return NULL;
	}
	return c;
}

/* ---- what was before ---- */

/* What lies in the state moves on: strings of a row that must stay as it was are copied. */
static void own_strings(struct chunk *c)
{
	for (uint32_t i = 0; i < c->column_count; i++) {
		if (type_phys(c->schema->columns[i].type) != PHYS_STR)
			continue;
		struct str *strings = c->columns[i].data;
		for (uint32_t row = 0; row < c->row_count; row++)
			if (!column_is_null(&c->columns[i], row))
				strings[row] = str_dup(strings[row], c->arena);
	}
}

int group_keep_before(struct operator_group *self, uint32_t first, struct error *err)
{
	uint32_t groups[chunk_rows_max], count = 0;
	for (uint32_t i = first; i < self->touched_count; i++) {
		uint32_t group = self->touched[i];
		bool there = group_global(self) ? self->emitted : self->row_counts[group] > 0;
		self->before[i] = there ? self->before_count << 10 | count : group_none;
		if (there)
			groups[count++] = group;
	}
	if (count == 0)
		return 0;
	struct chunk *inner = build_inner(self, groups, count, &self->before_arena, err);
	if (inner == NULL)
		return -(int)err->code;
	own_strings(inner);
	if (self->before_count == self->before_capacity) {
		uint32_t to = self->before_capacity * 2 + 16;
		self->befores = group_grown(
			self->befores, sizeof(*self->befores), self->before_capacity, to);
		self->before_capacity = to;
	}
	self->befores[self->before_count++] = inner;
	return 0;
}

/* ---- rows out ---- */

static struct chunk *build_outputs(
	struct operator_group *self, struct chunk *inner, struct error *err)
{
	struct chunk *out = chunk_alloc_like(inner->arena, inner, self->plan->schema);
	for (uint32_t i = 0; i < self->plan->output_count; i++) {
		struct vector v;
		if (operator_eval(&self->op, self->plan->outputs[i], inner, &v, err) < 0)
			return NULL;
		out->columns[i] = v.column;
	}
	return out;
}

/* To one out, or to all that want `mode`; at most a chunk of them. */
static int emit_chunk(struct operator_group *self, enum output_mode mode, struct operator_out *to,
	const uint32_t *groups, uint32_t count, struct error *err)
{
	arena_reset(&self->arena);
	struct chunk *inner = build_inner(self, groups, count, &self->arena, err);
	struct chunk *out = inner == NULL ? NULL : build_outputs(self, inner, err);
	if (out == NULL)
		return -(int)err->code;
	return to != NULL ? operator_emit_to(&self->op, to, out, err)
			  : operator_emit(&self->op, mode, out, err);
}

/* ---- order ---- */

/* Stable: by partition, and within one as they were. */
static uint32_t *by_partition(
	const struct operator_group *self, const uint32_t *groups, uint32_t count)
{
	uint32_t starts[spark_shuffle_partitions + 1] = {0};
	uint32_t *sorted = malloc(((size_t)count + 1) * sizeof(*sorted));
	check(sorted != NULL);
	for (uint32_t i = 0; i < count; i++)
		starts[self->partitions[groups[i]] + 1]++;
	for (uint32_t p = 0; p < spark_shuffle_partitions; p++)
		starts[p + 1] += starts[p];
	for (uint32_t i = 0; i < count; i++)
		sorted[starts[self->partitions[groups[i]]]++] = groups[i];
	return sorted;
}

struct birth {
	uint64_t born;
	uint32_t group;
};

static int older(const void *a, const void *b)
{
	uint64_t x = ((const struct birth *)a)->born, y = ((const struct birth *)b)->born;
	return (x > y) - (x < y);
}

static void sort_by_birth(const struct operator_group *self, uint32_t *groups, uint32_t count)
{
	struct birth *births = malloc(((size_t)count + 1) * sizeof(*births));
	check(births != NULL);
	for (uint32_t i = 0; i < count; i++)
		births[i] = (struct birth){self->born[groups[i]], groups[i]};
	qsort(births, count, sizeof(*births), older);
	for (uint32_t i = 0; i < count; i++)
		groups[i] = births[i].group;
	free(births);
}

/* In Spark's order. */
static uint32_t *sort_whole(struct operator_group *self, uint32_t *groups, uint32_t count)
{
	if (self->removed)
		sort_by_birth(self, groups, count);
	return by_partition(self, groups, count);
}

/* ---- buckets ---- */

/* The groups' keys alone, where they stand in the rows too. */
static struct chunk *build_keys(
	struct operator_group *self, const uint32_t *groups, uint32_t count)
{
	arena_reset(&self->arena);
	struct chunk *c = chunk_alloc(&self->arena, self->plan->inner);
	chunk_set_rows(c, count);
	fill_keys(self, groups, count, c);
	return c;
}

static void mark_touched(struct operator_group *self)
{
	for (uint32_t at = 0; at < self->touched_count; at += chunk_rows_max) {
		uint32_t left = self->touched_count - at;
		struct chunk *keys = build_keys(self, self->touched + at,
			left < chunk_rows_max ? left : chunk_rows_max);
		operator_mark_buckets(&self->op, self->row_key, keys);
	}
}

/* From `next` on; those with a dirty bucket, at most a chunk of them; *next moves behind them. */
static uint32_t list_dirty(struct operator_group *self, const struct operator_out *out,
	uint32_t *next, uint32_t *groups)
{
	uint32_t count = 0, kept = 0;
	for (; *next < self->table.id_count && count < chunk_rows_max; ++*next)
		if (group_exists(self, *next))
			groups[count++] = *next;
	struct chunk *keys = build_keys(self, groups, count);
	operator_keep_dirty(out, self->row_key, keys);
	for (uint32_t i = 0; i < count; i++)
		if (bit_get(keys->live, i))
			groups[kept++] = groups[i];
	return kept;
}

static int emit_dirty(struct operator *op, struct operator_out *out, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	uint32_t count = 0;
	uint32_t *groups = calloc((size_t)self->table.id_count + chunk_rows_max, sizeof(*groups));
	check(groups != NULL);
	for (uint32_t next = 0; next < self->table.id_count;)
		count += list_dirty(self, out, &next, groups + count);
	uint32_t *sorted = sort_whole(self, groups, count);
	free(groups);
	int r = 0;
	for (uint32_t at = 0; at < count && r >= 0; at += chunk_rows_max)
		r = emit_chunk(self, OUTPUT_COMPLETE, out, sorted + at,
			count - at < chunk_rows_max ? count - at : chunk_rows_max, err);
	free(sorted);
	return r;
}

static int emit_buckets(struct operator_group *self, const struct batch *b, struct error *err)
{
	if (!operator_has_buckets(&self->op))
		return 0;
	mark_touched(self);
	return operator_emit_due(&self->op, emit_dirty, b, err);
}

/* ---- changelog ---- */

static void copy_row(const struct chunk *from, uint32_t row, struct chunk *to, uint32_t to_row)
{
	for (uint32_t i = 0; i < from->column_count; i++) {
		size_t width = phys_bytes(type_phys(from->schema->columns[i].type));
		memcpy((char *)to->columns[i].data + to_row * width,
			(const char *)from->columns[i].data + row * width, width);
		if (column_is_null(&from->columns[i], row))
			bit_set(to->columns[i].nulls, to_row);
		else
			bit_clear(to->columns[i].nulls, to_row);
	}
}

/* Rows 2i and 2i+1 of the result: what group i was, and what it is. */
static struct chunk *pair_up(struct operator_group *self, const struct chunk *after,
	const uint32_t *groups, const uint32_t *before, uint32_t count)
{
	struct chunk *pairs = chunk_alloc(&self->arena, self->plan->inner);
	chunk_set_rows(pairs, 2 * count);
	pairs->kinds = arena_zalloc(&self->arena, chunk_rows_max, 1);
	for (uint32_t i = 0; i < count; i++) {
		bool was = before[i] != group_none, is = group_exists(self, groups[i]);
		copy_row(after, i, pairs, 2 * i + 1);
		if (was)
			copy_row(self->befores[before[i] >> 10], before[i] & 1023, pairs, 2 * i);
		else
			copy_row(after, i, pairs, 2 * i);
		pairs->kinds[2 * i] = is ? ROW_UPDATE_BEFORE : ROW_DELETE;
		pairs->kinds[2 * i + 1] = was ? ROW_UPDATE_AFTER : ROW_INSERT;
		if (!was)
			bit_clear(pairs->live, 2 * i);
		if (!is)
			bit_clear(pairs->live, 2 * i + 1);
	}
	return pairs;
}

static int emit_pairs(struct operator_group *self, const uint32_t *groups, const uint32_t *before,
	uint32_t count, struct error *err)
{
	arena_reset(&self->arena);
	struct chunk *after = build_inner(self, groups, count, &self->arena, err);
	if (after == NULL)
		return -(int)err->code;
	struct chunk *pairs = pair_up(self, after, groups, before, count);
	struct chunk *out = build_outputs(self, pairs, err);
	if (out == NULL)
		return -(int)err->code;
	operator_drop_same_pairs(out);
	return operator_emit(&self->op, OUTPUT_CHANGELOG, out, err);
}

/* ---- the end of a batch, a chunk at a time ---- */

/* A step of it: 1 while there is more, from self->finish.at on. */

static int begin_finish(struct operator_group *self, const struct batch *b, struct error *err)
{
	int r = self->started ? 0 : group_start(self, err);
	return r < 0 ? r : emit_buckets(self, b, err);
}

/* Where the step stops: at most `max` further, of `count`. */
static uint32_t stop_at(const struct operator_group *self, uint32_t count, uint32_t max)
{
	uint32_t at = self->finish.at;
	return count - at < max ? count : at + max;
}

/* All groups, as first seen, ... */
static int list_all(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	uint32_t all = self->table.id_count;
	if (!operator_wants(&self->op, OUTPUT_COMPLETE))
		return 0;
	if (f->at == 0)
		f->listed = operator_alloc(((size_t)all + 1) * sizeof(*f->listed));
	for (uint32_t end = stop_at(self, all, sorted_max); f->at < end; f->at++)
		if (group_exists(self, f->at))
			f->listed[f->listed_count++] = f->at;
	if (f->at < all)
		return 1;
	if (self->removed) /* ids came again: not in slices */
		sort_by_birth(self, f->listed, f->listed_count);
	return 0;
}

/* ... their counts by partition, ... */
static int count_all(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	for (uint32_t end = stop_at(self, f->listed_count, sorted_max); f->at < end; f->at++)
		f->starts[self->partitions[f->listed[f->at]] + 1]++;
	return f->at < f->listed_count;
}

static void begin_places(struct group_finish *f, uint32_t count)
{
	f->count = count;
	f->sorted = malloc(((size_t)count + 1) * sizeof(*f->sorted));
	check(f->sorted != NULL);
	for (uint32_t p = 0; p < spark_shuffle_partitions; p++)
		f->starts[p + 1] += f->starts[p];
}

/* ... and their places. */
static int sort_all(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	if (f->listed_count == 0)
		return 0;
	if (f->at == 0)
		begin_places(f, f->listed_count);
	for (uint32_t end = stop_at(self, f->count, sorted_max); f->at < end; f->at++)
		f->sorted[f->starts[self->partitions[f->listed[f->at]]]++] = f->listed[f->at];
	return f->at < f->count;
}

static int emit_complete(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b;
	struct group_finish *f = &self->finish;
	uint32_t count = stop_at(self, f->count, chunk_rows_max) - f->at;
	if (count == 0) {
		group_finish_release(f);
		memset(f->starts, 0, sizeof(f->starts));
		return 0;
	}
	int r = emit_chunk(self, OUTPUT_COMPLETE, NULL, f->sorted + f->at, count, err);
	f->at += count;
	return r < 0 ? r : 1;
}

/* A global group is there, and told once, before any row. */
static void touch_global(struct operator_group *self)
{
	bool changelog = operator_wants(&self->op, OUTPUT_CHANGELOG);
	if (!changelog || !group_global(self))
		return;
	if (self->touched_count == 0 && !self->emitted) {
		group_reserve_touched(self, 1);
		self->touched[0] = 0;
		self->before[0] = group_none;
		self->touched_count = 1;
	}
}

static bool wants_touched(const struct operator_group *self)
{
	return operator_wants(&self->op, OUTPUT_UPDATE) ||
		operator_wants(&self->op, OUTPUT_CHANGELOG);
}

/* As by_partition, of the touched ones' numbers: their counts, ... */
static int count_touched(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	if (f->at == 0)
		touch_global(self);
	if (!wants_touched(self))
		return 0;
	for (uint32_t end = stop_at(self, self->touched_count, sorted_max); f->at < end; f->at++)
		f->starts[self->partitions[self->touched[f->at]] + 1]++;
	return f->at < self->touched_count;
}

/* ... and their places. */
static int sort_touched(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	if (!wants_touched(self))
		return 0;
	if (f->at == 0)
		begin_places(f, self->touched_count);
	for (uint32_t end = stop_at(self, f->count, sorted_max); f->at < end; f->at++)
		f->sorted[f->starts[self->partitions[self->touched[f->at]]]++] = f->at;
	return f->at < f->count;
}

static int emit_update(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b;
	struct group_finish *f = &self->finish;
	uint32_t groups[chunk_rows_max], listed = 0;
	if (!operator_wants(&self->op, OUTPUT_UPDATE))
		return 0;
	if (group_global(self)) {
		groups[0] = 0;
		return emit_chunk(self, OUTPUT_UPDATE, NULL, groups, 1, err);
	}
	for (uint32_t end = stop_at(self, f->count, chunk_rows_max); f->at < end; f->at++)
		if (group_exists(self, self->touched[f->sorted[f->at]]))
			groups[listed++] = self->touched[f->sorted[f->at]];
	int r = listed == 0 ? 0 : emit_chunk(self, OUTPUT_UPDATE, NULL, groups, listed, err);
	return r < 0 ? r : f->at < f->count;
}

static int emit_changelog(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b;
	enum { pairs_max = chunk_rows_max / 2 };
	struct group_finish *f = &self->finish;
	uint32_t groups[pairs_max], before[pairs_max];
	if (!operator_wants(&self->op, OUTPUT_CHANGELOG))
		return 0;
	self->emitted = true;
	uint32_t count = stop_at(self, f->count, pairs_max) - f->at;
	for (uint32_t i = 0; i < count; i++) {
		groups[i] = self->touched[f->sorted[f->at + i]];
		before[i] = self->before[f->sorted[f->at + i]];
	}
	f->at += count;
	int r = count == 0 ? 0 : emit_pairs(self, groups, before, count, err);
	return r < 0 ? r : f->at < f->count;
}

/* Groups whose last row was taken back are no more. */
static int remove_empty(struct operator_group *self, const struct batch *b, struct error *err)
{
	(void)b, (void)err;
	struct group_finish *f = &self->finish;
	if (!self->retract || group_global(self))
		return 0;
	uint32_t end = stop_at(self, self->touched_count, chunk_rows_max);
	for (; f->at < end; f->at++) {
		uint32_t group = self->touched[f->at];
		check(self->row_counts[group] >= 0);
		if (self->row_counts[group] > 0)
			continue;
		for (uint32_t k = 0; k < self->plan->call_count; k++) {
			if (self->calls[k].custom != NULL)
				custom_state_clear(self->calls[k].custom, group);
			else
				aggregate_clear(self->calls[k].aggregate, group);
		}
		group_table_remove(&self->table, group);
		f->removed++;
		self->removed = true;
	}
	return f->at < self->touched_count;
}

static void note_state(struct operator_group *self)
{
	size_t per_group = sizeof(*self->partitions) + sizeof(*self->row_counts) +
		sizeof(*self->touched_in) + sizeof(*self->born);
	size_t bytes = self->slab.bytes_used + group_table_bytes(&self->table) +
		self->capacity * per_group;
	for (uint32_t i = 0; i < self->plan->call_count; i++)
		if (self->calls[i].aggregate != NULL)
			bytes += aggregate_bytes(self->calls[i].aggregate);
	self->state.rows_total = self->table.count;
	self->state.rows_removed = self->finish.removed;
	self->state.rows_updated = self->touched_count - self->finish.removed;
	self->state.memory_bytes = (int64_t)bytes;
}

void group_finish_release(struct group_finish *f)
{
	free(f->listed);
	free(f->sorted);
	f->listed = f->sorted = NULL;
	f->listed_count = f->count = 0;
}

/* In this order; each is called until it answers 0. */
static int (*const finish_steps[])(struct operator_group *self, const struct batch *b,
	struct error *err) = {begin_finish, list_all, count_all, sort_all, emit_complete,
	count_touched, sort_touched, emit_update, emit_changelog, remove_empty};

int group_finish(struct operator *op, const struct batch *b, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	struct group_finish *f = &self->finish;
	int r = finish_steps[f->step](self, b, err);
	if (r != 0)
		return r;
	f->at = 0;
	if (++f->step < ARRAY_LEN(finish_steps))
		return 1;
	note_state(self);
	group_finish_release(f);
	*f = (struct group_finish){0};
	self->touched_count = 0;
	self->batch_number++;
	self->before_count = 0;
	arena_reset(&self->before_arena);
	return 0;
}
