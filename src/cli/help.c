#include "cli/cli.h"

static void option_words(const struct option_spec *o, struct strbuf *out)
{
	if (o->letter != 0)
		strbuf_addf(out, "-%c%s", o->letter, o->name != NULL ? ", " : "");
	else
		strbuf_add_c(out, "    ");
	if (o->name != NULL)
		strbuf_addf(out, "--%s", o->name);
	if (o->value != NULL)
		strbuf_addf(out, " %s", o->value);
}

static void option_line(const struct option_spec *o, struct strbuf *out)
{
	enum { help_column = 30 };
	size_t start = out->len;
	strbuf_add_c(out, "  ");
	option_words(o, out);
	if (out->len - start + 2 > help_column) {
		strbuf_add_byte(out, '\n');
		start = out->len;
	}
	while (out->len - start < help_column)
		strbuf_add_byte(out, ' ');
	strbuf_addf(out, "%s\n", o->help);
}

void help_command(const struct command *c, struct strbuf *out)
{
	static const struct option_spec help_option = {
		'h', "help", NULL, OPTION_FLAG, 0, "this text"};
	strbuf_addf(out, "Examples:\n%s\nUsage: %s\n\n%s\n\nOptions:\n", c->examples, c->usage,
		c->summary);
	for (uint32_t i = 0; i < c->option_count; i++)
		option_line(&c->options[i], out);
	option_line(&help_option, out);
	if (c->details != NULL)
		strbuf_addf(out, "\n%s", c->details);
}

void help_overview(struct strbuf *out)
{
	strbuf_add_c(out,
		"Examples:\n"
		"  cdcl run orders.lua                        run a job until it is stopped\n"
		"  cdcl run --demo orders.lua                 with simulated changes, no Kafka "
		"needed\n"
		"  cdcl run --input orders.jsonl orders.lua   over a file instead of Kafka\n"
		"  cdcl check orders.lua                      find mistakes without connecting\n"
		"\nUsage: cdcl COMMAND [OPTIONS] ...      (cdcl orders.lua is cdcl run "
		"orders.lua)\n\n"
		"cdcl processes change data capture events as a Lua script says.\n\nCommands:\n");
	for (uint32_t i = 0; i < command_count; i++)
		strbuf_addf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	strbuf_add_c(out,
		"\n'cdcl COMMAND --help' begins with examples of it.\n\n"
		"Exit codes: 0 done or drained, 1 job failed, 2 usage, 3 script invalid, 4 broker "
		"or sink\n"
		"unreachable, 5 data policy (error budget, data loss), 6 state, 7 locked, 8 disk, "
		"130 second signal.\n");
}

static int run_help(const void *options, const struct arguments *arguments)
{
	(void)options;
	struct strbuf out;
	strbuf_init(&out);
	int exit_code = 0;
	if (arguments->count == 0) {
		help_overview(&out);
		exit_code = cli_print(strbuf_str(&out));
	} else {
		const struct command *c = command_find(str_c(arguments->items[0]));
		if (c == NULL) {
			exit_code = cli_usage(
				&command_help, "there is no command '%s'", arguments->items[0]);
		} else {
			help_command(c, &out);
			exit_code = cli_print(strbuf_str(&out));
		}
	}
	strbuf_release(&out);
	return exit_code;
}

const struct command command_help = {
	.name = "help",
	.summary = "Say what a command does.",
	.usage = "cdcl help [COMMAND]",
	.examples = "  cdcl help\n  cdcl help run\n",
	.run = run_help,
};
