/*
 * Debezium's placeholder in each form that a column's type gives it, made here from its one text;
 * and what is nearly one and is data.
 */

#include "base/check.h"
#include "decode/base64.h"
#include "decode/placeholder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const struct str text = str_lit("__debezium_unavailable_value");

static bool is_value(const char *json)
{
	struct str s = str_c(json);
	enum json_kind kind = json_kind_of(s);
	return placeholder_is_value(kind, kind == JSON_KIND_STRING ? str_sub(s, 1, s.len - 2) : s);
}

static void strings(void **state)
{
	(void)state;
	char bytes[64], hex[80] = "", quoted[96];
	size_t len;
	struct str base64 = str_lit("X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==");
	assert_int_equal(base64_decode(base64, bytes, &len), BASE64_OK);
	assert_true(str_eq((struct str){bytes, len}, text));
	for (size_t i = 0; i < text.len; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)text.data[i]);
	snprintf(quoted, sizeof(quoted), "\"%s\"", hex);
	assert_true(is_value("\"__debezium_unavailable_value\""));
	assert_true(is_value("\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\""));
	assert_true(is_value("\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ\""));
	assert_true(is_value(quoted));
	assert_false(is_value("\"__debezium_unavailable_value \""));
	assert_false(is_value("\"__debezium_unavailable_valuE\""));
	assert_false(is_value("\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZZ==\""));
	/* of 16 bytes, which are never far from their row: data */
	assert_false(is_value("\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\""));
}

static void maps(void **state)
{
	(void)state;
	assert_true(
		is_value("{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}"));
	assert_true(is_value("\"{\\\"__debezium_unavailable_value\\\":"
			     "\\\"__debezium_unavailable_value\\\"}\""));
	assert_true(placeholder_is_text(
		str_lit("{\"__debezium_unavailable_value\":\"__debezium_unavailable_value\"}")));
	assert_false(
		is_value("{\"__debezium_unavailable_value\":\"__debezium_unavailable_valuE\"}"));
}

/* Each byte of the text by `format`, which is of a number or of two characters of base64. */
static void list(char *out, size_t size, const char *format, bool base64, size_t count, int change)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = (size_t)snprintf(out, size, "[");
	for (size_t i = 0; i < count; i++) {
		int byte = i < text.len ? text.data[i] : 1;
		byte += i == 20 ? change : 0;
		n += (size_t)snprintf(out + n, size - n, "%s", i > 0 ? "," : "");
		if (base64)
			n += (size_t)snprintf(out + n, size - n, format, alphabet[byte >> 2],
				alphabet[(byte & 3) << 4]);
		else
			n += (size_t)snprintf(out + n, size - n, format, byte);
	}
	snprintf(out + n, size - n, "]");
}

static void check_list(const char *format, bool base64)
{
	char json[2048];
	list(json, sizeof(json), format, base64, text.len, 0);
	if (!is_value(json))
		fail_msg("%s", json);
	list(json, sizeof(json), format, base64, text.len, 1);
	if (is_value(json))
		fail_msg("%s", json);
	for (size_t count = text.len - 1; count <= text.len + 1; count += 2) {
		list(json, sizeof(json), format, base64, count, 0);
		if (is_value(json))
			fail_msg("%s", json);
	}
}

static void arrays_of_numbers(void **state)
{
	(void)state;
	check_list("%d", false);
	check_list("%d.0", false);
	check_list("\"%c%c==\"", true);
	check_list("{\"scale\":0,\"value\":\"%c%c==\"}", true);
}

static void arrays_of_one(void **state)
{
	(void)state;
	assert_true(is_value("[\"__debezium_unavailable_value\"]"));
	assert_true(is_value("[\"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==\"]"));
	assert_true(is_value("[\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\"]"));
	assert_false(is_value("[\"b68a35a7-17ad-35b3-af2a-ae46edb4545b\"]"));
	assert_false(is_value("[\"b68a35a7-17ad-35b3-af2a-ae46edb4545a\",null]"));
	assert_false(is_value("[\"__debezium_unavailable_value\","
			      "\"__debezium_unavailable_value\"]"));
	assert_false(is_value("[[\"__debezium_unavailable_value\"]]"));
	char trues[256];
	list(trues, sizeof(trues), "true", false, text.len, 0);
	assert_false(is_value(trues));
	assert_false(is_value("[                                      ]"));
}

static void places(void **state)
{
	(void)state;
	assert_true(is_value("{\"wkb\":\"AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==\",\"srid\":4326}"));
	assert_true(is_value("{\"wkb\":\"AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==\",\"srid\":4326}"));
	assert_true(is_value("{\"x\":-9.9999999E7,\"y\":-9.9999999E7,"
			     "\"wkb\":\"AQEAAAAAAAD8g9eXwQAAAPyD15fB\",\"srid\":null}"));
	assert_false(is_value("{\"wkb\":\"AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwA==\",\"srid\":4326}"));
	assert_false(is_value("{\"x\":-9.9999999E7,\"y\":-9.9999999E7}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(maps),
		cmocka_unit_test(arrays_of_numbers),
		cmocka_unit_test(arrays_of_one),
		cmocka_unit_test(places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
