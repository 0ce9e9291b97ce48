#include "cli/script_arguments.h"

#include "base/clock.h"
#include "runtime/peek.h"

enum { plan_peek_ms = 10 * 1000 };

struct plan_options {
	struct script_arguments script;
	bool json;
};

static const struct option_spec plan_specs[] = {
	SCRIPT_OPTIONS(struct plan_options, script),
	{0, "json", NULL, OPTION_FLAG, offsetof(struct plan_options, json), "as JSON"},
};

static int run_plan(const void *options, const struct arguments *arguments)
{
	const struct plan_options *o = options;
	static struct script_settings settings;
	struct script_options script_options;
	struct error err;
	error_init(&err);
	const char *path = script_argument(&command_plan, arguments, &err);
	if (path == NULL ||
		script_arguments_apply(&o->script, path, &settings, &script_options, &err) < 0)
		return cli_fail(&err);
	struct peek *peek = peek_open(&clock_system, plan_peek_ms);
	script_options.peek = peek_seam(peek);
	struct script *s = script_open(&script_options, &err);
	if (s == NULL) {
		peek_close(peek);
		return cli_fail(&err);
	}
	struct strbuf out;
	strbuf_init(&out);
	if (o->json)
		plan_json(script_plan(s), &out);
	else
		plan_text(script_plan(s), &out);
	if (out.len > 0 && out.data[out.len - 1] != '\n')
		strbuf_add_byte(&out, '\n');
	int exit_code = cli_print(strbuf_str(&out));
	strbuf_release(&out);
	script_close(s);
	peek_close(peek);
	return exit_code;
}

const struct command command_plan = {
	.name = "plan",
	.summary = "Print the operators that a script declares, with their types; nothing is "
		   "connected.",
	.usage = "cdcl plan [OPTIONS] SCRIPT.lua",
	.examples = "  cdcl plan orders.lua\n"
		    "  cdcl plan --json orders.lua | python3 -m json.tool\n",
	.details = "The first messages are looked at for schema = \"auto\" and for a merge "
		   "without key.\n",
	.options = plan_specs,
	.option_count = sizeof(plan_specs) / sizeof(plan_specs[0]),
	.options_bytes = sizeof(struct plan_options),
	.run = run_plan,
};
