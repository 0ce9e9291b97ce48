/*
 * order_by on a Table in complete mode: the rows of a batch, gathered and sorted. When nothing but
 * a limit follows, only the first rows are kept: what is beyond goes whenever it is as much as
 * what is kept.
 */

#include "ops/operator_build.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

struct operator_order {
	struct operator op;
	const struct plan_node *node;
	struct arena arena; /* of the batch's rows */
	struct chunk **chunks;
	uint32_t chunk_count;
	uint32_t chunk_capacity;
	struct vector **keys; /* by chunk: its sort keys */
	uint32_t row_count;
	struct arena out_arena; /* also what is kept, while the rest goes */
	/* while a batch ends */
	struct sort_row *sorted;
	uint32_t emitted;
};

enum { prune_rows_min = 4096 };

/* Where one row is, and enough of the operator to compare it. */
struct sort_row {
	const struct operator_order *order;
	uint32_t chunk;
	uint32_t row;
	uint32_t arrival;
};

/* Strings of live rows are copied to the chunk's memory. */
static void own_strings(struct chunk *c)
{
	for (uint32_t i = 0; i < c->column_count; i++) {
		struct str *strings = c->columns[i].data;
		if (type_phys(c->schema->columns[i].type) != PHYS_STR)
			continue;
		for (uint32_t row = 0; row < c->row_count; row++) {
			bool kept = bit_get(c->live, row) && !column_is_null(&c->columns[i], row);
			strings[row] =
				kept ? str_dup(strings[row], c->arena) : (struct str){NULL, 0};
		}
	}
}

/* A deep copy into the batch's memory: the chunk's own ends with the push. */
static struct chunk *keep_rows(struct operator_order *self, const struct chunk *c)
{
	struct chunk *copy = chunk_alloc(&self->arena, c->schema);
	copy->row_count = c->row_count;
	memcpy(copy->live, c->live, sizeof(copy->live));
	for (uint32_t i = 0; i < c->column_count; i++) {
		enum phys phys = type_phys(c->schema->columns[i].type);
		struct column *to = &copy->columns[i];
		memcpy(to->nulls, c->columns[i].nulls, sizeof(to->nulls));
		memcpy(to->data, c->columns[i].data, phys_bytes(phys) * c->row_count);
	}
	own_strings(copy);
	return copy;
}

static void reserve(struct operator_order *self)
{
	if (self->chunk_count < self->chunk_capacity)
		return;
	uint32_t to = self->chunk_capacity * 2 + 16;
	self->chunks = realloc(self->chunks, to * sizeof(*self->chunks));
	self->keys = realloc(self->keys, to * sizeof(*self->keys));
	check(self->chunks != NULL && self->keys != NULL);
	self->chunk_capacity = to;
}

static int compare_key(const struct plan_sort_key *key, const struct vector *x, uint32_t x_row,
	const struct vector *y, uint32_t y_row)
{
	struct value a = value_from_column(&x->column, x->type, x_row);
	struct value b = value_from_column(&y->column, y->type, y_row);
	if (a.is_null || b.is_null) {
		int c = (int)b.is_null - (int)a.is_null; /* NULL first */
		return key->nulls_last ? -c : c;
	}
	int c = value_cmp(&a, &b);
	return key->descending ? -c : c;
}

static int compare_rows(const void *left, const void *right)
{
	const struct sort_row *a = left, *b = right;
	const struct operator_order *self = a->order;
	for (uint32_t i = 0; i < self->node->sort_key_count; i++) {
		int c = compare_key(&self->node->sort_keys[i], &self->keys[a->chunk][i], a->row,
			&self->keys[b->chunk][i], b->row);
		if (c != 0)
			return c;
	}
	return (a->arrival > b->arrival) - (a->arrival < b->arrival);
}

static struct sort_row *sorted_rows(struct operator_order *self)
{
	struct sort_row *rows = malloc(((size_t)self->row_count + 1) * sizeof(*rows));
	check(rows != NULL);
	uint32_t count = 0;
	for (uint32_t k = 0; k < self->chunk_count; k++) {
		const struct chunk *c = self->chunks[k];
		for (uint32_t row = chunk_next_live(c, 0); row < c->row_count;
			row = chunk_next_live(c, row + 1)) {
			rows[count] = (struct sort_row){self, k, row, count};
			count++;
		}
	}
	check(count == self->row_count);
	qsort(rows, count, sizeof(*rows), compare_rows);
	return rows;
}

