/*
 * top: of a Table the first n rows of each group. All rows of a group are kept in order
 * (state/ordered.h), because any of them can come up when those before it go.
 *
 *	push     -U +U ...: the first n of a group are noted at its first touch in the batch (-1
 *	         each), then the rows go into the tree or out of it
 *	finish   the first n are noted again (+1 each): what is left of the two is the change
 *
 * Packed bytes of a row in the tree: sort keys of `by`, sort keys of the Table's key (so that equal
 * rows are told apart the same way whatever came first), the row, the offset of the row.
 */

#include "ops/row_emitter.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/sort_key.h"
#include "state/group_key.h"
#include "state/group_table.h"
#include "state/ordered.h"

#include <stdlib.h>

enum { noted_max = 512 }; /* groups in a slice */

/* The end of a batch, in slices. */
enum top_finish { TOP_NOTES, TOP_CHANGES, TOP_ALL };

struct operator_top {
	struct operator op;
	const struct top_plan *plan;
	const struct row_key *row_key; /* of the input; NULL: all of the row */
	struct row_pack pack;
	struct slab slab;
	struct group_table groups;
	struct group_key key;
	struct ordered *rows;
	/* by group id */
	struct ordered_set *sets;
	uint32_t *touched_in; /* batch number */
	uint32_t capacity;
	/* of this batch */
	uint32_t batch_number;
	uint32_t *touched;
	uint32_t touched_count;
	uint32_t touched_capacity;
	struct net_changes *changes;
	enum top_finish finish;
	uint32_t noted;
	struct row_emitter emitter;
	struct strbuf scratch;
	struct operator_state state;
};

static void reserve(struct operator_top *self)
{
	uint32_t to = self->groups.entry_capacity;
	if (self->groups.id_count <= self->capacity)
		return;
	self->sets = realloc(self->sets, to * sizeof(*self->sets));
	self->touched_in = realloc(self->touched_in, to * sizeof(*self->touched_in));
	check(self->sets != NULL && self->touched_in != NULL);
	self->capacity = to;
}

static struct str row_bytes(const struct operator_top *self, uint32_t node)
{
	struct str bytes = ordered_bytes(self->rows, node);
	uint32_t offset;
	check(bytes.len > sizeof(offset));
	memcpy(&offset, bytes.data + bytes.len - sizeof(offset), sizeof(offset));
	return str_sub(bytes, offset, bytes.len - sizeof(offset) - offset);
}

/* A walk over the first n rows of a group; equal ones come as often as they are there. */
struct top_walk {
	struct ordered_walk walk;
	uint32_t node;
	uint32_t again;
	uint32_t left;
};

static void top_start(const struct operator_top *self, uint32_t group, struct top_walk *w)
{
	ordered_walk_start(&w->walk, self->rows, &self->sets[group]);
	w->again = 0;
	w->left = self->plan->count;
}

static bool top_next(const struct operator_top *self, struct top_walk *w, struct str *row)
{
	if (w->left == 0)
		return false;
	if (w->again == 0) {
		w->node = ordered_walk_next(&w->walk);
		if (w->node == 0)
			return false;
		w->again = ordered_count(self->rows, w->node);
	}
	w->again--;
	w->left--;
	*row = row_bytes(self, w->node);
	return true;
}

