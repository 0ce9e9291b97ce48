/*
 * What a JSON message becomes, by column type, in lenient (Spark's) and strict mode. Every example
 * is decoded several times in one chunk: first by the generic reader, then by the template learned
 * from it, in messages that end at the last byte of their block.
 */

#include "base/bounds.h"
#include "data/value.h"
#include "decode/json_decode.h"
#include "decode/ddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ORDERS "order_id INT, product STRING, quantity INT, op STRING"

static const char *const kernels[] = {"plain", "scalar", "sse42", "avx2"};

struct fixture {
	struct arena arena;
	struct schema *schema;
	struct json_decoder *decoder;
	struct messages messages;
	struct clock_held clock;
};

static void open_table(
	struct fixture *b, const char *ddl, enum json_mode mode, bool strict, bool with_corrupt)
{
	struct error err;
	char text[32768];
	error_init(&err);
	memset(b, 0, sizeof(*b));
	arena_init(&b->arena, 64 * 1024);
	clock_held_init(&b->clock, INT64_C(1705312800000000)); /* 2024-01-15 10:00 */
	snprintf(text, sizeof(text), "%s%s", ddl, with_corrupt ? ", _corrupt_record STRING" : "");
	if (ddl_parse(str_c(text), &b->arena, &b->schema, &err) < 0)
		fail_msg("%s", err.text);
	struct json_config config = {.schema = b->schema,
		.mode = mode,
		.strict = strict,
		.corrupt_column = with_corrupt ? (int)b->schema->column_count - 1 : -1,
		.clock = &b->clock.clock};
	b->decoder = json_decoder_open(&config);
	b->messages.arena = &b->arena;
}

static void close_table(struct fixture *b)
{
	for (uint32_t i = 0; i < b->messages.count; i++)
		free((void *)(uintptr_t)b->messages.value[i].data);
	json_decoder_close(b->decoder);
	arena_release(&b->arena);
}

/* The block has exactly the message's size, so that a byte read past its end is seen by ASan. */
static void add_message(struct fixture *b, struct str text)
{
	uint32_t i = b->messages.count++;
	b->messages.topic[i] = str_lit("orders");
	b->messages.partition[i] = 3;
	b->messages.offset[i] = 8812 + i;
	b->messages.value[i] = text;
	if (text.data == NULL)
		return;
	char *copy = malloc(text.len == 0 ? 1 : text.len);
	assert_non_null(copy);
	memcpy(copy, text.data, text.len);
	b->messages.value[i].data = copy;
}

static struct chunk *decode(struct fixture *b)
{
	struct chunk *c = NULL;
	struct error err;
	error_init(&err);
	if (json_decode(b->decoder, &b->messages, NULL, &c, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(c->row_count, b->messages.count);
	return c;
}

/* "1|A|NULL|insert", and " !" after it when _corrupt_record holds the message. */
static void row_text(const struct fixture *b, const struct chunk *c, uint32_t row, uint32_t columns,
	struct strbuf *out)
{
	strbuf_reset(out);
	for (uint32_t i = 0; i < columns; i++) {
		struct value v = value_from_column(&c->columns[i], b->schema->columns[i].type, row);
		if (i > 0)
			strbuf_add_byte(out, '|');
		if (v.is_null)
			strbuf_add_c(out, "NULL");
		else
			value_text(&v, VALUE_CONSOLE, NULL, out);
	}
	if (columns == c->column_count || column_is_null(&c->columns[columns], row))
		return;
	struct value v = value_from_column(&c->columns[columns], type_of(TYPE_STRING), row);
	assert_true(str_eq(v.as.str, b->messages.value[row]));
	strbuf_add_c(out, " !");
}

static void check_row_len(const char *ddl, bool strict, struct str message, struct str row)
{
	for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
		struct fixture b;
		struct strbuf text;
		setenv("CDCL_SIMD", kernels[k], 1);
		open_table(&b, ddl, JSON_PERMISSIVE, strict, true);
		for (int i = 0; i < 3; i++)
			add_message(&b, message);
		struct chunk *c = decode(&b);
		strbuf_init(&text);
		for (uint32_t i = 0; i < 3; i++) {
			row_text(&b, c, i, b.schema->column_count - 1, &text);
			if (!str_eq(strbuf_str(&text), row))
				fail_msg("%s, row %u of\n  " STR_FMT "\n  gives " STR_FMT
					 "\n  not   " STR_FMT,
					kernels[k], i, STR_ARG(message), STR_ARG(strbuf_str(&text)),
					STR_ARG(row));
		}
		strbuf_release(&text);
		close_table(&b);
	}
	unsetenv("CDCL_SIMD");
}

static void check_row(const char *ddl, const char *message, const char *row)
{
	check_row_len(ddl, false, str_c(message), str_c(row));
}

struct example {
	const char *message, *row;
};

static void check_all(const char *ddl, const struct example *e, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(ddl, e[i].message, e[i].row);
}

#define CHECK_ALL(ddl, list) check_all((ddl), (list), sizeof(list) / sizeof((list)[0]))

/* A value in the middle of a row, so that what comes after it is seen to be read. */
static void check_value(const char *type, const char *value, const char *shown)
{
	char ddl[256], message[4096], row[4096];
	snprintf(ddl, sizeof(ddl), "k INT, v %s, z STRING", type);
	snprintf(message, sizeof(message), "{\"k\":7,\"v\":%s,\"z\":\"end\"}", value);
	if (strcmp(shown, "ROW") == 0)
		snprintf(row, sizeof(row), "NULL|NULL|NULL !");
	else if (strcmp(shown, "BAD") == 0)
		snprintf(row, sizeof(row), "7|NULL|end !");
	else
		snprintf(row, sizeof(row), "7|%s|end", shown);
	check_row(ddl, message, row);
}

static void check_values(const char *type, const struct example *e, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_value(type, e[i].message, e[i].row);
}

#define CHECK_VALUES(type, list) check_values((type), (list), sizeof(list) / sizeof((list)[0]))

/* ---- rows ---- */

static void one_bad_field_nulls_itself_only(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"{\"order_id\":1,\"product\":\"A\",\"quantity\":2,\"op\":\"insert\"}",
			"1|A|2|insert"},
		{"{\"order_id\":1,\"product\":\"A\",\"quantity\":\"5\",\"op\":\"insert\"}",
			"1|A|NULL|insert !"},
		{"{\"order_id\":\"x\",\"product\":\"A\",\"quantity\":{\"a\":1},\"op\":\"i\"}",
			"NULL|A|NULL|i !"},
		{"{\"order_id\":1}", "1|NULL|NULL|NULL"},
		{"{}", "NULL|NULL|NULL|NULL"},
		{"{ }", "NULL|NULL|NULL|NULL"},
		{"{\"order_id\":1,\"product\":null,\"quantity\":null,\"op\":null}",
			"1|NULL|NULL|NULL"},
		{"{\"op\":\"x\",\"more\":{\"x\":[1,2,{\"y\":\"z\"}]},\"order_id\":5}",
			"5|NULL|NULL|x"},
		{"{\"_corrupt_record\":\"x\",\"order_id\":5}", "5|NULL|NULL|NULL"},
		{" \t {\"order_id\":1,\r\n\"op\" : \"i\" } \n", "1|NULL|NULL|i"},
	};
	CHECK_ALL(ORDERS, list);
}

