/*
 * bytecode NAME <FILE.lua >FILE.bc: what LuaJIT makes of a file, lines kept. Runs while cdcl is
 * built; src/script/embed.cmake puts the answer into the binary.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

enum { text_bytes_max = 1 << 20 };

static int put(lua_State *L, const void *bytes, size_t count, void *out)
{
	(void)L;
	return fwrite(bytes, 1, count, out) == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	static char text[text_bytes_max];
	size_t len = fread(text, 1, sizeof(text), stdin);
	lua_State *L = luaL_newstate();
	if (argc != 2 || L == NULL || len == sizeof(text))
		return 2;
	luaL_openlibs(L); /* 64-bit literals need ffi */
	if (luaL_loadbufferx(L, text, len, argv[1], "t") != 0) {
		fprintf(stderr, "%s\n", lua_tostring(L, -1));
		return 1;
	}
	int result = lua_dump(L, put, stdout);
	lua_close(L);
	return result == 0 && fflush(stdout) == 0 ? 0 : 1;
}
