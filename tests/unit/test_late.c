/* base/late: what is not installed is an error with its name; what was bound is read-only. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include "base/late.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static void *slots[2];

static void fails_with(const struct late_library *library, const char *word)
{
	struct error err;
	error_init(&err);
	assert_int_equal(late_open(library, &err), -(int)CDCL_E_JOB);
	assert_non_null(strstr(err.text, word));
}

static void test_absent(void **state)
{
	(void)state;
	static const char *const names[] = {"nothing"};
	fails_with(&(struct late_library){"libcdcl-absent.so.9", names, slots, 1},
		"libcdcl-absent.so.9");
}

static void test_another_version(void **state)
{
	(void)state;
	static const char *const names[] = {"zlibVersion", "zlib_has_no_such"};
	fails_with(&(struct late_library){"libz.so.1", names, slots, 2}, "zlib_has_no_such");
	assert_null(slots[0]); /* so it does not look bound */
}

/* The permissions of the page that holds p, as /proc/self/maps writes them. */
static void permissions_of(const void *p, char out[5])
{
	FILE *maps = fopen("/proc/self/maps", "r");
	assert_non_null(maps);
	uintptr_t from, to;
	char line[512];
	bool found = false;
	while (!found && fgets(line, sizeof(line), maps) != NULL)
		found = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, out) == 3 &&
			from <= (uintptr_t)p && (uintptr_t)p < to;
	fclose(maps);
	assert_true(found);
}

static void test_bound(void **state)
{
	(void)state;
	if (late_z.count == 0)
		skip(); /* all is linked on this machine */
	struct error err;
	error_init(&err);
	char permissions[5];
	permissions_of(late_z.slots, permissions);
	assert_string_equal(permissions, "rw-p");
	assert_int_equal(late_open(&late_z, &err), 0);
	for (size_t i = 0; i < late_z.count; i++)
		assert_non_null(late_z.slots[i]);
	permissions_of(late_z.slots, permissions);
	assert_string_equal(permissions, "r--p");
	assert_int_equal(zlibVersion()[0], ZLIB_VERSION[0]);
	assert_int_equal(late_open(&late_z, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_another_version),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
