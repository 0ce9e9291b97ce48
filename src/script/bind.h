#ifndef CDCL_BIND_H
#define CDCL_BIND_H

/*
 * What the bindings share. lib-lua holds the language (names, options, their checks); a bind_* file
 * per noun turns checked values into calls of plan/plan.h. Shape of each binding: read arguments,
 * call one function of the core, push the result; on failure bind_fail, which never returns.
 *
 *	user's script -> lib-lua/cdcl.lua (checks) -> core.filter(...) -> bind_stream.c
 *	              -> plan_filter
 */

#include "script/place.h"
#include "script/script.h"
#include "script/vm.h"

#include <lauxlib.h>

struct leaf;

enum { script_files_max = 256 };

struct script_file {
	struct str name; /* as in messages: "scripts/orders.lua" */
	struct str text;
};

struct script {
	struct vm vm;
	struct watchdog *dog;
	struct script_options options;
	struct plan *plan;
	struct arena arena; /* of what outlives the plan's building but is not in it */
	struct error error; /* filled before vm_script_error() is raised */
	struct script_file files[script_files_max];
	uint32_t file_count;
	struct str folder; /* where `require` looks; NUL-terminated */
	struct str display; /* the script's name in messages */
	bool rehearsal; /* a throw-away load: nothing printed, nothing kept */
	struct arena scratch; /* of one call of a row function */
	struct error mistake; /* a rehearsal's first wrong name */
	bool mistake_found;
	bool slow_in_rehearsal; /* a function did not come back: no trace report */
	struct leaf *leaves; /* Lua functions of the plan, newest first */
	uint64_t generation; /* moves when rows handed to Lua die */
	struct plan_script seam;
};

struct script *bind_script(lua_State *L);

/* The same script, loaded once more to be thrown away; NULL when that fails. */
struct script *script_rehearsal(
	const struct script *s, bool jit, int64_t call_ms_max, struct error *err);

/* The user's innermost line: the file's name and line; false when Lua was not called by a script.
 */
bool bind_here(lua_State *L, struct str *file, int *line);
/* "orders.lua:9" of it, in the plan's arena. */
struct str bind_place(lua_State *L);

/* Raises script->error, after putting the script's own line and a caret into it where that can be
 * found. */
_Noreturn void bind_fail(lua_State *L);

/* The same; the caret goes under `word` when the error shows no source yet and the call has it. */
_Noreturn void bind_fail_at(lua_State *L, struct str word);

/* Raises script->error as it is. */
_Noreturn void bind_raise(lua_State *L);

/* Text of script file `name`; absent when it is none. */
struct str bind_file_text(const struct script *s, struct str name);

/* A string argument or field, copied into the plan's arena; absent for nil. */
struct str bind_string(lua_State *L, int index);
struct str bind_field_string(lua_State *L, int table, const char *name);
int64_t bind_field_integer(lua_State *L, int table, const char *name, int64_t otherwise);
double bind_field_number(lua_State *L, int table, const char *name, double otherwise);
bool bind_field_boolean(lua_State *L, int table, const char *name, bool otherwise);
/* An array of strings at `index` of the stack. */
struct str *bind_strings(lua_State *L, int index, uint32_t *count);
struct plan_node *bind_node(lua_State *L, int index);
/* --brokers, CDCL_BROKERS, the script's, else localhost. */
struct str bind_brokers(const struct script *s, struct str of_script);
/* The option `kafka`, and -X over it; in the plan's arena. */
void bind_kafka_settings(lua_State *L, int options, struct setting **out, uint32_t *count);

void bind_core_open(lua_State *L); /* each adds its functions to the table on the stack's top */
void bind_job_open(lua_State *L);
void bind_source_open(lua_State *L);
void bind_stream_open(lua_State *L);
void bind_merge_open(lua_State *L);
void bind_sink_open(lua_State *L);
void bind_sandbox_open(lua_State *L);
void bind_caught_open(lua_State *L);

/* Loads a user's text (kept under `name` for messages); pushes the function or fails with its
 * syntax error. */
void bind_load(lua_State *L, struct str text, struct str name);

/* "10 seconds" | "default" | "once" | "available_now" */
int bind_trigger(struct str text, struct plan *plan, struct error *err);

#endif
