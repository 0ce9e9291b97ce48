/* Blocks of huge pages: zeros, apart, taken again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "state/huge_pages.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { looks_max = 3000, look_us = 10000, pages_max = 200 };

static bool all_zero(const char *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (block[i] != 0)
			return false;
	return true;
}

/* Blocks are zeros, also those that come again, and none lies in another. */
static void test_blocks(void **unused)
{
	(void)unused;
	enum { blocks = 25, block_bytes = 300 * 1024 };
	struct huge_pages h;
	char *taken[blocks];
	huge_pages_init(&h, block_bytes);
	assert_int_equal(huge_pages_bytes(&h), 0);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < blocks; i++) {
			taken[i] = huge_pages_take(&h);
			assert_true(all_zero(taken[i], block_bytes));
			memset(taken[i], i + 1, block_bytes);
		}
		for (int i = 0; i < blocks; i++) {
			assert_int_equal(taken[i][0], i + 1);
			assert_int_equal(taken[i][block_bytes - 1], i + 1);
			huge_pages_give_back(&h, taken[i]);
		}
	}
	/* Six fit into a page, and the second round needed no more of them. */
	assert_int_equal(h.page_count, (blocks + 5) / 6);
	assert_true(huge_pages_bytes(&h) >= (size_t)h.page_count * huge_page_bytes);
	huge_pages_release(&h);
}

static bool reaches(uint32_t wanted)
{
	for (int i = 0; i < looks_max && huge_pages_ready() != wanted; i++)
		usleep(look_us);
	return huge_pages_ready() == wanted;
}

/* One; more after somebody had to go without, never more than the bound; in the end one again. */
static void test_ready(void **unused)
{
	(void)unused;
	struct huge_pages h;
	huge_pages_init(&h, huge_page_bytes);
	huge_pages_expect();
	assert_true(reaches(1));
	huge_pages_take(&h);
	assert_true(reaches(1));
	/* Nobody can make a page as fast as one is taken. */
	for (int taken = 0; huge_pages_ready() < 2; taken++) {
		assert_true(taken < pages_max);
		for (int i = 0; i < 4; i++)
			huge_pages_take(&h);
		usleep(look_us);
	}
	for (int i = 0; i < pages_max; i++) {
		huge_pages_take(&h);
		assert_true(huge_pages_ready() <= huge_pages_ready_max);
	}
	assert_true(reaches(1));
	huge_pages_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks), cmocka_unit_test(test_ready)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
