/*
 * group_by + agg: rows of a stream, or the changes of a table, into groups of accumulators.
 *
 *	push    keys, arguments, filters as columns -> group ids of the chunk -> accumulators
 *	finish  complete: every group    update: groups that got input    changelog: -U +U, +I, -D
 *
 * Rows leave in Spark's order: by the partition that its shuffle would put the key in, then as
 * first seen. In a changelog -U and +U of a group stand side by side in one chunk (the filter
 * relies on it).
 */

#include "ops/operator_build.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/spark_hash.h"
#include "expr/row_function.h"
#include "state/aggregate.h"
#include "state/custom_state.h"
#include "state/group_key.h"
#include "state/group_table.h"

#include <stdlib.h>

struct group_call {
	struct aggregate *aggregate;
	struct custom_state *custom; /* one of the two */
};

struct operator_group {
	struct operator op;
	const struct aggregate_plan *plan;
	bool started;
	bool retract; /* the input is a changelog */
	bool counts_rows; /* a group is there while it has rows */
	bool tracks; /* groups touched in this batch are listed */
	bool keeps_before; /* and what they were before it */
	bool removed; /* some group was: ids are no longer in order of birth */
	bool emitted; /* a global group's first +I is out */
	struct slab slab;
	struct group_table table;
	struct group_key key;
	struct value *values; /* of one key */
	struct group_call *calls;
	/* by group id */
	uint32_t capacity;
	uint8_t *partitions;
	int64_t *row_counts;
	uint32_t *touched_in; /* batch number */
	uint64_t *born;
	uint64_t births;
	/* of this batch */
	uint32_t batch_number;
	uint32_t *touched;
	uint32_t *before; /* by index in touched: chunk << 10 | row of befores, or none */
	uint32_t touched_count;
	uint32_t touched_capacity;
	struct chunk **befores;
	uint32_t before_count;
	uint32_t before_capacity;
	struct arena before_arena;
	struct arena arena; /* of the chunk being emitted */
};

/* One chunk's columns for the group: keys, and per call two arguments and a filter. */
struct group_input {
	struct vector *keys;
	struct vector *arguments; /* two per call */
	struct vector *filters;
	uint32_t row_count; /* rows that take part */
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max];
	uint32_t *groups; /* by row number */
	uint32_t spread[chunk_rows_max];
	int8_t signs[chunk_rows_max];
};

static void *grown(void *array, size_t width, uint32_t from, uint32_t to)
{
	char *p = realloc(array, width * to);
	check(p != NULL);
	memset(p + width * from, 0, width * (to - from));
	return p;
}

static bool global(const struct operator_group *self)
{
	return self->plan->key_count == 0;
}

static bool exists(const struct operator_group *self, uint32_t group)
{
	return !self->counts_rows || global(self) || self->row_counts[group] > 0;
}

static void reserve(struct operator_group *self)
{
	uint32_t count = self->table.id_count;
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		if (self->calls[i].custom != NULL)
			custom_state_reserve(self->calls[i].custom, count);
		else
			aggregate_reserve(self->calls[i].aggregate, count);
	}
	if (count <= self->capacity)
		return;
	uint32_t from = self->capacity, to = self->table.entry_capacity;
	self->partitions = grown(self->partitions, sizeof(*self->partitions), from, to);
	self->touched_in = grown(self->touched_in, sizeof(*self->touched_in), from, to);
	self->row_counts = grown(self->row_counts, sizeof(*self->row_counts), from, to);
	self->born = grown(self->born, sizeof(*self->born), from, to);
	self->capacity = to;
}

static void begin_group(struct operator_group *self, uint32_t group)
{
	self->born[group] = self->births++;
	self->row_counts[group] = 0;
	self->touched_in[group] = 0;
	uint32_t hash = spark_hash_seed;
	if (!global(self))
		group_key_decode(&self->key, group_table_key(&self->table, group), self->values);
	for (uint32_t i = 0; i < self->key.count; i++)
		hash = spark_hash_value(&self->values[i], hash);
	self->partitions[group] = (uint8_t)spark_partition(hash);
}

