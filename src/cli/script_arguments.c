#include "cli/script_arguments.h"

#include "base/clock.h"
#include "plan/plan_workers.h"
#include "source/kafka_brokers.h"

#include <stdlib.h>

const char *script_argument(
	const struct command *c, const struct arguments *arguments, struct error *err)
{
	if (arguments->count == 1)
		return arguments->items[0];
	if (arguments->count == 0)
		error_set(err, CDCL_E_USAGE, "which script?");
	else
		error_set(err, CDCL_E_USAGE, "one script at a time, not also '%s'",
			arguments->items[1]);
	error_help(err, "%s; 'cdcl %s --help' has examples", c->usage, c->name);
	return NULL;
}

static int split(const char *text, const char *option, struct setting *out, struct error *err)
{
	struct str s = str_c(text);
	const char *equals = memchr(s.data, '=', s.len);
	if (equals == NULL || equals == s.data)
		return error_set(err, CDCL_E_USAGE, "%s takes NAME=VALUE, not '%s'", option, text);
	size_t len = (size_t)(equals - s.data);
	*out = (struct setting){str_sub(s, 0, len), str_sub(s, len + 1, s.len), str_c(option)};
	return 0;
}

static int apply_allow(const char *text, struct script_options *out, struct error *err)
{
	struct str rest = str_c(text);
	while (rest.len > 0) {
		const char *comma = memchr(rest.data, ',', rest.len);
		size_t len = comma == NULL ? rest.len : (size_t)(comma - rest.data);
		struct str word = str_trim(str_sub(rest, 0, len));
		rest = str_sub(rest, comma == NULL ? len : len + 1, rest.len);
		if (str_eq(word, str_lit("io")))
			out->allow_io = true;
		else if (str_eq(word, str_lit("os")))
			out->allow_os = true;
		else
			return error_set(err, CDCL_E_USAGE,
				"--allow takes io, os or io,os, not '" STR_FMT "'", STR_ARG(word));
	}
	return 0;
}

static struct str without_prefix(struct str name)
{
	struct str prefix = str_lit("kafka.");
	return str_starts(name, prefix) ? str_sub(name, prefix.len, name.len) : name;
}

static int set_workers(
	const char *name, int64_t count, struct script_options *out, struct error *err)
{
	if (count < 0 || count > workers_max)
		return error_set(err, CDCL_E_USAGE, "%s takes 1 to %d, not %lld", name, workers_max,
			(long long)count);
	out->workers = (uint32_t)count;
	return 0;
}

/* Where they do not come from the script, an error must not point into it. */
static int check_brokers(const char *option, struct error *err)
{
	const char *from = option != NULL ? "--brokers" : "CDCL_BROKERS";
	const char *brokers = option != NULL ? option : getenv(from);
	if (option == NULL && (brokers == NULL || brokers[0] == '\0'))
		return 0;
	int r = kafka_brokers_check(str_c(brokers), err);
	return r == 0 ? 0 : error_prefix(err, "%s: ", from);
}

int script_arguments_workers(struct script_options *out, struct error *err)
{
	const char *text = getenv("CDCL_WORKERS");
	char *end;
	if (out->workers > 0 || text == NULL || text[0] == '\0')
		return 0;
	long long count = strtoll(text, &end, 10);
	return set_workers("CDCL_WORKERS", *end == '\0' ? count : -1, out, err);
}

int script_arguments_apply(const struct script_arguments *a, const char *path,
	struct script_settings *settings, struct script_options *out, struct error *err)
{
	*out = (struct script_options){
		.path = path,
		.jit = !a->no_jit,
		.clock = &clock_system,
		.brokers = str_c(a->brokers),
		.input = str_c(a->input),
		.from = str_c(a->from),
		.trigger = str_c(a->trigger),
		.variables = settings->variables,
		.variable_count = a->sets.count,
		.kafka_settings = settings->kafka,
		.kafka_setting_count = a->kafka.count,
	};
	if (check_brokers(a->brokers, err) < 0 ||
		set_workers("--workers", a->workers, out, err) < 0)
		return -(int)err->code;
	if (strcmp(path, "-") == 0 && a->input != NULL && strcmp(a->input, "-") == 0)
		return error_set(err, CDCL_E_USAGE,
			"the script and --input cannot both come from standard input");
	int r = a->allow == NULL ? 0 : apply_allow(a->allow, out, err);
	for (uint32_t i = 0; r == 0 && i < a->sets.count; i++)
		r = split(a->sets.items[i], "--set", &settings->variables[i], err);
	for (uint32_t i = 0; r == 0 && i < a->kafka.count; i++) {
		r = split(a->kafka.items[i], "-X", &settings->kafka[i], err);
		settings->kafka[i].name = without_prefix(settings->kafka[i].name);
	}
	return r;
}
