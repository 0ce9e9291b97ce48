#include "expr/function.h"

#include "base/check.h"
#include "expr/kernels.h"
#include "expr/resolve.h"

#define ANY TYPE_NULL
#define OWN FN_OWN_NULLS

/*
 * name, usage, result, doc; how it is typed; fewest and most arguments, flags; then what
 * `resolve` needs
 */
static const struct function functions[] = {
	/* ---- operators ---- */
	{"+", "a + b", "number", "sum; overflow is an error; date + days is a date", resolve_add, 2,
		2, FN_BINARY, .kernels = kernels_add},
	{"-", "a - b", "number", "difference; overflow is an error; date - days is a date",
		resolve_add, 2, 2, FN_BINARY, .kernels = kernels_subtract},
	{"*", "a * b", "number", "product; overflow is an error", resolve_multiply, 2, 2, FN_BINARY,
		.kernels = kernels_multiply},
	{"/", "a / b", "double or decimal",
		"quotient, of integers too a double; division by zero is an error", resolve_divide,
		2, 2, FN_BINARY, .kernels = kernels_divide},
	{"%", "a % b", "number", "remainder with the sign of a; division by zero is an error",
		resolve_remainder, 2, 2, FN_BINARY, .kernels = kernels_remainder},
	{"div", "a div b", "bigint", "whole quotient, towards zero", resolve_div, 2, 2, FN_BINARY,
		.kernels = kernels_div},
	{"negative", "-a", "number", "the other sign", resolve_sign, 1, 1,
		.kernels = kernels_negative},
	{"positive", "+a", "number", "the number itself", resolve_sign, 1, 1, .kernel = NULL},
	{"=", "a = b", "boolean", "equal (== is the same); NULL when one is NULL", resolve_compare,
		2, 2, FN_BINARY, .kernels = kernels_equal},
	{"<>", "a <> b", "boolean", "not equal (!= is the same)", resolve_compare, 2, 2,
		.kernels = kernels_not_equal},
	{"<", "a < b", "boolean", "less", resolve_compare, 2, 2, FN_BINARY,
		.kernels = kernels_less},
	{"<=", "a <= b", "boolean", "less or equal", resolve_compare, 2, 2, FN_BINARY,
		.kernels = kernels_less_equal},
	{">", "a > b", "boolean", "greater", resolve_compare, 2, 2, FN_BINARY,
		.kernels = kernels_greater},
	{">=", "a >= b", "boolean", "greater or equal", resolve_compare, 2, 2, FN_BINARY,
		.kernels = kernels_greater_equal},
	{"<=>", "a <=> b", "boolean", "equal, where NULL equals NULL; never NULL", resolve_compare,
		2, 2, FN_BINARY | OWN, .kernels = kernels_same},
	{"and", "a and b", "boolean", "false when one is false, else NULL when one is NULL",
		resolve_fixed, 2, 2, OWN, {TYPE_BOOLEAN, TYPE_BOOLEAN}, TYPE_BOOLEAN,
		.kernel = kernel_and},
	{"or", "a or b", "boolean", "true when one is true, else NULL when one is NULL",
		resolve_fixed, 2, 2, OWN, {TYPE_BOOLEAN, TYPE_BOOLEAN}, TYPE_BOOLEAN,
		.kernel = kernel_or},
	{"not", "not a", "boolean", "the other truth (! is the same)", resolve_fixed, 1, 1, 0,
		{TYPE_BOOLEAN}, TYPE_BOOLEAN, .kernel = kernel_not},
	{"isnull", "a is null", "boolean", "true when a is NULL; also isnull(a)", resolve_null_test,
		1, 1, OWN, .kernel = kernel_is_null},
	{"isnotnull", "a is not null", "boolean", "true when a has a value; also isnotnull(a)",
		resolve_null_test, 1, 1, OWN, .kernel = kernel_is_not_null},
	{"in", "a in (b, c)", "boolean", "equal to one of them; NULL when none is and one is NULL",
		resolve_in, 2, function_any_args, OWN, .kernel = kernel_in},
	{"between", "a between b and c", "boolean", "a >= b and a <= c", resolve_between, 3, 3,
		.kernel = NULL},
	{"like", "a like 'p%_' [escape 'c']", "boolean",
		"% is any text, _ one character, \\ takes their meaning away", resolve_like, 2, 3,
		.kernel = kernel_like},
	{"ilike", "a ilike 'p%_'", "boolean", "like, letter case ignored", resolve_like, 2, 3,
		.kernel = kernel_ilike},

	/* ---- choice ---- */
	{"case", "case when a then b else c end", "their common type",
		"the first whose condition is true, else NULL;"
		" also case x when a then b end",
		resolve_case, 2, function_any_args, OWN, .kernel = kernel_case},
	{"if", "if(a, b, c)", "their common type", "b when a is true, else c", resolve_if, 3, 3,
		OWN, .kernel = kernel_case},
	{"coalesce", "coalesce(a, b, ...)", "their common type", "the first that is not NULL",
		resolve_coalesce, 1, function_any_args, OWN, .kernel = kernel_coalesce},
	{"nvl", "nvl(a, b)", "their common type", "b when a is NULL", resolve_coalesce, 2, 2, OWN,
		.kernel = kernel_coalesce},
	{"ifnull", "ifnull(a, b)", "their common type", "b when a is NULL", resolve_coalesce, 2, 2,
		OWN, .kernel = kernel_coalesce},
	{"nvl2", "nvl2(a, b, c)", "their common type", "b when a is not NULL, else c", resolve_nvl2,
		3, 3, OWN, .kernel = kernel_case},
	{"nullif", "nullif(a, b)", "as a", "NULL when they are equal, else a", resolve_nullif, 2, 2,
		OWN, .kernel = kernel_case},
	{"greatest", "greatest(a, b, ...)", "their common type",
		"the greatest; NULLs are passed over", resolve_extreme, 2, function_any_args, OWN,
		.kernels = kernels_greatest},
	{"least", "least(a, b, ...)", "their common type", "the least; NULLs are passed over",
		resolve_extreme, 2, function_any_args, OWN, .kernels = kernels_least},

	/* ---- numbers ---- */
	{"abs", "abs(a)", "as a", "without its sign", resolve_sign, 1, 1, .kernels = kernels_abs},
	{"floor", "floor(a)", "bigint or decimal", "the greatest whole number not above it",
		resolve_floor, 1, 1, .kernels = kernels_floor, .print = "FLOOR"},
	{"ceil", "ceil(a)", "bigint or decimal", "the least whole number not below it",
		resolve_floor, 1, 1, .kernels = kernels_ceil, .print = "CEIL"},
	{"ceiling", "ceiling(a)", "bigint or decimal", "ceil", resolve_floor, 1, 1,
		.kernels = kernels_ceil},
	{"round", "round(a [, digits])", "as a",
		"half away from zero; negative digits are those before the point", resolve_round, 1,
		2, .kernels = kernels_round},
	{"pmod", "pmod(a, b)", "number", "the remainder that is not negative", resolve_remainder, 2,
		2, .kernels = kernels_pmod},

	/* ---- strings ---- */
	{"||", "a || b", "string", "concat", resolve_concat, 2, 2, 0, .kernel = kernel_concat,
		.print = "concat"},
	{"concat", "concat(a, b, ...)", "string", "one after the other; NULL when one is NULL",
		resolve_concat, 1, function_any_args, .kernel = kernel_concat},
	{"upper", "upper(s)", "string", "in capitals", resolve_fixed, 1, 1, 0, {TYPE_STRING},
		TYPE_STRING, .kernel = kernel_upper},
	{"ucase", "ucase(s)", "string", "upper", resolve_fixed, 1, 1, 0, {TYPE_STRING}, TYPE_STRING,
		.kernel = kernel_upper},
	{"lower", "lower(s)", "string", "in small letters", resolve_fixed, 1, 1, 0, {TYPE_STRING},
		TYPE_STRING, .kernel = kernel_lower},
	{"lcase", "lcase(s)", "string", "lower", resolve_fixed, 1, 1, 0, {TYPE_STRING}, TYPE_STRING,
		.kernel = kernel_lower},
	{"trim", "trim(s), trim([both] c from s)", "string",
		"without spaces (or the characters c) at both ends", resolve_trim, 1, 2, 0,
		{TYPE_STRING, TYPE_STRING}, TYPE_STRING, .kernel = kernel_trim},
	{"btrim", "btrim(s [, c])", "string", "trim", resolve_trim, 1, 2, 0,
		{TYPE_STRING, TYPE_STRING}, TYPE_STRING, .kernel = kernel_trim},
	{"ltrim", "ltrim([c,] s)", "string", "without spaces at the start", resolve_trim, 1, 2, 0,
		{TYPE_STRING, TYPE_STRING}, TYPE_STRING, .kernel = kernel_ltrim},
	{"rtrim", "rtrim([c,] s)", "string", "without spaces at the end", resolve_trim, 1, 2, 0,
		{TYPE_STRING, TYPE_STRING}, TYPE_STRING, .kernel = kernel_rtrim},
	{"length", "length(s)", "int", "characters (bytes of a binary)", resolve_length, 1, 1, 0,
		{TYPE_STRING}, TYPE_INT, .kernel = kernel_length},
	{"len", "len(s)", "int", "length", resolve_length, 1, 1, 0, {TYPE_STRING}, TYPE_INT,
		.kernel = kernel_length},
	{"char_length", "char_length(s)", "int", "length", resolve_length, 1, 1, 0, {TYPE_STRING},
		TYPE_INT, .kernel = kernel_length},
	{"character_length", "character_length(s)", "int", "length", resolve_length, 1, 1, 0,
		{TYPE_STRING}, TYPE_INT, .kernel = kernel_length},
	{"substring", "substring(s, from [, length])", "string",
		"from 1; negative counts from the end", resolve_substring, 2, 3,
		.kernel = kernel_substring},
	{"substr", "substr(s, from [, length])", "string", "substring", resolve_substring, 2, 3,
		.kernel = kernel_substring},

	/* ---- time ---- */
	{"current_timestamp", "current_timestamp()", "timestamp",
		"the time of the batch; the brackets may be left out", resolve_now, 0, 0,
		FN_CHANGES, .gives = TYPE_TIMESTAMP, .kernel = kernel_now},
	{"now", "now()", "timestamp", "current_timestamp", resolve_now, 0, 0, FN_CHANGES,
		.gives = TYPE_TIMESTAMP, .kernel = kernel_now},
	{"current_date", "current_date()", "date", "the day of the batch in the job's time zone",
		resolve_now, 0, 0, FN_CHANGES, .gives = TYPE_DATE, .kernel = kernel_today},

	/* ---- aggregates: expr/aggregate_plan.c ---- */
	{"count", "count(*), count(a, ...)", "bigint", "rows; rows where all of them have a value",
		NULL, 1, function_any_args, FN_AGGREGATE, .aggregate = AGG_COUNT},
	{"count_if", "count_if(a)", "bigint", "rows where a is true", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_COUNT},
	{"approx_count_distinct", "approx_count_distinct(a)", "bigint",
		"count(distinct a); exact here", NULL, 1, 1, FN_AGGREGATE, .aggregate = AGG_COUNT},
	{"sum", "sum(a)", "bigint, double or decimal", "sum; overflow stops the job", NULL, 1, 1,
		FN_AGGREGATE, .aggregate = AGG_SUM},
	{"try_sum", "try_sum(a)", "bigint, double or decimal", "sum; overflow gives NULL", NULL, 1,
		1, FN_AGGREGATE, .aggregate = AGG_TRY_SUM},
	{"avg", "avg(a)", "double or decimal", "mean", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_AVG},
	{"mean", "mean(a)", "double or decimal", "avg", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_AVG},
	{"min", "min(a)", "as a", "the least", NULL, 1, 1, FN_AGGREGATE, .aggregate = AGG_MIN},
	{"max", "max(a)", "as a", "the greatest", NULL, 1, 1, FN_AGGREGATE, .aggregate = AGG_MAX},
	{"first", "first(a [, ignore_nulls])", "as a", "of the first row", NULL, 1, 2, FN_AGGREGATE,
		.aggregate = AGG_FIRST},
	{"first_value", "first_value(a [, ignore_nulls])", "as a", "first", NULL, 1, 2,
		FN_AGGREGATE, .aggregate = AGG_FIRST},
	{"last", "last(a [, ignore_nulls])", "as a", "of the last row", NULL, 1, 2, FN_AGGREGATE,
		.aggregate = AGG_LAST},
	{"last_value", "last_value(a [, ignore_nulls])", "as a", "last", NULL, 1, 2, FN_AGGREGATE,
		.aggregate = AGG_LAST},
	{"any_value", "any_value(a [, ignore_nulls])", "as a", "of some row (the first)", NULL, 1,
		2, FN_AGGREGATE, .aggregate = AGG_ANY_VALUE},
	{"min_by", "min_by(a, b)", "as a", "a of the row with the least b", NULL, 2, 2,
		FN_AGGREGATE, .aggregate = AGG_MIN_BY},
	{"max_by", "max_by(a, b)", "as a", "a of the row with the greatest b", NULL, 2, 2,
		FN_AGGREGATE, .aggregate = AGG_MAX_BY},
	{"bool_and", "bool_and(a)", "boolean", "true when all are", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_BOOL_AND},
	{"every", "every(a)", "boolean", "bool_and", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_BOOL_AND},
	{"bool_or", "bool_or(a)", "boolean", "true when one is", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_BOOL_OR},
	{"some", "some(a)", "boolean", "bool_or", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_BOOL_OR},
	{"any", "any(a)", "boolean", "bool_or", NULL, 1, 1, FN_AGGREGATE, .aggregate = AGG_BOOL_OR},
	{"collect_list", "collect_list(a)", "array", "all values that are not NULL", NULL, 1, 1,
		FN_AGGREGATE, .aggregate = AGG_COLLECT_LIST},
	{"array_agg", "array_agg(a)", "array", "collect_list", NULL, 1, 1, FN_AGGREGATE,
		.aggregate = AGG_COLLECT_LIST, .print = "collect_list"},
	{"collect_set", "collect_set(a)", "array", "the different values that are not NULL", NULL,
		1, 1, FN_AGGREGATE, .aggregate = AGG_COLLECT_SET},
};