/* Who listens is known once the first chunk or batch comes. */
static int start(struct operator_group *self, struct error *err)
{
	bool changelog = operator_wants(&self->op, OUTPUT_CHANGELOG);
	self->started = true;
	self->keeps_before = changelog;
	self->tracks = changelog || self->retract || operator_wants(&self->op, OUTPUT_UPDATE);
	self->counts_rows = self->counts_rows || changelog;
	self->batch_number = 1;
	if (!global(self))
		return 0;
	struct str key = {"", 0};
	uint32_t id, fresh;
	int r = group_table_put(&self->table, &key, 1, &id, &fresh, err);
	if (r < 0)
		return r;
	reserve(self);
	begin_group(self, id);
	return 0;
}

/* ---- push ---- */

/* Where the filter says no, nobody asked for the argument: its faults are none. */
static void forgive(struct vector *argument, const struct vector *filter, const struct chunk *c)
{
	const uint8_t *values = filter->column.data;
	if (argument->faults == NULL)
		return;
	uint8_t *faults = arena_alloc(c->arena, chunk_rows_max, 1);
	for (uint32_t i = 0; i < c->row_count; i++) {
		bool asked = !column_is_null(&filter->column, i) && values[i] != 0;
		faults[i] = asked ? argument->faults[i] : EXPR_FINE;
	}
	argument->faults = faults;
}

