#include "cli/cli.h"

#include "data/value.h"

static const struct option_spec *find_name(const struct command *c, struct str name)
{
	for (uint32_t i = 0; i < c->option_count; i++)
		if (c->options[i].name != NULL && str_eq(str_c(c->options[i].name), name))
			return &c->options[i];
	return NULL;
}

static const struct option_spec *find_letter(const struct command *c, char letter)
{
	for (uint32_t i = 0; i < c->option_count; i++)
		if (c->options[i].letter != 0 && c->options[i].letter == letter)
			return &c->options[i];
	return NULL;
}

static int fail_unknown(const struct command *c, struct str name, struct error *err)
{
	struct str names[option_list_max];
	size_t count = 0;
	for (uint32_t i = 0; i < c->option_count && count < option_list_max - 1; i++)
		if (c->options[i].name != NULL)
			names[count++] = str_c(c->options[i].name);
	names[count++] = str_lit("help");
	int r = error_set(err, CDCL_E_USAGE, "unknown option '--" STR_FMT "'", STR_ARG(name));
	struct str nearest = str_nearest(name, names, count);
	if (nearest.data != NULL)
		error_help(err, "did you mean '--" STR_FMT "'? 'cdcl %s --help' lists them all",
			STR_ARG(nearest), c->name);
	else
		error_help(err, "'cdcl %s --help' lists them all", c->name);
	return r;
}

static int fail_value(
	const struct option_spec *o, const char *text, const char *wanted, struct error *err)
{
	if (o->name != NULL)
		return error_set(
			err, CDCL_E_USAGE, "--%s takes %s, not '%s'", o->name, wanted, text);
	return error_set(err, CDCL_E_USAGE, "-%c takes %s, not '%s'", o->letter, wanted, text);
}

static int fail_many(const struct option_spec *o, struct error *err)
{
	if (o->name != NULL)
		return error_set(err, CDCL_E_USAGE, "--%s is given more than %d times", o->name,
			option_list_max);
	return error_set(
		err, CDCL_E_USAGE, "-%c is given more than %d times", o->letter, option_list_max);
}

static int store(const struct option_spec *o, const char *text, void *options, struct error *err)
{
	void *field = (char *)options + o->offset;
	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
	case OPTION_PORT:
		*(const char **)field = text;
		return 0;
	case OPTION_INTEGER:
		if (!int64_parse(str_c(text), field) || *(int64_t *)field < 0)
			return fail_value(o, text, "a whole number, 0 or more", err);
		return 0;
	case OPTION_REAL:
		if (!double_parse(str_c(text), field) || !(*(double *)field >= 0))
			return fail_value(o, text, "a number, 0 or more", err);
		return 0;
	case OPTION_LIST: {
		struct option_list *list = field;
		if (list->count == option_list_max)
			return fail_many(o, err);
		list->items[list->count++] = text;
		return 0;
	}
	}
	return error_set(err, CDCL_E_INTERNAL, "option of an unknown kind");
}

/* What follows an option whose value may be left out: "8077", "[::1]:8077", and no script. */
static bool is_port(const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);
	return len > 0 && text[0] != '-' && text[len - 1] >= '0' && text[len - 1] <= '9';
}

/* argv[*at] is "--name" or "--name=value"; moves *at past a value that is an argument of its own.
 */
static int parse_long(
	const struct command *c, int argc, char **argv, int *at, void *options, struct error *err)
{
	struct str text = str_c(argv[*at] + 2);
	const char *equals = memchr(text.data, '=', text.len);
	struct str name = equals == NULL ? text : str_sub(text, 0, (size_t)(equals - text.data));
	if (str_eq(name, str_lit("help")))
		return 1;
	const struct option_spec *o = find_name(c, name);
	if (o == NULL)
		return fail_unknown(c, name, err);
	if (o->kind == OPTION_FLAG) {
		if (equals != NULL)
			return error_set(err, CDCL_E_USAGE, "--%s takes no value", o->name);
		return store(o, NULL, options, err);
	}
	if (equals != NULL)
		return store(o, equals + 1, options, err);
	if (o->kind == OPTION_PORT && (*at + 1 >= argc || !is_port(argv[*at + 1])))
		return store(o, "", options, err);
	if (*at + 1 >= argc)
		return error_set(err, CDCL_E_USAGE, "--%s needs a value: --%s %s", o->name, o->name,
			o->value);
	return store(o, argv[++*at], options, err);
}

/* argv[*at] is "-q", "-qv", "-Xname=value" or "-X" with its value next. */
static int parse_short(
	const struct command *c, int argc, char **argv, int *at, void *options, struct error *err)
{
	for (const char *letter = argv[*at] + 1; *letter != 0; letter++) {
		if (*letter == 'h')
			return 1;
		const struct option_spec *o = find_letter(c, *letter);
		if (o == NULL) {
			int r = error_set(err, CDCL_E_USAGE, "unknown option '-%c'", *letter);
			error_help(err, "'cdcl %s --help' lists them all", c->name);
			return r;
		}
		if (o->kind == OPTION_FLAG) {
			int r = store(o, NULL, options, err);
			if (r < 0)
				return r;
			continue;
		}
		if (letter[1] != 0)
			return store(o, letter + 1, options, err);
		if (*at + 1 >= argc)
			return error_set(err, CDCL_E_USAGE, "-%c needs a value: -%c %s", *letter,
				*letter, o->value);
		return store(o, argv[++*at], options, err);
	}
	return 0;
}

int options_parse(const struct command *c, int argc, char **argv, void *options,
	struct arguments *arguments, struct error *err)
{
	bool only_arguments = false;
	arguments->count = 0;
	for (int at = 0; at < argc; at++) {
		const char *text = argv[at];
		int r = 0;
		if (!only_arguments && strcmp(text, "--") == 0)
			only_arguments = true;
		else if (!only_arguments && text[0] == '-' && text[1] == '-')
			r = parse_long(c, argc, argv, &at, options, err);
		else if (!only_arguments && text[0] == '-' && text[1] != 0)
			r = parse_short(c, argc, argv, &at, options, err);
		else if (arguments->count == arguments_max)
			r = error_set(err, CDCL_E_USAGE, "more than %d arguments", arguments_max);
		else
			arguments->items[arguments->count++] = text;
		if (r != 0)
			return r;
	}
	return 0;
}
