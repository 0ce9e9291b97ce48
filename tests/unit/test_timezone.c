#include "base/check.h"
#include "base/file.h"
#include "data/timezone.h"
#include "data/timezone_name.h"
#include "data/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct arena arena;

static const struct timezone *zone(const char *name)
{
	struct error err;
	const struct timezone *tz = timezone_open(str_c(name), &arena, &err);
	assert_non_null(tz);
	return tz;
}

static int64_t seconds(int64_t year, unsigned month, unsigned day, int hour, int minute)
{
	return date_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static void test_offsets(void **state)
{
	(void)state;
	const struct timezone *berlin = zone("Europe/Berlin");
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 1, 15, 0, 0)), 3600);
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 7, 15, 0, 0)), 7200);
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 3, 31, 1, 0) - 1), 3600);
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 3, 31, 1, 0)), 7200);
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 10, 27, 1, 0) - 1), 7200);
	assert_int_equal(timezone_offset_at(berlin, seconds(2024, 10, 27, 1, 0)), 3600);
	/* The last one that a long file lists itself. */
	assert_int_equal(timezone_offset_at(berlin, seconds(2037, 10, 25, 1, 0) - 1), 7200);
	assert_int_equal(timezone_offset_at(berlin, seconds(2037, 10, 25, 1, 0)), 3600);
	assert_int_equal(
		timezone_offset_at(berlin, seconds(1800, 1, 1, 0, 0)), 3208); /* local mean time */
	assert_int_equal(timezone_offset_at(zone("Asia/Kolkata"), 0), 19800);
	assert_int_equal(timezone_offset_at(NULL, 0), 0);
}

/* Far beyond the file's list only the footer's rule speaks. */
static void test_rule_for_far_dates(void **state)
{
	(void)state;
	const struct timezone *berlin = zone("Europe/Berlin"), *sydney = zone("Australia/Sydney");
	assert_int_equal(timezone_offset_at(berlin, seconds(2999, 1, 15, 0, 0)), 3600);
	assert_int_equal(timezone_offset_at(berlin, seconds(2999, 7, 15, 0, 0)), 7200);
	assert_int_equal(timezone_offset_at(berlin, seconds(2999, 3, 31, 1, 0) - 1),
		3600); /* a Sunday, the last */
	assert_int_equal(timezone_offset_at(berlin, seconds(2999, 3, 31, 1, 0)), 7200);
	assert_int_equal(timezone_offset_at(sydney, seconds(2999, 1, 15, 0, 0)),
		39600); /* summer over new year */
	assert_int_equal(timezone_offset_at(sydney, seconds(2999, 7, 15, 0, 0)), 36000);
	assert_int_equal(
		timezone_offset_at(zone("Asia/Kolkata"), seconds(2999, 7, 15, 0, 0)), 19800);
	assert_int_equal(
		timezone_offset_at(zone("Europe/Dublin"), seconds(2999, 7, 15, 0, 0)), 3600);
	assert_int_equal(timezone_offset_at(zone("Europe/Dublin"), seconds(2999, 1, 15, 0, 0)), 0);
}

