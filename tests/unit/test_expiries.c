/* Ids in order of time, against a search of all of them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ops/expiries.h"

#include <stdlib.h>

enum { ids = 4000, steps = 20000 };

static int64_t times[ids];      /* by id; negative: not there */

static uint32_t naive_first(void)
{
	uint32_t least = ids;
	for (uint32_t id = 0; id < ids; id++)
		if (times[id] >= 0 && (least == ids || times[id] < times[least]))
			least = id;
	return least;
}

static void compare_first(const struct expiries *e)
{
	struct expiry got;
	uint32_t wanted = naive_first();
	assert_int_equal(expiries_first(e, &got), wanted < ids);
	if (wanted == ids)
		return;
	assert_int_equal(got.id, wanted);
	assert_int_equal(got.time_us, times[wanted]);
}

static void take(struct expiries *e)
{
	compare_first(e);
	struct expiry got;
	if (!expiries_first(e, &got))
		return;
	expiries_pop(e);
	times[got.id] = -1;
}

/* Mostly in order; some earlier, a few far ahead; pushes and takes by turns, then takes alone. */
static void test_against_a_search(void **unused)
{
	(void)unused;
	srand(7);
	struct expiries e = {0};
	for (uint32_t id = 0; id < ids; id++)
		times[id] = -1;
	for (int64_t step = 0; step < steps; step++) {
		uint32_t id = (uint32_t)rand() % ids;
		if (times[id] >= 0 || (step / 5000 % 2 == 1 && rand() % 3 > 0)) {
			take(&e);
			continue;
		}
		int64_t far = rand() % 500 == 0 ? 1000 : 0, late = rand() % 10 == 0 ? 50 : 0;
		times[id] = step / 4 + 50 + far - late;
		expiries_push(&e, (struct expiry){times[id], id});
	}
	while (naive_first() < ids)
		take(&e);
	compare_first(&e);
	expiries_release(&e);
}

/* What comes in order needs no heap. */
static void test_in_order(void **unused)
{
	(void)unused;
	struct expiries e = {0};
	struct expiry got;
	for (int round = 0; round < 2; round++) {
		for (uint32_t id = 0; id < ids; id++)
			expiries_push(&e, (struct expiry){id / 7, id});
		assert_int_equal(e.heap_capacity, 0);
		for (uint32_t id = 0; id < ids; id++) {
			assert_true(expiries_first(&e, &got));
			assert_int_equal(got.id, id);
			expiries_pop(&e);
		}
		assert_false(expiries_first(&e, &got));
	}
	expiries_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_a_search), cmocka_unit_test(test_in_order)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
