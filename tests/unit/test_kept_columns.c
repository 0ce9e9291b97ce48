/* The file COLUMNS: what is written is read, and damage of any byte is an error with its line. */

#include "decode/ddl.h"
#include "state/kept_columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct schema *ddl(const char *text, struct arena *arena)
{
	struct schema *s;
	struct error err;
	assert_int_equal(ddl_parse(str_c(text), arena, &s, &err), 0);
	return s;
}

static void fill(struct kept_columns list[2], struct arena *arena)
{
	memset(list, 0, 2 * sizeof(*list));
	list[0].reads = str_lit("kafka orders,\"more\"");
	list[0].sample.kind = ENVELOPE_FLAT;
	list[0].sample.schema = ddl("id bigint, `a b``c` decimal(10,2), x array<int>", arena);
	list[0].sample.first = ddl("id bigint", arena);
	list[0].sample.key_columns[0] = str_lit("a b`c");
	list[0].sample.key_columns[1] = str_lit("id");
	list[0].sample.key_count = 2;
	list[0].sample.op_column = str_lit("op");
	list[0].sample.messages = INT64_MAX;
	list[1].reads = str_lit("file in/*.jsonl\n");
	list[1].asked = ENVELOPE_OGG;
	list[1].table = str_lit("shop.orders");
	list[1].sample.kind = ENVELOPE_OGG;
	list[1].sample.unwrapped = list[1].sample.schema_in_message = true;
	list[1].sample.schema = list[1].sample.first = ddl("n string", arena);
	list[1].sample.table = str_lit("orders");
	list[1].sample.table_count = 3;
	list[1].sample.rows = 7;
}

static void assert_str(struct str got, struct str wanted)
{
	assert_true((got.data == NULL) == (wanted.data == NULL) && str_eq(got, wanted));
}

static void assert_schema(const struct schema *got, const struct schema *wanted)
{
	struct strbuf a, b;
	strbuf_init(&a);
	strbuf_init(&b);
	schema_text(got, &a);
	schema_text(wanted, &b);
	assert_str(strbuf_str(&a), strbuf_str(&b));
	strbuf_release(&a);
	strbuf_release(&b);
}

/* Two sources as text; the caller releases both. */
static void write_two(struct kept_columns *list, struct arena *arena, struct strbuf *text)
{
	arena_init(arena, 4096);
	strbuf_init(text);
	fill(list, arena);
	kept_columns_text(list, 2, text);
}

static void test_what_is_written_is_read(void **state)
{
	(void)state;
	struct arena arena;
	struct kept_columns list[2], *got;
	struct strbuf text;
	struct error err;
	uint32_t count;
	write_two(list, &arena, &text);
	assert_int_equal(
		kept_columns_parse(strbuf_str(&text), "C", &arena, &got, &count, &err), 0);
	assert_int_equal(count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct envelope_sample *a = &got[i].sample, *b = &list[i].sample;
		assert_str(got[i].reads, list[i].reads);
		assert_str(got[i].table, list[i].table);
		assert_int_equal(got[i].asked, list[i].asked);
		assert_int_equal(a->kind, b->kind);
		assert_int_equal(a->unwrapped, b->unwrapped);
		assert_int_equal(a->schema_in_message, b->schema_in_message);
		assert_schema(a->schema, b->schema);
		assert_schema(a->first, b->first);
		assert_int_equal(a->key_count, b->key_count);
		for (uint32_t k = 0; k < b->key_count; k++)
			assert_str(a->key_columns[k], b->key_columns[k]);
		assert_str(a->op_column, b->op_column);
		assert_str(a->table, b->table);
		assert_int_equal(a->table_count, b->table_count);
		assert_true(a->messages == b->messages && a->rows == b->rows);
	}
	strbuf_release(&text);
	arena_release(&arena);
}

/* Every byte changed, and every length. */
static void test_damage_is_an_error(void **state)
{
	(void)state;
	struct arena arena;
	struct kept_columns list[2], *got;
	struct strbuf text;
	struct error err;
	uint32_t count;
	write_two(list, &arena, &text);
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		assert_int_equal(kept_columns_parse(
					 strbuf_str(&text), "C", &arena, &got, &count, &err),
			-(int)CDCL_E_STATE);
		text.data[i] ^= 1;
		assert_int_equal(kept_columns_parse((struct str){text.data, i}, "C", &arena, &got,
					 &count, &err),
			-(int)CDCL_E_STATE);
	}
	strbuf_add_c(&text, "x");
	assert_int_equal(
		kept_columns_parse(strbuf_str(&text), "C", &arena, &got, &count, &err),
		-(int)CDCL_E_STATE);
	assert_string_equal(err.text, "C: line 4 is damaged");
	strbuf_release(&text);
	arena_release(&arena);
}

static void test_the_file(void **state)
{
	(void)state;
	struct arena arena;
	struct kept_columns list[2], *got;
	struct error err;
	uint32_t count;
	const char *tmp = getenv("TMPDIR");
	char folder[300];
	snprintf(folder, sizeof(folder), "%s/kept_columns.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(folder));
	arena_init(&arena, 4096);
	fill(list, &arena);
	assert_int_equal(kept_columns_read(folder, &arena, &got, &count, &err), 0);
	assert_int_equal(count, 0);
	for (uint32_t n = 1; n <= 2; n++) {
		assert_int_equal(kept_columns_write(folder, list, n, &err), 0);
		assert_int_equal(kept_columns_write(folder, list, n, &err), 0);
		assert_int_equal(kept_columns_read(folder, &arena, &got, &count, &err), 0);
		assert_int_equal(count, n);
	}
	assert_int_equal(kept_columns_write(folder, list, 0, &err), 0);
	assert_int_equal(kept_columns_read(folder, &arena, &got, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(rmdir(folder), 0);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_damage_is_an_error),
		cmocka_unit_test(test_the_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
