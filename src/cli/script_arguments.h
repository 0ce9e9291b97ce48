#ifndef CDCL_SCRIPT_ARGUMENTS_H
#define CDCL_SCRIPT_ARGUMENTS_H

/*
 * What run, check and plan share: the options that change how a script is loaded, as fields, as
 * rows of an option table, and turned into script_options.
 */

#include "cli/cli.h"
#include "script/script.h"

struct script_arguments {
	const char *brokers;
	const char *from;
	const char *input;
	const char *trigger;
	const char *allow;
	int64_t workers;
	bool no_jit;
	struct option_list sets; /* NAME=VALUE */
	struct option_list kafka; /* -X */
};

#define SCRIPT_OPTIONS(options, field) \
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(options, field.brokers), \
		"Kafka's brokers; else CDCL_BROKERS, the script, localhost:9092"}, \
	{0, "from", "OFFSETS", OPTION_TEXT, offsetof(options, field.from), \
		"where to begin: earliest, latest, a timestamp, {\"topic\":{\"0\":23}}"}, \
	{0, "input", "FILE|-", OPTION_TEXT, offsetof(options, field.input), \
		"read this file or standard input in place of every source"}, \
	{0, "trigger", "WHEN", OPTION_TEXT, offsetof(options, field.trigger), \
		"in place of the script's: \"10 seconds\", default, once, available_now"}, \
	{0, "set", "NAME=VALUE", OPTION_LIST, offsetof(options, field.sets), \
		"a value for the script, cdcl.var.NAME"}, \
	{'X', NULL, "kafka.KEY=VALUE", OPTION_LIST, offsetof(options, field.kafka), \
		"a setting of librdkafka, with or without \"kafka.\""}, \
	{0, "allow", "io,os", OPTION_TEXT, offsetof(options, field.allow), \
		"let the script use io, os.execute and friends"}, \
	{0, "workers", "N", OPTION_INTEGER, offsetof(options, field.workers), \
		"processes for decoding and the steps of single rows; else CDCL_WORKERS, 1"}, \
	{0, "no-jit", NULL, OPTION_FLAG, offsetof(options, field.no_jit), \
		"interpret Lua: slower, but an endless loop is named by its line"}

struct script_settings {
	struct setting variables[option_list_max];
	struct setting kafka[option_list_max];
};

/* The one script that the command line names, or NULL with the error filled. */
const char *script_argument(
	const struct command *c, const struct arguments *arguments, struct error *err);

/* CDCL_WORKERS, where --workers says nothing. */
int script_arguments_workers(struct script_options *out, struct error *err);

/* `settings` is what the options point to; it lives as long as they do. */
int script_arguments_apply(const struct script_arguments *a, const char *path,
	struct script_settings *settings, struct script_options *out, struct error *err);

#endif
