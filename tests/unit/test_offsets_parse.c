/* Where reading starts, as a text: every form, and texts that are none. */

#include "source/offsets_parse.h"

#include "base/bounds.h"
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int parse(const char *text, struct starting_offsets *out)
{
	struct error err;
	error_init(&err);
	struct clock_held held;
	clock_held_init(&held, 0);
	int result = starting_offsets_parse(str_c(text), NULL, &held.clock, &arena, out, &err);
	if (result < 0)
		assert_true(err.text[0] != '\0');
	return result;
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void test_words(void **state)
{
	(void)state;
	struct starting_offsets o;
	assert_int_equal(parse("latest", &o), 0);
	assert_int_equal(o.kind, OFFSETS_LATEST);
	assert_int_equal(parse(" Earliest ", &o), 0);
	assert_int_equal(o.kind, OFFSETS_EARLIEST);
	assert_true(o.given); /* a merge starts at the earliest only where nothing was said */
}

static void test_timestamps(void **state)
{
	(void)state;
	struct starting_offsets o;
	assert_int_equal(parse("2024-01-01 00:00:00", &o), 0);
	assert_int_equal(o.kind, OFFSETS_TIMESTAMP);
	assert_int_equal(o.timestamp_us, INT64_C(1704067200000000));
	assert_int_equal(parse("2024-01-01T02:00:00+02:00", &o), 0);
	assert_int_equal(o.timestamp_us, INT64_C(1704067200000000));
}

static void expect(const struct starting_offsets *o, uint32_t i, const char *topic,
	int32_t partition, int64_t offset)
{
	assert_int_equal(o->kind, OFFSETS_EXPLICIT);
	assert_true(i < o->explicit_count);
	assert_true(str_eq(o->explicit_offsets[i].topic, str_c(topic)));
	assert_int_equal(o->explicit_offsets[i].partition, partition);
	assert_int_equal(o->explicit_offsets[i].offset, offset);
}

static void test_plain(void **state)
{
	(void)state;
	struct starting_offsets o;
	assert_int_equal(parse("a:0=5,1=earliest;b.c:7=latest", &o), 0);
	assert_int_equal(o.explicit_count, 3);
	expect(&o, 0, "a", 0, 5);
	expect(&o, 1, "a", 1, offset_earliest);
	expect(&o, 2, "b.c", 7, offset_latest);
}

static void test_spark(void **state)
{
	(void)state;
	struct starting_offsets o;
	assert_int_equal(parse("{\"a\":{\"0\":23,\"1\":-2}, \"b\" : { \"0\" : -1 }}", &o), 0);
	assert_int_equal(o.explicit_count, 3);
	expect(&o, 0, "a", 0, 23);
	expect(&o, 1, "a", 1, offset_earliest);
	expect(&o, 2, "b", 0, offset_latest);
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "latst", "a:", "a:0", "a:0=", "a:0=x", "a:0=-3",
		"a:-1=0", "a:0=1,", ":0=1", "a:0=1;", "a:99999999999=1", "a:0=99999999999999999999",
		"{", "{}x", "{\"a\"}", "{\"a\":{\"0\":1}", "{\"a\":{\"0\":}}", "{\"a\":{0:1}}",
		"{\"a\":{\"0\":1}}x", "{\"a\\u0041\":{\"0\":1}}", "2024-99-01"};
	struct starting_offsets o;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse(bad[i], &o) >= 0)
			fail_msg("accepted: %s", bad[i]);
	}
}

/* The bound on partitions, reached and passed. */
static void test_many(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_add_c(&text, "a:0=0");
	for (int i = 1; i < offsets_explicit_max; i++)
		strbuf_addf(&text, ",%d=%d", i, i);
	strbuf_add_byte(&text, '\0');
	struct starting_offsets o;
	assert_int_equal(parse(text.data, &o), 0);
	assert_int_equal(o.explicit_count, offsets_explicit_max);
	expect(&o, 77777, "a", 77777, 77777);
	text.len--;
	strbuf_add_c(&text, ",1=1");
	strbuf_add_byte(&text, '\0');
	assert_true(parse(text.data, &o) < 0);
	strbuf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_spark),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
