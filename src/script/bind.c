#include "script/bind.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { bind_frames_max = 64 };

struct script *bind_script(lua_State *L)
{
	return container_of(vm_of(L), struct script, vm);
}

bool bind_here(lua_State *L, struct str *file, int *line)
{
	for (int level = 0; level < bind_frames_max; level++) {
		lua_Debug frame;
		if (!lua_getstack(L, level, &frame))
			return false;
		lua_getinfo(L, "Sl", &frame);
		if (frame.source[0] != '@')
			continue;
		*file = str_c(frame.source + 1);
		*line = frame.currentline;
		return true;
	}
	return false;
}

struct str bind_place(lua_State *L)
{
	struct script *s = bind_script(L);
	struct str file;
	int line;
	if (!bind_here(L, &file, &line))
		return s->display;
	return str_printf(s->plan->arena, STR_FMT ":%d", STR_ARG(file), line);
}

struct str bind_file_text(const struct script *s, struct str name)
{
	for (uint32_t i = 0; i < s->file_count; i++) {
		if (str_eq(s->files[i].name, name))
			return s->files[i].text;
	}
	return (struct str){NULL, 0};
}

/* An SQL or DDL text with a caret in it: show the script's line instead, when the text stands
 * there. */
static void show_in_script(struct error *err, struct str file, struct str text, int line)
{
	struct str part = str_c(err->source_line);
	int at_line = line;
	int column = 0;
	if (part.len > 0 && place_find(text, &at_line, PLACE_TEXT, part, &column)) {
		int start = err->caret_start < 0 ? 0 : err->caret_start;
		int len = err->caret_start < 0 ? (int)part.len : err->caret_len;
		place_show(err, text, at_line, column + start, len);
		snprintf(err->place, sizeof(err->place), STR_FMT ":%d", STR_ARG(file), at_line);
	} else if (part.len == 0) {
		place_show(err, text, line, 0, 0);
	}
}

void bind_raise(lua_State *L)
{
	lua_pushlightuserdata(L, vm_script_error());
	lua_error(L);
	abort(); /* lua_error does not return, but does not say so */
}

void bind_fail(lua_State *L)
{
	struct script *s = bind_script(L);
	struct str file;
	int line;
	if (bind_here(L, &file, &line)) {
		error_at(&s->error, STR_FMT ":%d", STR_ARG(file), line);
		struct str text = bind_file_text(s, file);
		if (text.data != NULL)
			show_in_script(&s->error, file, text, line);
	}
	bind_raise(L);
}

void bind_fail_at(lua_State *L, struct str word)
{
	struct script *s = bind_script(L);
	struct str file;
	int line;
	if (word.len > 0 && s->error.source_line[0] == '\0' && bind_here(L, &file, &line)) {
		struct str text = bind_file_text(s, file);
		int column = 0;
		if (text.data != NULL &&
			(place_find(text, &line, PLACE_WORD, word, &column) ||
				place_find(text, &line, PLACE_TEXT, word, &column)))
			place_show(&s->error, text, line, column, (int)word.len);
		error_at(&s->error, STR_FMT ":%d", STR_ARG(file), line);
	}
	bind_fail(L);
}

struct str bind_string(lua_State *L, int index)
{
	size_t len;
	const char *data = lua_tolstring(L, index, &len);
	if (data == NULL)
		return (struct str){NULL, 0};
	return str_dup((struct str){data, len}, bind_script(L)->plan->arena);
}

struct str bind_field_string(lua_State *L, int table, const char *name)
{
	lua_getfield(L, table, name);
	struct str s = bind_string(L, -1);
	lua_pop(L, 1);
	return s;
}

double bind_field_number(lua_State *L, int table, const char *name, double otherwise)
{
	lua_getfield(L, table, name);
	double d = lua_isnil(L, -1) ? otherwise : lua_tonumber(L, -1);
	lua_pop(L, 1);
	return d;
}

int64_t bind_field_integer(lua_State *L, int table, const char *name, int64_t otherwise)
{
	return (int64_t)bind_field_number(L, table, name, (double)otherwise);
}

bool bind_field_boolean(lua_State *L, int table, const char *name, bool otherwise)
{
	lua_getfield(L, table, name);
	bool b = lua_isnil(L, -1) ? otherwise : lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
	return b;
}

struct str *bind_strings(lua_State *L, int index, uint32_t *count)
{
	*count = 0;
	if (lua_isnil(L, index))
		return NULL;
	size_t n = lua_objlen(L, index);
	struct str *list = ARENA_ARRAY(bind_script(L)->plan->arena, struct str, n + 1);
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, index, (int)i + 1);
		list[i] = bind_string(L, -1);
		lua_pop(L, 1);
	}
	*count = (uint32_t)n;
	return list;
}

struct plan_node *bind_node(lua_State *L, int index)
{
	struct plan_node *node = lua_touserdata(L, index);
	if (node == NULL)
		luaL_error(L, "a Stream or Table is expected");
	return node;
}

/* core.fail(text, wanted or nil, help or nil): a mistake in the user's call; the caret goes under
 * `wanted`. */
static int fail(lua_State *L)
{
	struct script *s = bind_script(L);
	const char *wanted = lua_tostring(L, 2);
	const char *help = lua_tostring(L, 3);
	error_set(&s->error, CDCL_E_SCRIPT, "%s", luaL_checkstring(L, 1));
	if (help != NULL)
		error_help(&s->error, "%s", help);
	bind_fail_at(L, wanted == NULL ? (struct str){NULL, 0} : str_c(wanted));
}

/* core.nearest(wanted, names) -> the nearest of the names, or nil */
static int nearest(lua_State *L)
{
	uint32_t count;
	struct str *names = bind_strings(L, 2, &count);
	struct str near = str_nearest(bind_string(L, 1), names, count);
	if (near.data == NULL)
		return 0;
	lua_pushlstring(L, near.data, near.len);
	return 1;
}

void bind_core_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"fail", fail}, {"nearest", nearest}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