static void test_gaps_and_overlaps(void **state)
{
	(void)state;
	const struct timezone *ny = zone("America/New_York");
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 3, 10, 1, 59)), seconds(2024, 3, 10, 6, 59));
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 3, 10, 2, 0)), seconds(2024, 3, 10, 7, 0));
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 3, 10, 2, 30)), seconds(2024, 3, 10, 7, 30));
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 3, 10, 3, 0)), seconds(2024, 3, 10, 7, 0));
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 11, 3, 1, 30)), seconds(2024, 11, 3, 5, 30));
	assert_int_equal(
		timezone_to_utc(ny, seconds(2024, 11, 3, 2, 0)), seconds(2024, 11, 3, 7, 0));
	/* Samoa left out a whole day. */
	const struct timezone *apia = zone("Pacific/Apia");
	assert_int_equal(
		timezone_to_utc(apia, seconds(2011, 12, 30, 12, 0)), seconds(2011, 12, 30, 22, 0));
	assert_int_equal(
		timezone_to_utc(apia, seconds(2011, 12, 31, 0, 0)), seconds(2011, 12, 30, 10, 0));
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int32_t offset;
		const char *region; /* NULL: fixed */
	} cases[] = {
		{"UTC", 0, NULL},
		{"Z", 0, NULL},
		{"GMT", 0, NULL},
		{"UT", 0, NULL},
		{"+2", 7200, NULL},
		{"+02", 7200, NULL},
		{"-0230", -9000, NULL},
		{"+02:30", 9000, NULL},
		{"+02:30:15", 9015, NULL},
		{"+023015", 9015, NULL},
		{"+2:30", 9000, NULL},
		{"+02:5", 7500, NULL},
		{"UTC+2", 7200, NULL},
		{"GMT-03:30", -12600, NULL},
		{"+18:00", 64800, NULL},
		{"EST", -18000, NULL},
		{" UTC ", 0, NULL},
		{"PST", 0, "America/Los_Angeles"},
		{"IST", 0, "Asia/Kolkata"},
		{"Europe/Berlin", 0, "Europe/Berlin"},
		{"+18:01", 0, "+18:01"},
		{"+2:3", 7380, NULL},
		{"+", 0, "+"},
		{"+02:", 0, "+02:"},
		{"+230", 0, "+230"},
		{"+02:60", 0, "+02:60"},
		{"+1234567", 0, "+1234567"},
		{"UTC+", 0, "UTC+"},
		{"", 0, ""},
		{"+02:30:1", 0, "+02:30:1"},
		{"utc", 0, "utc"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int32_t offset;
		struct str region;
		bool is_fixed = timezone_name_parse(str_c(cases[i].name), &offset, &region);
		if (is_fixed != (cases[i].region == NULL) ||
			(is_fixed && offset != cases[i].offset) ||
			(!is_fixed && !str_eq(region, str_c(cases[i].region)))) {
			fail_msg("'%s' gives %d", cases[i].name, offset);
		}
	}
	assert_int_equal(timezone_offset_at(zone("+05:45"), 0), 20700);
}

static void test_bad_names(void **state)
{
	(void)state;
	static const char *const names[] = {"", "Europe", "Europe/", "/etc/passwd",
		"../../../etc/passwd", "Mars/Base", "Europe/Berlin\n", "Europe/Ber lin",
		"tzdata.zi", "zone.tab", "right/Europe/Berlin", "leapseconds"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct error err;
		bool trimmed_is_good = strchr(names[i], '\n') != NULL;
		if ((timezone_open(str_c(names[i]), &arena, &err) != NULL) != trimmed_is_good) {
			fail_msg("'%s'", names[i]);
		}
	}
}

/* Every cut of a real file, and every byte of it changed, is refused or read, never a crash. */
static void test_broken_files(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	char folder[256], path[300];
	snprintf(folder, sizeof folder, "%s/cdcl-tz.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/Zone", folder);
	struct strbuf file;
	struct error err;
	strbuf_init(&file);
	assert_int_equal(file_read_all("/usr/share/zoneinfo/Asia/Gaza", 1 << 20, &file, &err), 0);
	setenv("TZDIR", folder, 1);
	for (size_t i = 0; i < file.len; i += i < 200 ? 1 : 37) {
		char kept = file.data[i];
		for (int what = 0; what < 2; what++) {
			int fd = file_open_write(path, false, &err);
			file.data[i] = what == 0 ? kept : (char)~kept;
			file_write_all(fd, str_sub(strbuf_str(&file), 0, what == 0 ? i : file.len),
				path, &err);
			file_close(fd);
			const struct timezone *tz = timezone_open(str_lit("Zone"), &arena, &err);
			assert_true(tz == NULL || what == 1 || i + 64 > file.len);
			if (tz != NULL) {
				timezone_offset_at(tz, seconds(2999, 7, 1, 0, 0));
				timezone_to_utc(tz, seconds(1999, 7, 1, 0, 0));
			}
		}
		file.data[i] = kept;
	}
	unsetenv("TZDIR");
	strbuf_release(&file);
	unlink(path);
	rmdir(folder);
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 65536);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_rule_for_far_dates),
		cmocka_unit_test(test_gaps_and_overlaps),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_broken_files),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
