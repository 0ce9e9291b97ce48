#include "base/check.h"
#include "data/timezone.h"
#include "data/value.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void test_int64(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool good;
		int64_t n;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"+7", true, 7},
		{" 12\t", true, 12},
		{"007", true, 7},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"99999999999999999999", false, 0},
		{"", false, 0},
		{" ", false, 0},
		{"-", false, 0},
		{"1.0", false, 0},
		{"1e3", false, 0},
		{"0x10", false, 0},
		{"1 2", false, 0},
		{"--1", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t n = 0;
		if (int64_parse(str_c(cases[i].text), &n) != cases[i].good || n != cases[i].n) {
			fail_msg("'%s'", cases[i].text);
		}
	}
}

static void test_boolean(void **state)
{
	(void)state;
	static const char *const yes[] = {"true", "T", "yes", "Y", "1", " TRUE "};
	static const char *const no[] = {"false", "f", "NO", "n", "0"};
	static const char *const neither[] = {"", "2", "tru", "truee", "on", "-1", "NULL"};
	bool b;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		assert_true(boolean_parse(str_c(yes[i]), &b) && b);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		assert_true(boolean_parse(str_c(no[i]), &b) && !b);
	}
	for (size_t i = 0; i < ARRAY_LEN(neither); i++) {
		assert_false(boolean_parse(str_c(neither[i]), &b));
	}
}

static void expect_double(const char *text, double want)
{
	double d = 0;
	if (!double_parse(str_c(text), &d) ||
		(isnan(want) ? !isnan(d) : memcmp(&d, &want, sizeof d) != 0)) {
		fail_msg("%s gives %.17g", text, d);
	}
}

static void test_double_words_and_forms(void **state)
{
	(void)state;
	expect_double("0", 0.0);
	expect_double("-0", -0.0);
	expect_double("-0.0e-999999999999", -0.0);
	expect_double(" 1.5 ", 1.5);
	expect_double("1.", 1.0);
	expect_double(".5", 0.5);
	expect_double("1d", 1.0);
	expect_double("1.5F", 1.5);
	expect_double("1e400", HUGE_VAL);
	expect_double("-1e99999999999999999999", -HUGE_VAL);
	expect_double("1e-400", 0.0);
	expect_double("NaN", (double)NAN);
	expect_double("infinity", HUGE_VAL);
	expect_double("+Infinity", HUGE_VAL);
	expect_double("-inf", -HUGE_VAL);
	expect_double("9007199254740993", 9007199254740992.0);
	expect_double(
		"9007199254740993.00000000000000000000000000000000000001", 9007199254740994.0);
	expect_double("2.2250738585072011e-308", 2.2250738585072011e-308);
	expect_double("4.9e-324", 4.9e-324);
	expect_double("2.47032822920623272e-324", 0.0);
	expect_double("17976931348623157e292", 1.7976931348623157e308);
	static const char *const bad[] = {"", " ", ".", "-", "e5", "1e", "1e+", "1.2.3", "1,5",
		"0x", "abc", "1 2", "--1", "nano", "d", "1dd", "-nan"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		double d;
		if (double_parse(str_c(bad[i]), &d)) {
			fail_msg("'%s' is taken", bad[i]);
		}
	}
}

/* A halfway point with a thousand digits after it: only the last one says which way. */
static void test_double_with_many_digits(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_add_c(&text, "9007199254740993.");
	for (int i = 0; i < 2000; i++) {
		strbuf_add_byte(&text, '0');
	}
	double d;
	assert_true(double_parse(strbuf_str(&text), &d) && d == 9007199254740992.0);
	strbuf_add_byte(&text, '1');
	assert_true(double_parse(strbuf_str(&text), &d) && d == 9007199254740994.0);
	strbuf_reset(&text);
	for (int i = 0; i < 2000; i++) {
		strbuf_add_byte(&text, '1');
	}
	strbuf_add_c(&text, "e-1999");
	assert_true(double_parse(strbuf_str(&text), &d) && d == 1.1111111111111112);
	strbuf_release(&text);
}