static int note_top(struct operator_top *self, uint32_t group, int weight, struct error *err)
{
	struct top_walk walk;
	struct str row;
	top_start(self, group, &walk);
	while (top_next(self, &walk, &row)) {
		struct str key = row_pack_key(&self->pack, row);
		int r = net_changes_add(self->changes, key, row, weight, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int touch(struct operator_top *self, uint32_t group, struct error *err)
{
	if (self->touched_in[group] == self->batch_number)
		return 0;
	self->touched_in[group] = self->batch_number;
	if (self->touched_count == self->touched_capacity) {
		uint32_t to = self->touched_capacity * 2 + 256;
		self->touched = realloc(self->touched, to * sizeof(*self->touched));
		check(self->touched != NULL);
		self->touched_capacity = to;
	}
	self->touched[self->touched_count++] = group;
	return note_top(self, group, -1, err);
}

/* ---- push ---- */

static struct str encode(struct operator_top *self, const struct chunk *c, uint32_t row,
	const struct vector *by)
{
	struct strbuf *out = &self->scratch;
	const struct row_key *key = self->row_key;
	strbuf_reset(out);
	for (uint32_t i = 0; i < self->plan->by_count; i++) {
		const struct plan_sort_key *k = &self->plan->by[i];
		struct value v = value_from_column(&by[i].column, by[i].type, row);
		sort_key_add(out, &v, k->descending, k->nulls_last);
	}
	for (uint32_t i = 0; key != NULL && i < key->count; i++) {
		uint32_t column = key->columns[i];
		struct value v = value_from_column(
			&c->columns[column], c->schema->columns[column].type, row);
		sort_key_add(out, &v, false, false);
	}
	uint32_t offset = (uint32_t)out->len;
	row_pack_add(&self->pack, c, row, out);
	strbuf_add(out, (struct str){(const char *)&offset, sizeof(offset)});
	return strbuf_str(out);
}

static int apply(struct operator_top *self, const struct chunk *c, uint32_t row, uint32_t group,
	const struct vector *by, struct error *err)
{
	enum row_kind kind = chunk_kind(c, row);
	int r = touch(self, group, err);
	if (r < 0)
		return r;
	struct str bytes = encode(self, c, row, by);
	if (kind == ROW_INSERT || kind == ROW_UPDATE_AFTER) {
		r = ordered_add(self->rows, &self->sets[group], bytes, err);
		self->state.rows_total += r >= 0;
		return r < 0 ? error_prefix(err, "top: ") : 0;
	}
	self->state.rows_total--;
	self->state.rows_removed++;
	return ordered_remove(self->rows, &self->sets[group], bytes)
		? 0
		: operator_never_given("top", err);
}

static int evaluate(struct operator_top *self, struct chunk *c, struct vector *keys,
	struct vector *by, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < self->plan->key_count && r >= 0; i++)
		r = operator_eval(&self->op, self->plan->keys[i], c, &keys[i], err);
	for (uint32_t i = 0; i < self->plan->by_count && r >= 0; i++)
		r = operator_eval(&self->op, self->plan->by[i].expr, c, &by[i], err);
	return r;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_top *self = (struct operator_top *)op;
	const struct top_plan *p = self->plan;
	struct vector *keys = ARENA_ARRAY(c->arena, struct vector, p->key_count + p->by_count + 1);
	struct vector *by = keys + p->key_count;
	struct str bytes[chunk_rows_max];
	uint16_t rows[chunk_rows_max];
	uint32_t ids[chunk_rows_max], fresh[chunk_rows_max], count = 0;
	int r = evaluate(self, c, keys, by, err);
	if (r < 0)
		return r;
	for (uint32_t row = chunk_next_live(c, 0); row < c->row_count;
		row = chunk_next_live(c, row + 1))
		rows[count++] = (uint16_t)row;
	if (p->key_count > 0)
		group_key_encode(&self->key, keys, rows, count, c->arena, bytes);
	for (uint32_t i = 0; i < count && p->key_count == 0; i++)
		bytes[i] = str_lit("");
	int fresh_count = group_table_put(&self->groups, bytes, count, ids, fresh, err);
	if (fresh_count < 0)
		return fresh_count;
	reserve(self);
	for (int i = 0; i < fresh_count; i++) {
		self->sets[fresh[i]] = (struct ordered_set){0};
		self->touched_in[fresh[i]] = 0;
	}
	for (uint32_t i = 0; i < count && r >= 0; i++)
		r = apply(self, c, rows[i], ids[i], by, err);
	return r;
}

/* ---- finish ---- */

static int add_group(struct operator *op, uint32_t group, struct error *err)
{
	struct operator_top *self = (struct operator_top *)op;
	struct top_walk walk;
	struct str row;
	int r = 0;
	top_start(self, group, &walk); /* a group that is no more has no rows */
	while (r >= 0 && top_next(self, &walk, &row))
		r = row_emitter_add(&self->emitter, row, ROW_INSERT, err);
	return r;
}

/* What is first now. 1 while there is more. */
static int note_touched(struct operator_top *self, struct error *err)
{
	uint32_t left = self->touched_count - self->noted;
	uint32_t end = self->noted + (left < noted_max ? left : noted_max);
	int r = 0;
	while (r >= 0 && self->noted < end)
		r = note_top(self, self->touched[self->noted++], 1, err);
	return r < 0 ? r : self->noted < self->touched_count;
}

static void end_batch(struct operator_top *self)
{
	for (uint32_t i = 0; i < self->touched_count; i++)
		if (self->sets[self->touched[i]].count == 0)
			group_table_remove(&self->groups, self->touched[i]);
	self->state.memory_bytes = (int64_t)(self->slab.bytes_used +
		group_table_bytes(&self->groups) + ordered_bytes_held(self->rows) +
		net_changes_bytes(self->changes) +
		self->capacity * (sizeof(*self->sets) + sizeof(*self->touched_in)));
	self->state.rows_updated = self->touched_count;
	self->touched_count = self->noted = 0;
	self->finish = TOP_NOTES;
	self->batch_number++;
	net_changes_reset(self->changes);
}

static int finish(struct operator *op, const struct batch *b, struct error *err)
{
	struct operator_top *self = (struct operator_top *)op;
	int r = 0;
	switch (self->finish) {
	case TOP_NOTES: r = note_touched(self, err); break;
	case TOP_CHANGES: r = row_emitter_changes(&self->emitter, self->changes, err); break;
	case TOP_ALL:
		r = row_emitter_all(&self->emitter, b, self->groups.id_count, add_group, err);
		break;
	}
	if (r != 0)
		return r < 0 ? r : 1;
	if (self->finish++ != TOP_ALL)
		return 1;
	end_batch(self);
	return 0;
}

/* ---- open, close ---- */

static void close(struct operator *op)
{
	struct operator_top *self = (struct operator_top *)op;
	row_emitter_release(&self->emitter);
	net_changes_close(self->changes);
	ordered_close(self->rows);
	group_table_release(&self->groups);
	slab_release(&self->slab);
	row_pack_release(&self->pack);
	strbuf_release(&self->scratch);
	free(self->key.types);
	free(self->sets);
	free(self->touched_in);
	free(self->touched);
	free(self);
}

static const struct operator_ops ops = {
	.name = "top", .push = push, .finish = finish, .close = close};

struct operator *operator_open_top(const struct plan_node *node)
{
	struct operator_top *self = operator_alloc(sizeof(*self));
	const struct plan_node *in = node->inputs[0];
	self->op.ops = &ops;
	self->op.state = &self->state;
	self->op.marks_buckets = true;
	self->plan = node->top;
	self->row_key = in->key;
	self->batch_number = 1;
	row_pack_init(&self->pack, in->schema, in->key, NULL);
	slab_init(&self->slab);
	group_table_init(&self->groups, &self->slab, group_count_max);
	self->rows = ordered_open(&self->slab);
	self->changes = net_changes_open();
	strbuf_init(&self->scratch);
	row_emitter_init(&self->emitter, &self->op, node->key);
	self->emitter.parts[0] = &self->pack;
	self->emitter.part_count = 1;
	self->key.count = self->plan->key_count;
	self->key.types = operator_alloc((self->key.count + 1) * sizeof(*self->key.types));
	for (uint32_t i = 0; i < self->key.count; i++)
		self->key.types[i] = expr_type(self->plan->keys[i]);
	return &self->op;
}
