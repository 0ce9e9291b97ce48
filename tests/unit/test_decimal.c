#include "base/check.h"
#include "base/file.h"
#include "data/decimal.h"
#include "data/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int128 parse_int128(const char *text)
{
	bool negative = text[0] == '-';
	int128 n = 0;
	for (const char *p = text + (negative ? 1 : 0); *p != '\0'; p++) {
		n = n * 10 + (*p - '0');
	}
	return negative ? -n : n;
}

static bool compute(char op, int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out)
{
	switch (op) {
	case '+': return decimal_add(a, at, b, bt, result, out);
	case '-': return decimal_subtract(a, at, b, bt, result, out);
	case '*': return decimal_multiply(a, at, b, bt, result, out);
	case '/': return decimal_divide(a, at, b, bt, result, out);
	default: return decimal_remainder(a, at, b, bt, result, out);
	}
}

static struct type result_type(char op, struct type a, struct type b)
{
	switch (op) {
	case '+':
	case '-': return decimal_add_type(a, b);
	case '*': return decimal_multiply_type(a, b);
	case '/': return decimal_divide_type(a, b);
	default: return decimal_remainder_type(a, b);
	}
}

/* One line of tests/data/decimal_cases.txt (written by decimal_cases.py with exact integers). */
static void try_line(const char *line)
{
	char op, a_text[64], b_text[64], want[64];
	unsigned p1, s1, p2, s2, p, s;
	int fields = sscanf(line, "%c %u %u %u %u %63s %63s -> %u %u %63s", &op, &p1, &s1, &p2, &s2,
		a_text, b_text, &p, &s, want);
	assert_int_equal(fields, 10);
	struct type at = type_decimal(p1, s1), bt = type_decimal(p2, s2);
	struct type result = result_type(op, at, bt);
	int128 out = 0;
	bool fits = compute(op, parse_int128(a_text), at, parse_int128(b_text), bt, result, &out);
	bool same = result.precision == p && result.scale == s &&
		fits == (strcmp(want, "overflow") != 0) && (!fits || out == parse_int128(want));
	if (!same) {
		fail_msg("%s gives decimal(%u,%u) %s", line, result.precision, result.scale,
			fits ? "another number" : "overflow");
	}
}