static void malformed_up_to_the_brace_nulls_the_row(void **state)
{
	(void)state;
	static const char *const list[] = {
		"junk",
		"{",
		"}",
		"[]",
		"[1,2]",
		"[{\"order_id\":1}]",
		"null",
		"true",
		"5",
		"\"abc\"",
		"\v",
		"\xA0",
		"{\"order_id\":1,\"product\":\"A\",\"quan",
		"{\"order_id\":1,\"product\":\"A\",\"quantity\":",
		"{\"order_id\":1,\"product\":\"A",
		"{\"order_id\":1,\"op\":\"x\"",
		"{\"order_id\":1,\"x\":[1,2",
		"{\"order_id\":01}",
		"{\"order_id\":1,\"quantity\":02}",
		"{\"order_id\":+1}",
		"{\"order_id\":1.}",
		"{\"order_id\":.5}",
		"{\"order_id\":-}",
		"{\"order_id\":1e}",
		"{\"order_id\":1_000}",
		"{order_id:1}",
		"{\"order_id\":1,\"op\":A}",
		"{\"order_id\":1,\"op\":True}",
		"{\"op\":tru}",
		"{\"order_id\":1,/* c */\"op\":\"i\"}",
		"{\"order_id\":1,#\n\"op\":\"i\"}",
		"{\"order_id\":1,\"op\":\"i\",}",
		"{\"order_id\":1,,\"op\":\"i\"}",
		"{,\"op\":\"i\"}",
		"{\"order_id\" 1}",
		"{\"order_id\":1 \"op\":\"i\"}",
		"{\"order_id\":1;\"op\":\"i\"}",
		"{\"op\":\"\\x41\"}",
		"{\"op\":\"\\u00zz\"}",
		"{\"op\":\"a\tb\"}",
		"{\"op\":\"a\001b\"}",
		"{\"op\":\"a\\",
		"{\"op\":\"\\u00",
		"{\"o\tp\":1}",
		"{\"order_id\":1,\"x\":01}",
		"{\"order_id\":1,\"x\":{\"y\":[1,}},\"op\":\"i\"}",
		"{\"order_id\":1,\"x\":[1},\"op\":\"i\"}",
		"{\"order_id\":1,\"x\":{\"y\"}}",
		"{\"order_id\":1,\f\"op\":2}",
		"{\"order_id\":1,\"x\":INF}",
		"{\"order_id\":1,\"x\":NaNa}",
		"\xEF\xBB\xBF{\"order_id\":1}",
		"\xFF{\"order_id\":1}",
		"{\"order_id\":1\xC2\xA0}",
		"{\"order_id\":1,\"op\":'a}",
		"{\"x\":\"a\nb\"}",
	};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		check_row(ORDERS, list[i], "NULL|NULL|NULL|NULL !");
}

static void what_follows_the_closing_brace_is_ignored(void **state)
{
	(void)state;
	static const char *const tails[] = {
		" junk", "}", ",", "{\"order_id\":2}", " // x", " # x", "\n{", "]"};
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		char message[256];
		snprintf(message, sizeof(message), "{\"order_id\":1,\"op\":\"i\"}%s", tails[i]);
		check_row(ORDERS, message, "1|NULL|NULL|i");
		check_row_len(ORDERS, true, str_c(message), str_lit("NULL|NULL|NULL|NULL !"));
	}
	check_row_len(ORDERS, false, str_lit("{\"order_id\":1}\0"), str_lit("1|NULL|NULL|NULL"));
	check_row_len(ORDERS, true, str_lit("{\"order_id\":1} \n"), str_lit("1|NULL|NULL|NULL"));
}

static void nothing_to_read_is_no_error(void **state)
{
	(void)state;
	static const char *const list[] = {"", " ", "   ", "\t", "\r\n"};
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		check_row(ORDERS, list[i], "NULL|NULL|NULL|NULL");
	}
	for (int strict = 0; strict < 2; strict++)
		check_row_len(ORDERS, strict != 0, (struct str){NULL, 0},
			str_lit("NULL|NULL|NULL|NULL"));
	/* RFC 8259: a text has a value; "!" says malformed */
	check_row_len(ORDERS, true, str_lit(""), str_lit("NULL|NULL|NULL|NULL !"));
	check_row_len(ORDERS, true, str_lit(" \t"), str_lit("NULL|NULL|NULL|NULL !"));
}

static void names_are_exact_and_their_escapes_decoded(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"{\"Order_ID\":1,\"PRODUCT\":\"A\",\"quantity\":2}", "NULL|NULL|2|NULL"},
		{"{\"order\\u005fid\":7,\"op\":\"i\"}", "7|NULL|NULL|i"},
		{"{\"\":1,\"order_id\":5}", "5|NULL|NULL|NULL"},
		{"{\"order_id\\u0000\":1,\"op\":\"i\"}", "NULL|NULL|NULL|i"},
		{"{\"order_id \":1,\"op\":\"i\"}", "NULL|NULL|NULL|i"},
		{"{\"\xFF\":1,\"op\":\"i\"}", "NULL|NULL|NULL|i"},
		{"{\"o\xC3p\":1,\"op\":\"i\"}", "NULL|NULL|NULL|i"},
	};
	CHECK_ALL(ORDERS, list);
	check_row("`größe` INT, `a.b` INT, `x\"y` INT",
		"{\"gr\xC3\xB6\xC3\x9F"
		"e\":1,\"a.b\":2,\"x\\\"y\":3}",
		"1|2|3");
	check_row("`größe` INT", "{\"gr\\u00f6\\u00DFe\":1}", "1");
}

