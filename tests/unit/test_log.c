#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_line.h"
#include "base/log_repeat.h"
#include "cdcl/error.h"
#include "wanted_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const int64_t minute_us = 60 * INT64_C(1000000);
static const int64_t noon_us = INT64_C(1795867200123456); /* 2026-11-28T12:00:00.123456Z */

static void test_layouts(void **state)
{
	(void)state;
	struct log_place place = {str_lit("or\"ders"), 3, 8812, 0};
	struct log_message m = {LOG_WARN, "dead", str_lit("lua: x \"y\""), &place, noon_us};
	log_line_json(&m, &out);
	want_text("{\"ts\":\"2026-11-28T12:00:00.123Z\",\"level\":\"warn\",\"area\":\"dead\","
		  "\"message\":\"lua: x \\\"y\\\"\",\"topic\":\"or\\\"ders\",\"partition\":3,"
		  "\"offset\":8812}\n");
	log_line_journal(&m, &out);
	want_text("<4>dead  or\"ders/3@8812 lua: x \"y\"\n");
	setenv("TZ", "UTC0", 1);
	log_line_text(&m, false, &out);
	want_text("12:00:00.123 WARN  dead  or\"ders/3@8812 lua: x \"y\"\n");
	m.place = NULL;
	log_line_json(&m, &out);
	want_text("{\"ts\":\"2026-11-28T12:00:00.123Z\",\"level\":\"warn\",\"area\":\"dead\","
		  "\"message\":\"lua: x \\\"y\\\"\"}\n");
}