static size_t random_number(char out[64])
{
	size_t n = 0;
	uint64_t r = random_next();
	if ((r & 1) != 0) {
		out[n++] = '-';
	}
	int digits = 1 + (int)((r >> 8) % 25), point = (int)((r >> 20) % 30);
	for (int i = 0; i < digits; i++) {
		if (i == point) {
			out[n++] = '.';
		}
		out[n++] = (char)('0' + random_next() % 10);
	}
	if ((r >> 40) % 3 != 0) {
		n += (size_t)snprintf(out + n, 8, "e%d", (int)((r >> 44) % 660) - 340);
	}
	out[n] = '\0';
	return n;
}

/* glibc's strtod and strtof are exact; the seed is fixed. */
static void test_random_numbers_are_exact(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		char text[64];
		size_t len = random_number(text);
		double d, want = strtod(text, NULL);
		float f, want_f = strtof(text, NULL);
		assert_true(double_parse((struct str){text, len}, &d));
		assert_true(float_parse((struct str){text, len}, &f));
		if (memcmp(&d, &want, sizeof d) != 0 || memcmp(&f, &want_f, sizeof f) != 0) {
			fail_msg("%s", text);
		}
	}
}

/* With a comma for the point where the machine has such a locale; never a thousands sign either. */
static void test_locale_does_not_matter(void **state)
{
	(void)state;
	if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL) {
		setlocale(LC_ALL, "fr_FR.UTF-8");
	}
	expect_double("1234.56789012345678901234567890", 1234.5678901234568);
	setlocale(LC_ALL, "C");
}

static void test_dates(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t year;
		unsigned month, day; /* 0: refused */
	} cases[] = {
		{"2024-01-15", 2024, 1, 15},
		{"2024-1-5", 2024, 1, 5},
		{"2024", 2024, 1, 1},
		{"2024-02", 2024, 2, 1},
		{" 2024-01-15 ", 2024, 1, 15},
		{"2024-01-15T10:00:00", 2024, 1, 15},
		{"2024-01-15 abc", 2024, 1, 15},
		{"10000-01-01", 10000, 1, 1},
		{"+10000-01-01", 10000, 1, 1},
		{"-0044-03-15", -44, 3, 15},
		{"0000-01-01", 0, 1, 1},
		{"2024-02-29", 2024, 2, 29},
		{"1234567-12-31", 1234567, 12, 31},
		{"20240115", 0, 0, 0},
		{"2023-02-29", 0, 0, 0},
		{"2024-13-01", 0, 0, 0},
		{"2024-00-01", 0, 0, 0},
		{"2024-01-32", 0, 0, 0},
		{"2024-01-00", 0, 0, 0},
		{"2024-01-155", 0, 0, 0},
		{"2024-001-15", 0, 0, 0},
		{"24-01-15", 0, 0, 0},
		{"2024/01/15", 0, 0, 0},
		{"15.01.2024", 0, 0, 0},
		{"2024-01-15x", 0, 0, 0},
		{"2024-01-", 0, 0, 0},
		{"2024-", 0, 0, 0},
		{"2024T", 0, 0, 0},
		{"2024-01 ", 2024, 1, 1},
		{"", 0, 0, 0},
		{" ", 0, 0, 0},
		{"-", 0, 0, 0},
		{"epoch", 0, 0, 0},
		{"now", 0, 0, 0},
		{"2024--1-15", 0, 0, 0},
		{"99999999-01-01", 0, 0, 0},
		{"9999999-01-01", 0, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int32_t days = 0;
		bool good = date_parse(str_c(cases[i].text), &days);
		bool want = cases[i].month != 0;
		if (good != want ||
			(want &&
				days !=
					date_from_civil(
						cases[i].year, cases[i].month, cases[i].day))) {
			fail_msg("'%s' gives %d", cases[i].text, days);
		}
	}
}

struct timestamp_case {
	const char *text;
	const char *want; /* NULL: refused */
};

static void try_timestamps(
	const struct timestamp_case *cases, size_t count, const struct timezone *tz)
{
	const int64_t now_us = 1705363199000000; /* 2024-01-15 23:59:59 UTC, the 16th in Kolkata */
	for (size_t i = 0; i < count; i++) {
		int64_t us = 0;
		bool good = timestamp_parse(str_c(cases[i].text), tz, now_us, &us);
		struct value v = {.type = type_of(TYPE_TIMESTAMP), .as.i64 = us};
		struct strbuf out;
		strbuf_init(&out);
		value_text(&v, VALUE_CONSOLE, tz, &out);
		strbuf_add_byte(&out, '\0');
		if (good != (cases[i].want != NULL) ||
			(good && strcmp(out.data, cases[i].want) != 0)) {
			fail_msg("'%s' gives %s", cases[i].text, good ? out.data : "nothing");
		}
		strbuf_release(&out);
	}
}