static void of_duplicates_the_last_that_fits_wins(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"{\"order_id\":1,\"order_id\":2,\"op\":\"x\"}", "2|NULL|NULL|x"},
		{"{\"quantity\":1,\"quantity\":\"bad\",\"op\":\"x\"}", "NULL|NULL|1|x !"},
		{"{\"order_id\":\"bad\",\"order_id\":2,\"op\":\"x\",\"op\":null}",
			"2|NULL|NULL|NULL !"},
		{"{\"op\":\"x\",\"op\":null,\"op\":\"y\"}", "NULL|NULL|NULL|y"},
		{"{\"z\":1,\"z\":2,\"op\":\"y\"}", "NULL|NULL|NULL|y"},
	};
	CHECK_ALL(ORDERS, list);
}

static void single_quotes(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"{'order_id':1,'product':'A','quantity':2,'op':'insert'}", "1|A|2|insert"},
		{"{'order_id':1,'product':'A\"B','quantity':2,\"op\":'it\\'s'}", "1|A\"B|2|it's"},
		{"{\"op\":\"it\\'s\"}", "NULL|NULL|NULL|it's"},
		{"{\"op\":\"it's\"}", "NULL|NULL|NULL|it's"},
	};
	CHECK_ALL(ORDERS, list);
	for (size_t i = 0; i + 1 < sizeof(list) / sizeof(list[0]); i++)
		check_row_len(
			ORDERS, true, str_c(list[i].message), str_lit("NULL|NULL|NULL|NULL !"));
}

/* ---- strings ---- */

static void escapes_and_surrogates(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"\"\\u0041\\u00e9\\u65e5\\ud83d\\ude00\"",
			"A\xC3\xA9\xE6\x97\xA5\xF0\x9F\x98\x80"},
		{"\"\\\"\\\\\\/x\"", "\"\\/x"},
		{"\"\\ud83d\"", "?"},
		{"\"\\ude00x\"", "?x"},
		{"\"\\ud83dx\\ude00\"", "?x?"},
		{"\"\\ud83d\\ud83d\\ude00\"", "?\xF0\x9F\x98\x80"},
		{"\"\\ud83d\\n\"", "?\n"},
		{"\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80"},
		{"\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t"},
		{"\"\x7F\"", "\x7F"},
		{"\"\"", ""},
	};
	CHECK_VALUES("STRING", list);
	check_row_len("s STRING", false, str_lit("{\"s\":\"a\\u0000b\"}"), str_lit("a\0b"));
}

/* One U+FFFD for each sequence that Java's decoder calls malformed. */
static void invalid_utf8_is_replaced(void **state)
{
	(void)state;
#define R "\xEF\xBF\xBD"
	static const struct example list[] = {
		{"\"\xFF\"", R},
		{"\"a\x80z\"", "a" R "z"},
		{"\"\xC3\"", R},
		{"\"\xC3(\"", R "("},
		{"\"\xC0\x80\"", R R},
		{"\"\xC1\xBF\"", R R},
		{"\"\xE0\x80\x80\"", R R R},
		{"\"\xE0\x9F\xBF\"", R R R},
		{"\"\xED\xA0\x80\"", R},
		{"\"\xED\xBF\xBF\"", R},
		{"\"\xED\xA0x\"", R "x"},
		{"\"\xE6\x97\"", R},
		{"\"\xF0\x9F\x98\"", R},
		{"\"\xF0\x9F\"", R},
		{"\"\xF0\x80\x80\x80\"", R R R R},
		{"\"\xF4\x90\x80\x80\"", R R R R},
		{"\"\xF5\x80\x80\x80\"", R R R R},
		{"\"\xF8\x88\x80\x80\x80\"", R R R R R},
		{"\"\xF4\x8F\xBF\xBF\"", "\xF4\x8F\xBF\xBF"},
		{"\"\xEF\xBF\xBF\"", "\xEF\xBF\xBF"},
		{"\"\\n\xFF\"", "\n" R},
		{"\"\xE6\x97\xA5\"", "\xE6\x97\xA5"},
	};
#undef R
	CHECK_VALUES("STRING", list);
	check_row("k INT", "{\"x\":\"\xFF\",\"k\":1}", "1");
	check_row_len("k INT", true, str_lit("{\"x\":\"\xFF\",\"k\":1}"), str_lit("NULL !"));
	check_row_len("s STRING", true, str_lit("{\"s\":\"\xED\xA0\x80\"}"), str_lit("NULL !"));
	check_row_len(
		"s STRING", true, str_lit("{\"s\":\"\xE6\x97\xA5\"}"), str_lit("\xE6\x97\xA5"));
}

/* Strings of every length around the widths of the kernels, and with every byte at every place. */
static void string_lengths(void **state)
{
	(void)state;
	char message[256], row[256];
	for (int len = 0; len < 100; len++) {
		char s[128];
		memset(s, 'x', (size_t)len);
		s[len] = '\0';
		snprintf(message, sizeof(message), "{\"s\":\"%s\"}", s);
		check_row("s STRING", message, s);
		if (len == 0 || len > 70)
			continue;
		s[len - 1] = '\x01';
		snprintf(message, sizeof(message), "{\"s\":\"%s\"}", s);
		check_row("s STRING", message, "NULL !");
		snprintf(message, sizeof(message), "{\"s\":\"%.*s\\n%s\"}", len - 1, s, "yyyy");
		snprintf(row, sizeof(row), "%.*s\nyyyy", len - 1, s);
		check_row("s STRING", message, row);
		snprintf(message, sizeof(message), "{\"s\":\"%.*s\xC3\xA9\"}", len - 1, s);
		snprintf(row, sizeof(row), "%.*s\xC3\xA9", len - 1, s);
		check_row("s STRING", message, row);
	}
}

