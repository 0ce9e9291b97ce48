#include "script/vm.h"

#include "base/bounds.h"
#include "base/check.h"
#include "script/embedded.h"

#include <lauxlib.h>
#include <luajit.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { hook_instructions = 100000, traceback_frames_max = 64 };

static const char script_error_sentinel;

void *vm_script_error(void)
{
	return (void *)&script_error_sentinel;
}

const struct embedded_file *embedded_find(const char *name)
{
	for (size_t i = 0; i < embedded_file_count; i++) {
		if (strcmp(embedded_files[i].name, name) == 0)
			return &embedded_files[i];
	}
	return NULL;
}

static void *vm_alloc(void *argument, void *block, size_t old_bytes, size_t new_bytes)
{
	struct vm *v = argument;
	if (new_bytes == 0) {
		v->bytes -= old_bytes;
		free(block);
		return NULL;
	}
	if (block == NULL)
		old_bytes = 0;
	if (new_bytes > old_bytes) {
		size_t more = new_bytes - old_bytes;
		if (new_bytes > lua_block_bytes_max || v->bytes + more > v->bytes_max)
			return NULL;
	}
	/*
	 * When the machine has none left no record is to blame, and LuaJIT may crash on a refusal
	 * where a trace is left: the process stops and says why.
	 */
	void *moved = realloc(block, new_bytes);
	check(moved != NULL); /* out of memory */
	v->bytes = v->bytes - old_bytes + new_bytes;
	return moved;
}

struct vm *vm_of(lua_State *L)
{
	void *vm = NULL;
	lua_getallocf(L, &vm);
	return vm;
}

/* "orders.lua:12: text": the line, and where the text begins; 0 when it does not begin so. */
static int message_line(const char *message, const char *short_src, size_t *text_at)
{
	size_t n = strlen(short_src);
	if (strncmp(message, short_src, n) != 0 || message[n] != ':')
		return 0;
	char *end = NULL;
	long line = strtol(message + n + 1, &end, 10);
	if (line <= 0 || strncmp(end, ": ", 2) != 0)
		return 0;
	*text_at = (size_t)(end - message) + 2;
	return (int)line;
}

/* Runs where the error was raised: notes the user's line, answers the message without its position.
 */
static int handle_error(lua_State *L)
{
	struct vm *v = vm_of(L);
	v->trap_line = 0;
	v->trap_source[0] = '\0';
	v->trap_is_script_error = lua_touserdata(L, 1) == vm_script_error();
	if (v->trap_is_script_error)
		return 1;
	const char *message = lua_tostring(L, 1);
	size_t text_at = 0;
	for (int level = 0; level < traceback_frames_max; level++) {
		lua_Debug frame;
		if (!lua_getstack(L, level, &frame))
			break;
		lua_getinfo(L, "Sl", &frame);
		if (frame.source[0] != '@')
			continue;
		int line = message == NULL ? 0 : message_line(message, frame.short_src, &text_at);
		if (v->trap_line == 0 || line > 0) {
			v->trap_line = line > 0 ? line : frame.currentline;
			snprintf(v->trap_source, sizeof(v->trap_source), "%s", frame.source + 1);
		}
		if (line > 0)
			break;
	}
	if (message == NULL)
		lua_pushfstring(L, "error object is a %s, not a text", luaL_typename(L, 1));
	else
		lua_pushstring(L, message + text_at);
	return 1;
}

static void hook(lua_State *L, lua_Debug *event)
{
	(void)event;
	struct vm *v = vm_of(L);
	if (v->dog == NULL || !watchdog_overdue(v->dog))
		return;
	v->was_overdue = true;
	/* From now on at every instruction, so that a pcall in the script cannot swallow it for
	 * good. */
	lua_sethook(L, hook, LUA_MASKCOUNT, 1);
	/* Without a position: the handler knows the user's line. */
	lua_pushfstring(L, "ran longer than %d ms in one call: a loop without an end?",
		(int)watchdog_call_ms_max(v->dog));
	lua_error(L);
}

static int open_libraries(lua_State *L)
{
	luaL_openlibs(L);
	return 0;
}

static int at_panic(lua_State *L)
{
	const char *text = lua_tostring(L, -1);
	fprintf(stderr, "cdcl: Lua failed outside of a protected call: %s\n", text ? text : "?");
	abort();
}

