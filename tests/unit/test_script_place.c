/* Where a word stands in a script, from the line of a call on. */

#include "script/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char script[] = "local cdcl = require 'cdcl'\n"
			     "-- topic in a comment\n"
			     "cdcl.kafka { path = 'topic', -- topic\n"
			     "  topics = 1, my_topic = 2,\r\n"
			     "  topic = 'a { b' }\n"
			     "\n"
			     "other { schema = 1 }";

static void expect_at(enum place_kind kind, const char *word, int from, int line, int column)
{
	int at = from;
	int found = -1;
	assert_true(place_find(str_c(script), &at, kind, str_c(word), &found));
	assert_int_equal(at, line);
	assert_int_equal(found, column);
}

static void expect_none(enum place_kind kind, const char *word, int from)
{
	int column;
	assert_false(place_find(str_c(script), &from, kind, str_c(word), &column));
}

static void test_lines(void **state)
{
	(void)state;
	assert_true(str_eq(place_line(str_c(script), 2), str_lit("-- topic in a comment")));
	assert_true(str_eq(place_line(str_c(script), 4), str_lit("  topics = 1, my_topic = 2,")));
	assert_true(str_eq(place_line(str_c(script), 7), str_lit("other { schema = 1 }")));
	assert_null(place_line(str_c(script), 8).data);
	assert_null(place_line(str_lit(""), 1).data);
}

static void test_words_are_whole_and_outside_of_strings(void **state)
{
	(void)state;
	expect_at(PLACE_WORD, "topic", 3, 5, 2);
	expect_at(PLACE_TEXT, "'topic'", 3, 3, 20);
}

static void test_a_call_ends_with_its_brackets(void **state)
{
	(void)state;
	expect_none(PLACE_WORD, "schema", 3);
	expect_at(PLACE_WORD, "schema", 7, 7, 8);
	expect_none(PLACE_WORD, "path", 99);
	expect_none(PLACE_WORD, "", 3);
}

static void test_show_cuts_a_long_line_around_the_caret(void **state)
{
	(void)state;
	static char text[100000];
	memset(text, 'x', sizeof(text));
	memcpy(text + 70000, "wrong", 5);
	struct error err;
	error_init(&err);
	place_show(&err, (struct str){text, sizeof(text)}, 1, 70000, 5);
	assert_int_equal(strlen(err.source_line), error_line_bytes - 1);
	assert_memory_equal(err.source_line + err.caret_start, "wrong", 5);
	assert_int_equal(err.caret_len, 5);
	place_show(&err, (struct str){text, sizeof(text)}, 1, sizeof(text) - 3, 10);
	assert_int_equal(err.caret_start + err.caret_len, (int)strlen(err.source_line));
	assert_int_equal(err.caret_len, 3);
	place_show(&err, (struct str){text, sizeof(text)}, 1, sizeof(text), 10);
	assert_int_equal(err.caret_start, -1);
	place_show(&err, (struct str){text, sizeof(text)}, 1, 2, 3);
	assert_int_equal(err.caret_start, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_words_are_whole_and_outside_of_strings),
		cmocka_unit_test(test_a_call_ends_with_its_brackets),
		cmocka_unit_test(test_show_cuts_a_long_line_around_the_caret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