static void test_timestamps_in_kolkata(void **state)
{
	(void)state;
	static const struct timestamp_case cases[] = {
		{"2024-01-15 10:00:00", "2024-01-15 10:00:00"},
		{"2024-01-15T10:00:00Z", "2024-01-15 15:30:00"},
		{"2024-01-15T10:00:00.1Z", "2024-01-15 15:30:00.1"},
		{"2024-01-15T10:00:00.123+02:00", "2024-01-15 13:30:00.123"},
		{"2024-01-15T10:00:00+0200", "2024-01-15 13:30:00"},
		{"2024-01-15T10:00:00+02", "2024-01-15 13:30:00"},
		{"2024-01-15T10:00:00+2:00", "2024-01-15 13:30:00"},
		{"2024-01-15T10:00:00+02:5", "2024-01-15 13:25:00"},
		{"2024-01-15 10:00:00.123456789", "2024-01-15 10:00:00.123456"},
		{"2024-01-15 10:00:00.120", "2024-01-15 10:00:00.12"},
		{"2024-01-15", "2024-01-15 00:00:00"},
		{"2024", "2024-01-01 00:00:00"},
		{"2024-01-15 10:00", "2024-01-15 10:00:00"},
		{"2024-01-15 10", "2024-01-15 10:00:00"},
		{"2024-1-5 1:2:3", "2024-01-05 01:02:03"},
		{"2024-01-15 24:00:00", NULL},
		{"2024-01-15 23:59:60", NULL},
		{"2024-01-15 23:60:00", NULL},
		{"2024-01-15T10:00:00 Europe/Berlin", "2024-01-15 14:30:00"},
		{"2024-01-15T10:00:00Europe/Berlin", "2024-01-15 14:30:00"},
		{"2024-01-15T10:00:00[Europe/Berlin]", NULL},
		{"2024-01-15T10:00:00 Europe/Nowhere", NULL},
		{"2024-01-15T10:00:00 ../../etc/passwd", NULL},
		{"2024-01-15 10:00:00 UTC", "2024-01-15 15:30:00"},
		{"2024-01-15 10:00:00 UTC+2", "2024-01-15 13:30:00"},
		{"2024-01-15 10:00:00 PST", "2024-01-15 23:30:00"},
		{"2024/01/15 10:00:00", NULL},
		{"20240115T100000", NULL},
		{"", NULL},
		{" 2024-01-15 10:00:00 ", "2024-01-15 10:00:00"},
		{"1705312800", NULL},
		{"0001-01-01 00:00:00", "0001-01-01 00:00:00"},
		{"10000-01-01 00:00:00", "+10000-01-01 00:00:00"},
		{"-0044-03-15 12:00:00", "-0044-03-15 12:00:00"},
		{"2024-01-15T10:00:00.Z", "2024-01-15 15:30:00"},
		{"2024-01-15t10:00:00z", NULL},
		{"2024-01-15T10:00:00z", NULL},
		{"2024-01-15 10:00:00,123", NULL},
		{"2024-01-15 10:00Z", NULL},
		{"2024-02-30 10:00:00", NULL},
		{"999999-01-01 00:00:00", NULL},
		{"10:30", "2024-01-16 10:30:00"},
		{"T10:30:05.5", "2024-01-16 10:30:05.5"},
		{"T7", "2024-01-16 07:00:00"},
		{"7", NULL},
		{"10:30:00Z", "2024-01-15 16:00:00"},
		{"+10:30", NULL},
		{":30", NULL},
		{"2024-01-15 10:", NULL},
		{"2024-01-15 ", "2024-01-15 00:00:00"},
		{"2024-01-15T", NULL},
	};
	struct arena arena;
	struct error err;
	arena_init(&arena, 4096);
	try_timestamps(
		cases, ARRAY_LEN(cases), timezone_open(str_lit("Asia/Kolkata"), &arena, &err));
	arena_release(&arena);
}

