/* Arenas over malloc and over shared memory. */

#include "base/arena.h"
#include "base/shared_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { region_bytes = 64 << 20 };

static void region_serves_and_is_bounded(void **state)
{
	(void)state;
	struct error err;
	struct arena a;
	char *memory = shared_memory_open(region_bytes, &err);
	assert_non_null(memory);
	arena_init_in(&a, 4096, memory, region_bytes);
	assert_int_equal(a.bytes_held, 0);
	char *last = memory;
	for (size_t i = 1; i < 3000; i++) {
		char *p = arena_alloc(&a, i, 16);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(p >= last && p + i <= memory + region_bytes);
		memset(p, 0x5a, i);
		last = p + i;
	}
	assert_true(a.bytes_held >= (size_t)(last - memory));
	/* one larger than a block, and the whole rest */
	char *large = arena_alloc(&a, 20 << 20, 1);
	memset(large, 1, 20 << 20);
	assert_true(large >= last);
	size_t rest = (size_t)(memory + region_bytes - large) - (20u << 20);
	arena_alloc(&a, rest, 1);
	assert_int_equal(a.bytes_held, region_bytes);
	shared_memory_close(memory, region_bytes);
}

/* A reset gives back what a large chunk took, and keeps some. */
static void region_gives_pages_back(void **state)
{
	(void)state;
	struct error err;
	struct arena a;
	char *memory = shared_memory_open(region_bytes, &err);
	assert_non_null(memory);
	arena_init_in(&a, 4096, memory, region_bytes);
	char *large = arena_alloc(&a, 40 << 20, 1);
	memset(large, 1, 40 << 20);
	arena_reset(&a);
	assert_int_equal(a.bytes_held, 0);
	assert_int_equal(memory[39 << 20], 0);
	assert_int_equal(memory[1 << 20], 1);
	assert_ptr_equal(arena_alloc(&a, 1, 1), memory);
	shared_memory_close(memory, region_bytes);
}

static void blocks_are_kept(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 4096);
	char *first = arena_alloc(&a, 100, 1);
	arena_alloc(&a, 10000, 1);
	size_t held = a.bytes_held;
	arena_reset(&a);
	assert_int_equal(a.bytes_held, held);
	assert_ptr_equal(arena_alloc(&a, 100, 1), first);
	arena_release(&a);
	assert_int_equal(a.bytes_held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(region_serves_and_is_bounded),
		cmocka_unit_test(region_gives_pages_back),
		cmocka_unit_test(blocks_are_kept),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
