/* Ids in any order, each noted often, come once, in order, however many are asked for at once. */

#include "state/noted_ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ids_end = 300000, adds = 5000 };

static bool wanted[ids_end];
static uint32_t wanted_count;

static void add(struct noted_ids *n, uint32_t id)
{
	noted_ids_add(n, id);
	wanted_count += !wanted[id];
	wanted[id] = true;
}

/* `max` at once; sometimes one that was given before is noted again meanwhile. */
static void take_all(struct noted_ids *n, uint32_t max, uint32_t again_every)
{
	uint32_t ids[128], count, taken = 0, last = 0, turn = 0;
	while ((count = noted_ids_take(n, ids, max)) > 0) {
		bool whole = count == max || n->count == 0;
		assert_true(whole);
		for (uint32_t i = 0; i < count; i++, taken++) {
			assert_true(wanted[ids[i]]);
			assert_true(taken == 0 || again_every > 0 || ids[i] > last);
			wanted[ids[i]] = false;
			last = ids[i];
		}
		wanted_count -= count;
		if (again_every > 0 && ++turn % again_every == 0 && turn < 100)
			add(n, ids[0]);
	}
	assert_int_equal(wanted_count, 0);
}

static void test_each_once(void **unused)
{
	(void)unused;
	static const uint32_t maxima[] = {1, 3, 64, 128};
	struct noted_ids n = {0};
	uint64_t random = 1;
	for (uint32_t round = 0; round < 12; round++) {
		uint32_t below = round % 3 == 0 ? ids_end : round % 3 == 1 ? 7000 : 64;
		for (uint32_t i = 0; i < adds; i++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			add(&n, (uint32_t)(random >> 33) % below);
		}
		assert_int_equal(n.count, wanted_count);
		take_all(&n, maxima[round % 4], round % 5);
	}
	assert_true(noted_ids_bytes(&n) < ids_end);
	noted_ids_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
