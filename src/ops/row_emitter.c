#include "ops/row_emitter.h"

#include "base/check.h"

void row_emitter_init(struct row_emitter *e, struct operator *op, const struct row_key *key)
{
	*e = (struct row_emitter){.op = op, .key = key};
	arena_init(&e->arena, 256 * 1024);
}

void row_emitter_release(struct row_emitter *e)
{
	arena_release(&e->arena);
}

void row_emitter_begin(struct row_emitter *e, enum output_mode mode)
{
	check(e->chunk == NULL);
	e->mode = mode;
	e->out = NULL;
}

int row_emitter_end(struct row_emitter *e, struct error *err)
{
	struct chunk *c = e->chunk;
	e->chunk = NULL;
	if (c == NULL)
		return 0;
	chunk_set_rows(c, c->row_count);
	if (e->out == NULL)
		return operator_emit(e->op, e->mode, c, err);
	operator_keep_dirty(e->out, e->key, c);
	return operator_emit_to(e->op, e->out, c, err);
}

static void begin_chunk(struct row_emitter *e)
{
	arena_reset(&e->arena);
	e->chunk = chunk_alloc(&e->arena, e->op->schema);
	for (uint32_t i = 0; i < e->chunk->column_count; i++)
		memset(e->chunk->columns[i].nulls, 0, sizeof(e->chunk->columns[i].nulls));
	if (e->mode == OUTPUT_CHANGELOG)
		e->chunk->kinds = arena_alloc(&e->arena, chunk_rows_max, 1);
}

/* Room for a row; for -U also for the +U behind it. */
static int make_room(struct row_emitter *e, enum row_kind kind, struct error *err)
{
	uint32_t needed = kind == ROW_UPDATE_BEFORE ? 2 : 1;
	int r = 0;
	if (e->chunk != NULL && e->chunk->row_count + needed > chunk_rows_max)
		r = row_emitter_end(e, err);
	if (e->chunk == NULL)
		begin_chunk(e);
	return r;
}

static void end_row(struct row_emitter *e, enum row_kind kind)
{
	struct chunk *c = e->chunk;
	e->added++;
	if (c->kinds != NULL)
		c->kinds[c->row_count] = (uint8_t)kind;
	c->row_count++;
}

int row_emitter_add(struct row_emitter *e, struct str row, enum row_kind kind, struct error *err)
{
	int r = make_room(e, kind, err);
	if (r < 0)
		return r;
	struct chunk *c = e->chunk;
	size_t at = 0;
	for (uint32_t i = 0; i < e->part_count; i++)
		row_pack_read(e->parts[i], row, &at, c, c->row_count, e->columns[i]);
	check(at == row.len);
	end_row(e, kind);
	return 0;
}

int row_emitter_add_parts(struct row_emitter *e, struct str first, struct str second,
	enum row_kind kind, struct error *err)
{
	int r = make_room(e, kind, err);
	if (r < 0)
		return r;
	struct chunk *c = e->chunk;
	size_t at[2] = {0, 0};
	check(e->part_count == 2);
	row_pack_read(e->parts[0], first, &at[0], c, c->row_count, e->columns[0]);
	row_pack_read(e->parts[1], second, &at[1], c, c->row_count, e->columns[1]);
	end_row(e, kind);
	return 0;
}

static int add_change(struct row_emitter *e, const struct net_change *change, struct error *err)
{
	bool was = change->was.data != NULL, is = change->is.data != NULL;
	if (e->mode == OUTPUT_UPDATE)
		return is ? row_emitter_add(e, change->is, ROW_INSERT, err) : 0;
	int r = 0;
	if (was)
		r = row_emitter_add(
			e, change->was, is ? ROW_UPDATE_BEFORE : ROW_DELETE, err);
	if (r >= 0 && is)
		r = row_emitter_add(e, change->is, was ? ROW_UPDATE_AFTER : ROW_INSERT, err);
	return r;
}

