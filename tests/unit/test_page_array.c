/* Arrays of pages: what was there stays, what is new is zero. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/page_array.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_filled(const char *array, size_t from, size_t to, char with)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(array[i], with);
}

static void test_sizes(void **unused)
{
	(void)unused;
	static const size_t sizes[] = {1, 4095, 4096, 4097, 300000, 5000, 100, 70000};
	size_t count = sizeof(sizes) / sizeof(sizes[0]), bytes = 0;
	char *array = NULL;
	for (size_t i = 0; i < count; i++) {
		array = page_array_grow(array, bytes, sizes[i]);
		assert_filled(array, 0, bytes < sizes[i] ? bytes : sizes[i], 'x');
		if (sizes[i] > bytes)
			assert_filled(array, bytes, sizes[i], 0);
		bytes = sizes[i];
		memset(array, 'x', bytes);
	}
	page_array_release(array, bytes);
	page_array_release(NULL, 0);
}

/* The machine's limit is no bug: exit 1, not SIGABRT. */
static void test_no_memory(void **unused)
{
	(void)unused;
	for (int had = 0; had < 2; had++) {
		char *array = had ? page_array_grow(NULL, 0, 100) : NULL;
		pid_t child = fork();
		if (child == 0) {
			page_array_grow(array, had ? 100 : 0, (size_t)1 << 46);
			_exit(0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		page_array_release(array, had ? 100 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_no_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