static void test_arithmetic_is_exact(void **state)
{
	(void)state;
	struct strbuf file;
	struct error err;
	strbuf_init(&file);
	assert_int_equal(file_read_all("tests/data/decimal_cases.txt", 1 << 20, &file, &err), 0);
	strbuf_add_byte(&file, '\0');
	int lines = 0;
	for (char *line = strtok(file.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (line[0] != '#') {
			try_line(line);
			lines++;
		}
	}
	strbuf_release(&file);
	assert_int_equal(lines, 2000);
}

static void test_rescale_rounds_half_up(void **state)
{
	(void)state;
	int128 out;
	assert_true(decimal_rescale(1005, 3, 2, &out) && out == 101);
	assert_true(decimal_rescale(1004, 3, 2, &out) && out == 100);
	assert_true(decimal_rescale(-1005, 3, 2, &out) && out == -101);
	assert_true(decimal_rescale(-1004, 3, 2, &out) && out == -100);
	assert_true(decimal_rescale(decimal_pow10(37), 38, 0, &out) && out == 0);
	assert_true(decimal_rescale(5 * decimal_pow10(37), 38, 0, &out) && out == 1);
	assert_true(decimal_rescale(1, 0, 37, &out) && out == decimal_pow10(37));
	assert_false(decimal_rescale(1, 0, 38, &out));
	assert_false(decimal_rescale(decimal_pow10(38) - 1, 0, 1, &out));
	assert_true(decimal_rescale(decimal_pow10(38) - 1, 1, 0, &out) && out == decimal_pow10(37));
}

static void test_compare_across_scales(void **state)
{
	(void)state;
	int128 most = decimal_pow10(38) - 1;
	assert_int_equal(decimal_cmp(10, 1, 1, 0), 0);
	assert_int_equal(decimal_cmp(-11, 1, -1, 0), -1);
	assert_int_equal(decimal_cmp(most, 38, 1, 0), -1);
	assert_int_equal(decimal_cmp(most, 0, most, 38), 1);
	assert_int_equal(decimal_cmp(-most, 0, -most, 38), -1);
	assert_int_equal(decimal_cmp(0, 0, 0, 38), 0);
	assert_int_equal(decimal_cmp(-1, 38, 0, 0), -1);
}

static void test_doubles(void **state)
{
	(void)state;
	int128 out;
	assert_true(decimal_to_double(15, 1) == 1.5);
	assert_true(decimal_to_double(-1, 38) == -1e-38);
	assert_true(decimal_to_double(parse_int128("12345678901234567890123456789"), 10) ==
		1234567890123456789.0123456789);
	assert_true(decimal_from_double(0.1, 38, 38, &out) && out == decimal_pow10(37));
	assert_true(decimal_from_double(1.005, 10, 2, &out) && out == 101);
	assert_true(decimal_from_double(-1e7, 10, 2, &out) && out == -1000000000);
	assert_false(decimal_from_double(1e8, 10, 2, &out));
	assert_false(decimal_from_double(1e308, 38, 0, &out));
	double zero = 0;
	assert_false(decimal_from_double(zero / zero, 38, 10, &out));
	assert_false(decimal_from_double(1 / zero, 38, 10, &out));
}

static void test_parse(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned precision, scale;
		enum decimal_result result;
		const char *unscaled;
	} cases[] = {
		{"1.005", 10, 2, DECIMAL_OK, "101"},
		{"-1.005", 10, 2, DECIMAL_OK, "-101"},
		{"+1.0049999", 10, 2, DECIMAL_OK, "100"},
		{" 12 ", 10, 2, DECIMAL_OK, "1200"},
		{"1e3", 10, 2, DECIMAL_OK, "100000"},
		{"1E+3", 10, 2, DECIMAL_OK, "100000"},
		{"123456e-6", 10, 2, DECIMAL_OK, "12"},
		{".5", 10, 0, DECIMAL_OK, "1"},
		{"5.", 10, 0, DECIMAL_OK, "5"},
		{"0.4999999999999999999999999999999999999999999", 10, 0, DECIMAL_OK, "0"},
		{"0.05", 5, 1, DECIMAL_OK, "1"},
		{"0.005", 5, 1, DECIMAL_OK, "0"},
		{"0000000000000000000000000000000000000000000001", 5, 0, DECIMAL_OK, "1"},
		{"99999999.994", 10, 2, DECIMAL_OK, "9999999999"},
		{"99999999.995", 10, 2, DECIMAL_OVERFLOW, "0"},
		{"123456789", 10, 2, DECIMAL_OVERFLOW, "0"},
		{"1e999999999999999999999", 38, 0, DECIMAL_OVERFLOW, "0"},
		{"1e-999999999999999999999", 38, 0, DECIMAL_OK, "0"},
		{"0e999999999999999999999", 38, 0, DECIMAL_OK, "0"},
		{"99999999999999999999999999999999999999", 38, 0, DECIMAL_OK,
			"99999999999999999999999999999999999999"},
		{"100000000000000000000000000000000000000", 38, 0, DECIMAL_OVERFLOW, "0"},
		{"0.00000000000000000000000000000000000001", 38, 38, DECIMAL_OK, "1"},
		{"", 10, 2, DECIMAL_BAD, "0"},
		{".", 10, 2, DECIMAL_BAD, "0"},
		{"-", 10, 2, DECIMAL_BAD, "0"},
		{"1e", 10, 2, DECIMAL_BAD, "0"},
		{"1e+", 10, 2, DECIMAL_BAD, "0"},
		{"1 2", 10, 2, DECIMAL_BAD, "0"},
		{"1,5", 10, 2, DECIMAL_BAD, "0"},
		{"0x10", 10, 2, DECIMAL_BAD, "0"},
		{"1.2.3", 10, 2, DECIMAL_BAD, "0"},
		{"--1", 10, 2, DECIMAL_BAD, "0"},
		{"NaN", 10, 2, DECIMAL_BAD, "0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int128 out = 0;
		enum decimal_result result = decimal_parse(
			str_c(cases[i].text), cases[i].precision, cases[i].scale, &out);
		if (result != cases[i].result ||
			(result == DECIMAL_OK && out != parse_int128(cases[i].unscaled))) {
			fail_msg("'%s' gives %d", cases[i].text, (int)result);
		}
	}
}

static void test_text(void **state)
{
	(void)state;
	static const struct {
		const char *unscaled;
		unsigned scale;
		const char *text;
	} cases[] = {
		{"0", 0, "0"},
		{"0", 2, "0.00"},
		{"-5", 2, "-0.05"},
		{"1234", 2, "12.34"},
		{"1", 38, "0.00000000000000000000000000000000000001"},
		{"-99999999999999999999999999999999999999", 0,
			"-99999999999999999999999999999999999999"},
		{"99999999999999999999999999999999999999", 38,
			"0.99999999999999999999999999999999999999"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf out;
		strbuf_init(&out);
		decimal_text(parse_int128(cases[i].unscaled), cases[i].scale, &out);
		strbuf_add_byte(&out, '\0');
		assert_string_equal(out.data, cases[i].text);
		strbuf_release(&out);
	}
}

static void test_integer_types(void **state)
{
	(void)state;
	assert_int_equal(decimal_for_integer(type_of(TYPE_TINYINT)).precision, 3);
	assert_int_equal(decimal_for_integer(type_of(TYPE_SMALLINT)).precision, 5);
	assert_int_equal(decimal_for_integer(type_of(TYPE_INT)).precision, 10);
	assert_int_equal(decimal_for_integer(type_of(TYPE_BIGINT)).precision, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic_is_exact),
		cmocka_unit_test(test_rescale_rounds_half_up),
		cmocka_unit_test(test_compare_across_scales),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_integer_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
