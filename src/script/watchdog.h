#ifndef CDCL_WATCHDOG_H
#define CDCL_WATCHDOG_H

/*
 * A thread that notices when Lua does not come back. A count hook never fires in code that LuaJIT
 * has compiled, so an endless loop can only be ended with the process: the watchdog says which
 * function it was and where in the data, and exits with 1. (Offsets are committed per batch: the
 * next start reads the record again; with --no-jit the hook turns the loop into an error that names
 * the line.)
 *
 *	engine thread   enter: seq moves, `watch` is set ... leave: seq moves, `watch` is cleared
 *	watchdog        wakes every tick; the same seq and the same row while the engine's thread
 *	                used call_ms_max of CPU, or for ten times as many ticks -> the end
 *
 * CPU and not time, because on a busy machine a thread may wait seconds for its turn, and what is
 * ended here is a record put aside. A call that blocks (a pipe, a command: --allow io,os) uses no
 * CPU: so ticks are bounded, too. They are counted, not looked at on a clock: a machine that is so
 * busy, or a process that is stopped, holds up both threads.
 *
 * No clock is read on the engine's side: a call costs two stores. Progress from row to row counts
 * as coming back, so a slow function is not an endless one.
 */

#include "cdcl/error.h"
#include "cdcl/abi.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

struct watch_part {
	const char *what; /* "on_update" */
	struct str place;
};

/* What is being called: set by the caller of Lua, read by the watchdog while the call runs. */
struct watch {
	const char *what; /* "filter", "the script" */
	struct str place; /* "orders.lua:14", where the function is defined */
	const struct chunk *chunk; /* NULL: no data */
	const uint32_t *row; /* moves as rows are done; NULL with no data */
	/* parts[*part] says what and where instead, when a call runs one of several functions */
	const struct watch_part *parts;
	const int32_t *part;
};

enum {
	call_ms_max_default = 10000, /* of CPU */
	call_waits_max = 10 /* times call_ms_max, for a call that only waits */
};

enum watchdog_action {
	WATCHDOG_END, /* the process, with 1 */
	WATCHDOG_HOOK, /* raises the flag that the count hook of vm.c reads */
	WATCHDOG_HOOK_THEN_END /* the hook has another span, then the process ends */
};

/* By the thread that calls Lua. NULL with the error filled. */
struct watchdog *watchdog_open(
	const char *script, int64_t call_ms_max, enum watchdog_action action, struct error *err);
void watchdog_close(struct watchdog *w);
/* In a process that was just forked, which has no thread but its own. */
int watchdog_forked(struct watchdog *w, struct error *err);
void watchdog_enter(struct watchdog *w, const struct watch *watch);
void watchdog_leave(struct watchdog *w);

void watchdog_set_action(struct watchdog *w, enum watchdog_action action);
/* Where it leaves word (state/last_words.h) before it ends the process; -1: nowhere. */
void watchdog_words_to(struct watchdog *w, int fd);

/* Another limit from now on. */
void watchdog_set(struct watchdog *w, int64_t call_ms_max);

/* True once the running call is late; cleared by leave. For the hook. */
bool watchdog_overdue(const struct watchdog *w);
int64_t watchdog_call_ms_max(const struct watchdog *w);

#endif
