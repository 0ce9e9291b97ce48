/* Building a plan: every mistake is told at its call; output modes keep the contract. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounds.h"
#include "decode/json_path.h"
#include "expr/row_function.h"
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>

static struct plan *plan;
static struct error err;
static const struct str place = {"job.lua:7", 9};

static int set_up(void **state)
{
	(void)state;
	plan = plan_open();
	error_init(&err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	plan_close(plan);
	return 0;
}

static struct plan_node *source(const char *ddl)
{
	struct source_config config = {.kind = SOURCE_STDIN};
	struct json_config json = {.mode = JSON_PERMISSIVE};
	return plan_source(plan, &config, str_c(ddl), &json, place, &err);
}

static struct plan_node *orders(void)
{
	struct plan_node *n =
		source("order_id int, product string, quantity int, price double, op string");
	assert_non_null(n);
	return n;
}

static struct plan_node *grouped(struct plan_node *in)
{
	struct str key = str_lit("op");
	struct aggregate_source a = {.text = str_lit("count(*) as n")};
	struct plan_node *n = plan_group(plan, in, &key, 1, &a, 1, place, &err);
	assert_non_null(n);
	return n;
}

static struct plan_node *select_one(struct plan_node *in, const char *text)
{
	struct str t = str_c(text);
	return plan_select(plan, in, &t, 1, place, &err);
}

static struct plan_node *order(struct plan_node *in, const char *text)
{
	struct str t = str_c(text);
	return plan_order_by(plan, in, &t, 1, place, &err);
}

static void assert_schema(const struct plan_node *n, const char *want)
{
	assert_non_null(n);
	struct strbuf text;
	strbuf_init(&text);
	schema_text(n->schema, &text);
	strbuf_add_byte(&text, '\0');
	assert_string_equal(text.data, want);
	strbuf_release(&text);
}

/* The call failed, at its place, with these words (in text or help). */
static void assert_refused(const struct plan_node *n, const char *words)
{
	assert_null(n);
	if (strstr(err.text, words) == NULL && strstr(err.help, words) == NULL)
		fail_msg("\"%s\" is neither in \"%s\" nor in \"%s\"", words, err.text, err.help);
	assert_string_equal(err.place, "job.lua:7");
	assert_int_equal(error_exit_code(err.code), 3);
	error_init(&err);
}

static void test_source(void **state)
{
	(void)state;
	assert_schema(source(NULL),
		"key binary, value binary, topic string, partition int, offset bigint, "
		"timestamp timestamp, timestampType int");
	struct plan_node *n = source("id int, _corrupt_record string");
	assert_non_null(n);
	assert_int_equal(n->json.corrupt_column, 1);
	assert_refused(source("id int, _corrupt_record int"), "must be a string");
	assert_refused(source("id int, ID string"), "only in case");
	assert_refused(source("id intt"), "intt");
}

static void test_source_columns_bound(void **state)
{
	(void)state;
	struct strbuf ddl;
	strbuf_init(&ddl);
	for (int i = 0; i < 10000; i++) {
		strbuf_addf(&ddl, "%sc%d int", i > 0 ? ", " : "", i);
		if (i == schema_columns_max - 1) {
			strbuf_add_byte(&ddl, '\0');
			assert_non_null(source(ddl.data));
			ddl.len--;
		}
	}
	strbuf_add_byte(&ddl, '\0');
	assert_refused(source(ddl.data), "4096");
	strbuf_release(&ddl);
}

static void test_filter(void **state)
{
	(void)state;
	struct plan_node *in = orders();
	assert_schema(plan_filter(plan, in, str_lit("quantity > 0 and op <> 'x'"), place, &err),
		"order_id int, product string, quantity int, price double, op string");
	assert_refused(plan_filter(plan, in, str_lit("quantity + 1"), place, &err), "boolean");
	assert_refused(plan_filter(plan, in, str_lit("quantty > 1"), place, &err), "quantity");
	assert_non_null(plan_filter(plan, in, str_lit("null"), place, &err));
}

