/* Parts of the targets: keys by hash, the headers column, PostgreSQL's text and types. */

/* guarantee: sqlite_sink postgres_sink kafka_sink: * */

#include "sink/kafka_headers.h"
#include "sink/key_map.h"
#include "sink/postgres_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_key_map(void **state)
{
	(void)state;
	struct key_map m;
	key_map_init(&m);
	char text[32];
	assert_int_equal(key_map_get(&m, str_lit("none")), KEY_MAP_MISSING);
	for (uint32_t i = 0; i < 5000; i++) { /* over several growths */
		snprintf(text, sizeof(text), "key %u", i);
		key_map_put(&m, str_c(text), i);
	}
	key_map_put(&m, str_lit("key 7"), 99); /* stays */
	key_map_put(&m, str_lit(""), 5000);
	assert_int_equal(m.count, 5001);
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "key %u", i);
		assert_int_equal(key_map_get(&m, str_c(text)), i);
	}
	assert_int_equal(key_map_get(&m, str_lit("")), 5000);
	assert_int_equal(key_map_get(&m, str_lit("key 5000")), KEY_MAP_MISSING);
	key_map_release(&m);
}

static void test_headers(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	struct kafka_letter l = {.partition = -1};
	assert_true(kafka_headers_read(str_lit(" [ ] "), &arena, &l));
	assert_int_equal(l.header_count, 0);
	struct str three = str_lit("[{\"key\":\"a\",\"value\":\"x\\u00fc\"},"
				   "{\"value\":null,\"key\":\"a\"},"
				   "{\"key\":\"\",\"value\":\"\"}]");
	assert_true(kafka_headers_read(three, &arena, &l));
	assert_int_equal(l.header_count, 3);
	assert_true(str_eq(l.headers[0].value, str_lit("x\xc3\xbc")));
	assert_true(str_eq(l.headers[1].name, str_lit("a")));
	assert_null(l.headers[1].value.data);
	assert_non_null(l.headers[2].value.data);
	static const char *const wrong[] = {"", "{}", "[", "[{}]", "[{\"key\":1,\"value\":\"x\"}]",
		"[{\"key\":\"a\",\"value\":\"x\",\"more\":\"y\"}]", "[{\"key\":\"a\"}] x", "[1]",
		"[{\"value\":\"x\"}]", "[{\"key\":\"a\",}]", "[{\"key\":\"a\"},]"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(kafka_headers_read(str_c(wrong[i]), &arena, &l));
	struct strbuf many;
	strbuf_init(&many);
	for (int i = 0; i <= kafka_headers_max; i++)
		strbuf_addf(&many, "%c{\"key\":\"k\",\"value\":\"v\"}", i == 0 ? '[' : ',');
	strbuf_add_byte(&many, ']');
	assert_false(kafka_headers_read(strbuf_str(&many), &arena, &l));
	strbuf_release(&many);
	arena_release(&arena);
}

static void expect_copy(struct value v, const char *want)
{
	struct strbuf out;
	strbuf_init(&out);
	postgres_copy_value(&v, &out);
	strbuf_add_byte(&out, '\0');
	assert_string_equal(out.data, want);
	strbuf_release(&out);
}

static struct value at(enum type_id id, int64_t n)
{
	struct value v = {.type = type_of(id)};
	if (id == TYPE_DATE)
		v.as.i32 = (int32_t)n;
	else
		v.as.i64 = n;
	return v;
}

static void test_copy_text(void **state)
{
	(void)state;
	expect_copy(value_null(type_of(TYPE_STRING)), "\\N");
	struct value s = {.type = type_of(TYPE_STRING), .as.str = str_lit("\\N\t\n\r\b\f\v'\"")};
	expect_copy(s, "\\\\N\\t\\n\\r\\b\\f\\v'\"");
	s.as.str = str_lit("");
	expect_copy(s, "");
	struct value b = {.type = type_of(TYPE_BINARY), .as.str = {"\0\xff\\", 3}};
	expect_copy(b, "\\\\x00ff5c");
	struct value j = {.type = type_of(TYPE_JSON), .as.str = str_lit("{'a':\"x\\n\"}")};
	expect_copy(j, "{\"a\":\"x\\\\n\"}");
	expect_copy(at(TYPE_DATE, -719528), "0001-01-01 BC"); /* year 0 */
	expect_copy(at(TYPE_DATE, 0), "1970-01-01");
	expect_copy(at(TYPE_DATE, 2932897), "10000-01-01"); /* Spark: +10000-01-01 */
	expect_copy(at(TYPE_TIMESTAMP, -1), "1969-12-31 23:59:59.999999");
	expect_copy(at(TYPE_TIMESTAMP, INT64_MAX), "294247-01-10 04:00:54.775807");
}

static void test_types_that_hold(void **state)
{
	(void)state;
	static const struct {
		const char *found;
		enum type_id id;
		bool holds;
	} cases[] = {
		{"integer", TYPE_INT, true},
		{"smallint", TYPE_INT, false},
		{"bigint", TYPE_INT, true},
		{"integer", TYPE_BIGINT, false},
		{"numeric", TYPE_BIGINT, true},
		{"numeric(18,0)", TYPE_BIGINT, false},
		{"numeric(19,0)", TYPE_BIGINT, true},
		{"numeric(20,2)", TYPE_BIGINT, false},
		{"real", TYPE_DOUBLE, false},
		{"text", TYPE_STRING, true},
		{"uuid", TYPE_STRING, true},
		{"integer", TYPE_STRING, false},
		{"numeric(5,2)", TYPE_STRING, false},
		{"text", TYPE_INT, false},
		{"jsonb", TYPE_JSON, true},
		{"bytea", TYPE_STRING, false},
		{"timestamp without time zone", TYPE_TIMESTAMP, true},
		{"date", TYPE_TIMESTAMP, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(postgres_type_holds(str_c(cases[i].found), type_of(cases[i].id)),
			cases[i].holds);
	assert_true(postgres_type_holds(str_lit("numeric(12,4)"), type_decimal(10, 2)));
	assert_false(postgres_type_holds(str_lit("numeric(10,4)"), type_decimal(10, 2)));
	assert_false(postgres_type_holds(str_lit("numeric(10,1)"), type_decimal(10, 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_map),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_copy_text),
		cmocka_unit_test(test_types_that_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
