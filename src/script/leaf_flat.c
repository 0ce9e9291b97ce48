/*
 * flat_map. `emit` writes to the caller's chunk; when one record emits more than fits, to overflow
 * chunks in the input's arena, which the next calls hand out before they go on with the input.
 */

#include "script/leaf.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/chunk.h"

static void use_chunk(struct leaf_emit *e, int32_t index, int32_t row)
{
	e->cursor.columns = e->chunks[index]->columns;
	e->cursor.origin = e->origins[index];
	e->cursor.arena = e->chunks[index]->arena;
	e->cursor.row = row;
	e->cursor.chunk = index;
}

/* Called by Lua when the chunk is full: 0 when the record has emitted all it may. */
int32_t leaf_emit_next(struct emit_cursor *cursor)
{
	struct leaf_emit *e = container_of(cursor, struct leaf_emit, cursor);
	int32_t index = cursor->chunk + 1;
	if (index >= emit_chunks_max)
		return 0;
	if (index >= e->chunk_made) {
		e->chunks[index] = chunk_alloc(e->in->arena, e->chunks[0]->schema);
		e->origins[index] = ARENA_ARRAY(e->in->arena, uint16_t, chunk_rows_max);
		e->chunk_made = index + 1;
	}
	use_chunk(e, index, 0);
	return 1;
}

static void begin(struct leaf *leaf, struct chunk *in, bool is_new, struct chunk *out)
{
	struct leaf_emit *e = leaf->emit;
	e->in = in;
	e->chunks[0] = out;
	e->origins[0] = ARENA_ARRAY(out->arena, uint16_t, chunk_rows_max);
	if (is_new)
		e->chunk_made = 1;
	leaf_enter(leaf, in);
}

static void copy_row(const struct chunk *from, uint32_t row, struct chunk *to, uint32_t at)
{
	for (uint32_t c = 0; c < to->column_count; c++) {
		size_t bytes = phys_bytes(type_phys(to->schema->columns[c].type));
		memcpy((char *)to->columns[c].data + at * bytes,
			(const char *)from->columns[c].data + row * bytes, bytes);
		if (column_is_null(&from->columns[c], row))
			bit_set(to->columns[c].nulls, at);
		else
			bit_clear(to->columns[c].nulls, at);
	}
}

/* Moves overflow into `out`; true when some is left. */
static bool hand_out(struct leaf_emit *e, struct chunk *out, int32_t *rows)
{
	while (e->pending_rows > 0 && *rows < chunk_rows_max) {
		bool last = e->pending_chunk == e->chunk_count - 1;
		int32_t end = last ? e->pending_rows : chunk_rows_max;
		while (e->pending_row < end && *rows < chunk_rows_max) {
			copy_row(e->chunks[e->pending_chunk], (uint32_t)e->pending_row, out,
				(uint32_t)*rows);
			e->origins[0][*rows] = e->origins[e->pending_chunk][e->pending_row];
			e->pending_row++;
			(*rows)++;
		}
		if (e->pending_row < end)
			break;
		e->pending_chunk++;
		e->pending_row = 0;
		if (last)
			e->pending_rows = 0;
	}
	return e->pending_rows > 0;
}

/* One call of the driver from row *next on; what it emitted is in the chunks. */
static int drive(struct leaf *leaf, struct chunk *in, uint32_t *next, struct dead_letters *dead,
	struct error *err)
{
	lua_State *L = leaf->script->vm.L;
	struct leaf_emit *e = leaf->emit;
	leaf_set_row(leaf, *next);
	e->cursor.mark_row = e->cursor.row;
	e->cursor.mark_chunk = e->cursor.chunk;
	lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->driver);
	lua_pushlightuserdata(L, in);
	lua_pushinteger(L, (lua_Integer)*next);
	lua_pushinteger(L, (lua_Integer)in->row_count - 1);
	struct error why;
	if (leaf_call(leaf, 3, 1, &why) == 0) {
		*next = (uint32_t)lua_tointeger(L, -1);
		lua_pop(L, 1);
		return 0;
	}
	/* What the failing record emitted is taken back. */
	use_chunk(e, e->cursor.mark_chunk, e->cursor.mark_row);
	*next = (uint32_t)leaf->cursor.row + 1;
	return leaf_lose_row(leaf, in, &why, dead, err);
}

int leaf_call_flat(struct row_function *f, struct chunk *in, uint32_t *next, struct chunk *out,
	struct dead_letters *dead, struct error *err)
{
	struct leaf *leaf = container_of(f, struct leaf, function);
	struct leaf_emit *e = leaf->emit;
	begin(leaf, in, *next == 0, out);
	int32_t rows = 0;
	int result = 0;
	bool more = hand_out(e, out, &rows);
	use_chunk(e, 0, rows);
	while (!more && *next < in->row_count && result >= 0) {
		result = drive(leaf, in, next, dead, err);
		rows = e->cursor.chunk > 0 ? chunk_rows_max : e->cursor.row;
		more = rows == chunk_rows_max;
	}
	if (e->cursor.chunk > 0) {
		e->chunk_count = e->cursor.chunk + 1;
		e->pending_chunk = 1;
		e->pending_row = 0;
		e->pending_rows = e->cursor.row;
	}
	leaf_leave(leaf);
	if (result < 0)
		return result;
	chunk_set_rows(out, (uint32_t)rows);
	out->messages = in->messages;
	for (int32_t i = 0; i < rows && in->origin != NULL; i++)
		e->origins[0][i] = in->origin[e->origins[0][i]];
	out->origin = e->origins[0];
	return more || *next < in->row_count ? 1 : 0;
}
