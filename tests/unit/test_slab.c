/* Pieces of a slab: apart from each other, aligned, taken again, also when its blocks are large. */

#include "state/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { pieces = 20000, bytes_max = 1100 };

static size_t bytes_of(uint32_t i)
{
	return (i * 2654435761u >> 8) % bytes_max;
}

static void test_pieces(void **unused)
{
	(void)unused;
	static char *piece[pieces];
	struct slab s;
	slab_init(&s);
	for (int round = 0; round < 2; round++) {
		size_t held = slab_bytes(&s);
		for (uint32_t i = 0; i < pieces; i++) {
			piece[i] = slab_alloc(&s, bytes_of(i));
			assert_int_equal((uintptr_t)piece[i] % slab_step_bytes, 0);
			memset(piece[i], (int)(i % 251), bytes_of(i));
		}
		assert_true(slab_bytes(&s) >= s.bytes_used);
		/* The second round needs only those that went to malloc. */
		assert_true(round == 0 || slab_bytes(&s) - held < s.bytes_used / 5);
		for (uint32_t i = 0; i < pieces; i++) {
			for (size_t at = 0; at < bytes_of(i); at++)
				assert_int_equal((unsigned char)piece[i][at], i % 251);
			slab_free(&s, piece[i], bytes_of(i));
		}
		assert_int_equal(s.bytes_used, 0);
	}
	assert_true(s.huge.page_count > 0);
	slab_release(&s);
	assert_int_equal(slab_bytes(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
