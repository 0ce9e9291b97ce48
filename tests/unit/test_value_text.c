#include "base/check.h"
#include "base/file.h"
#include "data/row_codec.h"
#include "data/timezone.h"
#include "data/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What Java 17 printed: "d BITS TEXT" and "f BITS TEXT", many of them not the shortest there is. */
static void try_number(char *line)
{
	char *end;
	uint64_t bits = strtoull(line + 2, &end, 16);
	const char *want = end + 1;
	char text[32];
	size_t len;
	if (line[0] == 'd') {
		double d, back;
		memcpy(&d, &bits, sizeof d);
		len = double_text(d, text);
		assert_true(double_parse((struct str){text, len}, &back));
		assert_true(isnan(d) ? isnan(back) : memcmp(&d, &back, sizeof d) == 0);
	} else {
		uint32_t bits32 = (uint32_t)bits;
		float f, back;
		memcpy(&f, &bits32, sizeof f);
		len = float_text(f, text);
		assert_true(float_parse((struct str){text, len}, &back));
		assert_true(isnan(f) ? isnan(back) : memcmp(&f, &back, sizeof f) == 0);
	}
	if (len != strlen(want) || memcmp(text, want, len) != 0) {
		fail_msg("%s printed as %.*s", line, (int)len, text);
	}
}

static void test_numbers_as_java_17(void **state)
{
	(void)state;
	struct strbuf file;
	struct error err;
	strbuf_init(&file);
	assert_int_equal(file_read_all("tests/data/java17_numbers.txt", 1 << 20, &file, &err), 0);
	strbuf_add_byte(&file, '\0');
	int lines = 0;
	for (char *line = strtok(file.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		try_number(line);
		lines++;
	}
	strbuf_release(&file);
	assert_true(lines >= 4000);
}

static void test_int64_text(void **state)
{
	(void)state;
	static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, INT64_MAX, INT64_MIN};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char text[24], want[32];
		size_t len = int64_text(numbers[i], text);
		snprintf(want, sizeof want, "%lld", (long long)numbers[i]);
		assert_int_equal(len, strlen(want));
		assert_memory_equal(text, want, len);
	}
}

static void expect_text(
	const struct value *v, enum value_style style, const struct timezone *tz, const char *want)
{
	struct strbuf out;
	strbuf_init(&out);
	value_text(v, style, tz, &out);
	strbuf_add_byte(&out, '\0');
	assert_string_equal(out.data, want);
	strbuf_release(&out);
}

static struct value date_value(int64_t year, unsigned month, unsigned day)
{
	return (struct value){
		.type = type_of(TYPE_DATE), .as.i32 = (int32_t)date_from_civil(year, month, day)};
}

static struct value timestamp_value(int64_t us)
{
	return (struct value){.type = type_of(TYPE_TIMESTAMP), .as.i64 = us};
}