static void strings_from_other_values(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"12", "12"},
		{"1.50", "1.50"},
		{"1e3", "1e3"},
		{"1E+5", "1E+5"},
		{"-0", "0"},
		{"-0.0", "-0.0"},
		{"0.10", "0.10"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"true", "true"},
		{"false", "false"},
		{"null", "NULL"},
		{"{\"a\":1}", "{\"a\":1}"},
		{"{ \"a\" : 1 , \"b\" : [ 1 ,\t2 ] }", "{\"a\":1,\"b\":[1,2]}"},
		{"[]", "[]"},
		{"{}", "{}"},
		{"{\"a\":\"\\u0041\\n\"}", "{\"a\":\"A\\n\"}"},
		{"{'a':1}", "{\"a\":1}"},
		{"{\"a\":\"/\\/\"}", "{\"a\":\"//\"}"},
		{"{\"a\":1.50,\"c\":1E400}", "{\"a\":1.50,\"c\":1E400}"},
		{"{\"\xC3\xA9\":\"\xE6\x97\xA5\"}", "{\"\xC3\xA9\":\"\xE6\x97\xA5\"}"},
		{"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}"},
		{"[NaN]", "[\"NaN\"]"},
		{"NaN", "\"NaN\""},
		{"+INF", "\"Infinity\""},
		{"-Infinity", "\"-Infinity\""},
		{"[\"\\u0001\\u001f\\\"\\\\\"]", "[\"\\u0001\\u001F\\\"\\\\\"]"},
		{"['a\"b']", "[\"a\\\"b\"]"},
		{"[\"\\ud83d\\ude00\\ud83d\"]", "[\"\\uD83D\\uDE00\\uD83D\"]"},
		{"{\"\xF0\x9F\x98\x80\":\"\xF4\x8F\xBF\xBD\"}",
			"{\"\\uD83D\\uDE00\":\"\\uDBFF\\uDFFD\"}"},
		{"[\"\xFF\"]", "[\"\xEF\xBF\xBD\"]"},
		{"[-0,null,true]", "[0,null,true]"},
		{"00001", "ROW"},
	};
	CHECK_VALUES("STRING", list);
}

static void json_keeps_the_exact_text(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"12", "12"},
		{"1.50", "1.50"},
		{"-0", "-0"},
		{"\"a\\u0041\"", "\"a\\u0041\""},
		{"null", "NULL"},
		{"true", "true"},
		{"{ \"a\" : [1, 2] }", "{ \"a\" : [1, 2] }"},
		{"\"\"", "\"\""},
		{"[1,]", "ROW"},
	};
	CHECK_VALUES("JSON", list);
}

/* ---- numbers ---- */

static void integers(void **state)
{
	(void)state;
	static const struct example ints[] = {
		{"0", "0"},
		{"-0", "0"},
		{"5", "5"},
		{"-129", "-129"},
		{"2147483647", "2147483647"},
		{"2147483648", "BAD"},
		{"-2147483648", "-2147483648"},
		{"-2147483649", "BAD"},
		{"9223372036854775808", "BAD"},
		{"12345678", "12345678"},
		{"123456789", "123456789"},
		{"1234567", "1234567"},
		{"-12345678", "-12345678"},
		{"1e3", "BAD"},
		{"1E0", "BAD"},
		{"1.0", "BAD"},
		{"5.0", "BAD"},
		{"0.0", "BAD"},
		{"123456789012345678901234567890", "BAD"},
		{"\"5\"", "BAD"},
		{"\"\"", "BAD"},
		{"true", "BAD"},
		{"[5]", "BAD"},
		{"{\"a\":5}", "BAD"},
		{"null", "NULL"},
		{"NaN", "BAD"},
		{"00", "ROW"},
		{"01", "ROW"},
		{"-01", "ROW"},
		{"--1", "ROW"},
		{"1.", "ROW"},
		{"1e+", "ROW"},
		{"0x10", "ROW"},
		{"1,5", "ROW"},
		{"12345678.", "ROW"},
		{"12345678e1", "BAD"},
		{"1 2", "ROW"},
		{"+1", "ROW"},
		{"1a", "ROW"},
		{"012345678", "ROW"},
		{"000000001", "ROW"},
	};
	CHECK_VALUES("INT", ints);
}

static void integers_of_other_widths(void **state)
{
	(void)state;
	static const struct example bigs[] = {
		{"9223372036854775807", "9223372036854775807"},
		{"9223372036854775808", "BAD"},
		{"-9223372036854775808", "-9223372036854775808"},
		{"-9223372036854775809", "BAD"},
		{"-0", "0"},
		{"123456789012345", "123456789012345"},
		{"1234567890123456", "1234567890123456"},
		{"12345678901234567", "12345678901234567"},
		{"1234567890123456789", "1234567890123456789"},
		{"18446744073709551617", "BAD"},
		{"1e18", "BAD"},
		{"100000000000000", "100000000000000"},
	};
	CHECK_VALUES("BIGINT", bigs);
	static const struct example smalls[] = {
		{"32767", "32767"},
		{"32768", "BAD"},
		{"-32768", "-32768"},
		{"-32769", "BAD"},
	};
	CHECK_VALUES("SMALLINT", smalls);
	static const struct example tinies[] = {
		{"127", "127"},
		{"128", "BAD"},
		{"255", "BAD"},
		{"-128", "-128"},
		{"-129", "BAD"},
	};
	CHECK_VALUES("TINYINT", tinies);
}

static void integer_lengths(void **state)
{
	(void)state;
	char digits[24] = "";
	for (int len = 1; len < 20; len++) {
		digits[len - 1] = (char)('0' + len % 10);
		digits[len] = '\0';
		check_value("BIGINT", digits,
			len < 19 || strcmp(digits, "9223372036854775807") <= 0 ? digits : "BAD");
		char negative[32];
		snprintf(negative, sizeof(negative), "-%s", digits);
		check_value("BIGINT", negative, negative);
		char message[64];
		snprintf(message, sizeof(message), "{\"v\":%s}", digits); /* at the very end */
		check_row("v BIGINT", message, digits);
	}
}

