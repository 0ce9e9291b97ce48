/*
 * schema = "auto" where no schema stands in the messages: the first message with a field that is no
 * column, or a value that does not fit, ends the chunk, in each envelope and by every kernel; left
 * out, it is read as it always was.
 */

#include "base/check.h"
#include "base/log.h"
#include "decode/ddl.h"
#include "decode/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char *const kernels[] = {"plain", "scalar", "sse42", "avx2"};

/* What a row's object becomes in a message. */
struct shape {
	enum envelope_kind kind;
	bool changes;
	const char *format; /* with %s for the row */
};

static const struct shape shapes[] = {
	{ENVELOPE_FLAT, false, "%s"},
	{ENVELOPE_FLAT, true, "%s"},
	{ENVELOPE_AUTO, true, "%s"},
	{ENVELOPE_DEBEZIUM, true,
		"{\"before\":null,\"after\":%s,\"source\":{\"table\":\"t\",\"lsn\":7},"
		"\"op\":\"c\",\"ts_ms\":1}"},
	{ENVELOPE_MAXWELL, true,
		"{\"database\":\"d\",\"table\":\"t\",\"type\":\"insert\",\"ts\":1,\"data\":%s}"},
	{ENVELOPE_CANAL, true,
		"{\"data\":[{\"id\":\"0\",\"n\":\"1\"},%s],\"database\":\"d\",\"table\":\"t\","
		"\"type\":\"INSERT\",\"isDdl\":false,\"es\":1,\"old\":null}"},
	{ENVELOPE_OGG, true,
		"{\"table\":\"D.T\",\"op_type\":\"I\",\"op_ts\":\"2024-01-01 00:00:00.000000\","
		"\"pos\":\"1\",\"after\":%s}"},
};

struct fixture {
	struct arena plan, chunk;
	struct messages messages;
	struct envelope_decoder *decoder;
	struct chunk *c;
	uint32_t next;
};

static void open_fixture(struct fixture *f, const struct shape *shape)
{
	struct schema *schema;
	struct error err;
	memset(f, 0, sizeof(*f));
	arena_init(&f->plan, 64 * 1024);
	arena_init(&f->chunk, 64 * 1024);
	assert_int_equal(ddl_parse(str_lit("id bigint, n bigint"), &f->plan, &schema, &err), 0);
	struct envelope_config config = {.kind = shape->kind,
		.json = {.schema = schema, .corrupt_column = -1},
		.changes = shape->changes,
		.schema_auto = true,
		.by_values = true};
	f->decoder = envelope_open(&config);
	f->messages.arena = &f->chunk;
}

static void close_fixture(struct fixture *f)
{
	for (uint32_t i = 0; i < f->messages.count; i++)
		free((void *)(uintptr_t)f->messages.value[i].data);
	envelope_close(f->decoder);
	arena_release(&f->chunk);
	arena_release(&f->plan);
}

static void put(struct fixture *f, const struct shape *shape, const char *row)
{
	uint32_t i = f->messages.count++;
	char text[1024];
	int len = snprintf(text, sizeof(text), shape->format, row);
	char *bytes = malloc((size_t)len);
	assert_non_null(bytes);
	memcpy(bytes, text, (size_t)len);
	f->messages.topic[i] = str_lit("t");
	f->messages.offset[i] = i;
	f->messages.value[i] = (struct str){bytes, (size_t)len};
}

