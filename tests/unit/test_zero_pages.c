/* base/zero_pages: only whole pages go, and all of it reads as zeros. */
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
#include <sys/syscall.h>
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

/* [from, to) of 'x' becomes zeros, and `kept` pages stay. */
static void check_clear(size_t from, size_t to, unsigned kept)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(
		NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	memset(memory, 'x', pages * page);
	assert_true(zero_pages_clear(memory + from, to - from));
	assert_int_equal(resident(memory, page), kept);
	for (size_t i = 0; i < pages * page; i++)
		assert_int_equal(memory[i], i >= from && i < to ? 0 : 'x');
	munmap(memory, pages * page);
}

static void test_clear(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	check_clear(0, pages * page, 0);
	check_clear(page, 3 * page, pages - 2);
	check_clear(page / 2, 5 * page + 7, pages - 4);
	check_clear(page - 1, page + 1, pages);
	check_clear(page + 10, page + 20, pages);
	check_clear(page, page + 20, pages);
	check_clear(page + 20, 2 * page, pages);
	check_clear(page, page, pages);
}

/* Locked memory is not given back: whoever clears it does so as ever. */
static void test_locked(void **state)
{
	(void)state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(
		NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	memset(memory, 'x', pages * page);
	/* Sanitizers have an mlock that does nothing. */
	if (syscall(SYS_mlock, memory, page) != 0)
		skip();
	assert_false(zero_pages_clear(memory, pages * page));
	assert_int_equal(memory[0], 'x');
	munmap(memory, pages * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clear), cmocka_unit_test(test_locked)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
