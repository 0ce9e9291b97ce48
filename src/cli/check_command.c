#include "cli/grid.h"
#include "cli/script_arguments.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "runtime/against.h"
#include "runtime/looked_columns.h"
#include "runtime/peek.h"
#include "state/manifest.h"

#include <stdio.h>

struct check_options {
	struct script_arguments script;
	bool quiet;
	const char *against;
};

static const struct option_spec check_specs[] = {
	SCRIPT_OPTIONS(struct check_options, script),
	{'q', "quiet", NULL, OPTION_FLAG, offsetof(struct check_options, quiet),
		"only say what is wrong"},
	{0, "against", "FOLDER", OPTION_TEXT, offsetof(struct check_options, against),
		"say what would become of the state in that checkpoint; exit 6: no run goes on"},
};

static uint32_t count_sources(const struct plan *plan)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < plan->node_count; i++)
		count += plan->nodes[i]->kind == PLAN_SOURCE;
	return count;
}

/*
 * check reads no messages but those that --input names: it knows columns that a checkpoint kept,
 * and notes that a script asked for more.
 */
struct check_peek {
	struct source_peek seam;
	struct str against; /* absent: the script's own checkpoint */
	struct arena arena;
	bool asked;
	char place[error_place_bytes];
};

static int look(struct source_peek *p, const struct peek_request *request,
	struct envelope_sample *out, struct error *err)
{
	struct check_peek *c = container_of(p, struct check_peek, seam);
	struct str folder = c->against.data != NULL ? c->against : request->checkpoint;
	int kept = folder.data == NULL
		? 0
		: looked_columns_find(request, folder, &c->arena, out, err);
	if (kept != 0)
		return kept < 0 ? kept : 0;
	c->asked = true;
	snprintf(c->place, sizeof(c->place), STR_FMT, STR_ARG(request->place));
	return error_set(err, CDCL_E_SCRIPT, "check reads no messages");
}

/* The script is good as far as it could be checked; of the state nothing could be. */
static int tell_unknown(const struct check_options *o, const char *path,
	const struct check_peek *asked, struct strbuf *out)
{
	static struct manifest manifest;
	struct error err;
	error_init(&err);
	if (o->against != NULL && manifest_read_there(o->against, &manifest, &err) < 0)
		return cli_fail(&err);
	if (!o->quiet)
		strbuf_addf(out,
			"%s: OK up to %s; what follows depends on the messages (schema = "
			"\"auto\", or a merge without key), which check does not read: run and "
			"plan do, and check --input FILE\n",
			path, asked->place);
	return 0;
}

/* What would have to go; the table above it says why. */
static int tell_refused(const struct against *against, const char *folder, struct error *err)
{
	struct strbuf names;
	strbuf_init(&names);
	for (uint32_t i = 0; i < against->count; i++)
		if (against->verdicts[i].verdict == STATE_REFUSE)
			strbuf_addf(&names, " '" STR_FMT "'", STR_ARG(against->verdicts[i].name));
	error_set(err, CDCL_E_STATE, "a run would not go on from %s", folder);
	error_help(err,
		"change the script back (what was renamed: its old name); or let it go: "
		"cdcl state forget %s" STR_FMT,
		folder, STR_ARG(strbuf_str(&names)));
	strbuf_release(&names);
	return cli_fail(err);
}

/* The script's plan goes on from the checkpoint: 0, or 6. */
static int tell_against(
	struct plan *plan, const char *folder, struct strbuf *out, struct error *err)
{
	struct arena arena;
	struct against against;
	struct grid g;
	arena_init(&arena, 16 * 1024);
	int r = against_checkpoint(plan, folder, &arena, &against, err);
	if (r == 0) {
		grid_init(&g);
		grid_cell(&g, str_lit("state"));
		grid_cell(&g, str_lit("verdict"));
		grid_cell(&g, str_lit("reason"));
		grid_line(&g);
		for (uint32_t i = 0; i < against.count; i++) {
			grid_cell(&g, against.verdicts[i].name);
			grid_cell(&g, str_c(state_verdict_name(against.verdicts[i].verdict)));
			grid_cell(&g, against.verdicts[i].why);
			grid_line(&g);
		}
		grid_end(&g, out);
	}
	int exit_code = r < 0 ? cli_fail(err)
		: against.refused ? tell_refused(&against, folder, err)
				  : 0;
	arena_release(&arena);
	return exit_code;
}

/* Answers an exit code; appends the OK line and what LuaJIT cannot compile to `out`. */
static int check_one(const struct check_options *o, const char *path, struct strbuf *out)
{
	static struct script_settings settings;
	struct script_options options;
	struct error err;
	error_init(&err);
	if (script_arguments_apply(&o->script, path, &settings, &options, &err) < 0)
		return cli_fail(&err);
	struct check_peek asked = {.seam.look = look, .against = str_c(o->against)};
	arena_init(&asked.arena, 4096);
	struct peek *peek = peek_open(&clock_system, 0);
	options.peek = o->script.input != NULL ? peek_seam(peek) : &asked.seam;
	struct script *s = script_open(&options, &err);
	if (s == NULL) {
		peek_close(peek);
		arena_release(&asked.arena);
		return asked.asked ? tell_unknown(o, path, &asked, out) : cli_fail(&err);
	}
	struct plan *plan = script_plan(s);
	uint32_t sources = count_sources(plan);
	if (!o->quiet) {
		strbuf_addf(out, "%s: OK  job " STR_FMT ", %u source%s, %u operator%s, %u sink%s\n",
			path, STR_ARG(plan->job_name), sources, sources == 1 ? "" : "s",
			plan->node_count - sources, plan->node_count - sources == 1 ? "" : "s",
			plan->sink_count, plan->sink_count == 1 ? "" : "s");
		script_trace_report(s, out);
	}
	int exit_code = o->against == NULL
		? 0
		: tell_against(plan, o->against, out, &err);
	script_close(s);
	peek_close(peek); /* a trace report loads the script again */
	arena_release(&asked.arena);
	return exit_code;
}

static int run_check(const void *options, const struct arguments *arguments)
{
	if (arguments->count == 0)
		return cli_usage(&command_check, "which script?");
	const struct check_options *o = options;
	if (o->quiet)
		log_init(&clock_system, LOG_WARN, log_color());
	int worst = 0;
	for (uint32_t i = 0; i < arguments->count; i++) {
		struct strbuf out;
		strbuf_init(&out);
		int exit_code = check_one(o, arguments->items[i], &out);
		int printed = out.len == 0 ? 0 : cli_print(strbuf_str(&out));
		exit_code = exit_code == 0 ? printed : exit_code;
		strbuf_release(&out);
		worst = exit_code > worst ? exit_code : worst;
	}
	return worst;
}

const struct command command_check = {
	.name = "check",
	.summary = "Load, type-check and test-compile scripts without connecting to anything.",
	.usage = "cdcl check [OPTIONS] SCRIPT.lua...",
	.examples = "  cdcl check orders.lua\n"
		    "  cdcl check scripts/*.lua\n"
		    "  cdcl check --against state/orders orders.lua\n"
		    "  cdcl check --set region=eu orders.lua\n",
	.details = "Also says which Lua functions LuaJIT cannot compile and why; those run "
		   "interpreted. And which keep something in variables of the script, that no "
		   "checkpoint has and each of --workers has for itself.\n"
		   "--against looks at no target: what those hold, a run says at its start.\n",
	.options = check_specs,
	.option_count = sizeof(check_specs) / sizeof(check_specs[0]),
	.options_bytes = sizeof(struct check_options),
	.run = run_check,
};
