/*
 * How many blocks a worker may have before it: many of fast ones, few of slow ones, and it follows
 * when their kind changes.
 */

#include "runtime/worker_depth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint32_t after(struct worker_depth *d, int64_t us, uint32_t rows, uint32_t times)
{
	for (uint32_t i = 0; i < times; i++)
		worker_depth_note(d, us, rows);
	return worker_depth(d);
}

static void follows_what_a_block_takes(void **unused)
{
	(void)unused;
	static const struct {
		int64_t us;
		uint32_t depth;
	} cases[] = {{0, 16}, {70, 16}, {160, 14}, {210, 11}, {1100, 3}, {3000, 2}, {9900, 2},
		{11000, 1}, {150 * 1000, 1}, {3600LL * 1000 * 1000, 1}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct worker_depth d = {.rows = 0};
		assert_int_equal(worker_depth(&d), 2);
		assert_int_equal(after(&d, cases[i].us, chunk_rows_max, 40), cases[i].depth);
	}
}

/* A block of few rows says what one of many would take. */
static void counts_rows(void **unused)
{
	(void)unused;
	struct worker_depth d = {.rows = 0};
	assert_int_equal(after(&d, 150, 1, 1), 1);
}

static void follows_a_change(void **unused)
{
	(void)unused;
	struct worker_depth d = {.rows = 0};
	after(&d, 70, chunk_rows_max, 1000);
	assert_int_equal(after(&d, 150 * 1000, chunk_rows_max, 1), 1);
	assert_true(after(&d, 70, chunk_rows_max, 40) >= 12);
	/* one that the scheduler kept waiting */
	assert_true(after(&d, 3000, chunk_rows_max, 1) >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_what_a_block_takes),
		cmocka_unit_test(counts_rows),
		cmocka_unit_test(follows_a_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