/* Rows in the order listed, as a chunk that shares their strings. */
static struct chunk *gather(struct operator_order *self, const struct sort_row *rows,
	uint32_t count, struct arena *arena)
{
	const struct schema *schema = self->op.schema;
	struct chunk *out = chunk_alloc(arena, schema);
	chunk_set_rows(out, count);
	for (uint32_t i = 0; i < schema_total(schema); i++) {
		memset(out->columns[i].nulls, 0, sizeof(out->columns[i].nulls));
		for (uint32_t row = 0; row < count; row++) {
			const struct chunk *from = self->chunks[rows[row].chunk];
			struct value v = value_from_column(
				&from->columns[i], schema->columns[i].type, rows[row].row);
			value_to_column(&v, &out->columns[i], row);
		}
	}
	return out;
}

static int add_chunk(struct operator_order *self, struct chunk *copy, struct error *err)
{
	uint32_t count = self->node->sort_key_count;
	struct vector *keys = ARENA_ARRAY(copy->arena, struct vector, count);
	for (uint32_t i = 0; i < count; i++) {
		int r = operator_eval(
			&self->op, self->node->sort_keys[i].expr, copy, &keys[i], err);
		if (r < 0)
			return r;
	}
	reserve(self);
	self->chunks[self->chunk_count] = copy;
	self->keys[self->chunk_count++] = keys;
	self->row_count += chunk_live_count(copy);
	return 0;
}

/* Keeps the first rows and lets the others go. Of equal ones the earlier stay the earlier. */
static int prune(struct operator_order *self, struct error *err)
{
	uint32_t limit = (uint32_t)self->node->limit, chunk_count = 0;
	struct sort_row *rows = sorted_rows(self);
	struct chunk **kept = operator_alloc((limit / chunk_rows_max + 1) * sizeof(*kept));
	arena_reset(&self->out_arena);
	for (uint32_t at = 0; at < limit; at += chunk_rows_max) {
		uint32_t left = limit - at;
		kept[chunk_count++] = gather(self, rows + at,
			left < chunk_rows_max ? left : chunk_rows_max, &self->out_arena);
	}
	free(rows);
	struct arena old = self->arena;
	self->arena = self->out_arena;
	self->out_arena = old;
	self->chunk_count = 0;
	self->row_count = 0;
	int r = 0;
	for (uint32_t i = 0; i < chunk_count && r >= 0; i++) {
		kept[i]->arena = &self->arena; /* where its memory is now */
		own_strings(kept[i]);
		r = add_chunk(self, kept[i], err);
	}
	free(kept);
	arena_reset(&self->out_arena);
	return r;
}

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_order *self = (struct operator_order *)op;
	if (chunk_next_live(c, 0) >= chunk_rows_max)
		return 0;
	int r = add_chunk(self, keep_rows(self, c), err);
	int64_t limit = self->node->limit;
	bool full = limit > 0 && self->row_count >= 2 * limit + prune_rows_min;
	return r >= 0 && full ? prune(self, err) : r;
}

static int emit_rows(
	struct operator_order *self, const struct sort_row *rows, uint32_t count, struct error *err)
{
	arena_reset(&self->out_arena);
	struct chunk *out = gather(self, rows, count, &self->out_arena);
	return operator_emit(&self->op, OUTPUT_COMPLETE, out, err);
}

/* The first call sorts, the others give a chunk each; 1 while there is more. */
static int finish(struct operator *op, const struct batch *b, struct error *err)
{
	(void)b;
	struct operator_order *self = (struct operator_order *)op;
	if (self->sorted == NULL && self->row_count > 0) {
		self->sorted = sorted_rows(self);
		return 1;
	}
	uint32_t left = self->row_count - self->emitted;
	uint32_t count = left < chunk_rows_max ? left : chunk_rows_max;
	int r = count == 0 ? 0 : emit_rows(self, self->sorted + self->emitted, count, err);
	self->emitted += count;
	if (r < 0 || self->emitted < self->row_count)
		return r < 0 ? r : 1;
	free(self->sorted);
	self->sorted = NULL;
	self->emitted = 0;
	self->chunk_count = 0;
	self->row_count = 0;
	arena_reset(&self->arena);
	return 0;
}

static void close(struct operator *op)
{
	struct operator_order *self = (struct operator_order *)op;
	arena_release(&self->arena);
	arena_release(&self->out_arena);
	free(self->sorted);
	free(self->chunks);
	free(self->keys);
	free(self);
}

static const struct operator_ops ops = {
	.name = "order", .push = push, .finish = finish, .close = close};

struct operator *operator_open_order(const struct plan_node *node)
{
	struct operator_order *self = operator_alloc(sizeof(*self));
	self->op.ops = &ops;
	self->node = node;
	arena_init(&self->arena, 256 * 1024);
	arena_init(&self->out_arena, 256 * 1024);
	return &self->op;
}
