/*
 * A Stream joins a Table: its rows wait until the batch ends, so that all of them see the Table as
 * it then is, whichever input came first. They keep their messages: a row that fails behind the
 * join still has a place.
 */

#include "ops/operator_join.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/change.h"

#include <stdlib.h>

/* Row i of the chunk came from message i, and has change i. */
struct kept_chunk {
	struct kept_chunk *next;
	struct chunk *rows;
	struct messages *messages; /* NULL: rows that come from none */
	struct changes *changes;
};

struct join_kept {
	struct arena arena;
	struct kept_chunk *first;
	struct kept_chunk *last;
	struct arena out_arena;
};

struct join_kept *join_kept_open(void)
{
	struct join_kept *kept = operator_alloc(sizeof(*kept));
	arena_init(&kept->arena, 256 * 1024);
	arena_init(&kept->out_arena, 256 * 1024);
	return kept;
}

void join_kept_close(struct join_kept *kept)
{
	if (kept == NULL)
		return;
	arena_release(&kept->arena);
	arena_release(&kept->out_arena);
	free(kept);
}

/* ---- keeping ---- */

static struct kept_chunk *begin_chunk(struct join_kept *kept, const struct chunk *c)
{
	struct kept_chunk *k = ARENA_NEW(&kept->arena, struct kept_chunk);
	k->rows = chunk_alloc(&kept->arena, c->schema);
	k->rows->kinds = arena_zalloc(&kept->arena, chunk_rows_max, 1);
	if (c->messages != NULL) {
		k->messages = ARENA_NEW(&kept->arena, struct messages);
		k->messages->source_id = c->messages->source_id;
		k->messages->arena = &kept->arena;
	}
	if (c->changes != NULL)
		k->changes = ARENA_NEW(&kept->arena, struct changes);
	*(kept->last == NULL ? &kept->first : &kept->last->next) = k;
	kept->last = k;
	return k;
}

static bool goes_on(const struct kept_chunk *k, const struct chunk *c)
{
	if (k == NULL || k->rows->row_count == chunk_rows_max)
		return false;
	if ((k->messages == NULL) != (c->messages == NULL) ||
		(k->changes == NULL) != (c->changes == NULL))
		return false;
	return c->messages == NULL || c->messages->source_id == k->messages->source_id;
}

static void keep_headers(struct messages *to, uint32_t i, const struct messages *from, uint32_t m)
{
	uint32_t count = from->header_count[m];
	struct message_header *headers = ARENA_ARRAY(to->arena, struct message_header, count + 1);
	for (uint32_t h = 0; h < count; h++) {
		headers[h].name = str_dup(from->headers[m][h].name, to->arena);
		headers[h].value = str_dup(from->headers[m][h].value, to->arena);
	}
	to->headers[i] = headers;
	to->header_count[i] = count;
}

static void keep_message(struct messages *to, uint32_t i, const struct messages *from, uint32_t m)
{
	to->count = i + 1;
	message_copy(to, i, from, m);
	to->key[i] = str_dup(from->key[m], to->arena);
	to->value[i] = str_dup(from->value[m], to->arena);
	keep_headers(to, i, from, m);
}

static void copy_change(struct changes *to, uint32_t i, const struct changes *from, uint32_t row,
	struct arena *arena)
{
	to->op[i] = from->op[row];
	to->key_change[i] = from->key_change[row];
	to->position[i] = from->position[row];
	to->source[i] = arena == NULL ? from->source[row] : str_dup(from->source[row], arena);
	to->before[i] = arena == NULL ? from->before[row] : str_dup(from->before[row], arena);
	to->event_time_us[i] = from->event_time_us[row];
}

int join_keep(struct operator_join *self, struct chunk *c, struct error *err)
{
	struct join_kept *kept = self->kept;
	for (uint32_t row = chunk_next_live(c, 0); row < c->row_count;) {
		struct kept_chunk *k = kept->last;
		if (!goes_on(k, c))
			k = begin_chunk(kept, c);
		uint32_t from = k->rows->row_count, at = row;
		chunk_append(k->rows, c, &row);
		for (uint32_t i = from; i < k->rows->row_count;
			i++, at = chunk_next_live(c, at + 1)) {
			if (k->messages != NULL)
				keep_message(k->messages, i, c->messages, chunk_message(c, at));
			if (k->changes != NULL)
				copy_change(k->changes, i, c->changes, at, &kept->arena);
		}
	}
	if (kept->arena.bytes_held <= retained_batch_bytes_max)
		return 0;
	error_set(err, CDCL_E_DATA,
		"join: the Stream's rows of one batch need more than %d MB, and they wait for its "
		"end",
		(int)(retained_batch_bytes_max / (1024 * 1024)));
	error_help(err, "smaller batches: max_offsets_per_trigger, or a shorter trigger");
	return -(int)err->code;
}