static void test_timestamps_across_summer_time(void **state)
{
	(void)state;
	static const struct timestamp_case cases[] = {
		{"2024-03-10 01:59:59", "2024-03-10 01:59:59"},
		{"2024-03-10 02:30:00", "2024-03-10 03:30:00"}, /* no such time: on by the gap */
		{"2024-03-10 03:00:00", "2024-03-10 03:00:00"},
		{"2024-11-03 01:30:00", "2024-11-03 01:30:00"},
	};
	struct arena arena;
	struct error err;
	arena_init(&arena, 4096);
	const struct timezone *tz = timezone_open(str_lit("America/New_York"), &arena, &err);
	try_timestamps(cases, ARRAY_LEN(cases), tz);
	int64_t us;
	assert_true(timestamp_parse(str_lit("2024-11-03 01:30:00"), tz, 0, &us));
	assert_int_equal(us / 1000000, 1730611800); /* the earlier of the two */
	arena_release(&arena);
}

/* ---- any bytes ---- */

static size_t random_text(char out[64])
{
	static const char *const seeds[] = {"2024-01-15T10:00:00.123+02:00",
		"-0044-03-15 1:2:3 Europe/Berlin", "+294247-01-10 04:00:54.775807", "1234567-12-31",
		"-9223372036854775808", "1.7976931348623157e308",
		"12345678901234567890.12345678901234567e-12", "T23:59:59UTC-18", " true ",
		"-Infinity"};
	static const char bytes[] = "0123456789-+:. TZeE/_\t\xff\0aN";
	uint64_t r = random_next();
	const char *seed = seeds[r % ARRAY_LEN(seeds)];
	size_t len = strlen(seed);
	memcpy(out, seed, len);
	for (uint64_t i = 0; i < (r >> 8) % 4; i++) {
		uint64_t at = random_next();
		out[at % len] = bytes[(at >> 16) % (sizeof bytes - 1)];
	}
	return (r >> 16) % 4 == 0 ? len - (r >> 24) % len : len;
}

static struct str text_of(const struct value *v, struct strbuf *out)
{
	strbuf_reset(out);
	value_text(v, VALUE_CAST, NULL, out);
	return strbuf_str(out);
}

/* Whatever is taken prints as something that is taken as the same. */
static void test_any_bytes(void **state)
{
	(void)state;
	struct strbuf out;
	strbuf_init(&out);
	for (int i = 0; i < 300000; i++) {
		char bytes[64];
		struct str text = {bytes, random_text(bytes)};
		struct value v = {.type = type_of(TYPE_DATE)}, back = v;
		if (date_parse(text, &v.as.i32)) {
			assert_true(date_parse(text_of(&v, &out), &back.as.i32));
			assert_int_equal(v.as.i32, back.as.i32);
		}
		v.type = type_of(TYPE_TIMESTAMP);
		if (timestamp_parse(text, NULL, 0, &v.as.i64)) {
			assert_true(timestamp_parse(text_of(&v, &out), NULL, 0, &back.as.i64));
			assert_int_equal(v.as.i64, back.as.i64);
		}
		v.type = type_decimal(38, 10);
		if (decimal_parse(text, 38, 10, &v.as.i128) == DECIMAL_OK) {
			assert_true(decimal_parse(text_of(&v, &out), 38, 10, &back.as.i128) ==
				DECIMAL_OK);
			assert_true(v.as.i128 == back.as.i128);
		}
		v.type = type_of(TYPE_DOUBLE);
		if (double_parse(text, &v.as.f64)) {
			assert_true(double_parse(text_of(&v, &out), &back.as.f64));
			assert_true(isnan(v.as.f64) || v.as.f64 == back.as.f64);
		}
		v.type = type_of(TYPE_BIGINT);
		if (int64_parse(text, &v.as.i64)) {
			assert_true(int64_parse(text_of(&v, &out), &back.as.i64));
			assert_int_equal(v.as.i64, back.as.i64);
		}
		boolean_parse(text, &v.as.boolean);
	}
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_int64),
		cmocka_unit_test(test_boolean),
		cmocka_unit_test(test_double_words_and_forms),
		cmocka_unit_test(test_double_with_many_digits),
		cmocka_unit_test(test_random_numbers_are_exact),
		cmocka_unit_test(test_locale_does_not_matter),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_timestamps_in_kolkata),
		cmocka_unit_test(test_timestamps_across_summer_time),
		cmocka_unit_test(test_any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
