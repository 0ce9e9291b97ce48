/* How long batches are open while their sources do not pause. */

#include "runtime/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ms = 1000, second = 1000000 };

/* To 10 us. */
static int64_t least_us(const struct pace *p)
{
	int64_t us = 0;
	for (; us < second && !pace_closes(p, us); us += 10)
		;
	return us;
}

static void first_batch_takes_what_is_there(void **state)
{
	(void)state;
	struct pace p = {0};
	assert_int_equal(least_us(&p), 500 * ms);
	pace_note(&p, 500 * ms, 0, true);
	assert_int_equal(least_us(&p), ms / 2);
}

/* Behind for 10 ms: no row waits for more than an eighth of that. Behind for ever: long batches. */
static void batches_grow_while_behind(void **state)
{
	(void)state;
	struct pace p = {0};
	pace_note(&p, 0, 0, true);
	int64_t behind_us = 0;
	int batches = 0;
	for (; behind_us < 10 * ms; batches++) {
		int64_t us = least_us(&p);
		assert_in_range(us, ms / 2, (behind_us + us) / 8 + ms / 2);
		pace_note(&p, us, 0, false);
		behind_us += us;
	}
	assert_in_range(batches, 12, 16);
	for (; behind_us < 60 * second; batches++) {
		int64_t us = least_us(&p);
		pace_note(&p, us, 0, false);
		behind_us += us;
	}
	assert_int_equal(least_us(&p), 500 * ms);
	assert_in_range(batches, 120, 220);
	pace_note(&p, 500 * ms, 0, true);
	assert_int_equal(least_us(&p), ms / 2);
}

/* Its end is at most a ninth of a batch, up to the longest. */
static void costly_ends_make_batches_longer(void **state)
{
	(void)state;
	struct pace p = {0};
	pace_note(&p, 10 * ms, 5 * ms, true);
	assert_int_equal(least_us(&p), 40 * ms);
	pace_note(&p, 41 * ms, 1 * ms, true);
	assert_int_equal(least_us(&p), 24 * ms);
	for (int i = 0; i < 20; i++)
		pace_note(&p, second, 200 * ms, true);
	assert_int_equal(least_us(&p), 500 * ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_batch_takes_what_is_there),
		cmocka_unit_test(batches_grow_while_behind),
		cmocka_unit_test(costly_ends_make_batches_longer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
