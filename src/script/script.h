#ifndef CDCL_SCRIPT_H
#define CDCL_SCRIPT_H

/*
 * A user's Lua script: loaded in a sandboxed LuaJIT, run once to build the plan, and kept because
 * its functions are the plan's Lua leaves. The rest of the program sees only the plan.
 *
 * Errors of the script (syntax, unknown option, wrong type, missing column) come back with the
 * script's file and line, the source line, a caret and the nearest valid name (code CDCL_E_SCRIPT,
 * exit 3).
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "plan/plan.h"

struct script;
struct source_peek; /* script/source_peek.h */

struct script_options {
	const char *path; /* of the script; "-" reads stdin */
	const struct setting *variables; /* --set NAME=VALUE, as cdcl.var.NAME */
	uint32_t variable_count;
	bool allow_io; /* --allow io,os */
	bool allow_os;
	bool jit; /* false: --no-jit, with a count hook so that an endless loop names its line */
	int64_t call_ms_max; /* watchdog: a single Lua call longer than this ends the process; 0:
				default */
	const struct clock *clock;
	/* Applied over what the script says, before anything is checked. */
	struct str brokers; /* data NULL: CDCL_BROKERS, the script, localhost:9092 */
	struct str input; /* --input FILE|-: replaces every source */
	struct str from; /* --from: starting offsets of every Kafka source */
	const struct setting *kafka_settings; /* -X */
	uint32_t kafka_setting_count;
	/* Looks at first messages for what only they know; NULL: nothing is looked at. */
	struct source_peek *peek;
	struct str checkpoint; /* --checkpoint FOLDER */
	uint32_t workers; /* --workers */
	struct str trigger; /* --trigger "1 second" | "default" | "once" | "available_now" */
};

/* NULL with the error filled. */
struct script *script_open(const struct script_options *options, struct error *err);
void script_close(struct script *s);
struct plan *script_plan(struct script *s);

/* The files it was loaded from, the script first, then what it required; absent past the end. */
struct str script_file(const struct script *s, uint32_t index);

/* Lua's heap in bytes, for the status line. */
size_t script_memory_bytes(const struct script *s);

/* Lines of the script whose functions LuaJIT cannot compile ("orders.lua:12 runs interpreted: NYI
 * ..."); for `check`. */
void script_trace_report(struct script *s, struct strbuf *out);

#endif
