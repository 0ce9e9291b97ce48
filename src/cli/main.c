#include "cli/cli.h"
#include "cli/early_memset.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct command *const commands[] = {
	&command_run,
	&command_check,
	&command_plan,
	&command_init,
	&command_generate,
	&command_broker,
	&command_tail,
	&command_sniff,
	&command_dlq,
	&command_state,
	&command_version,
	&command_help,
};
const uint32_t command_count = sizeof(commands) / sizeof(commands[0]);

enum { options_bytes_max = 64 * 1024 };

const struct command *command_find(struct str name)
{
	for (uint32_t i = 0; i < command_count; i++)
		if (str_eq(str_c(commands[i]->name), name))
			return commands[i];
	return NULL;
}

bool cli_stdout_closed(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = 0};
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL)) != 0;
}

int cli_print(struct str text)
{
	struct error err;
	error_init(&err);
	struct strbuf hidden;
	strbuf_init(&hidden);
	int r = file_write_stdout(secret_hidden(text, &hidden), &err);
	strbuf_release(&hidden);
	return r == 0 || err.code == CDCL_E_CLOSED ? 0 : cli_fail(&err);
}

int cli_fail(const struct error *err)
{
	log_print_error(err);
	return error_exit_code(err->code);
}

int cli_usage(const struct command *c, const char *format, ...)
{
	struct error err;
	error_init(&err);
	char text[error_text_bytes];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(&err, CDCL_E_USAGE, "%s", text);
	error_help(&err, "%s; 'cdcl %s --help' has examples", c->usage, c->name);
	return cli_fail(&err);
}

static bool want_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	if (no_color != NULL && no_color[0] != 0)
		return false;
	return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	struct error err;
	error_init(&err);
	static _Alignas(max_align_t) char options[options_bytes_max];
	static struct arguments arguments;
	if (c->options_bytes > sizeof(options)) {
		error_set(&err, CDCL_E_INTERNAL, "the options of '%s' do not fit", c->name);
		return cli_fail(&err);
	}
	memset(options, 0, c->options_bytes);
	if (c->defaults != NULL)
		c->defaults(options);
	int r = options_parse(c, argc, argv, options, &arguments, &err);
	if (r < 0)
		return cli_fail(&err);
	if (r == 0)
		return c->run(options, &arguments);
	struct strbuf out;
	strbuf_init(&out);
	help_command(c, &out);
	int exit_code = cli_print(strbuf_str(&out));
	strbuf_release(&out);
	return exit_code;
}

static bool looks_like_script(const char *word)
{
	size_t len = strlen(word);
	return strcmp(word, "-") == 0 || strchr(word, '/') != NULL ||
		(len > 4 && strcmp(word + len - 4, ".lua") == 0);
}

static int fail_unknown(const char *word)
{
	struct error err;
	error_init(&err);
	struct str names[64];
	size_t count = 0;
	for (uint32_t i = 0; i < command_count; i++)
		names[count++] = str_c(commands[i]->name);
	error_set(
		&err, CDCL_E_USAGE, "unknown %s '%s'", word[0] == '-' ? "option" : "command", word);
	struct str nearest = str_nearest(str_c(word), names, count);
	if (nearest.data != NULL)
		error_help(&err, "did you mean 'cdcl " STR_FMT "'?", STR_ARG(nearest));
	else
		error_help(&err, "'cdcl help' lists the commands");
	return cli_fail(&err);
}

static int print_overview(int (*print)(struct str))
{
	struct strbuf out;
	strbuf_init(&out);
	help_overview(&out);
	int exit_code = print(strbuf_str(&out));
	strbuf_release(&out);
	return exit_code;
}

static int print_to_stderr(struct str text)
{
	struct error err;
	error_init(&err);
	file_write_all(STDERR_FILENO, text, "standard error", &err);
	return error_exit_code(CDCL_E_USAGE);
}

/*
 * A caller may have closed one of the three; the next file opened would take its number, and
 * results would be written into it. Opened for reading only, stdout stays one that cannot be
 * written.
 */
static void keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			file_open_read("/dev/null", NULL);
}

int main(int argc, char **argv)
{
	early_memset_end();
	keep_standard_files();
	/* A closed stdout or socket is an error of that write, and so is a file at its limit. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_init(&clock_system, LOG_INFO, want_color());
	if (argc < 2)
		return print_overview(print_to_stderr);
	const char *word = argv[1];
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return print_overview(cli_print);
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return run_command(&command_version, 0, NULL);
	const struct command *c = command_find(str_c(word));
	if (c != NULL)
		return run_command(c, argc - 2, argv + 2);
	/* Options may stand before the script: cdcl --available-now orders.lua */
	int last = word[0] == '-' ? argc - 1 : 1;
	for (int i = 1; i <= last; i++)
		if (looks_like_script(argv[i]))
			return run_command(&command_run, argc - 1, argv + 1);
	return fail_unknown(word);
}
