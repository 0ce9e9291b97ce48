/* What group_by(...):agg(...) is taken apart into: keys, calls, outputs; and what is refused. */
#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "decode/ddl.h"
#include "expr/aggregate_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct schema *schema;
	struct error err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	error_init(&f->err);
	log_init(NULL, LOG_NONE, false);
	arena_init(&f->arena, 64 * 1024);
	struct str ddl = str_lit("id int, op string, quantity int, price decimal(10,2), x double, "
				 "f float, big bigint, "
				 "ok boolean, j json, at timestamp");
	assert_int_equal(ddl_parse(ddl, &f->arena, &f->schema, &f->err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	arena_release(&f->arena);
	free(f);
	return 0;
}

/* Keys and aggregates as in group_by(key):agg(text); key may be NULL. */
static struct aggregate_plan *group(struct fixture *f, const char *key, const char *text)
{
	struct expr_scope scope = {
		.schema = f->schema, .metadata = true, .place = str_lit("orders.lua:9")};
	struct str keys[1] = {str_c(key)};
	struct aggregate_source source = {.text = str_c(text)};
	struct aggregate_plan *plan;
	error_init(&f->err);
	if (aggregate_compile(
		    keys, key == NULL ? 0 : 1, &source, 1, &scope, &f->arena, &plan, &f->err)
		< 0)
		return NULL;
	return plan;
}

/* The output's schema, as DDL. */
static const char *schema_of(struct fixture *f, const char *key, const char *text)
{
	struct aggregate_plan *plan = group(f, key, text);
	if (plan == NULL)
		return f->err.text;
	struct strbuf s;
	strbuf_init(&s);
	for (uint32_t i = 0; i < plan->schema->column_count; i++) {
		strbuf_add_c(&s, i == 0 ? "" : ", ");
		strbuf_add(&s, plan->schema->columns[i].name);
		strbuf_add_c(&s, ": ");
		type_name(plan->schema->columns[i].type, &s);
	}
	struct str copy = str_dup(strbuf_str(&s), &f->arena);
	strbuf_release(&s);
	return copy.data;
}

static void test_tutorial(void **state)
{
	struct fixture *f = *state;
	struct aggregate_plan *plan =
		group(f, "op", "count(*) as event_count, sum(quantity) as total_quantity");
	assert_non_null(plan);
	assert_int_equal(plan->key_count, 1);
	assert_int_equal(expr_as_column(plan->keys[0]), 1);
	assert_int_equal(plan->call_count, 2);
	assert_int_equal(plan->calls[0].function, AGG_COUNT_STAR);
	assert_int_equal(plan->calls[0].argument_count, 0);
	assert_int_equal(plan->calls[1].function, AGG_SUM);
	assert_int_equal(plan->calls[1].type.id, TYPE_BIGINT);
	assert_int_equal(expr_as_column(plan->calls[1].arguments[0]), 2);
	assert_int_equal(plan->inner->column_count, 3);
	assert_int_equal(plan->output_count, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(expr_as_column(plan->outputs[i]), i);
	assert_string_equal(schema_of(f, "op", "count(*) as n, sum(quantity) as s"),
		"op: string, n: bigint, s: bigint");
}

static void test_types_and_names(void **state)
{
	static const char *const cases[][2] = {
		{"count(*), count(1), count(op), sum(quantity)",
			"count(1): bigint, count(1): bigint, count(op): bigint, sum(quantity): "
			"bigint"},
		{"avg(quantity), avg(price), sum(price), sum(x), sum(f)",
			"avg(quantity): double, avg(price): decimal(14,6), sum(price): "
			"decimal(20,2), sum(x): double,"
			" sum(f): double"},
		{"min(op), max(at), first(quantity), last(op), any_value(ok)",
			"min(op): string, max(at): timestamp, first(quantity): int, last(op): "
			"string, any_value(ok): boolean"},
		{"count(distinct op), sum(distinct quantity)",
			"count(DISTINCT op): bigint, sum(DISTINCT quantity): bigint"},
		{"count(distinct op, x, id)", "count(DISTINCT op, x, id): bigint"},
		{"count(distinct op, quantity)", "count(DISTINCT op, quantity): bigint"},
		{"count(*) filter (where quantity > 1)",
			"count(1) FILTER (WHERE (quantity > 1)): bigint"},
		{"max_by(op, quantity), min_by(id, op)",
			"max_by(op, quantity): string, min_by(id, op): int"},
		{"collect_list(op), collect_set(id)",
			"collect_list(op): array<string>, collect_set(id): array<int>"},
		{"bool_and(ok), every(ok), bool_or(ok), some(ok)",
			"bool_and(ok): boolean, every(ok): boolean, bool_or(ok): boolean, "
			"some(ok): boolean"},
		{"sum(quantity+1)", "sum((quantity + 1)): bigint"},
		{"try_sum(big)", "try_sum(big): bigint"},
		{"round(avg(quantity), 2) a", "a: double"},
		{"mean(x)", "mean(x): double"},
		{"sum(cast(quantity as string))", "sum(CAST(quantity AS STRING)): double"},
		{"sum(price) / count(*)", "(sum(price) / count(1)): decimal(38,20)"},
		{"first(op, true)", "first(op): string"},
		{"first(op) ignore nulls", "first(op): string"},
		{"last_value(op) ignore nulls", "last(op): string"},
		{"last_value(op, true)", "last_value(op): string"},
		{"any_value(op) ignore nulls", "any_value(op): string"},
		{"approx_count_distinct(op)", "approx_count_distinct(op): bigint"},
		{"count_distinct(op)", "count_distinct(op): bigint"},
		{"max(j)", "max(j): string"},
		{"count_if(quantity > 1)", "count_if((quantity > 1)): bigint"},
		{"1 as one", "one: int"},
		{"count(quantity, op)", "count(quantity, op): bigint"},
		{"max(@offset)", "max(@offset): bigint"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(schema_of(f, NULL, cases[i][0]), cases[i][1]);
}

/* Equal calls are computed once, also when they are written in another letter case. */
static void test_shared_calls(void **state)
{
	struct fixture *f = *state;
	struct aggregate_plan *plan = group(f, "op",
		"sum(quantity) as s, SUM(Quantity) + 1, sum(quantity) filter (where ok), "
		"sum(distinct quantity), count(*)");
	assert_non_null(plan);
	assert_int_equal(plan->call_count, 4);
	assert_int_equal(plan->output_count, 6);
	assert_non_null(plan->calls[1].filter);
	assert_true(plan->calls[2].distinct);
	plan = group(f, NULL, "min(distinct x), max(distinct x)");
	assert_false(plan->calls[0].distinct);
}

static void test_keys(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(schema_of(f, "quantity % 2", "count(*) n, quantity % 2 + 1 as k"),
		"(quantity % 2): int, n: bigint, k: int");
	assert_string_equal(
		schema_of(f, "upper(op) as o, quantity > 1 as big", "count(*) as n, lower(o)"),
		"o: string, big: boolean, n: bigint, lower(o): string");
	assert_string_equal(
		schema_of(f, "op, id", "upper(op) u"), "op: string, id: int, u: string");
	struct aggregate_plan *plan = group(f, "quantity % 2", "sum(quantity % 2)");
	assert_int_equal(plan->calls[0].argument_count, 1);
	assert_int_equal(expr_as_column(plan->calls[0].arguments[0]), -1);
}

static void test_arguments(void **state)
{
	struct fixture *f = *state;
	struct aggregate_plan *plan =
		group(f, NULL, "first(op, true), last(op, false), max_by(op, x), avg(quantity)");
	assert_true(plan->calls[0].ignore_nulls);
	assert_false(plan->calls[1].ignore_nulls);
	assert_int_equal(plan->calls[2].argument_count, 2);
	assert_int_equal(expr_type(plan->calls[3].arguments[0]).id, TYPE_DOUBLE);
	plan = group(f, NULL, "count(null), count(7)");
	assert_int_equal(plan->calls[0].function, AGG_COUNT);
	assert_int_equal(plan->calls[1].function, AGG_COUNT_STAR);
}

struct bad_case {
	const char *key;
	const char *text;
	const char *want;
	int caret;
	const char *help;
};

static void test_errors(void **state)
{
	static const struct bad_case cases[] = {
		{"opp", "count(*)", "[UNRESOLVED_COLUMN] there is no column \"opp\"", 0,
			"did you mean \"op\"?"},
		{"op", "quantity + 1",
			"[MISSING_AGGREGATION] \"quantity\" is neither a group key nor inside", 0,
			"add it to"},
		{"op", "sum(quantity) + x", "[MISSING_AGGREGATION] \"x\"", 16,
			"add it to group_by"},
		{"op", "sum(count(*))", "the aggregate function count cannot be used here", 4,
			"aggregates belong"},
		{"op", "count(*) filter (where max(x) > 1)", "the aggregate function max", 23,
			"aggregates belong"},
		{"sum(x)", "count(*)", "the aggregate function sum", 0, "aggregates belong"},
		{"op", "sum(op, x)", "[WRONG_NUM_ARGS] sum has 2 arguments", 0, "it is sum(a)"},
		{"op", "sum(ok)", "[DATATYPE_MISMATCH] \"sum(ok)\" wants numbers, not boolean", 0,
			""},
		{"op", "sume(x)", "[UNRESOLVED_ROUTINE] there is no function \"sume\"", 0,
			"did you mean \"sum\"?"},
		{"op", "sum(*)", "* stands alone", 4, ""},
		{"op", "*", "* stands alone", 0, ""},
		{"op", "count(*) filter (where x)", "the condition of filter", 23, ""},
		{"op", "first(op, x)", "the second argument says", 10, ""},
		{"op", "count(", "[PARSE_SYNTAX_ERROR]", 6, ""},
		{"op", "bool_and(at)",
			"[DATATYPE_MISMATCH] \"bool_and(at)\" wants boolean, not timestamp", 0, ""},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct bad_case *c = &cases[i];
		if (group(f, c->key, c->text) != NULL
			|| strncmp(f->err.text, c->want, strlen(c->want)) != 0
			|| f->err.caret_start != c->caret
			|| strncmp(f->err.help, c->help, strlen(c->help)) != 0)
			fail_msg("%s: %s, caret %d, help %s", c->text, f->err.text,
				f->err.caret_start, f->err.help);
		assert_string_equal(f->err.place, "orders.lua:9");
	}
}

static void test_bound(void **state)
{
	struct fixture *f = *state;
	struct strbuf s;
	strbuf_init(&s);
	for (int i = 0; i < 300; i++)
		strbuf_addf(&s, "%ssum(quantity + %d)", i == 0 ? "" : ", ", i);
	strbuf_add_byte(&s, '\0');
	assert_null(group(f, "op", s.data));
	assert_non_null(strstr(f->err.text, "too many expressions"));
	strbuf_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tutorial, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_types_and_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shared_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arguments, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("aggregate_plan", tests, NULL, NULL);
}