static int evaluate_call(struct operator_group *self, uint32_t call, struct chunk *c,
	struct group_input *in, struct error *err)
{
	const struct aggregate_call *a = &self->plan->calls[call];
	struct dead_letters strict;
	if (a->filter != NULL) {
		int r = operator_eval(&self->op, a->filter, c, &in->filters[call], err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < a->argument_count; i++) {
		struct vector *v = &in->arguments[2 * call + i];
		expr_eval(a->arguments[i], c, self->op.batch->time_us, v);
		if (a->filter != NULL)
			forgive(v, &in->filters[call], c);
		if (v->faults == NULL)
			continue;
		struct dead_letters *dead = operator_dead(&self->op, c, &strict);
		int r = expr_report(a->arguments[i], v, c, dead, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int evaluate(
	struct operator_group *self, struct chunk *c, struct group_input *in, struct error *err)
{
	const struct aggregate_plan *p = self->plan;
	in->keys = ARENA_ARRAY(c->arena, struct vector, p->key_count + 3 * p->call_count + 1);
	in->arguments = in->keys + p->key_count;
	in->filters = in->arguments + 2 * p->call_count;
	for (uint32_t i = 0; i < p->key_count; i++) {
		int r = operator_eval(&self->op, p->keys[i], c, &in->keys[i], err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < p->call_count; i++) {
		int r = evaluate_call(self, i, c, in, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void list_rows(struct group_input *in, const struct chunk *c)
{
	uint32_t count = 0;
	for (uint32_t w = 0; w < chunk_words; w++) {
		uint64_t bits = c->live[w];
		if (bits == UINT64_MAX) {
			for (uint32_t i = 0; i < 64; i++)
				in->rows[count + i] = (uint16_t)(w * 64 + i);
			count += 64;
			continue;
		}
		for (; bits != 0; bits &= bits - 1)
			in->rows[count++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
	}
	in->row_count = count;
}

static int find_groups(
	struct operator_group *self, struct chunk *c, struct group_input *in, struct error *err)
{
	if (global(self)) {
		memset(in->ids, 0, c->row_count * sizeof(in->ids[0]));
		in->groups = in->ids;
		return 0;
	}
	struct str keys[chunk_rows_max];
	uint32_t fresh[chunk_rows_max];
	group_key_encode(&self->key, in->keys, in->rows, in->row_count, c->arena, keys);
	int count = group_table_put(&self->table, keys, in->row_count, in->ids, fresh, err);
	if (count < 0)
		return count;
	if (count > 0)
		reserve(self);
	for (int i = 0; i < count; i++)
		begin_group(self, fresh[i]);
	in->groups = in->ids; /* with every row there, row numbers are list numbers */
	if (in->row_count == c->row_count)
		return 0;
	in->groups = in->spread;
	for (uint32_t i = 0; i < in->row_count; i++)
		in->spread[in->rows[i]] = in->ids[i];
	return 0;
}

static void reserve_touched(struct operator_group *self, uint32_t more)
{
	if (self->touched_count + more <= self->touched_capacity)
		return;
	uint32_t to = self->touched_capacity * 2 + more;
	self->touched = grown(self->touched, sizeof(uint32_t), self->touched_capacity, to);
	self->before = grown(self->before, sizeof(uint32_t), self->touched_capacity, to);
	self->touched_capacity = to;
}

static struct chunk *build_inner(struct operator_group *self, const uint32_t *groups,
	uint32_t count, struct arena *arena, struct error *err);

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

static int keep_before(struct operator_group *self, uint32_t first, struct error *err)
{
	uint32_t groups[chunk_rows_max], count = 0;
	for (uint32_t i = first; i < self->touched_count; i++) {
		uint32_t group = self->touched[i];
		bool there = global(self) ? self->emitted : self->row_counts[group] > 0;
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
		self->befores =
			grown(self->befores, sizeof(*self->befores), self->before_capacity, to);
		self->before_capacity = to;
	}
	self->befores[self->before_count++] = inner;
	return 0;
}

static int track(struct operator_group *self, const struct group_input *in, struct error *err)
{
	uint32_t first = self->touched_count;
	reserve_touched(self, chunk_rows_max);
	for (uint32_t i = 0; i < in->row_count; i++) {
		uint32_t group = in->ids[i];
		if (self->touched_in[group] == self->batch_number)
			continue;
		self->touched_in[group] = self->batch_number;
		self->touched[self->touched_count++] = group;
	}
	return self->keeps_before ? keep_before(self, first, err) : 0;
}

static int apply_custom(
	struct operator_group *self, struct chunk *c, struct group_input *in, struct error *err)
{
	bool any = false;
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		struct custom_state *s = self->calls[i].custom;
		if (s == NULL)
			continue;
		struct dead_letters strict;
		struct dead_letters *dead = operator_dead(&self->op, c, &strict);
		int r = custom_state_add(s, c, in->groups, dead, err);
		if (r < 0)
			return r;
		any = true;
	}
	if (any)
		list_rows(in, c);
	return 0;
}

static int apply(
	struct operator_group *self, struct chunk *c, struct group_input *in, struct error *err)
{
	bool signs = self->retract && c->kinds != NULL;
	for (uint32_t i = 0; signs && i < c->row_count; i++)
		in->signs[i] =
			c->kinds[i] == ROW_UPDATE_BEFORE || c->kinds[i] == ROW_DELETE ? -1 : 1;
	struct aggregate_rows rows = {
		.count = in->row_count,
		.rows = in->rows,
		.groups = in->groups,
		.signs = signs ? in->signs : NULL,
		.row_count = c->row_count,
	};
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		if (self->calls[i].aggregate == NULL)
			continue;
		bool filtered = self->plan->calls[i].filter != NULL;
		int r = aggregate_add(self->calls[i].aggregate, &rows, &in->arguments[2 * i],
			filtered ? &in->filters[i] : NULL, err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; self->counts_rows && i < in->row_count; i++) {
		uint32_t row = in->rows[i];
		self->row_counts[in->groups[row]] += signs ? in->signs[row] : 1;
	}
	return 0;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	struct group_input in;
	int r = self->started ? 0 : start(self, err);
	if (r < 0)
		return r;
	r = evaluate(self, c, &in, err);
	if (r < 0)
		return r;
	list_rows(&in, c);
	if (in.row_count == 0)
		return 0;
	r = find_groups(self, c, &in, err);
	if (r < 0)
		return r;
	r = self->tracks ? track(self, &in, err) : 0;
	if (r < 0)
		return r;
	r = apply_custom(self, c, &in, err);
	if (r < 0)
		return r;
	return apply(self, c, &in, err);
}

/* ---- finish ---- */

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

static int emit_groups(struct operator_group *self, enum output_mode mode, const uint32_t *groups,
	uint32_t count, struct error *err)
{
	for (uint32_t at = 0; at < count; at += chunk_rows_max) {
		uint32_t rows = count - at < chunk_rows_max ? count - at : chunk_rows_max;
		arena_reset(&self->arena);
		struct chunk *inner = build_inner(self, groups + at, rows, &self->arena, err);
		struct chunk *out = inner == NULL ? NULL : build_outputs(self, inner, err);
		if (out == NULL)
			return -(int)err->code;
		int r = operator_emit(&self->op, mode, out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

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

static int emit_complete(struct operator_group *self, struct error *err)
{
	uint32_t count = 0;
	uint32_t *groups = malloc(((size_t)self->table.id_count + 1) * sizeof(*groups));
	check(groups != NULL);
	for (uint32_t g = 0; g < self->table.id_count; g++)
		if (exists(self, g))
			groups[count++] = g;
	if (self->removed)
		sort_by_birth(self, groups, count);
	uint32_t *sorted = by_partition(self, groups, count);
	int r = emit_groups(self, OUTPUT_COMPLETE, sorted, count, err);
	free(groups);
	free(sorted);
	return r;
}

static int emit_update(struct operator_group *self, struct error *err)
{
	static const uint32_t zero = 0;
	if (global(self))
		return emit_groups(self, OUTPUT_UPDATE, &zero, 1, err);
	uint32_t *sorted = by_partition(self, self->touched, self->touched_count);
	uint32_t count = 0;
	for (uint32_t i = 0; i < self->touched_count; i++)
		if (exists(self, sorted[i]))
			sorted[count++] = sorted[i];
	int r = emit_groups(self, OUTPUT_UPDATE, sorted, count, err);
	free(sorted);
	return r;
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

static bool rows_equal(const struct chunk *c, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < c->column_count; i++) {
		struct type type = c->schema->columns[i].type;
		struct value x = value_from_column(&c->columns[i], type, a);
		struct value y = value_from_column(&c->columns[i], type, b);
		if (x.is_null != y.is_null || (!x.is_null && value_cmp(&x, &y) != 0))
			return false;
	}
	return true;
}

/* Rows 2i and 2i+1 of the result: what group i was, and what it is. */
static struct chunk *pair_up(struct operator_group *self, const struct chunk *after,
	const uint32_t *groups, const uint32_t *before, uint32_t count)
{
	struct chunk *pairs = chunk_alloc(&self->arena, self->plan->inner);
	chunk_set_rows(pairs, 2 * count);
	pairs->kinds = arena_zalloc(&self->arena, chunk_rows_max, 1);
	for (uint32_t i = 0; i < count; i++) {
		bool was = before[i] != group_none, is = exists(self, groups[i]);
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
	for (uint32_t i = 0; i < count; i++) {
		bool both = bit_get(out->live, 2 * i) && bit_get(out->live, 2 * i + 1);
		if (!both || !rows_equal(out, 2 * i, 2 * i + 1))
			continue;
		bit_clear(out->live, 2 * i);
		bit_clear(out->live, 2 * i + 1);
	}
	return operator_emit(&self->op, OUTPUT_CHANGELOG, out, err);
}

static int emit_changelog(struct operator_group *self, struct error *err)
{
	enum { pairs_max = chunk_rows_max / 2 };
	if (global(self) && self->touched_count == 0 && !self->emitted) {
		reserve_touched(self, 1);
		self->touched[0] = 0;
		self->before[0] = group_none;
		self->touched_count = 1;
	}
	self->emitted = true;
	uint32_t count = self->touched_count;
	uint32_t *at = malloc(((size_t)self->capacity + 1) * sizeof(*at));
	check(at != NULL);
	for (uint32_t i = 0; i < count; i++)
		at[self->touched[i]] = self->before[i];
	uint32_t *sorted = by_partition(self, self->touched, count);
	uint32_t before[pairs_max];
	int r = 0;
	for (uint32_t i = 0; i < count && r >= 0; i += pairs_max) {
		uint32_t rows = count - i < pairs_max ? count - i : pairs_max;
		for (uint32_t k = 0; k < rows; k++)
			before[k] = at[sorted[i + k]];
		r = emit_pairs(self, sorted + i, before, rows, err);
	}
	free(at);
	free(sorted);
	return r;
}

/* Groups whose last row was taken back are no more. */
static void remove_empty(struct operator_group *self)
{
	for (uint32_t i = 0; i < self->touched_count; i++) {
		uint32_t group = self->touched[i];
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
		self->removed = true;
	}
}

static int finish(struct operator *op, const struct batch *b, struct error *err)
{
	(void)b;
	struct operator_group *self = (struct operator_group *)op;
	int r = self->started ? 0 : start(self, err);
	if (r >= 0 && operator_wants(op, OUTPUT_COMPLETE))
		r = emit_complete(self, err);
	if (r >= 0 && operator_wants(op, OUTPUT_UPDATE))
		r = emit_update(self, err);
	if (r >= 0 && operator_wants(op, OUTPUT_CHANGELOG))
		r = emit_changelog(self, err);
	if (r < 0)
		return r;
	if (self->retract && !global(self))
		remove_empty(self);
	self->touched_count = 0;
	self->batch_number++;
	self->before_count = 0;
	arena_reset(&self->before_arena);
	return 0;
}

/* ---- open, close ---- */

static void close(struct operator *op)
{
	struct operator_group *self = (struct operator_group *)op;
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		aggregate_close(self->calls[i].aggregate);
		custom_state_close(self->calls[i].custom);
	}
	group_table_release(&self->table);
	slab_release(&self->slab);
	arena_release(&self->arena);
	arena_release(&self->before_arena);
	free(self->calls);
	free(self->key.types);
	free(self->values);
	free(self->partitions);
	free(self->row_counts);
	free(self->touched_in);
	free(self->born);
	free(self->touched);
	free(self->before);
	free(self->befores);
	free(self);
}

static const struct operator_ops ops = {
	.name = "group", .push = push, .finish = finish, .close = close};

struct operator *operator_open_group(const struct plan_node *node)
{
	struct operator_group *self = operator_alloc(sizeof(*self));
	const struct aggregate_plan *p = node->group;
	self->op.ops = &ops;
	self->plan = p;
	self->retract = node->inputs[0]->is_table;
	self->counts_rows = self->retract;
	slab_init(&self->slab);
	group_table_init(&self->table, &self->slab, group_count_max);
	arena_init(&self->arena, 256 * 1024);
	arena_init(&self->before_arena, 256 * 1024);
	self->key.count = p->key_count;
	self->key.types = operator_alloc((p->key_count + 1) * sizeof(*self->key.types));
	self->values = operator_alloc((p->key_count + 1) * sizeof(*self->values));
	for (uint32_t i = 0; i < p->key_count; i++)
		self->key.types[i] = expr_type(p->keys[i]);
	self->calls = operator_alloc((p->call_count + 1) * sizeof(*self->calls));
	for (uint32_t i = 0; i < p->call_count; i++) {
		const struct aggregate_call *call = &p->calls[i];
		if (call->function == AGG_CUSTOM) {
			self->calls[i].custom = custom_state_open(call->custom, &self->slab);
			self->counts_rows = true;
		} else {
			self->calls[i].aggregate = aggregate_open(call, self->retract, &self->slab);
		}
	}
	return &self->op;
}
