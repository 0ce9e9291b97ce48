#include "base/bounds.h"
#include "base/check.h"
#include "base/file.h"
#include "data/value.h"
#include "sink/row_keeper.h"
#include "sink/sink_kinds.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- stdout, seen by the test ---- */

static struct strbuf printed;
static int writes;
static bool stdout_closed;

static ssize_t test_write(int fd, const void *buffer, size_t bytes)
{
	assert_int_equal(fd, 1);
	if (stdout_closed) {
		errno = EPIPE;
		return -1;
	}
	writes++;
	strbuf_add(&printed, (struct str){buffer, bytes});
	return (ssize_t)bytes;
}

static struct disk test_disk;
static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 65536);
	strbuf_init(&printed);
	writes = 0;
	stdout_closed = false;
	test_disk = disk_system;
	test_disk.write = test_write;
	disk_use(&test_disk);
	return 0;
}

static int end(void **state)
{
	(void)state;
	disk_use(NULL);
	strbuf_release(&printed);
	arena_release(&arena);
	return 0;
}

static void expect_printed(const char *want)
{
	strbuf_add_byte(&printed, '\0');
	assert_string_equal(printed.data, want);
	strbuf_reset(&printed);
}

/* ---- rows ---- */

static struct schema *strings_schema(const char *const *names, uint32_t count)
{
	struct schema *s = schema_alloc(&arena, count);
	for (uint32_t i = 0; i < count; i++) {
		s->columns[i] = (struct schema_column){str_c(names[i]), type_of(TYPE_STRING)};
	}
	return s;
}

/* One row; a text of NULL is NULL. */
static struct chunk *row_of(const struct schema *s, const struct str *texts)
{
	struct chunk *c = chunk_alloc(&arena, s);
	chunk_set_rows(c, 1);
	for (uint32_t i = 0; i < s->column_count; i++) {
		struct value v = {.type = type_of(TYPE_STRING),
			.is_null = texts[i].data == NULL,
			.as.str = texts[i]};
		value_to_column(&v, &c->columns[i], 0);
	}
	return c;
}

static struct sink *open_console(const struct schema *s, bool truncate, int64_t num_rows)
{
	struct error err;
	struct sink_config config = {.kind = SINK_CONSOLE,
		.mode = OUTPUT_APPEND,
		.truncate = truncate,
		.num_rows = num_rows};
	struct sink *sink = sink_open(&config, s, NULL, false, NULL, &err);
	assert_non_null(sink);
	return sink;
}

static void write_row(struct sink *s, const struct str *texts)
{
	struct error err;
	assert_int_equal(s->ops->write(s, row_of(s->schema, texts), &err), 0);
}

static void finish(struct sink *s, int64_t id)
{
	struct error err;
	struct batch b = {.id = id};
	assert_int_equal(s->ops->prepare(s, &b, &err), 0);
	assert_int_equal(s->ops->publish(s, &b, &err), 0);
}

#define DASHES "-------------------------------------------\n"
#define HEAD(n) DASHES "Batch: " #n "\n" DASHES

static void test_box_left(void **state)
{
	(void)state;
	struct sink *s = open_console(strings_schema((const char *[]){"id", "name"}, 2), false, 20);
	write_row(s, (struct str[]){str_lit("1"), str_lit("Alice Smith")});
	write_row(s, (struct str[]){str_c(NULL), str_lit("")});
	finish(s, 0);
	assert_int_equal(writes, 1);
	expect_printed(HEAD(0) "+----+-----------+\n|id  |name       |\n+----+-----------+\n"
			       "|1   |Alice Smith|\n|NULL|           |\n+----+-----------+\n\n");
	finish(s, 1); /* widths start anew, and an empty batch is a box too */
	expect_printed(HEAD(1) "+---+----+\n|id |name|\n+---+----+\n+---+----+\n\n");
	sink_close(s);
}

static void test_box_right(void **state)
{
	(void)state;
	struct sink *s = open_console(
		strings_schema((const char *[]){"a_column_name_longer_than_twenty", "b"}, 2), true,
		20);
	write_row(s,
		(struct str[]){str_lit("12345678901234567890"), str_lit("123456789012345678901")});
	finish(s, 0);
	expect_printed(HEAD(0) "+--------------------------------+--------------------+\n"
			       "|a_column_name_longer_than_twenty|                   b|\n"
			       "+--------------------------------+--------------------+\n"
			       "|            12345678901234567890|12345678901234567...|\n"
			       "+--------------------------------+--------------------+\n\n");
	sink_close(s);
}

