#ifndef CDCL_CLI_H
#define CDCL_CLI_H

/*
 * The command line. main.c holds the table of commands; each command is one file that exports one
 * `const struct command`: its words for help, its options as a table, and what to run. main parses
 * the arguments by that table (long options as `--name VALUE` or `--name=VALUE`, short flags as -q,
 * `--` ends the options; options and arguments may come in any order), answers --help, suggests
 * the nearest name for a wrong one, and hands over the filled struct and what is left.
 *
 *	static const struct option_spec options[] = {
 *		{'\0', "rate", "N", OPTION_INTEGER, offsetof(struct generate_options, rate),
 *			"messages a second"},
 *	};
 *
 * stdout is data, stderr everything else; run answers the process's exit code
 * (0 1 2 3 4 5 6 7 8 130).
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { option_list_max = 256, arguments_max = 256 };

enum option_kind {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* const char *: NULL when not given */
	OPTION_PORT, /* const char *: as text, "" without its value, which ends with a digit */
	OPTION_INTEGER, /* int64_t, not negative */
	OPTION_REAL, /* double, not negative */
	OPTION_LIST /* struct option_list: may be given again */
};

struct option_list {
	const char *items[option_list_max];
	uint32_t count;
};

struct option_spec {
	char letter; /* 0: none */
	const char *name; /* without its dashes; NULL: only the letter */
	const char *value; /* what the help calls its value; NULL for a flag */
	enum option_kind kind;
	size_t offset; /* of the field in the command's options struct */
	const char *help;
};

struct arguments {
	const char *items[arguments_max];
	uint32_t count;
};

struct command {
	const char *name;
	const char *summary; /* one line of `cdcl help` */
	const char *usage; /* "cdcl run [OPTIONS] SCRIPT.lua" */
	const char *examples; /* two to four lines, each indented by two blanks, "\n" at the end */
	const char *details; /* more to say below the options, or NULL */
	const struct option_spec *options;
	uint32_t option_count;
	size_t options_bytes; /* size of the options struct; zeroed before parsing */
	void (*defaults)(void *options); /* NULL: all zero */
	int (*run)(const void *options, const struct arguments *arguments);
};

extern const struct command command_run, command_check, command_plan, command_init,
	command_generate, command_broker, command_tail, command_sniff, command_dlq, command_state,
	command_version, command_help;

extern const struct command *const commands[];
extern const uint32_t command_count;

const struct command *command_find(struct str name);

/* 0; 1 when --help was asked for; negative with the error filled (unknown option: the nearest is
 * suggested). */
int options_parse(const struct command *c, int argc, char **argv, void *options,
	struct arguments *arguments, struct error *err);

/* The help of one command, examples first. */
void help_command(const struct command *c, struct strbuf *out);
/* All commands, a line each. */
void help_overview(struct strbuf *out);

/* What malloc is, when it is not the C library's: "gperftools 2.10"; else NULL. */
const char *cli_allocator(void);

/* Writes data to stdout. Answers an exit code: 0, also when its reader went away (`| head`), 8. */
int cli_print(struct str text);

/* True when whoever read our stdout has closed it. */
bool cli_stdout_closed(void);

/* Prints the error on stderr and answers its exit code. */
int cli_fail(const struct error *err);

/* A usage error for `c` in one call: prints it and how to get help; answers 2. */
int cli_usage(const struct command *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