static void doubles(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"01", "ROW"},
		{"-01.5", "ROW"},
		{"00.5", "ROW"},
		{"1.5.5", "ROW"},
		{"1.", "ROW"},
		{"-.5", "ROW"},
		{"18446744073709551617", "1.8446744073709552E19"},
		{"-18446744073709551617", "-1.8446744073709552E19"},
		{"18446744073709551616", "1.8446744073709552E19"},
		{"-1.8446744073709551616", "-1.8446744073709551"},
		{"1844674407370955161600e-2", "1.8446744073709552E19"},
		{"0.18446744073709551617", "0.1844674407370955"},
		{"-2.50", "-2.5"},
		{"1234567.8901", "1234567.8901"},
		{"0", "0.0"},
		{"-0", "0.0"},
		{"-0.0", "-0.0"},
		{"-0e0", "-0.0"},
		{"5", "5.0"},
		{"1e3", "1000.0"},
		{"1.5", "1.5"},
		{"123456789012345678901234567890", "1.2345678901234568E29"},
		{"1e400", "Infinity"},
		{"-1e400", "-Infinity"},
		{"1e-400", "0.0"},
		{"1e18", "1.0E18"},
		{"0.1", "0.1"},
		{"9223372036854775807", "9.223372036854776E18"},
		{"1.7976931348623157e308", "1.7976931348623157E308"},
		{"4.9e-324", "4.9E-324"},
		{"3.14159265358979", "3.14159265358979"},
		{"2.2250738585072011e-308", "2.225073858507201E-308"},
		{"9007199254740993", "9.007199254740992E15"},
		{"NaN", "NaN"},
		{"Infinity", "Infinity"},
		{"-Infinity", "-Infinity"},
		{"+INF", "Infinity"},
		{"-INF", "-Infinity"},
		{"+Infinity", "Infinity"},
		{"INF", "ROW"},
		{"-NaN", "ROW"},
		{"\"NaN\"", "NaN"},
		{"\"Infinity\"", "Infinity"},
		{"\"-Infinity\"", "-Infinity"},
		{"\"+INF\"", "Infinity"},
		{"\"INF\"", "BAD"},
		{"\"-INF\"", "-Infinity"},
		{"\"+Infinity\"", "Infinity"},
		{"\"nan\"", "BAD"},
		{"\"1.5\"", "BAD"},
		{"\"\"", "BAD"},
		{"true", "BAD"},
		{"[1]", "BAD"},
		{"null", "NULL"},
		{"1e1000000000", "Infinity"},
		{"1e-1000000000", "0.0"},
		{"0e1000000000", "0.0"},
	};
	CHECK_VALUES("DOUBLE", list);
}

static void floats_are_rounded_once(void **state)
{
	(void)state;
	static const struct example floats[] = {
		{"0.1", "0.1"},
		{"-0", "0.0"},
		{"-0.0", "-0.0"},
		{"16777217", "1.6777216E7"},
		{"9223372586610589697", "9.223372E18"},
		{"9223372586610589697.0", "9.223373E18"},
		{"18446744073709551617", "1.8446744E19"},
		{"1e40", "Infinity"},
		{"1e-50", "0.0"},
		{"3.4028235e38", "3.4028235E38"},
		{"\"NaN\"", "NaN"},
		{"\"5\"", "BAD"},
		{"1.00000017881393432617187499", "1.0000001"},
	};
	CHECK_VALUES("FLOAT", floats);
}

static void decimals(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"1.5", "1.50"},
		{"-7", "-7.00"},
		{"\"12.34\"", "12.34"},
		{"\"-12.3\"", "-12.30"},
		{"99999999.99", "99999999.99"},
		{"100000000", "BAD"},
		{"01.5", "ROW"},
		{"\"01.5\"", "1.50"},
		{"\"1.\"", "1.00"},
		{"\".5\"", "0.50"},
		{"\"+5\"", "5.00"},
		{"1.", "ROW"},
		{"\"-\"", "BAD"},
		{"0", "0.00"},
		{"-0.0", "0.00"},
		{"1.005", "1.01"},
		{"-1.005", "-1.01"},
		{"1.004", "1.00"},
		{"99999999.994", "99999999.99"},
		{"99999999.995", "BAD"},
		{"123456789", "BAD"},
		{"1e3", "1000.00"},
		{"1e-3", "0.00"},
		{"1e1000", "BAD"},
		{"1e-1000000000", "0.00"},
		{"0e1000000000", "0.00"},
		{"1e1000000000", "BAD"},
		{"\"12.345\"", "12.35"},
		{"\"1e3\"", "1000.00"},
		{"\" 12\"", "BAD"},
		{"\"12 \"", "BAD"},
		{"\"1,234.56\"", "BAD"},
		{"\"$5\"", "BAD"},
		{"\"\"", "BAD"},
		{"\"abc\"", "BAD"},
		{"\"NaN\"", "BAD"},
		{"NaN", "BAD"},
		{"true", "BAD"},
		{"[1]", "BAD"},
		{"null", "NULL"},
	};
	CHECK_VALUES("DECIMAL(10,2)", list);
	check_value("DECIMAL(20,0)", "18446744073709551617", "18446744073709551617");
	check_value("DECIMAL(38,10)", "1234567890123456789012345678.0123456789",
		"1234567890123456789012345678.0123456789");
}

/* ---- the other types ---- */

static void booleans(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"true", "true"},
		{"false", "false"},
		{"null", "NULL"},
		{"1", "BAD"},
		{"0", "BAD"},
		{"\"true\"", "BAD"},
		{"tru", "ROW"},
		{"True", "ROW"},
	};
	CHECK_VALUES("BOOLEAN", list);
}

static void dates(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"\"2024-02-29\"", "2024-02-29"},
		{"\"2100-02-29\"", "BAD"},
		{"\"1900-03-01\"", "1900-03-01"},
		{"\"2024-00-10\"", "BAD"},
		{"\"2024-01-32\"", "BAD"},
		{"\"2024/01/15\"", "BAD"},
		{"\"202a-01-15\"", "BAD"},
		{"\"2024-01-15\"", "2024-01-15"},
		{"\"2024\"", "2024-01-01"},
		{"\"2024-1-5\"", "2024-01-05"},
		{"\" 2024-01-15 \"", "2024-01-15"},
		{"\"2024-01-15T10:00\"", "2024-01-15"},
		{"\"2024-01-15 junk\"", "2024-01-15"},
		{"\"20240115\"", "BAD"},
		{"\"5\"", "BAD"},
		{"20240115", "BAD"},
		{"\"2024-02-30\"", "BAD"},
		{"\"\"", "BAD"},
		{"\"now\"", "BAD"},
		{"\"epoch\"", "BAD"},
		{"true", "BAD"},
		{"null", "NULL"},
		{"\"10000-01-01\"", "+10000-01-01"},
	};
	CHECK_VALUES("DATE", list);
}