static void test_select(void **state)
{
	(void)state;
	struct plan_node *in = orders();
	assert_schema(
		select_one(in, "op, quantity * 2 as twice, op"), "op string, twice int, op string");
	assert_schema(select_one(in, "*"),
		"order_id int, product string, quantity int, price double, op string");
	assert_schema(select_one(in, "OP"), "OP string");
	assert_refused(select_one(select_one(in, "op, op"), "op"), "op");
	assert_refused(select_one(in, "nothing"), "nothing");
}

static void test_with(void **state)
{
	(void)state;
	struct plan_node *in = orders();
	struct str texts[] = {str_lit("price * quantity as total"), str_lit("upper(op) as OP")};
	assert_schema(plan_with(plan, in, texts, 2, place, &err),
		"order_id int, product string, quantity int, price double, OP string, total "
		"double");
	struct row_function f = {.place = place};
	struct plan_node *n =
		plan_with_function(plan, in, str_lit("total double"), &f, place, &err);
	assert_schema(n,
		"order_id int, product string, quantity int, price double, op string, "
		"total double");
	assert_int_equal(n->map_keeps, 5);
	n = plan_with_function(plan, in, str_lit("Product bigint, total double"), &f, place, &err);
	assert_schema(n,
		"order_id int, Product bigint, quantity int, price double, op string, "
		"total double");
	assert_refused(plan_with_function(plan, in, str_lit("a int, A int"), &f, place, &err),
		"only in case");
}

static void test_drop_and_rename(void **state)
{
	(void)state;
	struct plan_node *in = orders();
	assert_schema(plan_drop_columns(plan, in, str_lit("price, `op` ,Product"), place, &err),
		"order_id int, quantity int");
	assert_refused(
		plan_drop_columns(plan, in, str_lit("price, pruduct"), place, &err), "product");
	assert_int_equal(err.caret_start, -1);
	assert_schema(plan_rename(plan, in, str_lit("op"), str_lit("kind"), place, &err),
		"order_id int, product string, quantity int, price double, kind string");
	assert_schema(plan_rename(plan, in, str_lit("op"), str_lit("OP"), place, &err),
		"order_id int, product string, quantity int, price double, OP string");
	assert_refused(
		plan_rename(plan, in, str_lit("op"), str_lit("PRICE"), place, &err), "already");
	assert_refused(plan_rename(plan, in, str_lit("oq"), str_lit("x"), place, &err), "op");
}

static void test_caret(void **state)
{
	(void)state;
	struct plan_node *in = orders();
	assert_null(plan_drop_columns(plan, in, str_lit("price, pruduct"), place, &err));
	assert_string_equal(err.source_line, "price, pruduct");
	assert_int_equal(err.caret_start, 7);
	assert_int_equal(err.caret_len, 7);
}

static void test_union(void **state)
{
	(void)state;
	struct plan_node *both[] = {source("a int, b string"), source("x int, y string")};
	assert_schema(plan_union(plan, both, 2, place, &err), "a int, b string");
	struct plan_node *types[] = {both[0], source("x int, y double")};
	assert_refused(plan_union(plan, types, 2, place, &err), "double");
	struct plan_node *counts[] = {both[0], source("x int")};
	assert_refused(plan_union(plan, counts, 2, place, &err), "1 columns");
	struct plan_node *tables[] = {grouped(orders()), grouped(orders())};
	assert_refused(plan_union(plan, tables, 2, place, &err), "Table");
}

static void test_order(void **state)
{
	(void)state;
	struct plan_node *t = grouped(orders());
	struct plan_node *n =
		order(t, "n desc, op asc nulls last, concat(op, ', desc'), n + 1 desc nulls first");
	assert_non_null(n);
	assert_int_equal(n->sort_key_count, 4);
	assert_true(n->sort_keys[0].descending && n->sort_keys[0].nulls_last);
	assert_true(!n->sort_keys[1].descending && n->sort_keys[1].nulls_last);
	assert_true(!n->sort_keys[2].descending && !n->sort_keys[2].nulls_last);
	assert_true(n->sort_keys[3].descending && !n->sort_keys[3].nulls_last);
	assert_refused(order(orders(), "op"), "not supported on a Stream");
	assert_refused(order(t, "m"), "n");
	assert_refused(plan_limit(plan, t, -1, place, &err), "-1");
}

