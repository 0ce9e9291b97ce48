/* Places keep their numbers, in whatever order they are noted; a folder of any size is quick. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "cpu_limit.h"
#include "runtime/kept_positions.h"

enum { files = 200000 };

static struct arena arena;
static struct kept_positions kept;

static int set_up(void **unused)
{
	(void)unused;
	arena_init(&arena, 64 * 1024);
	return 0;
}

static int tear_down(void **unused)
{
	(void)unused;
	kept_positions_release(&kept);
	arena_release(&arena);
	return 0;
}

static void note(uint32_t source, const char *topic, int32_t partition, int64_t position, bool file)
{
	struct source_partition part = {.topic = str_c(topic),
		.partition = partition,
		.position = position,
		.latest = file ? position : -1};
	kept_positions_note(&kept, source, &part, file, &arena);
}

static void note_file(uint32_t i, int64_t position)
{
	char path[32];
	snprintf(path, sizeof(path), "in/f%u.jsonl", i);
	note(0, path, 0, position, true);
}

static void test_many_files(void **unused)
{
	(void)unused;
	limit_cpu(20);
	for (uint32_t i = 0; i < files; i++)
		note_file(i, i);
	for (uint32_t i = files; i-- > 0;)
		note_file(i, i + 1);
	assert_int_equal(kept.count, files);
	for (uint32_t i = 0; i < files; i++)
		assert_int_equal(kept.at[i].next, i + 1);
}

static void expect(uint32_t at, uint32_t source, const char *topic, int32_t partition, int64_t next)
{
	const struct checkpoint_position *p = &kept.at[at];
	assert_int_equal(p->source, source);
	assert_string_equal(str_dup(p->topic, &arena).data, topic);
	assert_int_equal(p->partition, partition);
	assert_int_equal(p->next, next);
}

static void test_places(void **unused)
{
	(void)unused;
	/* of an earlier run: a file that it had read in part */
	struct checkpoint_position before = {.source = 1, .topic = str_lit("a"), .next = 3};
	kept_positions_add(&kept, &before, true);
	note(0, "a", 0, 10, false);
	note(0, "a", 1, 11, false);
	note(0, "b", 1, 12, false);
	note(2, "a", 1, 13, false);
	note(1, "a", 0, 4, true);
	note(0, "b", 1, 22, false);
	note(0, "a", 1, 21, false);
	assert_int_equal(kept.count, 5);
	expect(0, 1, "a", 1, 4); /* to its end now */
	expect(1, 0, "a", 0, 10);
	expect(2, 0, "a", 1, 21);
	expect(3, 0, "b", 1, 22);
	expect(4, 2, "a", 1, 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
