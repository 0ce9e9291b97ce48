/*
 * Many ids into an index at once: each is found by its tag, also when tags crowd one segment. For
 * the most of them two threads make it.
 */

#include "state/index_fill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ids_max = 150000, group = 64 };

static uint64_t random_state = 1;

static uint32_t choose(void)
{
	random_state =
		random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 32);
}

static uint32_t tag_by_id[ids_max];

static void tags_of(
	const struct table_index *x, const uint32_t *ids, uint32_t count, uint32_t *tags)
{
	(void)x;
	for (uint32_t i = 0; i < count; i++)
		tags[i] = tag_by_id[ids[i]];
}

static bool finds(const struct table_index *x, uint32_t tag, uint32_t wanted)
{
	struct table_walk walk = table_index_walk(x, tag);
	uint32_t id;
	while ((id = table_walk_next(&walk)) != UINT32_MAX)
		if (id == wanted)
			return true;
	return false;
}

/* Tags with fewer than 32 random bits crowd segments. */
static void fill(uint32_t lines_max, uint32_t count, uint32_t tag_bits)
{
	static uint32_t tags[ids_max], ids[ids_max];
	struct table_index x;
	struct index_fill f;
	table_index_init(&x, lines_max, tags_of);
	index_fill_begin(&f, &x, count);
	for (uint32_t i = 0; i < count; i++) {
		tags[i] = choose() >> (32 - tag_bits);
		ids[i] = count - 1 - i;
		tag_by_id[ids[i]] = tags[i];
	}
	for (uint32_t i = 0; i < count; i += group)
		index_fill_add(&f, i / group % 2, tags + i, ids + i,
			count - i < group ? count - i : group);
	index_fill_end(&f);
	assert_int_equal(x.count, count);
	/* Half of the places are used at least, as in one that grew. */
	if (lines_max == table_segment_lines_max && tag_bits == 32 && count > 6000)
		assert_true(x.segment_count * lines_max * table_line_ids <= 2 * count);
	for (uint32_t i = 0; i < count; i++)
		assert_true(finds(&x, tags[i], ids[i]));
	table_index_release(&x);
}

static void test_all_are_found(void **unused)
{
	(void)unused;
	static const uint32_t counts[] = {0, 1, 63, 64, 65, 300, 5000, 33000, 40000,
		ids_max};
	for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fill(4, counts[i], 32);
		fill(table_segment_lines_max, counts[i], 32);
		fill(4, counts[i], 28);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