static void try_num_rows(int64_t num_rows, const char *want)
{
	struct sink *s = open_console(strings_schema((const char *[]){"a"}, 1), false, num_rows);
	write_row(s, (struct str[]){str_lit("x")});
	write_row(s, (struct str[]){str_lit("hidden and wide")});
	finish(s, 0);
	expect_printed(want);
	sink_close(s);
}

/* Hidden rows do not count for the width; after the footer there is no empty line. */
static void test_num_rows(void **state)
{
	(void)state;
	try_num_rows(2,
		HEAD(0) "+---------------+\n|a              |\n+---------------+\n|x              "
			"|\n"
			"|hidden and wide|\n+---------------+\n\n");
	try_num_rows(1, HEAD(0) "+---+\n|a  |\n+---+\n|x  |\n+---+\nonly showing top 1 row\n");
	try_num_rows(0, HEAD(0) "+---+\n|a  |\n+---+\n+---+\nonly showing top 0 rows\n");
	try_num_rows(-5, HEAD(0) "+---+\n|a  |\n+---+\n+---+\nonly showing top 0 rows\n");
}

static void test_no_columns(void **state)
{
	(void)state;
	struct sink *s = open_console(strings_schema(NULL, 0), false, 20);
	write_row(s, NULL);
	write_row(s, NULL);
	finish(s, 0);
	expect_printed(HEAD(0) "++\n||\n++\n||\n||\n++\n\n");
	sink_close(s);
}

/* A cell between bars, as it is printed; right-aligned ones are cut. */
static void expect_cell(struct str text, bool truncate, const char *want)
{
	struct sink *s = open_console(strings_schema((const char *[]){"s"}, 1), truncate, 20);
	write_row(s, (struct str[]){text});
	finish(s, 0);
	strbuf_add_byte(&printed, '\0');
	char *line = strstr(printed.data, "+\n|");
	line = strstr(line + 3, "+\n|") + 2;
	*strchr(line, '\n') = '\0';
	assert_string_equal(line, want);
	strbuf_reset(&printed);
	sink_close(s);
}

static void test_widths(void **state)
{
	(void)state;
	expect_cell(str_lit("\xe6\x97\xa5"), false, "|\xe6\x97\xa5 |");	 /* two of three columns */
	expect_cell(str_lit("\xef\xbd\xb1"), false, "|\xef\xbd\xb1  |"); /* half-width kana: one */
	expect_cell(
		str_lit("\xf0\x9f\x98\x80"), false, "|\xf0\x9f\x98\x80 |"); /* emoji: two units */
	expect_cell(str_lit("\xf0\xa0\xae\xb7"), false,
		"|\xf0\xa0\xae\xb7 |");					 /* CJK extension B: two */
	expect_cell(str_lit("\xe3\x80\x80"), false, "|\xe3\x80\x80 |");	 /* U+3000 */
	expect_cell(str_lit("e\xcc\x81"), false, "|e\xcc\x81 |");	 /* combining: one */
	expect_cell(str_lit("\xef\xbb\xbf"), false, "|\xef\xbb\xbf  |"); /* BOM: one */
	expect_cell(str_lit("\xed\x9e\xa3\xed\x9e\xa4"), false,
		"|\xed\x9e\xa3\xed\x9e\xa4|"); /* last of the range: 2 + 1 */
}

static void test_escapes_and_bytes(void **state)
{
	(void)state;
	expect_cell(str_lit("\n\r\t\f\b\v\a"), false, "|\\n\\r\\t\\f\\b\\v\\a|");
	expect_cell(str_lit("\\n|\"\x1b\x7f"), false, "|\\n|\"\x1b\x7f|");
	expect_cell(str_lit("\xf5\x80\x80\x80"), false,
		"|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|");
	expect_cell(str_lit("\xed\xa0\x80"), false, "|\xef\xbf\xbd  |");
}