static int decode(struct fixture *f)
{
	struct error err;
	error_init(&err);
	int r = envelope_decode(f->decoder, &f->messages, &f->next, NULL, &f->c, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static void assert_wider(struct fixture *f, const char *wanted)
{
	struct strbuf text;
	strbuf_init(&text);
	schema_text(envelope_wider(f->decoder), &text);
	strbuf_add_byte(&text, '\0');
	assert_string_equal(text.data, wanted);
	assert_true(envelope_wider_by_values(f->decoder));
	strbuf_release(&text);
}

static uint32_t rows_of(const struct shape *shape, uint32_t messages)
{
	return shape->kind == ENVELOPE_CANAL ? 2 * messages : messages;
}

/* Behind 20 rows with nulls in a field to come: the one row, and the columns that it shows. */
static void check_one(const struct shape *shape, const char *row, const char *wider)
{
	struct fixture f;
	open_fixture(&f, shape);
	for (int i = 0; i < 20; i++)
		put(&f, shape, i % 2 == 0 ? "{\"id\":1,\"n\":2}"
					  : "{\"id\":1,\"n\":2,\"color\":null}");
	put(&f, shape, row);
	put(&f, shape, row);
	put(&f, shape, "{\"id\":1,\"n\":2}");
	if (wider == NULL) {
		assert_int_equal(decode(&f), 0);
		assert_int_equal(f.c->row_count, rows_of(shape, 23));
		close_fixture(&f);
		return;
	}
	if (decode(&f) != ENVELOPE_WIDER)
		fail_msg("%s: " STR_FMT, envelope_name(shape->kind),
			STR_ARG(f.messages.value[20]));
	assert_int_equal(f.next, 20);
	assert_int_equal(f.c->row_count, rows_of(shape, 20));
	assert_int_equal(envelope_counts(f.decoder)->rows, rows_of(shape, 20));
	assert_int_equal(envelope_counts(f.decoder)->unknown_fields, 0);
	assert_wider(&f, wider);
	envelope_leave_out(f.decoder, LEAVE_OUT_THESE);
	assert_int_equal(decode(&f), 0);
	assert_int_equal(f.c->row_count, rows_of(shape, 3));
	assert_int_equal(envelope_counts(f.decoder)->rows, rows_of(shape, 23));
	/* left out for good, but nothing else is */
	f.next = 20;
	assert_int_equal(decode(&f), 0);
	put(&f, shape, "{\"id\":1,\"n\":2,\"other\":true}");
	assert_int_equal(decode(&f), ENVELOPE_WIDER);
	assert_wider(&f, "id bigint, n bigint, other boolean");
	envelope_leave_out(f.decoder, LEAVE_OUT_VALUES);
	put(&f, shape, "{\"id\":1,\"n\":2,\"more\":true}");
	assert_int_equal(decode(&f), 0);
	close_fixture(&f);
}

static void check_row(const char *row, const char *wider)
{
	for (size_t k = 0; k < ARRAY_LEN(kernels); k++) {
		setenv("CDCL_SIMD", kernels[k], 1);
		for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
			check_one(&shapes[i], row, wider);
		unsetenv("CDCL_SIMD");
	}
}

static void fields_that_are_no_column(void **state)
{
	(void)state;
	check_row("{\"id\":1,\"n\":2,\"color\":\"red\"}", "id bigint, n bigint, color string");
	check_row("{\"a\":1.5,\"id\":1,\"n\":2,\"b\":{\"x\":1}}",
		"id bigint, n bigint, a double, b json");
	check_row("{\"id\":1,\"n\":2,\"x y\":[1],\"day\":\"2024-02-29\",\"nothing\":null}",
		"id bigint, n bigint, `x y` json, day date");
	check_row("{\"id\":1,\"n\":2,\"\\u0061b\":18446744073709551615}",
		"id bigint, n bigint, ab decimal(20,0)");
}

static void values_that_do_not_fit(void **state)
{
	(void)state;
	check_row("{\"id\":1,\"n\":{\"a\":1}}", "id bigint, n json");
	check_row("{\"id\":1,\"n\":[2],\"color\":\"red\"}", "id bigint, n json, color string");
	/* scalars are strings in Canal */
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
		if (shapes[i].kind != ENVELOPE_CANAL) {
			check_one(&shapes[i], "{\"id\":1,\"n\":2.5}", "id bigint, n double");
			check_one(&shapes[i], "{\"id\":1,\"n\":\"x\"}", "id bigint, n string");
		}
}

static void what_is_no_column_ever(void **state)
{
	(void)state;
	check_row("{\"id\":1,\"n\":2,\"color\":null}", NULL);
	check_row("{\"id\":1,\"n\":2,\"N\":3,\"\":4,\"a\\u0001b\":5,"
		  "\"_corrupt_record\":\"x\"}",
		NULL);
	char row[400];
	snprintf(row, sizeof(row), "{\"id\":1,\"n\":2,\"%0256d\":1}", 7);
	check_row(row, NULL);
}

/* Types of all messages that are there: a column is not opened twice for one change. */
static void others_of_the_same_change(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct fixture f;
		open_fixture(&f, &shapes[i]);
		put(&f, &shapes[i], "{\"id\":1,\"n\":2}");
		put(&f, &shapes[i], "{\"id\":1,\"n\":2,\"a\":1}");
		put(&f, &shapes[i], "{\"id\":1,\"n\":2,\"a\":1.5,\"b\":\"x\"}");
		assert_int_equal(decode(&f), ENVELOPE_WIDER);
		assert_int_equal(f.next, 1);
		assert_wider(&f, "id bigint, n bigint, a double, b string");
		close_fixture(&f);
	}
}

static void a_malformed_message_shows_nothing(void **state)
{
	(void)state;
	struct fixture f;
	struct dead_letters dead;
	open_fixture(&f, &shapes[1]);
	dead_letters_init(&dead, &clock_system);
	dead.count_max = 10;
	put(&f, &shapes[1], "{\"id\":1,\"n\":2}");
	put(&f, &shapes[1], "{\"id\":1,\"color\":\"red\",\"n\":");
	struct error err;
	assert_int_equal(
		envelope_decode(f.decoder, &f.messages, &f.next, &dead, &f.c, &err), 0);
	assert_int_equal(f.c->row_count, 1);
	close_fixture(&f);
}

int main(void)
{
	log_init(&clock_system, LOG_NONE, false);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_that_are_no_column),
		cmocka_unit_test(values_that_do_not_fit),
		cmocka_unit_test(what_is_no_column_ever),
		cmocka_unit_test(others_of_the_same_change),
		cmocka_unit_test(a_malformed_message_shows_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