/* What comes from outside cannot move the cursor, begin a line or turn the writing around. */
static void test_escapes(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		const char *want;
	} cases[] = {
		{str_lit("a\tb"), "a\tb"},
		{str_lit("a\n12:00:00.000 ERROR fake"), "a\\n12:00:00.000 ERROR fake"},
		{str_lit("\r\x1b[2K\x7f"), "\\x0d\\x1b[2K\\x7f"},
		{str_lit("\xc2\x9b" "31m"), "\\xc2\\x9b31m"}, /* CSI as one character */
		{str_lit("\xe2\x80\xae" "gpj"), "\\xe2\\x80\\xaegpj"},
		{str_lit("\xe2\x80\xa8"), "\\xe2\\x80\\xa8"},
		{str_lit("\xff\xc3"), "\\xff\\xc3"},
		{str_lit("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
			"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
		{{"a\0b", 3}, "a\\x00b"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_add_printable(cases[i].text, "\\n", &out);
		want_text(cases[i].want);
	}
}

static void test_errors(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	error_set(&err, CDCL_E_STATE, "two\nlines\x1b[m");
	error_at(&err, "a\nb:%d", 7);
	error_help(&err, "look");
	log_error_text(&err, false, &out);
	want_text("cdcl: a\\nb:7: two\n  lines\\x1b[m\nhelp: look\n");
	log_error_json(&err, noon_us, &out);
	want_text("{\"ts\":\"2026-11-28T12:00:00.123Z\",\"level\":\"error\",\"area\":\"cdcl\","
		  "\"message\":\"two\\nlines\\u001b[m\",\"place\":\"a\\nb:7\",\"help\":\"look\","
		  "\"exit\":6}\n");
}

static void test_repeats(void **state)
{
	(void)state;
	static struct log_repeat r;
	struct log_hidden told;
	for (int i = 0; i < 100; i++) {
		assert_true(log_repeat_show(&r, 7, "kafka", LOG_WARN, str_lit("x"), i, &told) ==
			(i < log_repeat_max));
		assert_int_equal(told.count, 0);
	}
	assert_true(log_repeat_show(&r, 8, "kafka", LOG_WARN, str_lit("x"), 100, &told));
	assert_false(log_repeat_next(&r, minute_us - 1, false, &told));
	assert_true(log_repeat_show(&r, 7, "kafka", LOG_WARN, str_lit("x"), minute_us, &told));
	assert_int_equal(told.count, 100 - log_repeat_max);
	assert_string_equal(told.area, "kafka");
	assert_false(log_repeat_next(&r, 2 * minute_us, true, &told));
	for (int i = 0; i < log_repeat_max; i++)
		log_repeat_show(&r, 7, "kafka", LOG_WARN, str_lit("x"), minute_us + i, &told);
	assert_true(log_repeat_next(&r, minute_us + 1, true, &told));
	assert_int_equal(told.count, 1);
}

/* More classes than places: the quietest one goes, and what it hid is told. */
static void test_many_classes(void **state)
{
	(void)state;
	static struct log_repeat r;
	struct log_hidden told;
	for (int i = 0; i <= log_repeat_max; i++)
		log_repeat_show(&r, 1, "first", LOG_ERROR, str_lit("a"), i, &told);
	int64_t hidden = 0;
	for (uint64_t i = 2; i < 2 + log_repeat_classes_max; i++) {
		assert_true(log_repeat_show(&r, i, "other", LOG_WARN, str_lit("x"),
			(int64_t)(100 + i), &told));
		if (told.count > 0)
			assert_string_equal(told.like, "a");
		hidden += told.count;
	}
	assert_int_equal(hidden, 1);
	assert_true(log_repeat_show(&r, 1, "first", LOG_ERROR, str_lit("b"), 1000, &told));
}

/* ---- what reaches stderr ---- */

static int saved_stderr;
static FILE *captured;

static void capture(void)
{
	captured = tmpfile();
	assert_non_null(captured);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
}

/* How often `word` stands in it. */
static int captured_times(const char *word)
{
	static char text[65536];
	rewind(captured);
	size_t len = fread(text, 1, sizeof(text) - 1, captured);
	text[len] = '\0';
	int times = 0;
	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		times++;
	return times;
}

static void release(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
}

static void test_classes(void **state)
{
	(void)state;
	struct clock_held clock;
	clock_held_init(&clock, noon_us);
	capture();
	log_init(&clock.clock, LOG_INFO, false);
	int64_t before = log_count(LOG_WARN);
	for (int i = 0; i < 30; i++) {
		char text[64];
		log_warn("kafka", "broker %d is gone", i);
		snprintf(text, sizeof(text), "attempt %d failed", i);
		log_error("sqlite", "%s", text);
		log_info("status", "line %d", i);
		log_debug("batch", "not at this level");
	}
	log_warn("sqlite", "another");
	assert_int_equal(captured_times("is gone"), log_repeat_max);
	assert_int_equal(captured_times("attempt"), log_repeat_max);
	assert_int_equal(captured_times("status"), 30);
	assert_int_equal(captured_times("another"), 1);
	assert_int_equal(captured_times("not at this level"), 0);
	assert_int_equal(captured_times("more like this"), 0);
	clock.now_us += minute_us;
	log_tell_hidden(false);
	assert_int_equal(captured_times("WARN  kafka  20 more like this: broker 9 is gone\n"), 1);
	assert_int_equal(captured_times("ERROR sqlite  20 more like this: attempt 9 failed\n"), 1);
	assert_int_equal(log_count(LOG_WARN) - before, 31);
	release();
	log_init(&clock_system, LOG_INFO, false);
}

/* Every line is an object, whatever is printed. */
static void test_json_lines(void **state)
{
	(void)state;
	struct error err;
	error_init(&err);
	error_set(&err, CDCL_E_DISK, "full");
	capture();
	log_set_format(LOG_JSON);
	log_warn("a", "x\ny");
	log_print_line(str_lit("from a script\nand more"));
	log_print_error(&err);
	log_set_status("never");
	assert_int_equal(captured_times("\n"), 3);
	assert_int_equal(captured_times("{\"ts\":\""), 3);
	assert_int_equal(captured_times("\"from a script\\nand more\"}\n"), 1);
	assert_int_equal(captured_times("\"exit\":8}\n"), 1);
	log_set_format(LOG_TEXT);
	release();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_layouts, begin, end),
		cmocka_unit_test_setup_teardown(test_escapes, begin, end),
		cmocka_unit_test_setup_teardown(test_errors, begin, end),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_many_classes),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_json_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