static void timestamps(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"\"2024-02-29 23:59:59.123456789Z\"", "2024-02-29 23:59:59.123456"},
		{"\"2023-02-29T00:00:00Z\"", "BAD"},
		{"\"2024-13-01T00:00:00Z\"", "BAD"},
		{"\"2024-01-15T10:60:00Z\"", "BAD"},
		{"\"2024-01-15T10:00:00.Z\"", "2024-01-15 10:00:00"},
		{"\"2024-01-15T10:00:00z\"", "BAD"},
		{"\"2024-01-15T10:00:0\"", "2024-01-15 10:00:00"},
		{"\"1969-12-31 23:59:59.999999\"", "1969-12-31 23:59:59.999999"},
		{"\"0001-01-01 00:00:00\"", "0001-01-01 00:00:00"},
		{"\"2024-01-15 10:00:00 PST\"", "2024-01-15 18:00:00"},
		{"\"2024-01-15T10:00:00.1Z\"", "2024-01-15 10:00:00.1"},
		{"\"2024-01-15 10:00\"", "2024-01-15 10:00:00"},
		{"\"2024-01-15T10:00:00+02:00\"", "2024-01-15 08:00:00"},
		{"\"2024-01-15 24:00:00\"", "BAD"},
		{"\"\"", "BAD"},
		{"\"1705312800\"", "BAD"},
		{"1705312800", "2024-01-15 10:00:00"},
		{"-1", "1969-12-31 23:59:59"},
		{"1705312800.5", "BAD"},
		{"1.7e9", "BAD"},
		{"1705312800000", "+56009-03-18 16:00:00"},
		{"9223372036854775807", "1969-12-31 23:59:59"},
		{"9223372036854775808", "BAD"},
		{"true", "BAD"},
		{"null", "NULL"},
		{"\"11:30\"", "2024-01-15 11:30:00"},
	};
	CHECK_VALUES("TIMESTAMP", list);
}

static void binaries(void **state)
{
	(void)state;
	static const struct example list[] = {
		{"\"AQID\"", "[01 02 03]"},
		{"\"AQI=\"", "[01 02]"},
		{"\"AQ==\"", "[01]"},
		{"\"AQI\"", "BAD"},
		{"\"AQ\"", "BAD"},
		{"\"A\"", "ROW"},
		{"\"+Infinity\"", "ROW"},
		{"\"AQ=\"", "ROW"},
		{"\"AQ=A\"", "BAD"},
		{"\"\"", "[]"},
		{"\"not base64!\"", "BAD"},
		{"\"AQID\\n\"", "[01 02 03]"},
		{"\"AQ ID\"", "BAD"},
		{"\"AQID AQID\"", "[01 02 03 01 02 03]"},
		{"\"_-8=\"", "BAD"},
		{"123", "BAD"},
		{"true", "BAD"},
		{"null", "NULL"},
		{"\"Infinity\"", "[22 77 E2 9E 2B 72]"},
	};
	CHECK_VALUES("BINARY", list);
}

/* ---- bounds ---- */

static char *repeat(char *p, char c, size_t n)
{
	memset(p, c, n);
	return p + n;
}

static struct str nested(size_t arrays, char *buffer)
{
	char *p = buffer + sprintf(buffer, "{\"x\":");
	p = repeat(p, '[', arrays);
	p = repeat(p, ']', arrays);
	p += sprintf(p, ",\"k\":1}");
	return (struct str){buffer, (size_t)(p - buffer)};
}

static void nesting_is_bounded(void **state)
{
	(void)state;
	char buffer[4096];
	check_row_len("k INT", false, nested(json_depth_max - 1, buffer), str_lit("1"));
	check_row_len("k INT", false, nested(json_depth_max, buffer), str_lit("NULL !"));
	check_row_len("k INT", true, nested(json_depth_max, buffer), str_lit("NULL !"));
	check_row_len(
		"k INT, x JSON", false, nested(json_depth_max, buffer), str_lit("NULL|NULL !"));
}

static struct str long_number(size_t digits, const char *name, char *buffer)
{
	char *p = buffer + sprintf(buffer, "{\"%s\":-", name);
	p = repeat(p, '1', digits - 2);
	p += sprintf(p, ".0e");
	p = repeat(p, '0', 1);
	p += sprintf(p, ",\"k\":1}");
	return (struct str){buffer, (size_t)(p - buffer)};
}

static void numbers_are_bounded(void **state)
{
	(void)state;
	char buffer[4096];
	check_row_len("d DOUBLE, k INT", false, long_number(json_number_bytes_max, "d", buffer),
		str_lit("-Infinity|1"));
	check_row_len("d DOUBLE, k INT", false, long_number(json_number_bytes_max + 1, "d", buffer),
		str_lit("NULL|NULL !"));
	check_row_len("k INT", false, long_number(json_number_bytes_max + 1, "x", buffer),
		str_lit("NULL !"));
}

static void names_are_bounded(void **state)
{
	(void)state;
	char *buffer = malloc(json_name_bytes_max * 4);
	assert_non_null(buffer);
	for (size_t extra = 0; extra < 2; extra++) {
		char *p = buffer + sprintf(buffer, "{\"");
		for (size_t i = 0; i < json_name_bytes_max / 2; i++)
			p += sprintf(p, "\xC3\xA9\\n");
		p = repeat(p, 'x', extra);
		p += sprintf(p, "\":{},\"k\":1}");
		check_row_len("k INT", false, (struct str){buffer, (size_t)(p - buffer)},
			extra == 0 ? str_lit("1") : str_lit("NULL !"));
	}
	free(buffer);
}

static void strings_are_bounded(void **state)
{
	(void)state;
	char *buffer = malloc((size_t)json_string_bytes_max * 2 + 64);
	assert_non_null(buffer);
	for (size_t extra = 0; extra < 2; extra++) {
		struct fixture b;
		open_table(&b, "s STRING, k INT", JSON_PERMISSIVE, false, false);
		add_message(&b, str_lit("{\"s\":\"a\",\"k\":1}"));
		char *p = buffer + sprintf(buffer, "{\"s\":\"");
		p = repeat(p, 'x', json_string_bytes_max - 1);
		p += sprintf(p, "\xC3\xA9");
		p = repeat(p, 'x', extra);
		p += sprintf(p, "\",\"k\":1}");
		add_message(&b, (struct str){buffer, (size_t)(p - buffer)});
		struct chunk *c = decode(&b);
		assert_int_equal(column_is_null(&c->columns[0], 1), extra == 1);
		assert_int_equal(((int32_t *)c->columns[1].data)[1], 1);
		assert_int_equal(json_decoder_counts(b.decoder)->bad_fields, extra);
		close_table(&b);
	}
	free(buffer);
}

