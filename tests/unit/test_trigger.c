/* Triggers: the wall-clock grid, ticks without data, falling behind. */

#include "runtime/trigger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { second = 1000000 };

static void default_is_always_due(void **state)
{
	(void)state;
	struct trigger t;
	trigger_init(&t, TRIGGER_DEFAULT, 0, 5 * second);
	int64_t spent = 0;
	assert_true(trigger_due(&t, 5 * second));
	trigger_start(&t, 5 * second);
	assert_true(trigger_due(&t, 5 * second));
	assert_int_equal(trigger_wait_us(&t, 5 * second), -1);
	assert_false(trigger_overran(&t, 100 * second, &spent));
}

static void first_at_once_then_on_the_grid(void **state)
{
	(void)state;
	struct trigger t;
	trigger_init(&t, TRIGGER_INTERVAL, 10000, 1013 * second);
	assert_true(trigger_due(&t, 1013 * second));
	trigger_start(&t, 1013 * second);
	assert_false(trigger_due(&t, 1019 * second));
	assert_int_equal(trigger_wait_us(&t, 1019 * second), 1 * second);
	assert_true(trigger_due(&t, 1020 * second));
	trigger_start(&t, 1020 * second + 5);
	assert_false(trigger_due(&t, 1029 * second));
	assert_true(trigger_due(&t, 1030 * second));
}

/* A batch that takes 17 s under a 10 s trigger: the next begins at once, the one after on the grid.
 */
static void missed_ticks_are_not_made_up(void **state)
{
	(void)state;
	struct trigger t;
	int64_t spent_ms = 0;
	trigger_init(&t, TRIGGER_INTERVAL, 10000, 1000 * second);
	trigger_start(&t, 1000 * second);
	assert_false(trigger_overran(&t, 1010 * second, &spent_ms));
	assert_true(trigger_overran(&t, 1037 * second + 415000, &spent_ms));
	assert_int_equal(spent_ms, 37415);
	assert_true(trigger_due(&t, 1037 * second));
	trigger_start(&t, 1037 * second);
	assert_false(trigger_due(&t, 1039 * second));
	assert_int_equal(trigger_wait_us(&t, 1037 * second), 3 * second);
}

/* The wall clock is set back by a day, in the middle of an interval: nobody waits for a day. */
static void clock_set_back(void **state)
{
	(void)state;
	struct trigger t;
	const int64_t day = 86400 * (int64_t)second;
	trigger_init(&t, TRIGGER_INTERVAL, 10000, 2 * day);
	trigger_start(&t, 2 * day + second);
	assert_true(trigger_due(&t, day));
	assert_int_equal(trigger_wait_us(&t, day), 0);
	trigger_start(&t, day);
	assert_false(trigger_due(&t, day + 9 * second));
	assert_true(trigger_due(&t, day + 10 * second));
}

/* An interval of 0 is "as fast as possible", as in Spark. */
static void zero_interval(void **state)
{
	(void)state;
	struct trigger t;
	trigger_init(&t, TRIGGER_INTERVAL, 0, 7);
	trigger_start(&t, 7);
	assert_true(trigger_due(&t, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_is_always_due),
		cmocka_unit_test(first_at_once_then_on_the_grid),
		cmocka_unit_test(missed_ticks_are_not_made_up),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(zero_interval),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
