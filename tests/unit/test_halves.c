/* Both halves are done once, with a thread and without. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/halves.h"

#include <pthread.h>

struct done {
	int times[2];
	pthread_t by[2];
};

static void note(void *of, uint32_t half)
{
	struct done *d = of;
	d->times[half]++;
	d->by[half] = pthread_self();
}

static void test_both_are_done(void **unused)
{
	(void)unused;
	for (int beside = 0; beside < 2; beside++) {
		struct done d = {.times = {0}};
		halves_run(note, &d, beside == 1);
		assert_int_equal(d.times[0], 1);
		assert_int_equal(d.times[1], 1);
		assert_true(pthread_equal(d.by[0], pthread_self()));
		assert_int_equal(pthread_equal(d.by[1], pthread_self()) != 0, beside == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_are_done)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