/* ---- the end of a batch, in slices ---- */

/* Two rows each, so that those of a slice are one chunk at most. */
enum { changes_max = chunk_rows_max / 2 };

static bool next_change(
	struct row_emitter *e, const struct net_changes *changes, struct net_change *change)
{
	if (e->left == 0 || !net_changes_next(changes, &e->walk, change))
		return false;
	e->left--;
	return true;
}

/* Rows that were and rows that are; a chunk of them is marked, not given. */
static int mark_changes(
	struct row_emitter *e, const struct net_changes *changes, struct error *err)
{
	struct net_change change;
	int r = 0;
	if (!operator_has_buckets(e->op))
		return 0;
	row_emitter_begin(e, OUTPUT_COMPLETE);
	while (r >= 0 && next_change(e, changes, &change)) {
		if (change.was.data != NULL)
			r = row_emitter_add(e, change.was, ROW_INSERT, err);
		if (r >= 0 && change.is.data != NULL)
			r = row_emitter_add(e, change.is, ROW_INSERT, err);
	}
	struct chunk *c = e->chunk;
	e->chunk = NULL;
	if (r < 0 || c == NULL)
		return r;
	chunk_set_rows(c, c->row_count);
	operator_mark_buckets(e->op, e->key, c);
	return e->left == 0;
}

static int give_changes(struct row_emitter *e, enum output_mode mode,
	const struct net_changes *changes, struct error *err)
{
	struct net_change change;
	int r = 0;
	if (!operator_wants(e->op, mode))
		return 0;
	if (!e->begun)
		row_emitter_begin(e, mode);
	e->begun = true;
	while (r >= 0 && next_change(e, changes, &change))
		r = add_change(e, &change, err);
	if (r < 0)
		return r;
	return e->left == 0 ? 1 : row_emitter_end(e, err);
}

static void begin_steps(struct row_emitter *e, uint32_t step)
{
	e->step = step;
	e->begun = false;
	e->at = 0;
	e->walk = (struct net_walk){0};
}

int row_emitter_changes(
	struct row_emitter *e, const struct net_changes *changes, struct error *err)
{
	static const enum output_mode modes[] = {OUTPUT_COMPLETE, OUTPUT_UPDATE, OUTPUT_CHANGELOG};
	for (e->left = changes_max; e->step < ARRAY_LEN(modes); begin_steps(e, e->step + 1)) {
		int r = e->step == 0 ? mark_changes(e, changes, err)
				     : give_changes(e, modes[e->step], changes, err);
		if (r != 0)
			return r;
	}
	begin_steps(e, 0);
	return 0;
}

/* Whether all rows are to be given to out i, or, the last time, to those without buckets. */
static bool begin_all(struct row_emitter *e, const struct batch *b, uint32_t i)
{
	row_emitter_begin(e, OUTPUT_COMPLETE);
	if (i == e->op->out_count)
		return operator_wants(e->op, OUTPUT_COMPLETE);
	e->out = &e->op->outs[i];
	return operator_out_due(e->out, b);
}

int row_emitter_all(struct row_emitter *e, const struct batch *b, uint32_t count,
	int (*add)(struct operator *op, uint32_t i, struct error *err), struct error *err)
{
	enum { groups_max = 8 * chunk_rows_max };
	e->added = 0;
	for (; e->step <= e->op->out_count; begin_steps(e, e->step + 1)) {
		if (!e->begun && !begin_all(e, b, e->step))
			continue;
		e->begun = true;
		uint32_t end = count - e->at < groups_max ? count : e->at + groups_max;
		int r = 0;
		while (r >= 0 && e->at < end && e->added < chunk_rows_max)
			r = add(e->op, e->at++, err);
		if (r < 0 || e->at < count)
			return r < 0 ? r : 1;
		r = row_emitter_end(e, err);
		if (r < 0)
			return r;
	}
	begin_steps(e, 0);
	return 0;
}
