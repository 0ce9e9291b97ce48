/*
 * What a script gets from pcall when our side refused: the error's address, for the whole of it is
 * the script's. Its text is for print, tostring and `..`. Other light userdata are as in any Lua.
 */

#include "script/bind.h"

static bool is_error(lua_State *L, int at)
{
	return lua_islightuserdata(L, at) && lua_touserdata(L, at) == vm_script_error();
}

static void push_text(lua_State *L, int at)
{
	const struct error *err = &bind_script(L)->error;
	if (!is_error(L, at))
		lua_pushvalue(L, at);
	else if (err->place[0] == '\0')
		lua_pushstring(L, err->text);
	else
		lua_pushfstring(L, "%s: %s", err->place, err->text);
}

static int caught_tostring(lua_State *L)
{
	if (is_error(L, 1))
		push_text(L, 1);
	else
		lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
	return 1;
}

static int caught_concat(lua_State *L)
{
	if (!is_error(L, 1) && !is_error(L, 2))
		return luaL_error(L, "attempt to concatenate a userdata value");
	push_text(L, 1);
	push_text(L, 2);
	lua_concat(L, 2);
	return 1;
}

void bind_caught_open(lua_State *L)
{
	lua_pushlightuserdata(L, vm_script_error());
	lua_createtable(L, 0, 3);
	lua_pushcfunction(L, caught_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pushcfunction(L, caught_concat);
	lua_setfield(L, -2, "__concat");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
}
