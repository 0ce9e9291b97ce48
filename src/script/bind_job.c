/* cdcl.job, and the trigger's text. */

#include "script/bind.h"

#include "base/check.h"

#include <ctype.h>
#include <stdio.h>

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{"ms", 1},
	{"millisecond", 1},
	{"s", 1000},
	{"sec", 1000},
	{"second", 1000},
	{"m", 60000},
	{"min", 60000},
	{"minute", 60000},
	{"h", 3600000},
	{"hour", 3600000},
};

static int trigger_bad(struct str text, struct error *err)
{
	error_set(err, CDCL_E_SCRIPT, "\"" STR_FMT "\" is no trigger", STR_ARG(text));
	error_help(err, "write \"10 seconds\", \"500 ms\", \"1 minute\", \"default\", \"once\" or "
			"\"available_now\"");
	return -(int)CDCL_E_SCRIPT;
}

static int trigger_interval(struct str text, struct plan *plan, struct error *err)
{
	size_t at = 0;
	int64_t n = 0;
	while (at < text.len && isdigit((unsigned char)text.data[at]) && n < 1000000000)
		n = n * 10 + (text.data[at++] - '0');
	if (at == 0)
		return trigger_bad(text, err);
	struct str unit = str_trim(str_sub(text, at, text.len));
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		struct str name = str_c(units[i].name);
		struct str plural = unit.len > 1 && unit.data[unit.len - 1] == 's'
					    ? str_sub(unit, 0, unit.len - 1)
					    : unit;
		if (!str_eq_fold(unit, name) && !(name.len > 2 && str_eq_fold(plural, name)))
			continue;
		plan->trigger = n == 0 ? TRIGGER_DEFAULT : TRIGGER_INTERVAL;
		plan->trigger_ms = n * units[i].ms;
		return 0;
	}
	return trigger_bad(text, err);
}

int bind_trigger(struct str text, struct plan *plan, struct error *err)
{
	text = str_trim(text);
	if (text.len > 0 && isdigit((unsigned char)text.data[0]))
		return trigger_interval(text, plan, err);
	plan->trigger_ms = 0;
	if (str_eq_fold(text, str_lit("default")))
		plan->trigger = TRIGGER_DEFAULT;
	else if (str_eq_fold(text, str_lit("once")))
		plan->trigger = TRIGGER_ONCE;
	else if (str_eq_fold(text, str_lit("available_now")))
		plan->trigger = TRIGGER_AVAILABLE_NOW;
	else
		return trigger_bad(text, err);
	return 0;
}

/* dead_letters = { path = ... } or { topic = ... } */
static void read_dead_letters(lua_State *L, struct dead_letter_config *out)
{
	lua_getfield(L, 1, "dead_letters");
	if (lua_istable(L, -1)) {
		int options = lua_gettop(L);
		out->path = bind_field_string(L, options, "path");
		out->topic = bind_field_string(L, options, "topic");
		out->brokers = bind_field_string(L, options, "brokers");
		if (out->brokers.data != NULL)
			out->brokers = bind_brokers(bind_script(L), out->brokers);
	}
	lua_pop(L, 1);
}

/* core.job(options) */
static int job(lua_State *L)
{
	struct script *s = bind_script(L);
	struct plan *p = s->plan;
	struct str name = bind_field_string(L, 1, "name");
	if (name.data != NULL)
		p->job_name = name;
	p->error_budget = bind_field_integer(L, 1, "error_budget", p->error_budget);
	p->dead_letters.per_minute_max =
		bind_field_integer(L, 1, "error_budget_per_minute", 0);
	read_dead_letters(L, &p->dead_letters);
	p->checkpoint = bind_field_string(L, 1, "checkpoint");
	p->restarts = bind_field_integer(L, 1, "restarts", p->restarts);
	int64_t call_ms_max = bind_field_integer(L, 1, "call_ms_max", 0);
	if (call_ms_max > 0 && s->options.call_ms_max == 0)
		watchdog_set(s->dog, call_ms_max);
	struct str on_error = bind_field_string(L, 1, "on_error");
	p->on_error_stop = on_error.data != NULL && str_eq(on_error, str_lit("stop"));
	struct str trigger = bind_field_string(L, 1, "trigger");
	/* The caret stands under the value. */
	if (trigger.data != NULL && bind_trigger(trigger, p, &s->error) < 0) {
		snprintf(s->error.source_line, sizeof(s->error.source_line), "%s", trigger.data);
		bind_fail(L);
	}
	struct str zone = bind_field_string(L, 1, "timezone");
	if (zone.data != NULL) {
		p->timezone = timezone_open(zone, p->arena, &s->error);
		if (p->timezone == NULL) {
			s->error.code = CDCL_E_SCRIPT;
			snprintf(s->error.source_line, sizeof(s->error.source_line), "%s",
				zone.data);
			bind_fail(L);
		}
		p->timezone_name = zone;
	}
	return 0;
}

void bind_job_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"job", job}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
