/* foreach_batch: the user's function gets all rows of a batch at once. A failure stops the job. */

#include "script/leaf.h"

#include "base/check.h"

int leaf_batch_call(struct batch_function *f, struct chunk *const *chunks, uint32_t count,
	const struct batch *b, struct error *err)
{
	struct leaf *leaf = container_of(f, struct leaf, batch);
	lua_State *L = leaf->script->vm.L;
	leaf_set_row(leaf, 0);
	lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->driver);
	lua_pushlightuserdata(L, (void *)(uintptr_t)chunks);
	lua_pushinteger(L, (lua_Integer)count);
	lua_pushnumber(L, (lua_Number)b->id);
	int result = leaf_call(leaf, 3, 0, err);
	leaf_leave(leaf);
	return result;
}
