/* Blocks of huge pages: zeros, apart, taken again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "state/huge_pages.h"

#include <stdbool.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
