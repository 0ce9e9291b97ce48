/* guarantee: sqlite_sink postgres_sink file_sink: * */

#include "sink/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* What a sink gets at a start, from what its target holds and what the checkpoint knows. */

enum { REFUSED = -(int)CDCL_E_STATE };

static struct sink sink_of(enum output_mode mode, bool is_table, int64_t held)
{
	return (struct sink){.mode = mode,
		.is_table = is_table,
		.remembers = true,
		.held = held,
		.target = str_lit("sqlite out.db orders")};
}

static int judge(struct sink s, int64_t published, int64_t again)
{
	struct error err;
	error_init(&err);
	int r = sink_judge(&s, published, again, &err);
	if (r == REFUSED) {
		assert_non_null(strstr(err.text, "sqlite out.db orders: holds batch"));
		assert_non_null(strstr(err.help, "docs/operations.md"));
	}
	return r;
}

static void test_goes_on(void **state)
{
	(void)state;
	for (int mode = 0; mode < output_mode_count; mode++) {
		struct sink s = sink_of((enum output_mode)mode, true, 7);
		assert_int_equal(judge(s, 7, -1), SINK_GOES_ON);
		assert_int_equal(judge(s, 7, 8), SINK_GOES_ON);
		assert_int_equal(judge(s, 6, 7), SINK_HAS_BATCH);
	}
	assert_int_equal(judge(sink_of(OUTPUT_APPEND, false, 0), -1, 0), SINK_HAS_BATCH);
}

static void test_that_does_not_remember(void **state)
{
	(void)state;
	struct sink s = sink_of(OUTPUT_APPEND, false, -1);
	s.remembers = false;
	assert_int_equal(judge(s, 7, 8), SINK_GOES_ON);
	assert_int_equal(judge(s, -1, -1), SINK_GOES_ON);
}

static void test_of_another_time(void **state)
{
	(void)state;
	for (int mode = 0; mode < output_mode_count; mode++) {
		struct sink s = sink_of((enum output_mode)mode, true, 9);
		assert_int_equal(judge(s, 7, 8), REFUSED);
		assert_int_equal(judge(s, 8, -1), REFUSED);
		assert_int_equal(judge(s, -1, -1), REFUSED);
	}
	assert_int_equal(judge(sink_of(OUTPUT_APPEND, false, 6), 7, 8), REFUSED);
	assert_int_equal(judge(sink_of(OUTPUT_UPDATE, true, 6), 7, -1), REFUSED);
	assert_int_equal(judge(sink_of(OUTPUT_CHANGELOG, true, 6), 7, -1), REFUSED);
	/* with `every` it may well be behind */
	assert_int_equal(judge(sink_of(OUTPUT_COMPLETE, true, 6), 7, -1), SINK_RESYNCS);
}

static void test_new(void **state)
{
	(void)state;
	assert_int_equal(judge(sink_of(OUTPUT_UPDATE, true, -1), -1, 0), SINK_BEGINS);
	assert_int_equal(judge(sink_of(OUTPUT_UPDATE, true, -1), 7, 8), SINK_RESYNCS);
	assert_int_equal(judge(sink_of(OUTPUT_COMPLETE, true, -1), 7, -1), SINK_RESYNCS);
	assert_int_equal(judge(sink_of(OUTPUT_CHANGELOG, true, -1), 7, -1), SINK_BEGINS);
	assert_int_equal(judge(sink_of(OUTPUT_APPEND, false, -1), 7, -1), SINK_BEGINS);
}

static void test_targets(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1024);
	struct sink_config config = {.kind = SINK_POSTGRES,
		.connection = str_lit("host=db password=secret"),
		.table = str_lit("public.orders")};
	assert_true(str_eq(sink_target(&config, &arena), str_lit("postgres public.orders")));
	config = (struct sink_config){.kind = SINK_FILE, .path = str_lit("out/a.csv")};
	assert_true(str_eq(sink_target(&config, &arena), str_lit("file out/a.csv")));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_that_does_not_remember),
		cmocka_unit_test(test_of_another_time),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