static void test_chains(void **state)
{
	(void)state;
	struct plan_node *t = grouped(orders());
	struct str key = str_lit("n");
	struct aggregate_source a = {.text = str_lit("max(op) as m")};
	assert_schema(plan_group(plan, t, &key, 1, &a, 1, place, &err), "n bigint, m string");
	struct plan_node *sorted = order(t, "op");
	assert_refused(plan_group(plan, sorted, &key, 1, &a, 1, place, &err), "order_by");
	struct plan_node *cut = plan_limit(plan, t, 3, place, &err);
	assert_refused(plan_group(plan, cut, &key, 1, &a, 1, place, &err), "limit");
	struct row_function f = {.place = place};
	assert_refused(plan_map(plan, t, str_lit("a int"), &f, true, place, &err), "Stream");
	struct custom_aggregate custom = {.name = str_lit("mean"), .type = type_of(TYPE_DOUBLE)};
	struct schema *s = schema_alloc(plan->arena, 0);
	custom.state = s;
	struct aggregate_source own = {.custom = &custom};
	assert_refused(plan_group(plan, t, &key, 1, &own, 1, place, &err), "retract");
	assert_non_null(
		plan_group(plan, orders(), &(struct str){"op", 2}, 1, &own, 1, place, &err));
}

static int check_mode(struct plan_node *n, enum output_mode mode)
{
	struct sink_config sink = {.kind = SINK_CONSOLE, .mode = mode, .mode_given = true};
	plan->sink_count = 0;
	error_init(&err);
	assert_int_equal(plan_sink(plan, n, &sink, place, &err), 0);
	return plan_check(plan, &err) == 0;
}

/* append, update, complete, changelog */
static void assert_modes(struct plan_node *n, const char *legal)
{
	for (int mode = 0; mode < output_mode_count; mode++)
		assert_int_equal(check_mode(n, (enum output_mode)mode), legal[mode] == 'y');
}

static void test_output_modes(void **state)
{
	(void)state;
	struct plan_node *stream = orders(), *table = grouped(stream);
	assert_modes(stream, "yyny");
	assert_modes(plan_limit(plan, stream, 1, place, &err), "ynny");
	assert_modes(table, "nyyy");
	assert_modes(plan_filter(plan, table, str_lit("n > 1"), place, &err), "nyyy");
	assert_modes(order(table, "n"), "nnyn");
	assert_modes(plan_limit(plan, order(table, "n"), 1, place, &err), "nnyn");
	assert_modes(select_one(order(table, "n"), "op"), "nnyn");
	assert_modes(grouped(plan_limit(plan, stream, 1, place, &err)), "nyyy");
	assert_false(check_mode(table, OUTPUT_APPEND));
	assert_non_null(strstr(err.text, "not supported for streaming aggregations"));
	assert_string_equal(
		err.help, "legal here: output_mode = \"update\", \"complete\", \"changelog\"");
	assert_string_equal(err.place, "job.lua:7");
}

/* ---- join and top ---- */

static struct plan_node *join_on(
	struct plan_node *left, struct plan_node *right, const char *on, enum join_kind kind)
{
	return plan_join(plan, left, right, str_c(on), kind, place, &err);
}

/* Products by name, with a hidden or visible column for each text. */
static struct plan_node *by_key(struct plan_node *in, const char *key, const char *text)
{
	struct str k = str_c(key);
	struct aggregate_source a = {.text = str_c(text)};
	struct plan_node *n = plan_group(plan, in, &k, 1, &a, 1, place, &err);
	assert_non_null(n);
	return n;
}

