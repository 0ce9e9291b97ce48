/* group_by + agg: rows of a stream, or the changes of a table, into groups of accumulators. */

#include "ops/operator_group.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/page_array.h"
#include "data/spark_hash.h"
#include "expr/row_function.h"

#include <stdlib.h>

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

void *group_grown(void *array, size_t width, uint32_t from, uint32_t to)
{
	return page_array_grow(array, width * from, width * to);
}

void group_reserve(struct operator_group *self)
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
	self->partitions = group_grown(self->partitions, sizeof(*self->partitions), from, to);
	self->touched_in = group_grown(self->touched_in, sizeof(*self->touched_in), from, to);
	self->row_counts = group_grown(self->row_counts, sizeof(*self->row_counts), from, to);
	self->born = group_grown(self->born, sizeof(*self->born), from, to);
	self->capacity = to;
}

void group_begin(struct operator_group *self, uint32_t group)
{
	self->born[group] = self->births++;
	self->row_counts[group] = 0;
	self->touched_in[group] = 0;
	uint32_t hash = spark_hash_seed;
	if (!group_global(self))
		group_key_decode(&self->key, group_table_key(&self->table, group), self->values);
	for (uint32_t i = 0; i < self->key.count; i++)
		hash = spark_hash_value(&self->values[i], hash);
	self->partitions[group] = (uint8_t)spark_partition(hash);
}

/* Who listens is known once the first chunk or batch comes. */
int group_start(struct operator_group *self, struct error *err)
{
	bool changelog = operator_wants(&self->op, OUTPUT_CHANGELOG);
	self->started = true;
	self->keeps_before = changelog;
	self->counts_rows = self->counts_rows || changelog;
	self->batch_number = 1;
	if (!group_global(self))
		return 0;
	struct str key = {"", 0};
	uint32_t id, fresh;
	int r = group_table_put(&self->table, &key, 1, &id, &fresh, err);
	if (r < 0)
		return r;
	group_reserve(self);
	group_begin(self, id);
	return 0;
}

void group_reserve_touched(struct operator_group *self, uint32_t more)
{
	if (self->touched_count + more <= self->touched_capacity)
		return;
	uint32_t to = self->touched_capacity * 2 + more;
	self->touched = group_grown(self->touched, sizeof(uint32_t), self->touched_capacity, to);
	self->before = group_grown(self->before, sizeof(uint32_t), self->touched_capacity, to);
	self->touched_capacity = to;
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

static int put_keys(struct operator_group *self, const struct str *keys, uint32_t count,
	uint32_t *ids, struct error *err)
{
	uint32_t fresh[chunk_rows_max];
	int fresh_count = group_table_put(&self->table, keys, count, ids, fresh, err);
	if (fresh_count < 0)
		return fresh_count;
	if (fresh_count > 0)
		group_reserve(self);
	for (int i = 0; i < fresh_count; i++)
		group_begin(self, fresh[i]);
	return 0;
}

static int find_groups(
	struct operator_group *self, struct chunk *c, struct group_input *in, struct error *err)
{
	if (group_global(self)) {
		memset(in->ids, 0, c->row_count * sizeof(in->ids[0]));
		in->groups = in->ids;
		return 0;
	}
	struct str keys[chunk_rows_max];
	group_key_encode(&self->key, in->keys, in->rows, in->row_count, c->arena, keys);
	int r = put_keys(self, keys, in->row_count, in->ids, err);
	if (r < 0)
		return r;
	in->groups = in->ids; /* with every row there, row numbers are list numbers */
	if (in->row_count == c->row_count)
		return 0;
	in->groups = in->spread;
	for (uint32_t i = 0; i < in->row_count; i++)
		in->spread[in->rows[i]] = in->ids[i];
	return 0;
}

static int track(
	struct operator_group *self, const uint32_t *ids, uint32_t count, struct error *err)
{
	uint32_t first = self->touched_count;
	group_reserve_touched(self, chunk_rows_max);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t group = ids[i];
		if (self->touched_in[group] == self->batch_number)
			continue;
		self->touched_in[group] = self->batch_number;
		self->touched[self->touched_count++] = group;
		if (self->kept != NULL)
			group_note(self, group);
	}
	return self->keeps_before ? group_keep_before(self, first, err) : 0;
}

int group_find(struct operator_group *self, const struct str *keys, uint32_t count, uint32_t *ids,
	struct error *err)
{
	int r = 0;
	if (group_global(self))
		memset(ids, 0, count * sizeof(*ids));
	else
		r = put_keys(self, keys, count, ids, err);
	return r < 0 ? r : track(self, ids, count, err);
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
	bool short_of = false;
	for (uint32_t i = 0; self->counts_rows && i < in->row_count; i++) {
		uint32_t row = in->rows[i];
		int64_t *rows_there = &self->row_counts[in->groups[row]];
		*rows_there += signs ? in->signs[row] : 1;
		short_of |= *rows_there < 0;
	}
	return short_of ? aggregate_never_given(err) : 0;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_group *self = (struct operator_group *)op;
	struct group_input in;
	int r = self->started ? 0 : group_start(self, err);
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
	r = track(self, in.ids, in.row_count, err);
	if (r < 0)
		return r;
	r = apply_custom(self, c, &in, err);
	if (r < 0)
		return r;
	return apply(self, c, &in, err);
}

/* ---- open, close ---- */

static void release_arrays(struct operator_group *self)
{
	page_array_release(self->partitions, self->capacity * sizeof(*self->partitions));
	page_array_release(self->row_counts, self->capacity * sizeof(*self->row_counts));
	page_array_release(self->touched_in, self->capacity * sizeof(*self->touched_in));
	page_array_release(self->born, self->capacity * sizeof(*self->born));
	page_array_release(self->touched, self->touched_capacity * sizeof(*self->touched));
	page_array_release(self->before, self->touched_capacity * sizeof(*self->before));
	page_array_release(self->befores, self->before_capacity * sizeof(*self->befores));
	group_finish_release(&self->finish);
}

static void close(struct operator *op)
{
	struct operator_group *self = (struct operator_group *)op;
	for (uint32_t i = 0; i < self->plan->call_count; i++) {
		aggregate_close(self->calls[i].aggregate);
		custom_state_close(self->calls[i].custom);
	}
	group_state_release(self);
	group_table_release(&self->table);
	slab_release(&self->slab);
	arena_release(&self->arena);
	arena_release(&self->before_arena);
	free(self->calls);
	free(self->key.types);
	free(self->values);
	release_arrays(self);
	free(self);
}

static const struct operator_ops ops = {
	.name = "group", .push = push, .finish = group_finish, .close = close,
	.parts = group_parts, .restore = group_restore};

struct operator *operator_open_group(const struct plan_node *node)
{
	struct operator_group *self = operator_alloc(sizeof(*self));
	const struct aggregate_plan *p = node->group;
	self->op.ops = &ops;
	self->op.state = &self->state;
	self->op.marks_buckets = true;
	self->plan = p;
	self->retract = node->inputs[0]->is_table;
	self->counts_rows = self->retract;
	slab_init(&self->slab);
	group_table_init(&self->table, &self->slab, group_count_max);
	arena_init(&self->arena, 256 * 1024);
	arena_init(&self->before_arena, 256 * 1024);
	self->row_key = node->key;
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
