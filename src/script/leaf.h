#ifndef CDCL_LEAF_H
#define CDCL_LEAF_H

/* Lua functions over rows: what operators call (expr/row_function.h) and how it reaches Lua. */

#include <lua.h>

void bind_leaf_open(lua_State *L);

#endif
