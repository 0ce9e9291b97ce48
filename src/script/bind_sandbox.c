/*
 * What a script may reach of the outside: its own folder's modules, its variables, the environment,
 * a secret's file, and stderr. lib-lua/sandbox.lua builds the globals from these.
 */

#include "script/bind.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "script/embedded.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* The byte just before the quoted token of "... near 'x'", its length in *len; NULL when there is
 * none. */
static const char *near_token(const char *message, int *len)
{
	const char *near = strstr(message, " near '");
	if (near == NULL)
		return NULL;
	near += strlen(" near '");
	const char *end = strrchr(near, '\'');
	*len = end == NULL ? 0 : (int)(end - near);
	return *len > 0 ? near : NULL;
}

/* "orders.lua:3: unexpected symbol near ')'" -> place, text, the line and a caret under the token.
 */
static void syntax_error(struct script *s, struct str text, struct str name, const char *message)
{
	struct error *err = &s->error;
	const char *colon = strstr(message, ": ");
	const char *digits = colon;
	while (digits != NULL && digits > message && isdigit((unsigned char)digits[-1]))
		digits--;
	int line = digits == NULL ? 0 : atoi(digits);
	error_set(err, CDCL_E_SCRIPT, "%s", line > 0 ? colon + 2 : message);
	if (line <= 0)
		return;
	error_at(err, STR_FMT ":%d", STR_ARG(name), line);
	place_show(err, text, line, 0, 0);
	int len = 0;
	const char *token = near_token(message, &len);
	struct str source = place_line(text, line);
	/* Of several the last: the parser was content with those before it. */
	for (size_t at = source.len; token != NULL && at-- > 0;) {
		if (source.len - at < (size_t)len ||
			memcmp(source.data + at, token, (size_t)len) != 0)
			continue;
		place_show(err, text, line, (int)at, len);
		return;
	}
}

void bind_load(lua_State *L, struct str text, struct str name)
{
	struct script *s = bind_script(L);
	if (s->file_count == script_files_max) {
		error_set(&s->error, CDCL_E_SCRIPT, "a script has at most %d files",
			(int)script_files_max);
		bind_fail(L);
	}
	s->files[s->file_count++] = (struct script_file){.name = name, .text = text};
	lua_pushfstring(L, "@%s", name.data);
	const char *chunk_name = lua_tostring(L, -1);
	/* "#!" of an executable script: the line stays, so that numbers are right. */
	size_t skip = 0;
	if (text.len > 0 && text.data[0] == '#') {
		const char *end = memchr(text.data, '\n', text.len);
		skip = end == NULL ? text.len : (size_t)(end - text.data);
	}
	int status = luaL_loadbufferx(L, text.data + skip, text.len - skip, chunk_name, "t");
	if (status != 0) {
		syntax_error(s, text, name, lua_tostring(L, -1));
		bind_raise(L);
	}
	lua_remove(L, -2);
}

static struct str read_text(lua_State *L, const char *path)
{
	struct script *s = bind_script(L);
	struct strbuf text;
	strbuf_init(&text);
	int result = file_read_all(path, script_bytes_max, &text, &s->error);
	struct str kept =
		result < 0 ? (struct str){NULL, 0} : str_dup(strbuf_str(&text), &s->arena);
	strbuf_release(&text);
	if (result < 0) {
		s->error.code = CDCL_E_SCRIPT;
		bind_fail_at(L, str_c(path));
	}
	return kept.data == NULL ? str_lit("") : kept;
}

/* core.main() -> the script's own chunk; the text was read by script_open */
static int main_chunk(lua_State *L)
{
	struct script *s = bind_script(L);
	struct script_file file = s->files[0];
	s->file_count = 0;
	bind_load(L, file.text, file.name);
	return 1;
}

/* core.module("a.b") -> chunk of a/b.lua in the script's folder, or nil and the path looked for */
static int module(lua_State *L)
{
	struct script *s = bind_script(L);
	const char *name = luaL_checkstring(L, 1);
	struct strbuf path;
	strbuf_init(&path);
	strbuf_add(&path, s->folder);
	for (const char *c = name; *c != '\0'; c++)
		strbuf_add_byte(&path, *c == '.' ? '/' : *c);
	strbuf_add_c(&path, ".lua");
	struct str kept = str_dup(strbuf_str(&path), &s->arena);
	strbuf_release(&path);
	if (!file_exists(kept.data)) {
		lua_pushnil(L);
		lua_pushstring(L, kept.data);
		return 2;
	}
	bind_load(L, read_text(L, kept.data), kept);
	return 1;
}

/* core.library("options") -> the result of lib-lua/options.lua */
static int library(lua_State *L)
{
	char name[64];
	snprintf(name, sizeof(name), "%s.lua", luaL_checkstring(L, 1));
	if (embedded_find(name) == NULL)
		return luaL_error(L, "no library %s", name);
	if (vm_load_library(L, name) != 0)
		return lua_error(L);
	lua_call(L, 0, 1);
	return 1;
}

/* core.abi() -> the declarations of cdcl/abi.h, for ffi.cdef */
static int abi(lua_State *L)
{
	const struct embedded_file *file = embedded_find("abi.h");
	check(file != NULL);
	lua_pushlstring(L, file->data, file->len);
	return 1;
}

/* core.print(text) */
static int print(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	if (bind_script(L)->rehearsal)
		return 0;
	log_print_line((struct str){text, len});
	return 0;
}

/* What goes to C as its string: nothing may stand behind a NUL. */
static const char *c_string(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	luaL_argcheck(L, strlen(text) == len, 1, "a NUL cannot be in it");
	return text;
}

/* core.env(name) -> the environment's value or nil */
static int env(lua_State *L)
{
	const char *name = c_string(L), *value = getenv(name);
	if (value != NULL && secret_is_name(str_c(name)))
		secret_keep(str_c(value));
	lua_pushstring(L, value);
	return 1;
}

/* core.secret_file(path) -> its text without the line end */
static int secret_file(lua_State *L)
{
	struct str text = read_text(L, c_string(L));
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.len--;
	secret_keep(text);
	lua_pushlstring(L, text.data, text.len);
	return 1;
}

/* core.variables() -> array of {name=, value=} from --set, and core.allowed(what) */
static int variables(lua_State *L)
{
	const struct script_options *o = &bind_script(L)->options;
	lua_createtable(L, (int)o->variable_count, 0);
	for (uint32_t i = 0; i < o->variable_count; i++) {
		const struct setting *v = &o->variables[i];
		lua_createtable(L, 0, 2);
		lua_pushlstring(L, v->name.data, v->name.len);
		lua_setfield(L, -2, "name");
		lua_pushlstring(L, v->value.data == NULL ? "" : v->value.data, v->value.len);
		lua_setfield(L, -2, "value");
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

static int allowed(lua_State *L)
{
	struct script *s = bind_script(L);
	const char *what = luaL_checkstring(L, 1);
	bool yes = strcmp(what, "io") == 0 ? s->options.allow_io : s->options.allow_os;
	/* A throw-away load touches nothing outside. */
	if (yes && s->rehearsal)
		lua_pushstring(L, "rehearsal");
	else
		lua_pushboolean(L, yes);
	return 1;
}

void bind_sandbox_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"main", main_chunk},
		{"module", module},
		{"library", library},
		{"abi", abi},
		{"print", print},
		{"env", env},
		{"secret_file", secret_file},
		{"variables", variables},
		{"allowed", allowed},
		{NULL, NULL},
	};
	luaL_register(L, NULL, functions);
}