/* ---- modes ---- */

static void drop_clears_the_live_bit(void **state)
{
	(void)state;
	struct fixture b;
	struct dead_letters dead;
	struct chunk *c;
	struct error err;
	error_init(&err);
	open_table(&b, ORDERS, JSON_DROP, false, false);
	dead_letters_init(&dead, &b.clock.clock);
	add_message(&b, str_lit("{\"order_id\":1}"));
	add_message(&b, str_lit("junk"));
	add_message(&b, str_lit("{\"order_id\":\"x\"}"));
	add_message(&b, str_lit(""));
	add_message(&b, str_lit("{\"order_id\":2}"));
	assert_int_equal(json_decode(b.decoder, &b.messages, &dead, &c, &err), 0);
	assert_int_equal(c->live[0], 0x19);
	assert_int_equal(json_decoder_counts(b.decoder)->dropped, 2);
	assert_int_equal(json_decoder_counts(b.decoder)->malformed, 1);
	assert_int_equal(json_decoder_counts(b.decoder)->bad_fields, 1);
	assert_int_equal(dead.counts[DEAD_MALFORMED], 2);
	close_table(&b);
}

static void check_failfast(const char *message, const char *row, const char *help)
{
	struct fixture b;
	struct chunk *c;
	struct error err;
	char expected[512];
	error_init(&err);
	open_table(&b, ORDERS, JSON_FAILFAST, false, false);
	add_message(&b, str_lit("{\"order_id\":1}"));
	add_message(&b, str_c(message));
	int code = json_decode(b.decoder, &b.messages, NULL, &c, &err);
	if (row == NULL) {
		assert_int_equal(code, 0);
	} else {
		assert_int_equal(code, -CDCL_E_JSON);
		snprintf(expected, sizeof(expected),
			"[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] "
			"Malformed records are detected in record parsing: %s.\nParse Mode: "
			"FAILFAST. To process "
			"malformed records as null result, try setting the option 'mode' as "
			"'PERMISSIVE'.",
			row);
		assert_string_equal(err.text, expected);
		assert_string_equal(err.place, "orders/3@8813");
		assert_string_equal(err.help, help);
	}
	close_table(&b);
}

static void failfast_names_row_place_and_reason(void **state)
{
	(void)state;
	check_failfast("{\"order_id\":1,\"product\":\"A\",\"quantity\":\"5\",\"op\":\"insert\"}",
		"[1,A,null,insert]", "the value of field 'quantity' is no int");
	check_failfast("junk", "[null,null,null,null]", "expected an object at byte 0");
	check_failfast("{\"order_id\":1,\"op\" 5}", "[null,null,null,null]",
		"expected ':' after the field name at byte 19");
	check_failfast("null", "[null,null,null,null]", "expected an object at byte 0");
	check_failfast("[{}]", "[null,null,null,null]", "expected an object at byte 0");
	static const char *const fine[] = {
		"{}", "{\"x\":1}", "{'order_id':1}", "{} junk", "", "  "};
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		check_failfast(fine[i], NULL, NULL);
}

/* ---- templates ---- */

static void templates_are_learned_and_replaced(void **state)
{
	(void)state;
	struct fixture b;
	open_table(&b, ORDERS, JSON_PERMISSIVE, false, false);
	for (int i = 0; i < 1000; i++) {
		char message[128];
		int shape = i % 20; /* more than there is room for */
		snprintf(message, sizeof(message),
			"{\"order_id\":%d,%*s\"op\":\"insert\",\"quantity\":-%d}", i, shape, "",
			i * 1000);
		add_message(&b, str_c(message));
	}
	struct chunk *c = decode(&b);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(((int32_t *)c->columns[0].data)[i], i);
		assert_int_equal(((int32_t *)c->columns[2].data)[i], -i * 1000);
		assert_true(str_eq(((struct str *)c->columns[3].data)[i], str_lit("insert")));
		assert_true(column_is_null(&c->columns[1], (uint32_t)i));
	}
	const struct json_counts *counts = json_decoder_counts(b.decoder);
	assert_true(counts->template_hits >= 300);
	assert_int_equal(counts->template_hits + counts->template_misses, 1000);
	close_table(&b);
}

static void a_template_hit_counts_as_one(void **state)
{
	(void)state;
	struct fixture b;
	open_table(&b, ORDERS, JSON_PERMISSIVE, true, false);
	for (int i = 0; i < 10; i++)
		add_message(&b,
			str_lit("{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":"
				"\"insert\"}"));
	decode(&b);
	assert_int_equal(json_decoder_counts(b.decoder)->template_hits, 9);
	assert_int_equal(json_decoder_counts(b.decoder)->template_misses, 1);
	close_table(&b);
}

/* A message that fits a template up to its last byte leaves nothing behind. */
static void a_near_miss_leaves_no_trace(void **state)
{
	(void)state;
	static const char *const near[] = {
		"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":\"insert\"",
		"{\"order_id\":1001,\"product\":\"Laptop\",",
		"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":\"insert\",",
		"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2.",
		"{\"order_id\":10x",
		"{\"order_id\":1001,\"product\":\"Lap\top\",\"quantity\":2,\"op\":\"insert\"}",
		"{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":\"insert\"]",
	};
	struct fixture b;
	open_table(&b, ORDERS, JSON_PERMISSIVE, false, false);
	add_message(&b,
		str_lit("{\"order_id\":1001,\"product\":\"Laptop\",\"quantity\":2,\"op\":"
			"\"insert\"}"));
	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		add_message(&b, str_c(near[i]));
	struct chunk *c = decode(&b);
	for (uint32_t row = 1; row < c->row_count; row++)
		for (uint32_t i = 0; i < c->column_count; i++)
			assert_true(column_is_null(&c->columns[i], row));
	close_table(&b);
}

/* ---- near misses, all of them ---- */

#define VARIED                                                                                     \
	"id int, n string, l bigint, d double, m decimal(10,2), b boolean, t timestamp, "          \
	"_corrupt_record string"