static void assert_key(const struct plan_node *n, uint32_t count, const char *const *names)
{
	assert_non_null(n);
	assert_non_null(n->key);
	assert_int_equal(n->key->count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_true(str_eq(
			n->schema->columns[n->key->columns[i]].name, str_c(names[i])));
}

static void test_join_columns_and_key(void **state)
{
	(void)state;
	struct plan_node *stream = orders();
	struct plan_node *a = by_key(stream, "order_id", "max(product) as product");
	struct plan_node *b = by_key(stream, "product", "sum(quantity) as units");
	struct plan_node *c = by_key(stream, "op", "max(product) as product");
	struct plan_node *hidden = select_one(b, "units");
	const char *left[] = {"order_id"}, *both[] = {"order_id", "op"};
	const char *other[] = {"order_id", "product"};
	assert_schema(join_on(a, b, "product", JOIN_LEFT),
		"product string, order_id int, units bigint");
	assert_key(join_on(a, b, "product", JOIN_LEFT), 1, left); /* a foreign key */
	assert_key(join_on(b, a, "product", JOIN_INNER), 1, left);
	assert_key(join_on(a, c, " `product` ", JOIN_INNER), 2, both);
	/* int and bigint compare; the right's key is hidden and stays so */
	struct plan_node *n = join_on(a, hidden, "order_id = units", JOIN_INNER);
	assert_key(n, 1, other + 1);
	assert_schema(n, "order_id int, product string, units bigint");
	assert_int_equal(n->schema->hidden_count, 1);
	assert_key(join_on(a, hidden, "order_id = units", JOIN_LEFT), 2, other);
	n = join_on(stream, b, "product", JOIN_INNER);
	assert_non_null(n);
	assert_false(n->is_table);
	assert_modes(n, "yyny");
	assert_modes(join_on(a, b, "product", JOIN_LEFT), "nyyy");
}

static void test_join_mistakes(void **state)
{
	(void)state;
	struct plan_node *stream = orders();
	struct plan_node *a = by_key(stream, "order_id", "max(product) as product");
	struct plan_node *b = by_key(stream, "product", "sum(quantity) as units");
	assert_refused(join_on(stream, stream, "op", JOIN_INNER), "one of them must be a Table");
	assert_refused(join_on(a, stream, "product", JOIN_INNER), "stream:join(table, ...)");
	assert_refused(join_on(a, b, "prodct", JOIN_INNER), "did you mean \"product\"?");
	assert_refused(join_on(a, b, "order_id", JOIN_INNER), "join, right: there is no column");
	assert_refused(join_on(a, b, "product = units", JOIN_INNER), "is string on the left");
	assert_refused(join_on(a, b, "order_id = units", JOIN_INNER), "both sides have a column");
	assert_refused(join_on(order(a, "product"), b, "product", JOIN_INNER), "order_by");
	static const char *const broken[] = {"product =", "= product", "product and",
		"product product", "product,", "`product", "product = product andx", "a + 1 = b"};
	for (uint32_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		assert_null(join_on(a, b, broken[i], JOIN_INNER));
		assert_string_equal(err.place, "job.lua:7");
		error_init(&err);
	}
	assert_refused(join_on(a, b, "  ", JOIN_INNER), "no column to join on");
	struct strbuf many;
	strbuf_init(&many);
	for (uint32_t i = 0; i <= row_key_columns_max; i++)
		strbuf_add_c(&many, i == 0 ? "product" : ", product");
	strbuf_add_byte(&many, '\0');
	assert_refused(join_on(a, b, many.data, JOIN_INNER), "at most 32 columns");
	strbuf_release(&many);
}

static void test_top_mistakes(void **state)
{
	(void)state;
	struct plan_node *stream = orders(), *table = grouped(stream);
	struct str key = str_lit("op"), by = str_lit("n desc");
	assert_refused(plan_top(plan, stream, NULL, 0, 1, by, place, &err), "works on a Table");
	assert_refused(plan_top(plan, table, NULL, 0, 0, by, place, &err), "from 1 to 1000000");
	assert_refused(plan_top(plan, table, NULL, 0, top_rows_max + 1, by, place, &err), "rows");
	assert_refused(plan_top(plan, table, NULL, 0, 1, str_lit("m"), place, &err), "m");
	assert_refused(plan_top(plan, order(table, "n"), NULL, 0, 1, by, place, &err), "order_by");
	struct plan_node *n = plan_top(plan, table, &key, 1, top_rows_max, by, place, &err);
	assert_modes(n, "nyyy");
	assert_ptr_equal(n->key, table->key);
	assert_modes(order(n, "n"), "nnyn");
}

static void test_order_knows_its_limits(void **state)
{
	(void)state;
	struct plan_node *table = grouped(orders()), *a = order(table, "n"), *b = order(table, "n");
	plan_limit(plan, a, 3, place, &err);
	assert_true(check_mode(plan_limit(plan, a, 7, place, &err), OUTPUT_COMPLETE));
	assert_int_equal(a->limit, 7);
	plan_limit(plan, b, 3, place, &err);
	assert_true(check_mode(b, OUTPUT_COMPLETE)); /* a sink wants all of it */
	assert_int_equal(b->limit, 0);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_true(plan_check(plan, &err) < 0);
	assert_non_null(strstr(err.text, "nothing is read"));
	orders();
	assert_true(plan_check(plan, &err) < 0);
	assert_non_null(strstr(err.text, "nothing is written"));
}

static void test_bounds(void **state)
{
	(void)state;
	struct plan_node *n = orders();
	while (plan->node_count < plan_nodes_max)
		assert_non_null(plan_limit(plan, n, 1, place, &err));
	assert_refused(plan_limit(plan, n, 1, place, &err), "1024 steps");
	struct sink_config sink = {.kind = SINK_CONSOLE};
	for (int i = 0; i < sink_count_max; i++)
		assert_int_equal(plan_sink(plan, n, &sink, place, &err), 0);
	assert_true(plan_sink(plan, n, &sink, place, &err) < 0);
}

static void test_texts(void **state)
{
	(void)state;
	struct plan_node *n = plan_limit(plan, order(grouped(orders()), "n desc"), 3, place, &err);
	struct sink_config sink = {
		.kind = SINK_CONSOLE, .mode = OUTPUT_COMPLETE, .mode_given = true};
	assert_int_equal(plan_sink(plan, n, &sink, place, &err), 0);
	struct strbuf text;
	strbuf_init(&text);
	plan_text(plan, &text);
	strbuf_add_byte(&text, '\0');
	assert_non_null(strstr(text.data, "console"));
	assert_non_null(strstr(text.data, "n desc"));
	assert_non_null(strstr(text.data, "group_by  op: count("));
	assert_non_null(strstr(text.data, "op string, n bigint"));
	strbuf_reset(&text);
	plan_json(plan, &text);
	assert_int_equal(json_kind_of(strbuf_str(&text)), JSON_KIND_OBJECT);
	struct str value;
	struct json_step path[] = {
		{.field = str_lit("nodes")}, {.index = 1}, {.field = str_lit("kind")}};
	assert_true(json_path_find(strbuf_str(&text), path, 3, &value));
	assert_true(str_eq(value, str_lit("\"group_by\"")));
	strbuf_release(&text);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_source),
		TEST(test_source_columns_bound),
		TEST(test_filter),
		TEST(test_select),
		TEST(test_with),
		TEST(test_drop_and_rename),
		TEST(test_caret),
		TEST(test_union),
		TEST(test_order),
		TEST(test_chains),
		TEST(test_output_modes),
		TEST(test_join_columns_and_key),
		TEST(test_join_mistakes),
		TEST(test_top_mistakes),
		TEST(test_order_knows_its_limits),
		TEST(test_nothing),
		TEST(test_bounds),
		TEST(test_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
