#include "script/leaf.h"

void bind_leaf_open(lua_State *L)
{
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
}