int vm_open(struct vm *v, struct watchdog *dog, bool jit, struct error *err)
{
	memset(v, 0, sizeof(*v));
	v->bytes_max = lua_memory_bytes_max;
	v->dog = dog;
	v->jit = jit;
	v->L = lua_newstate(vm_alloc, v);
	if (v->L == NULL)
		return error_set(err, CDCL_E_MEMORY, "no memory for a Lua state");
	lua_atpanic(v->L, at_panic);
	if (lua_cpcall(v->L, open_libraries, NULL) != 0)
		return error_set(err, CDCL_E_MEMORY, "no memory for the Lua libraries");
	lua_pushcfunction(v->L, handle_error);
	v->handler = luaL_ref(v->L, LUA_REGISTRYINDEX);
	luaJIT_setmode(v->L, 0, LUAJIT_MODE_ENGINE | (jit ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF));
	return 0;
}

void vm_set_jit(struct vm *v, bool jit)
{
	v->jit = jit;
	/* What is compiled already would go on running without the hook. */
	luaJIT_setmode(v->L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
	luaJIT_setmode(v->L, 0, LUAJIT_MODE_ENGINE | (jit ? LUAJIT_MODE_ON : LUAJIT_MODE_OFF));
	if (jit)
		lua_sethook(v->L, NULL, 0, 0);
}

void vm_close(struct vm *v)
{
	if (v->L != NULL)
		lua_close(v->L);
	v->L = NULL;
}

/* Is the LuaJIT that runs the one that made the bytecode? */
static bool is_builds_luajit(lua_State *L)
{
	lua_getglobal(L, "jit");
	lua_getfield(L, -1, "version");
	bool same = lua_isstring(L, -1) && strcmp(lua_tostring(L, -1), LUAJIT_VERSION) == 0;
	lua_pop(L, 2);
	return same;
}

int vm_load_library(lua_State *L, const char *name)
{
	const struct embedded_file *file = embedded_find(name);
	check(file != NULL);
	char chunk_name[64];
	snprintf(chunk_name, sizeof(chunk_name), "=cdcl/%s", name);
	if (file->code_len > 0 && is_builds_luajit(L)) {
		if (luaL_loadbufferx(L, file->code, file->code_len, chunk_name, "b") == 0)
			return 0;
		lua_pop(L, 1);
	}
	return luaL_loadbufferx(L, file->data, file->len, chunk_name, "t");
}

int vm_library(struct vm *v, const char *name, struct error *err)
{
	if (vm_load_library(v->L, name) != 0) {
		error_set(err, CDCL_E_INTERNAL, "%s", lua_tostring(v->L, -1));
		lua_pop(v->L, 1);
		return -(int)CDCL_E_INTERNAL;
	}
	static const struct watch watch = {.what = "the library", .place = {"cdcl", 4}};
	return vm_call(v, 0, 1, &watch, err);
}

static int fill_error(struct vm *v, int status, struct error *err)
{
	lua_State *L = v->L;
	const char *text = lua_tostring(L, -1);
	if (v->trap_is_script_error) {
		lua_pop(L, 1);
		return -(int)CDCL_E_SCRIPT;
	}
	error_init(err);
	if (status == LUA_ERRMEM)
		error_set(err, CDCL_E_LUA,
			"not enough memory: a script may hold %d MB, one value %d MB",
			lua_memory_bytes_max >> 20, lua_block_bytes_max >> 20);
	else if (status == LUA_ERRERR)
		error_set(err, CDCL_E_LUA,
			"stack overflow (a function that calls itself without an end?)");
	else
		error_set(err, CDCL_E_LUA, "%s", text == NULL ? "error without a text" : text);
	if (v->trap_source[0] != '\0')
		error_at(err, "%s:%d", v->trap_source, v->trap_line);
	lua_pop(L, 1);
	/* After a refused allocation LuaJIT does not collect by itself: every later call would
	 * fail. */
	if (status == LUA_ERRMEM) {
		lua_gc(L, LUA_GCCOLLECT, 0);
		lua_gc(L, LUA_GCCOLLECT, 0); /* what finalizers let go */
		v->full = v->bytes > v->bytes_max / 5 * 4;
	}
	return -(int)CDCL_E_LUA;
}

int vm_call(struct vm *v, int arguments, int results, const struct watch *watch, struct error *err)
{
	lua_State *L = v->L;
	int handler_at = lua_gettop(L) - arguments;
	lua_rawgeti(L, LUA_REGISTRYINDEX, v->handler);
	lua_insert(L, handler_at);
	v->trap_source[0] = '\0';
	v->trap_line = 0;
	v->trap_is_script_error = false;
	if (!v->jit)
		lua_sethook(L, hook, LUA_MASKCOUNT, hook_instructions);
	if (v->dog != NULL)
		watchdog_enter(v->dog, watch);
	int status = lua_pcall(L, arguments, results, handler_at);
	if (v->dog != NULL)
		watchdog_leave(v->dog);
	lua_remove(L, handler_at);
	return status == 0 ? 0 : fill_error(v, status, err);
}