static void test_dates(void **state)
{
	(void)state;
	static const struct {
		int64_t year;
		unsigned month, day;
		const char *text;
	} cases[] = {
		{2024, 2, 29, "2024-02-29"},
		{1970, 1, 1, "1970-01-01"},
		{1969, 12, 31, "1969-12-31"},
		{1, 1, 1, "0001-01-01"},
		{0, 12, 31, "0000-12-31"},
		{-44, 3, 15, "-0044-03-15"},
		{9999, 12, 31, "9999-12-31"},
		{10000, 1, 1, "+10000-01-01"},
		{57385, 7, 21, "+57385-07-21"},
		{-12345, 1, 1, "-12345-01-01"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = date_value(cases[i].year, cases[i].month, cases[i].day);
		expect_text(&v, VALUE_CONSOLE, NULL, cases[i].text);
	}
}

/* Every day of 800 years, there and back, and no day skipped. */
static void test_civil_calendar(void **state)
{
	(void)state;
	int64_t year, days = date_from_civil(1600, 1, 1);
	unsigned month, day, last_month = 12, last_day = 31;
	for (; days < date_from_civil(2400, 1, 1); days++) {
		date_to_civil(days, &year, &month, &day);
		assert_true(date_is_valid(year, month, day));
		assert_int_equal(date_from_civil(year, month, day), days);
		assert_true((day == last_day + 1 && month == last_month) || day == 1);
		last_month = month;
		last_day = day;
	}
	assert_false(date_is_valid(1900, 2, 29));
	assert_true(date_is_valid(2000, 2, 29));
	assert_false(date_is_valid(2024, 4, 31));
	assert_false(date_is_valid(2024, 13, 1));
	assert_false(date_is_valid(2024, 0, 1));
	assert_false(date_is_valid(2024, 1, 0));
}

static void test_timestamps(void **state)
{
	(void)state;
	struct arena arena;
	struct error err;
	arena_init(&arena, 4096);
	const struct timezone *kolkata = timezone_open(str_lit("Asia/Kolkata"), &arena, &err);
	assert_non_null(kolkata);
	static const struct {
		int64_t us;
		const char *utc, *kolkata;
	} cases[] = {
		{0, "1970-01-01 00:00:00", "1970-01-01 05:30:00"},
		{-1, "1969-12-31 23:59:59.999999", "1970-01-01 05:29:59.999999"},
		{1705312800120000, "2024-01-15 10:00:00.12", "2024-01-15 15:30:00.12"},
		{1705312800000001, "2024-01-15 10:00:00.000001", "2024-01-15 15:30:00.000001"},
		{253402300799999999, "9999-12-31 23:59:59.999999", "+10000-01-01 05:29:59.999999"},
		{1705312800000 * 1000000, "+56009-03-18 16:00:00", "+56009-03-18 21:30:00"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = timestamp_value(cases[i].us);
		expect_text(&v, VALUE_CONSOLE, NULL, cases[i].utc);
		expect_text(&v, VALUE_CAST, kolkata, cases[i].kolkata);
	}
	struct value lowest = timestamp_value(INT64_MIN), highest = timestamp_value(INT64_MAX);
	expect_text(&lowest, VALUE_CONSOLE, NULL, "-290308-12-21 19:59:05.224192");
	expect_text(&highest, VALUE_CONSOLE, NULL, "+294247-01-10 04:00:54.775807");
	arena_release(&arena);
}

static void test_styles(void **state)
{
	(void)state;
	struct value null = value_null(type_of(TYPE_INT));
	expect_text(&null, VALUE_CONSOLE, NULL, "NULL");
	expect_text(&null, VALUE_JSON, NULL, "null");
	struct value yes = {.type = type_of(TYPE_BOOLEAN), .as.boolean = true};
	expect_text(&yes, VALUE_JSON, NULL, "true");
	struct value big = {.type = type_of(TYPE_BIGINT), .as.i64 = INT64_MIN};
	expect_text(&big, VALUE_JSON, NULL, "-9223372036854775808");
	struct value nan = {.type = type_of(TYPE_DOUBLE), .as.f64 = (double)NAN};
	expect_text(&nan, VALUE_JSON, NULL, "\"NaN\"");
	expect_text(&nan, VALUE_CONSOLE, NULL, "NaN");
	struct value infinite = {.type = type_of(TYPE_FLOAT), .as.f32 = -HUGE_VALF};
	expect_text(&infinite, VALUE_JSON, NULL, "\"-Infinity\"");
	struct value number = {.type = type_of(TYPE_DOUBLE), .as.f64 = 1e7};
	expect_text(&number, VALUE_JSON, NULL, "1.0E7");
	struct value price = {.type = type_decimal(38, 2), .as.i128 = -5};
	expect_text(&price, VALUE_JSON, NULL, "-0.05");
	struct value date = date_value(2024, 1, 15);
	expect_text(&date, VALUE_JSON, NULL, "\"2024-01-15\"");
	struct value json = {
		.type = type_of(TYPE_JSON), .as.str = str_lit("{\"a\":\r\n [1.50, \"\\n\"]}")};
	expect_text(&json, VALUE_JSON, NULL, "{\"a\":   [1.50, \"\\n\"]}");
	expect_text(&json, VALUE_CAST, NULL, "{\"a\":\r\n [1.50, \"\\n\"]}");
}

/* A json column may hold what only lenient readers take; lines of JSON are for all. */
static void test_json_columns(void **state)
{
	(void)state;
	static const struct {
		struct str text;
		const char *json;
	} cases[] = {
		{str_lit("[1.50,1e3,-0,true,null]"), "[1.50,1e3,-0,true,null]"},
		{str_lit("{'a':'x\"y\\'z\\n'}"), "{\"a\":\"x\\\"y'z\\n\"}"},
		{str_lit("{\"a\":\"it's \\\" \\\\\"}"), "{\"a\":\"it's \\\" \\\\\"}"},
		{str_lit("[NaN, -Infinity,+INF,Infinity, -1]"),
			"[\"NaN\", \"-Infinity\",\"Infinity\",\"Infinity\", -1]"},
		{str_lit("[\"NaN\"]"), "[\"NaN\"]"},
		{str_lit("[\n1\r\n]"), "[ 1  ]"},
		{str_lit("\"\xff\xe6\x97\xa5\""), "\"\xef\xbf\xbd\xe6\x97\xa5\""},
		{str_lit("7"), "7"},
		{str_lit("\"cut off\\"), "\"cut off\\\\\""}, /* not JSON: ends all the same */
		{str_lit(""), ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = {.type = type_of(TYPE_JSON), .as.str = cases[i].text};
		expect_text(&v, VALUE_JSON, NULL, cases[i].json);
	}
}

static void test_binary(void **state)
{
	(void)state;
	static const struct {
		struct str bytes;
		const char *console, *json;
	} cases[] = {
		{str_lit(""), "[]", "\"\""},
		{str_lit("\x01"), "[01]", "\"AQ==\""},
		{str_lit("\x01\x0a"), "[01 0A]", "\"AQo=\""},
		{str_lit("\xff\x00\xfe"), "[FF 00 FE]", "\"/wD+\""},
		{str_lit("abcd"), "[61 62 63 64]", "\"YWJjZA==\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = {.type = type_of(TYPE_BINARY), .as.str = cases[i].bytes};
		expect_text(&v, VALUE_CONSOLE, NULL, cases[i].console);
		expect_text(&v, VALUE_JSON, NULL, cases[i].json);
	}
	struct value v = {.type = type_of(TYPE_BINARY), .as.str = str_lit("abc")};
	expect_text(&v, VALUE_CAST, NULL, "abc");
}

static void test_json_strings(void **state)
{
	(void)state;
	static const struct {
		struct str bytes;
		const char *json;
	} cases[] = {
		{str_lit(""), "\"\""},
		{str_lit("a\"b\\c/"), "\"a\\\"b\\\\c/\""},
		{str_lit("\b\f\n\r\t\v\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u000b\\u001f\x7f\""},
		{str_lit("x\0y"), "\"x\\u0000y\""},
		{str_lit("\xe6\x97\xa5\xf0\x9f\x98\x80"), "\"\xe6\x97\xa5\xf0\x9f\x98\x80\""},
		{str_lit("\xef\xbf\xbd"), "\"\xef\xbf\xbd\""},
		{str_lit("\xf5\x80z"), "\"\xef\xbf\xbd\xef\xbf\xbdz\""},
		{str_lit("\xed\xa0\x80"), "\"\xef\xbf\xbd\""},
		{str_lit("\xe6\x97"), "\"\xef\xbf\xbd\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct value v = {.type = type_of(TYPE_STRING), .as.str = cases[i].bytes};
		expect_text(&v, VALUE_JSON, NULL, cases[i].json);
	}
}

static void test_arrays(void **state)
{
	(void)state;
	static const struct type element = {.id = TYPE_STRING};
	struct strbuf bytes;
	strbuf_init(&bytes);
	uint32_t count = 3;
	strbuf_add(&bytes, (struct str){(const char *)&count, sizeof count});
	struct value parts[3] = {{.type = element, .as.str = str_lit("a")}, value_null(element),
		{.type = element, .as.str = str_lit("")}};
	for (int i = 0; i < 3; i++) {
		row_codec_add(&bytes, &parts[i]);
	}
	struct value v = {
		.type = {.id = TYPE_ARRAY, .element = &element}, .as.str = strbuf_str(&bytes)};
	expect_text(&v, VALUE_CONSOLE, NULL, "[a, NULL, ]");
	expect_text(&v, VALUE_CAST, NULL, "[a, null, ]");
	expect_text(&v, VALUE_JSON, NULL, "[\"a\",null,\"\"]");
	strbuf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_as_java_17),
		cmocka_unit_test(test_int64_text),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_civil_calendar),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_json_columns),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_json_strings),
		cmocka_unit_test(test_arrays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