static void test_cuts(void **state)
{
	(void)state;
	expect_cell(str_lit("\n\n\n\n\n\n\n\n\n\n\n"), true, "|\\n\\n\\n\\n\\n\\n\\n\\n\\...|");
	expect_cell(str_lit("aaaaaaaaaaaaaaaa\xf0\x9f\x98\x80"
			    "bbbbbb"),
		true, "|aaaaaaaaaaaaaaaa?...|");
	expect_cell(str_lit("aaaaaaaaaaaaaaaaa\xf0\x9f\x98\x80"
			    "bbbbbb"),
		true, "|aaaaaaaaaaaaaaaaa...|");
	expect_cell(str_lit("aaaaaaaaaaaaaaaaaa\xf0\x9f\x98\x80"), true,
		"|aaaaaaaaaaaaaaaaaa\xf0\x9f\x98\x80|");
	char wide[61], want[80] = "|";
	for (int i = 0; i < 20; i++) {
		memcpy(wide + 3 * i, "\xe6\x97\xa5", 4);
	}
	strcat(strcat(want, wide), "|");
	expect_cell((struct str){wide, 60}, true, want); /* 20 units, 40 columns: not cut */
}

static void test_header_is_escaped_not_cut(void **state)
{
	(void)state;
	struct sink *s =
		open_console(strings_schema((const char *[]){"a\nb", "a\nb"}, 2), true, 20);
	finish(s, 0);
	expect_printed(HEAD(0) "+----+----+\n|a\\nb|a\\nb|\n+----+----+\n+----+----+\n\n");
	sink_close(s);
}

static void test_changelog_shows_kinds(void **state)
{
	(void)state;
	struct error err;
	struct sink_config config = {
		.kind = SINK_CONSOLE, .mode = OUTPUT_CHANGELOG, .num_rows = 20};
	struct sink *s = sink_open(
		&config, strings_schema((const char *[]){"a"}, 1), NULL, false, NULL, &err);
	struct chunk *c = row_of(s->schema, (struct str[]){str_lit("x")});
	c->kinds = ARENA_ARRAY(&arena, uint8_t, chunk_rows_max);
	for (unsigned kind = ROW_INSERT; kind <= ROW_DELETE; kind++) {
		c->kinds[0] = (uint8_t)kind;
		assert_int_equal(s->ops->write(s, c, &err), 0);
	}
	finish(s, 0);
	expect_printed(HEAD(0) "+----+---+\n|kind|a  |\n+----+---+\n|+I  |x  |\n|-U  |x  |\n|+U  "
			       "|x  |\n|-D  |x  |\n"
			       "+----+---+\n\n");
	sink_close(s);
}

static void test_closed_stdout(void **state)
{
	(void)state;
	struct error err;
	struct batch b = {.id = 0};
	struct sink *s = open_console(strings_schema((const char *[]){"a"}, 1), false, 20);
	stdout_closed = true;
	assert_int_equal(s->ops->publish(s, &b, &err), -(int)CDCL_E_CLOSED);
	sink_close(s);
}

/* ---- changes ---- */

static struct schema *typed_schema(void)
{
	struct schema *s = schema_alloc(&arena, 6);
	s->columns[0] = (struct schema_column){str_lit("id"), type_of(TYPE_BIGINT)};
	s->columns[1] = (struct schema_column){str_lit("na\"me"), type_of(TYPE_STRING)};
	s->columns[2] = (struct schema_column){str_lit("price"), type_decimal(38, 2)};
	s->columns[3] = (struct schema_column){str_lit("at"), type_of(TYPE_TIMESTAMP)};
	s->columns[4] = (struct schema_column){str_lit("raw"), type_of(TYPE_BINARY)};
	s->columns[5] = (struct schema_column){str_lit("doc"), type_of(TYPE_JSON)};
	return s;
}

static struct chunk *typed_chunk(const struct schema *s)
{
	struct chunk *c = chunk_alloc(&arena, s);
	chunk_set_rows(c, 3);
	bit_clear(c->live, 1);
	((int64_t *)c->columns[0].data)[0] = INT64_MAX;
	((struct str *)c->columns[1].data)[0] = str_lit("a\nb");
	((int128 *)c->columns[2].data)[0] = -((int128)1000000000000000000 * 1000000000000000000);
	((int64_t *)c->columns[3].data)[0] = 1705312800120000;
	((struct str *)c->columns[4].data)[0] = str_lit("\x01\x0a");
	((struct str *)c->columns[5].data)[0] = str_lit("{\"a\": [1.50]}");
	for (uint32_t i = 0; i < 6; i++) {
		bit_set(c->columns[i].nulls, 2);
	}
	return c;
}