const struct function *function_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (str_eq_fold(name, str_c(functions[i].name)))
			return &functions[i];
	return NULL;
}

struct str function_nearest(struct str name)
{
	struct str names[ARRAY_LEN(functions)];
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		names[i] = str_c(functions[i].name);
	return str_nearest(name, names, ARRAY_LEN(names));
}

static void add_cell(const char *text, struct strbuf *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, *text);
	}
}

static void add_section(const char *title, bool aggregates, struct strbuf *out)
{
	strbuf_addf(out, "\n## %s\n\n| written | gives | what it is |\n|---|---|---|\n", title);
	for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
		const struct function *f = &functions[i];
		if (((f->flags & FN_AGGREGATE) != 0) != aggregates)
			continue;
		strbuf_add_c(out, "| `");
		add_cell(f->usage, out);
		strbuf_add_c(out, "` | ");
		add_cell(f->result, out);
		strbuf_add_c(out, " | ");
		add_cell(f->doc, out);
		strbuf_add_c(out, " |\n");
	}
}

void function_docs(struct strbuf *out)
{
	strbuf_add_c(out,
		"# SQL functions\n\nPrinted from the table in src/expr/function.c; a test keeps "
		"both equal."
		" Meaning and spelling are\nSpark 4's with ANSI on. `cast(a as type)`, `a::type` "
		"and `try_cast(a as type)`"
		" (NULL instead of an\nerror) work between all types.\n");
	add_section("Operators and functions", false, out);
	add_section("Aggregates", true, out);
}