/* ---- looking up ---- */

static struct chunk *begin_out(struct operator_join *self, const struct kept_chunk *k)
{
	struct arena *arena = &self->kept->out_arena;
	arena_reset(arena);
	struct chunk *out = chunk_alloc(arena, self->op.schema);
	for (uint32_t i = 0; i < out->column_count; i++)
		memset(out->columns[i].nulls, 0, sizeof(out->columns[i].nulls));
	out->messages = k->messages;
	if (k->messages != NULL)
		out->origin = ARENA_ARRAY(arena, uint16_t, chunk_rows_max);
	if (k->changes != NULL)
		out->changes = ARENA_NEW(arena, struct changes);
	return out;
}

static int end_out(struct operator_join *self, struct chunk **out, struct error *err)
{
	struct chunk *c = *out;
	*out = NULL;
	if (c == NULL)
		return 0;
	chunk_set_rows(c, c->row_count);
	return operator_emit(&self->op, OUTPUT_APPEND, c, err);
}

/* One row of the Stream with one of the Table; absent: with NULLs. */
static int add_out(struct operator_join *self, const struct kept_chunk *k, uint32_t row,
	struct str right, struct chunk **out, struct error *err)
{
	int r = *out != NULL && (*out)->row_count == chunk_rows_max ? end_out(self, out, err) : 0;
	if (r < 0)
		return r;
	if (*out == NULL)
		*out = begin_out(self, k);
	struct chunk *c = *out;
	const struct schema *s = k->rows->schema;
	uint32_t to = c->row_count++;
	for (uint32_t i = 0; i < schema_total(s); i++) {
		int32_t column = self->plan->left_columns[i];
		struct value v =
			value_from_column(&k->rows->columns[i], s->columns[i].type, row);
		if (column >= 0)
			value_to_column(&v, &c->columns[column], to);
	}
	size_t at = 0;
	row_pack_read(&self->right.pack, right, &at, c, to, self->plan->right_columns);
	if (c->origin != NULL)
		((uint16_t *)(uintptr_t)c->origin)[to] = (uint16_t)row;
	if (c->changes != NULL)
		copy_change((struct changes *)(uintptr_t)c->changes, to, k->changes, row, NULL);
	return 0;
}

static int look_up_row(struct operator_join *self, const struct kept_chunk *k, uint32_t row,
	struct str key, struct chunk **out, struct error *err)
{
	uint32_t id = key.data == NULL ? group_none : group_table_find(&self->keys, key);
	uint32_t node = id == group_none ? 0 : self->right.lists[id].first;
	if (node == 0)
		return self->plan->kind == JOIN_LEFT
			? add_out(self, k, row, (struct str){NULL, 0}, out, err)
			: 0;
	int r = 0;
	for (; node != 0 && r >= 0; node = multiset_next(self->right.rows, node))
		r = add_out(self, k, row, multiset_bytes(self->right.rows, node), out, err);
	return r;
}

static int look_up_chunk(struct operator_join *self, struct kept_chunk *k, struct error *err)
{
	struct join_input in;
	k->rows->messages = k->messages;
	k->rows->changes = k->changes;
	int r = join_evaluate(self, &self->left, k->rows, &in, err);
	struct chunk *out = NULL;
	for (uint32_t i = 0; i < in.count && r >= 0; i++)
		r = look_up_row(self, k, in.rows[i], in.keys[i], &out, err);
	return r < 0 ? r : end_out(self, &out, err);
}

int join_look_up(struct operator_join *self, struct error *err)
{
	struct join_kept *kept = self->kept;
	struct kept_chunk *k = kept->first;
	int r = k == NULL ? 0 : look_up_chunk(self, k, err);
	if (r < 0)
		return r;
	kept->first = k == NULL ? NULL : k->next;
	if (kept->first != NULL)
		return 1;
	kept->last = NULL;
	arena_reset(&kept->arena);
	return 0;
}
