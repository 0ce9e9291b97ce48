/* base/zero_pages: only whole pages of zeros go, and what is read stays the same. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include "base/zero_pages.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { pages = 8 };

static unsigned resident(char *memory, size_t page)
{
	unsigned char states[pages];
	unsigned count = 0;
	assert_int_equal(mincore(memory, pages * page, states), 0);
	for (int i = 0; i < pages; i++)
		count += states[i] & 1;
	return count;
}

static void test_drop(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(
		NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	memset(memory, 0, pages * page);
	memory[2 * page] = 1;            /* first byte of a page */
	memory[4 * page - 1] = 2;        /* last byte of one */
	memory[5 * page + page / 2] = 3; /* somewhere in one */
	assert_int_equal(resident(memory, page), pages);
	/* The first and the last page are only halves. */
	assert_int_equal(
		zero_pages_drop(memory + page / 2, memory + pages * page - 8), 3 * page);
	assert_int_equal(resident(memory, page), pages - 3);
	for (size_t i = 0; i < pages * page; i++) {
		int want = i == 2 * page ? 1
			: i == 4 * page - 1 ? 2
			: i == 5 * page + page / 2 ? 3
						   : 0;
		assert_int_equal(memory[i], want);
	}
	memory[page] = 7;
	assert_int_equal(memory[page], 7);
	munmap(memory, pages * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_drop)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
