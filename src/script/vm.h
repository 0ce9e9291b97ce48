#ifndef CDCL_VM_H
#define CDCL_VM_H

/*
 * One LuaJIT state with a counted heap, and the one way into it.
 *
 *	vm_open -> vm_library (lib-lua, trusted) -> vm_call ... vm_call -> vm_close
 *
 * vm_call is the only protected call of the program. While it runs, the watchdog
 * (script/watchdog.h) knows what is running; when it fails, the handler has noted the innermost
 * line of the user's own files ("@orders.lua"; lib-lua's chunks are "=cdcl" and never named in a
 * message).
 *
 * The heap is bounded twice: in all (lua_memory_bytes_max) and per block (lua_block_bytes_max), so
 * that a script which builds a huge string or table gets "not enough memory" and the process
 * goes on.
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "script/watchdog.h"

#include <lua.h>

struct vm {
	lua_State *L;
	size_t bytes; /* Lua's heap now */
	size_t bytes_max;
	int handler; /* registry reference of the error handler */
	struct watchdog *dog; /* not owned; NULL: none */
	bool jit;
	bool was_overdue; /* the hook has ended a call */
	bool full; /* the script itself holds nearly all that it may */
	/* What the handler saw of the last error. */
	char trap_source[256]; /* of the user's file; empty: no user frame */
	int trap_line;
	bool trap_is_script_error; /* the sentinel: the script's struct error is filled already */
};

int vm_open(struct vm *v, struct watchdog *dog, bool jit, struct error *err);
void vm_close(struct vm *v);

/* Interpreted, under the hook that ends a call which is overdue; or compiled. */
void vm_set_jit(struct vm *v, bool jit);

/* Pushes the function of one embedded file of lib-lua, or a message: as luaL_loadbuffer. */
int vm_load_library(lua_State *L, const char *name);

/* Loads and runs one embedded file of lib-lua; leaves its one result on the stack. */
int vm_library(struct vm *v, const char *name, struct error *err);

/*
 * Calls the function under its `arguments` on the stack. `what` and `place` are for the watchdog
 * and live as long as the call. 0, or negative with text and place filled (nothing left on the
 * stack).
 */
int vm_call(struct vm *v, int arguments, int results, const struct watch *watch, struct error *err);

/* The value that a binding raises when the script's struct error holds the reason. */
void *vm_script_error(void);

/* The vm that a state belongs to. */
struct vm *vm_of(lua_State *L);

#endif
