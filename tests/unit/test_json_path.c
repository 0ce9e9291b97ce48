/* Paths into JSON text, walking its elements, and whole-text verdicts with their offsets. */

#include "base/arena.h"
#include "decode/json_path.h"
#include "decode/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define FIELD(name)                                                                                \
	{                                                                                          \
		.field = {(name), sizeof(name) - 1 }                                               \
	}
#define INDEX(i)                                                                                   \
	{                                                                                          \
		.index = (i)                                                                       \
	}

static void check_path(
	const char *json, const struct json_step *steps, uint32_t count, const char *value)
{
	struct str found = {NULL, 0};
	bool is_there = json_path_find(str_c(json), steps, count, &found);
	assert_int_equal(is_there, value != NULL);
	if (value != NULL && !str_eq(found, str_c(value)))
		fail_msg("%s: found " STR_FMT ", not %s", json, STR_ARG(found), value);
}

static void paths(void **state)
{
	(void)state;
	static const char doc[] =
		" {\"a\":{\"b\":[ {\"c\": 1.50}, 2,\"x\"],\"b2\":null},\"e\\u0041\":5,"
		"\"a.b\":true,\"d\":1,\"d\":2, \"\":[] } ";
	check_path(doc, NULL, 0,
		"{\"a\":{\"b\":[ {\"c\": 1.50}, 2,\"x\"],\"b2\":null},\"e\\u0041\":5,"
		"\"a.b\":true,\"d\":1,\"d\":2, \"\":[] }");
	check_path(
		doc, (struct json_step[]){FIELD("a"), FIELD("b"), INDEX(0), FIELD("c")}, 4, "1.50");
	check_path(doc, (struct json_step[]){FIELD("a"), FIELD("b"), INDEX(1)}, 3, "2");
	check_path(doc, (struct json_step[]){FIELD("a"), FIELD("b"), INDEX(2)}, 3, "\"x\"");
	check_path(doc, (struct json_step[]){FIELD("a"), FIELD("b"), INDEX(3)}, 3, NULL);
	check_path(doc, (struct json_step[]){FIELD("a"), FIELD("b"), INDEX(-1)}, 3, NULL);
	check_path(doc, (struct json_step[]){FIELD("a"), FIELD("b2")}, 2, "null");
	check_path(doc, (struct json_step[]){FIELD("eA")}, 1, "5");
	check_path(doc, (struct json_step[]){FIELD("a.b")}, 1, "true");
	check_path(doc, (struct json_step[]){FIELD("d")}, 1, "2");
	check_path(doc, (struct json_step[]){FIELD("")}, 1, "[]");
	check_path(doc, (struct json_step[]){FIELD("A")}, 1, NULL);
	check_path(doc, (struct json_step[]){INDEX(0)}, 1, NULL);
	check_path(doc, (struct json_step[]){FIELD("d"), FIELD("x")}, 2, NULL);
	check_path("5", (struct json_step[]){FIELD("d")}, 1, NULL);
	check_path("", (struct json_step[]){FIELD("d")}, 1, NULL);
	check_path("{\"d\":", (struct json_step[]){FIELD("d")}, 1, NULL);
	check_path("{\"d\":1,", (struct json_step[]){FIELD("d")}, 1, "1");
}

static void elements(void **state)
{
	(void)state;
	struct str name, value;
	size_t at = 0;
	struct str object = str_lit("{ \"a\" : 1 , 'b':[2,3]}");
	assert_true(json_next(object, &at, &name, &value));
	assert_true(str_eq(name, str_lit("a")) && str_eq(value, str_lit("1")));
	assert_true(json_next(object, &at, &name, &value));
	assert_true(str_eq(name, str_lit("b")) && str_eq(value, str_lit("[2,3]")));
	assert_false(json_next(object, &at, &name, &value));
	at = 0;
	assert_true(json_next(str_lit("[\"x\"]"), &at, &name, &value));
	assert_null(name.data);
	assert_true(str_eq(value, str_lit("\"x\"")));
	assert_false(json_next(str_lit("[\"x\"]"), &at, &name, &value));
	static const char *const none[] = {
		"[]", "{}", " [ ] ", "5", "", "{", "[", "{\"a\"}", "[,]"};
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		at = 0;
		assert_false(json_next(str_c(none[i]), &at, &name, &value));
	}
}

static void kinds_and_unquoting(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	assert_int_equal(json_kind_of(str_lit("{}")), JSON_KIND_OBJECT);
	assert_int_equal(json_kind_of(str_lit("[]")), JSON_KIND_ARRAY);
	assert_int_equal(json_kind_of(str_lit("\"\"")), JSON_KIND_STRING);
	assert_int_equal(json_kind_of(str_lit("''")), JSON_KIND_STRING);
	assert_int_equal(json_kind_of(str_lit("-1")), JSON_KIND_NUMBER);
	assert_int_equal(json_kind_of(str_lit("NaN")), JSON_KIND_NUMBER);
	assert_int_equal(json_kind_of(str_lit("true")), JSON_KIND_BOOLEAN);
	assert_int_equal(json_kind_of(str_lit("null")), JSON_KIND_NULL);
	struct str plain = str_lit("\"abc\"");
	struct str inner = json_unquote(plain, &arena);
	assert_ptr_equal(inner.data, plain.data + 1);
	assert_int_equal(inner.len, 3);
	assert_true(
		str_eq(json_unquote(str_lit("\"a\\n\\u00e9\""), &arena), str_lit("a\n\xC3\xA9")));
	assert_true(str_eq(json_unquote(str_lit("\"\xFF\""), &arena), str_lit("\xEF\xBF\xBD")));
	assert_true(str_eq(json_unquote(str_lit("12"), &arena), str_lit("12")));
	static const char *const halves[] = {
		"\"\\u\"", "\"\\u12\"", "\"\\u123\"", "\"a\\\"", "\"\\u12g4\"", "\"\\n\\\""};
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++)
		assert_true(str_eq(json_unquote(str_c(halves[i]), &arena), str_c(halves[i])));
	assert_true(str_eq(json_unquote(str_lit("\"\\u0041\\\\\""), &arena), str_lit("A\\")));
	arena_release(&arena);
}

static void where_it_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t at;
	} list[] = {
		{"", 0},
		{"{\"a\":1,}", 7},
		{"{\"a\" 1}", 5},
		{"[1 2]", 3},
		{"[1,", 3},
		{"\"a\\x\"", 2},
		{"\"a\tb\"", 2},
		{"01", 1},
		{"1.", 2},
		{"1.x", 2},
		{"tru", 0},
		{"{} x", 3},
		{"[\"\\u00g0\"]", 6},
		{"\"abc", 4},
		{"-", 1},
		{"[1,2", 4},
		{"nullx", 4},
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		size_t at;
		assert_false(json_validate(str_c(list[i].text), true, &at));
		if (at != list[i].at)
			fail_msg("%s: byte %zu, not %zu", list[i].text, at, list[i].at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(elements),
		cmocka_unit_test(kinds_and_unquoting),
		cmocka_unit_test(where_it_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
