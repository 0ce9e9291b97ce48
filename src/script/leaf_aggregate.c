/* An aggregate of the user's own: add and retract over a chunk, finish over groups. */

#include "script/leaf.h"

#include "base/check.h"
#include "data/chunk.h"

static void enter(struct leaf *leaf, void *const *state, uint8_t *const *nulls)
{
	leaf->state.columns = state;
	leaf->state.nulls = nulls;
}

/* The failing record leaves its group's state as it was. */
static void undo(const struct leaf *leaf)
{
	const struct schema *schema = leaf->aggregate.state;
	const struct state_cursor *s = &leaf->state;
	for (uint32_t c = 0; c < schema->column_count; c++) {
		size_t bytes = phys_bytes(type_phys(schema->columns[c].type));
		memcpy((char *)s->columns[c] + (size_t)s->group * bytes, (char *)s->undo + 16 * c,
			bytes);
		s->nulls[c][s->group] = s->undo_nulls[c];
	}
}

int leaf_aggregate_add(struct custom_aggregate *a, struct chunk *in, const uint32_t *groups,
	void *const *state, uint8_t *const *state_nulls, struct dead_letters *dead,
	struct error *err)
{
	struct leaf *leaf = container_of(a, struct leaf, aggregate);
	lua_State *L = leaf->script->vm.L;
	enter(leaf, state, state_nulls);
	leaf_enter(leaf, in);
	int result = 0;
	uint32_t start = chunk_next_live(in, 0);
	while (start < in->row_count && result >= 0) {
		leaf_set_row(leaf, start);
		leaf->state.group = -1;
		lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->driver);
		lua_pushlightuserdata(L, in);
		lua_pushlightuserdata(L, (void *)(uintptr_t)groups);
		lua_pushinteger(L, (lua_Integer)start);
		lua_pushinteger(L, (lua_Integer)in->row_count - 1);
		struct error why;
		if (leaf_call(leaf, 4, 0, &why) == 0)
			break;
		if (leaf->state.group >= 0)
			undo(leaf);
		result = leaf_lose_row(leaf, in, &why, dead, err);
		start = chunk_next_live(in, (uint32_t)leaf->cursor.row + 1);
	}
	leaf_leave(leaf);
	return result < 0 ? result : 0;
}

int leaf_aggregate_finish(struct custom_aggregate *a, const uint32_t *groups, uint32_t count,
	void *const *state, uint8_t *const *state_nulls, struct column *out, struct arena *arena,
	struct error *err)
{
	struct leaf *leaf = container_of(a, struct leaf, aggregate);
	lua_State *L = leaf->script->vm.L;
	if (count == 0)
		return 0;
	enter(leaf, state, state_nulls);
	lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->finish_driver);
	lua_pushlightuserdata(L, (void *)(uintptr_t)groups);
	lua_pushinteger(L, (lua_Integer)count);
	lua_pushlightuserdata(L, out);
	lua_pushlightuserdata(L, arena);
	int result = leaf_call(leaf, 4, 0, err);
	leaf_leave(leaf);
	return result;
}
