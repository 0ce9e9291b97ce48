/* order_by on an aggregate in complete mode: the rows of a batch, gathered and sorted. */

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
	struct arena out_arena;
};

/* Where one row is, and enough of the operator to compare it. */
struct sort_row {
	const struct operator_order *order;
	uint32_t chunk;
	uint32_t row;
	uint32_t arrival;
};

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
		struct str *strings = to->data;
		for (uint32_t row = 0; phys == PHYS_STR && row < c->row_count; row++) {
			bool kept = bit_get(c->live, row) && !column_is_null(to, row);
			strings[row] =
				kept ? str_dup(strings[row], &self->arena) : (struct str){NULL, 0};
		}
	}
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

static int push(struct operator *op, struct chunk *c, struct error *err)
{
	struct operator_order *self = (struct operator_order *)op;
	if (chunk_next_live(c, 0) >= chunk_rows_max)
		return 0;
	struct chunk *copy = keep_rows(self, c);
	uint32_t count = self->node->sort_key_count;
	struct vector *keys = ARENA_ARRAY(&self->arena, struct vector, count);
	for (uint32_t i = 0; i < count; i++) {
		int r = operator_eval(op, self->node->sort_keys[i].expr, copy, &keys[i], err);
		if (r < 0)
			return r;
	}
	reserve(self);
	self->chunks[self->chunk_count] = copy;
	self->keys[self->chunk_count++] = keys;
	self->row_count += chunk_live_count(copy);
	return 0;
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

static int emit_rows(
	struct operator_order *self, const struct sort_row *rows, uint32_t count, struct error *err)
{
	const struct schema *schema = self->op.schema;
	arena_reset(&self->out_arena);
	struct chunk *out = chunk_alloc(&self->out_arena, schema);
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
	return operator_emit(&self->op, OUTPUT_COMPLETE, out, err);
}

static int finish(struct operator *op, const struct batch *b, struct error *err)
{
	(void)b;
	struct operator_order *self = (struct operator_order *)op;
	struct sort_row *rows = sorted_rows(self);
	int r = 0;
	for (uint32_t at = 0; at < self->row_count && r >= 0; at += chunk_rows_max) {
		uint32_t left = self->row_count - at;
		r = emit_rows(self, rows + at, left < chunk_rows_max ? left : chunk_rows_max, err);
	}
	free(rows);
	self->chunk_count = 0;
	self->row_count = 0;
	arena_reset(&self->arena);
	return r;
}

static void close(struct operator *op)
{
	struct operator_order *self = (struct operator_order *)op;
	arena_release(&self->arena);
	arena_release(&self->out_arena);
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