static const char varied[] = "{\"id\":1001,\"skip\":{\"a\":[1,\"xyz\"],\"b\":null},\"n\":"
			     "\"caf\xC3\xA9 au lait\",\"l\":-1234567890123,"
			     "\"d\":3.25,\"m\":\"12.50\",\"b\":true,\"s2\":\"aaaaaaaaaaaaaaaaaa\","
			     "\"t\":\"2024-01-15T10:00:00Z\"}";

/* Rows of the learned message and of the changed one after it, as one kernel reads them. */
static void read_pair(const char *kernel, bool strict, struct str changed, struct strbuf *out)
{
	struct fixture b;
	struct strbuf row;
	setenv("CDCL_SIMD", kernel, 1);
	open_table(&b, VARIED, JSON_PERMISSIVE, strict, false);
	add_message(&b, str_c(varied));
	add_message(&b, changed);
	add_message(&b, str_c(varied));
	struct chunk *c = decode(&b);
	strbuf_init(&row);
	strbuf_reset(out);
	for (uint32_t i = 0; i < 3; i++) {
		row_text(&b, c, i, b.schema->column_count, &row);
		strbuf_add(out, strbuf_str(&row));
		strbuf_addf(out, " %d\n", (int)json_decoder_counts(b.decoder)->malformed);
	}
	strbuf_release(&row);
	close_table(&b);
	unsetenv("CDCL_SIMD");
}

static void compare_pair(struct str changed, bool strict)
{
	struct strbuf plain, other;
	strbuf_init(&plain);
	strbuf_init(&other);
	read_pair("plain", strict, changed, &plain);
	for (size_t k = 1; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
		read_pair(kernels[k], strict, changed, &other);
		if (!str_eq(strbuf_str(&plain), strbuf_str(&other)))
			fail_msg("%s:\n" STR_FMT "\n" STR_FMT "plain:\n" STR_FMT, kernels[k],
				STR_ARG(changed), STR_ARG(strbuf_str(&other)),
				STR_ARG(strbuf_str(&plain)));
	}
	strbuf_release(&plain);
	strbuf_release(&other);
}

static void every_small_change_reads_as_without_templates(void **state)
{
	(void)state;
	static const char bytes[] = "\"\\{}[],: 0917.-eEnx\t\x01\x80\xC3'";
	size_t len = sizeof(varied) - 1;
	char text[sizeof(varied) + 1];
	for (size_t at = 0; at <= len; at++) {
		for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
			bool strict = (at + i) % 2 == 0;
			memcpy(text, varied, len);
			if (at < len) {
				text[at] = bytes[i];
				compare_pair((struct str){text, len}, strict);
			}
			memmove(text + at + 1, varied + at, len - at);
			text[at] = bytes[i];
			compare_pair((struct str){text, len + 1}, strict);
		}
		memcpy(text, varied, len);
		compare_pair((struct str){text, at}, at % 2 == 0); /* cut off */
		if (at < len)
			memmove(text + at, varied + at + 1, len - at - 1);
		compare_pair((struct str){text, len - 1}, at % 2 == 0); /* one byte gone */
	}
}

static void many_columns(void **state)
{
	(void)state;
	enum { columns = 900 };
	char ddl[columns * 16], *message = malloc(columns * 24), *row = malloc(columns * 16);
	char *d = ddl, *m = message, *r = row;
	assert_non_null(message);
	assert_non_null(row);
	for (int i = 0; i < columns; i++) {
		d += sprintf(d, "%sc%d INT", i == 0 ? "" : ", ", i);
		m += sprintf(m, "%c\"c%d\":%d", i == 0 ? '{' : ',', columns - 1 - i, i);
		r += sprintf(r, "%s%d", i == 0 ? "" : "|", columns - 1 - i);
	}
	sprintf(m, "}");
	check_row(ddl, message, row);
	free(message);
	free(row);
}

/* As many as a source that is read by itself may have: they have a shape, too. */
static void the_widest_rows_are_learned(void **state)
{
	(void)state;
	enum { columns = 2000 };
	struct fixture b;
	char ddl[columns * 16], *message = malloc(columns * 24);
	char *d = ddl, *m = message;
	assert_non_null(message);
	for (int i = 0; i < columns; i++) {
		d += sprintf(d, "%sc%d INT", i == 0 ? "" : ", ", i);
		m += sprintf(m, "%c\"c%d\":%d", i == 0 ? '{' : ',', i, i);
	}
	sprintf(m, "}");
	open_table(&b, ddl, JSON_PERMISSIVE, true, false);
	for (int i = 0; i < 10; i++)
		add_message(&b, str_c(message));
	decode(&b);
	assert_int_equal(json_decoder_counts(b.decoder)->template_hits, 9);
	close_table(&b);
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_field_nulls_itself_only),
		cmocka_unit_test(malformed_up_to_the_brace_nulls_the_row),
		cmocka_unit_test(what_follows_the_closing_brace_is_ignored),
		cmocka_unit_test(nothing_to_read_is_no_error),
		cmocka_unit_test(names_are_exact_and_their_escapes_decoded),
		cmocka_unit_test(of_duplicates_the_last_that_fits_wins),
		cmocka_unit_test(single_quotes),
		cmocka_unit_test(escapes_and_surrogates),
		cmocka_unit_test(invalid_utf8_is_replaced),
		cmocka_unit_test(string_lengths),
		cmocka_unit_test(strings_from_other_values),
		cmocka_unit_test(json_keeps_the_exact_text),
		cmocka_unit_test(integers),
		cmocka_unit_test(integers_of_other_widths),
		cmocka_unit_test(integer_lengths),
		cmocka_unit_test(doubles),
		cmocka_unit_test(floats_are_rounded_once),
		cmocka_unit_test(decimals),
		cmocka_unit_test(booleans),
		cmocka_unit_test(dates),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(binaries),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(strings_are_bounded),
		cmocka_unit_test(drop_clears_the_live_bit),
		cmocka_unit_test(failfast_names_row_place_and_reason),
		cmocka_unit_test(templates_are_learned_and_replaced),
		cmocka_unit_test(a_template_hit_counts_as_one),
		cmocka_unit_test(a_near_miss_leaves_no_trace),
		cmocka_unit_test(every_small_change_reads_as_without_templates),
		cmocka_unit_test(many_columns),
		cmocka_unit_test(the_widest_rows_are_learned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