#define ROW_0                                                                                      \
	"\"id\":9223372036854775807,\"na\\\"me\":\"a\\nb\",\"price\":-"                            \
	"10000000000000000000000000000000000.00,"                                                  \
	"\"at\":\"2024-01-15 10:00:00.12\",\"raw\":\"AQo=\",\"doc\":{\"a\": [1.50]}}\n"
#define ROW_2                                                                                      \
	"\"id\":null,\"na\\\"me\":null,\"price\":null,\"at\":null,\"raw\":null,\"doc\":null}\n"

static void test_changes(void **state)
{
	(void)state;
	struct error err;
	struct sink_config config = {.kind = SINK_CHANGES, .mode = OUTPUT_APPEND};
	struct sink *s = sink_open(&config, typed_schema(), NULL, false, NULL, &err);
	struct chunk *c = typed_chunk(s->schema);
	assert_int_equal(s->ops->write(s, c, &err), 0);
	assert_int_equal(writes, 0); /* the batch's end or a full block makes it visible */
	finish(s, 0);
	expect_printed("{" ROW_0 "{" ROW_2);
	finish(s, 1);
	expect_printed("");
	c->kinds = ARENA_ARRAY(&arena, uint8_t, chunk_rows_max);
	c->kinds[0] = ROW_UPDATE_AFTER;
	c->kinds[2] = ROW_DELETE;
	assert_int_equal(s->ops->write(s, c, &err), 0);
	finish(s, 2);
	expect_printed("{" ROW_0 "{\"@kind\":\"-D\"," ROW_2);
	sink_close(s);
	config.mode = OUTPUT_CHANGELOG;
	s = sink_open(&config, typed_schema(), NULL, false, NULL, &err);
	assert_int_equal(s->ops->write(s, c, &err), 0);
	finish(s, 0);
	expect_printed("{\"@kind\":\"+U\"," ROW_0 "{\"@kind\":\"-D\"," ROW_2);
	sink_close(s);
}

static void test_changes_without_columns_and_in_blocks(void **state)
{
	(void)state;
	struct error err;
	struct sink_config config = {.kind = SINK_CHANGES, .mode = OUTPUT_APPEND};
	struct sink *s = sink_open(
		&config, strings_schema(NULL, 0), NULL, false, NULL, &err);
	write_row(s, NULL);
	finish(s, 0);
	expect_printed("{}\n");
	struct chunk *c = chunk_alloc(&arena, s->schema);
	chunk_set_rows(c, chunk_rows_max);
	for (int i = 0; i < 400; i++) {
		assert_int_equal(s->ops->write(s, c, &err), 0);
	}
	assert_true(writes > 1); /* memory stays bounded within a batch */
	finish(s, 1);
	assert_int_equal(printed.len, 400 * 1024 * 3);
	sink_close(s);
}

/* ---- memory, foreach_batch ---- */

static void test_memory(void **state)
{
	(void)state;
	struct error err;
	struct chunk *const *chunks;
	struct sink_config config = {.kind = SINK_MEMORY, .mode = OUTPUT_APPEND};
	struct sink *s = sink_open(
		&config, strings_schema((const char *[]){"a"}, 1), NULL, false, NULL, &err);
	write_row(s, (struct str[]){str_lit("x")});
	assert_int_equal(memory_sink_chunks(s, &chunks), 0); /* not before it is published */
	finish(s, 0);
	write_row(s, (struct str[]){str_lit("y")});
	finish(s, 1);
	assert_int_equal(memory_sink_chunks(s, &chunks), 1);
	assert_int_equal(chunks[0]->row_count, 2);
	assert_true(str_eq(((struct str *)chunks[0]->columns[0].data)[1], str_lit("y")));
	sink_close(s);
	config.mode = OUTPUT_COMPLETE;
	s = sink_open(&config, strings_schema((const char *[]){"a"}, 1), NULL, false, NULL, &err);
	for (int i = 0; i < 3; i++) {
		write_row(s, (struct str[]){str_lit("x")});
		finish(s, i);
	}
	assert_int_equal(memory_sink_chunks(s, &chunks), 1);
	assert_int_equal(chunks[0]->row_count, 1);
	sink_close(s);
}

struct counting_function {
	struct batch_function function;
	int calls;
	uint32_t chunks;
	uint32_t rows;
	int64_t last_id;
	int answer;
};

static int count_rows(struct batch_function *f, struct chunk *const *chunks, uint32_t count,
	const struct batch *b, struct error *err)
{
	struct counting_function *c = container_of(f, struct counting_function, function);
	(void)err;
	c->calls++;
	c->chunks = count;
	c->rows = 0;
	for (uint32_t i = 0; i < count; i++) {
		c->rows += chunk_live_count(chunks[i]);
	}
	c->last_id = b->id;
	return c->answer;
}

static void test_foreach_batch(void **state)
{
	(void)state;
	struct error err;
	struct counting_function f = {.function.call = count_rows};
	struct sink_config config = {
		.kind = SINK_FOREACH_BATCH, .mode = OUTPUT_APPEND, .function = &f.function};
	struct sink *s = sink_open(
		&config, strings_schema((const char *[]){"a"}, 1), NULL, false, NULL, &err);
	for (int i = 0; i < 1500; i++) {
		write_row(s, (struct str[]){str_lit("x")});
	}
	assert_int_equal(f.calls, 0);
	finish(s, 7);
	assert_int_equal(f.calls, 1);
	assert_int_equal(f.chunks, 2); /* small chunks are put together */
	assert_int_equal(f.rows, 1500);
	assert_int_equal(f.last_id, 7);
	finish(s, 8);
	assert_int_equal(f.calls, 2); /* a batch without rows too */
	assert_int_equal(f.rows, 0);
	f.answer = error_set(&err, CDCL_E_LUA, "failed");
	struct batch b = {.id = 9};
	assert_int_equal(s->ops->publish(s, &b, &err), -(int)CDCL_E_LUA);
	sink_close(s);
	config.function = NULL;
	assert_null(sink_open(
		&config, strings_schema((const char *[]){"a"}, 1), NULL, false, NULL, &err));
}

/* Rows that a batch keeps are bounded: an error, not a machine without memory. */
static void test_retained_rows_are_bounded(void **state)
{
	(void)state;
	struct error err;
	struct row_keeper k;
	struct schema *schema = strings_schema((const char *[]){"a"}, 1);
	row_keeper_init(&k);
	struct chunk *c = row_of(schema, (struct str[]){str_lit("1234567890")});
	assert_int_equal(row_keeper_add(&k, c, schema, &err), 0);
	k.bytes = retained_batch_bytes_max - 10;
	assert_int_equal(row_keeper_add(&k, c, schema, &err), 0);
	assert_int_equal(row_keeper_add(&k, c, schema, &err), -(int)CDCL_E_JOB);
	row_keeper_clear(&k);
	assert_int_equal(row_keeper_add(&k, c, schema, &err), 0);
	row_keeper_release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_box_left, begin, end),
		cmocka_unit_test_setup_teardown(test_box_right, begin, end),
		cmocka_unit_test_setup_teardown(test_num_rows, begin, end),
		cmocka_unit_test_setup_teardown(test_no_columns, begin, end),
		cmocka_unit_test_setup_teardown(test_widths, begin, end),
		cmocka_unit_test_setup_teardown(test_escapes_and_bytes, begin, end),
		cmocka_unit_test_setup_teardown(test_cuts, begin, end),
		cmocka_unit_test_setup_teardown(test_header_is_escaped_not_cut, begin, end),
		cmocka_unit_test_setup_teardown(test_changelog_shows_kinds, begin, end),
		cmocka_unit_test_setup_teardown(test_closed_stdout, begin, end),
		cmocka_unit_test_setup_teardown(test_changes, begin, end),
		cmocka_unit_test_setup_teardown(
			test_changes_without_columns_and_in_blocks, begin, end),
		cmocka_unit_test_setup_teardown(test_memory, begin, end),
		cmocka_unit_test_setup_teardown(test_foreach_batch, begin, end),
		cmocka_unit_test_setup_teardown(test_retained_rows_are_bounded, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
