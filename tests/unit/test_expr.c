/* SQL expressions: values and types, names, failures, and errors that point at the place. */
#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"
#include "expr/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char ddl[] =
	"i int, z int, n int, l bigint, t tinyint, d double, f float, m decimal(10,2), "
	"s string, e string, p boolean, y date, w timestamp, j json, q binary, Mixed int";

static const char first_row[] = "{\"i\":5,\"z\":0,\"l\":9223372036854775807,\"t\":127,\"d\":1.5,"
				"\"f\":0.1,\"m\":12.34,\"s\":\"Abc\","
				"\"e\":\"\",\"p\":true,\"y\":\"2024-02-29\",\"w\":\"2024-02-29T10:"
				"11:12.5Z\",\"q\":\"AQI=\",\"Mixed\":3,"
				"\"j\":{\"a\":{\"b\":[1,\"x\\ty\",null,2.5]},\"u\":true}}";

struct fixture {
	struct arena plan;
	struct arena data;
	struct schema *schema;
	struct messages messages;
	struct message_header header;
	struct chunk *chunk;
	struct json_decoder *decoder;
	struct dead_letters dead;
	struct error err;
};

static void fill(struct fixture *f, uint32_t count)
{
	struct messages *m = &f->messages;
	f->header = (struct message_header){str_lit("trace"), str_lit("a\"b")};
	m->count = count;
	m->arena = &f->data;
	for (uint32_t i = 0; i < count; i++) {
		m->topic[i] = str_lit("orders");
		m->partition[i] = 3;
		m->offset[i] = 8812 + i;
		m->timestamp_us[i] = 1500000;
		m->key[i] = i == 0 ? str_lit("k") : (struct str){NULL, 0};
		m->value[i] = i % 2 == 0 ? str_c(first_row) : str_lit("{}");
		m->headers[i] = &f->header;
		m->header_count[i] = i == 0;
	}
	assert_int_equal(json_decode(f->decoder, m, &f->dead, &f->chunk, &f->err), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	error_init(&f->err);
	log_init(&clock_system, LOG_NONE, false);
	arena_init(&f->plan, 64 * 1024);
	arena_init(&f->data, 64 * 1024);
	dead_letters_init(&f->dead, &clock_system);
	assert_int_equal(ddl_parse(str_c(ddl), &f->plan, &f->schema, &f->err), 0);
	struct json_config config = {
		.schema = f->schema, .corrupt_column = -1, .clock = &clock_system};
	f->decoder = json_decoder_open(&config);
	fill(f, 2);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	json_decoder_close(f->decoder);
	arena_release(&f->plan);
	arena_release(&f->data);
	free(f);
	return 0;
}

static struct expr *compile(struct fixture *f, const char *sql)
{
	struct expr_scope scope = {
		.schema = f->schema, .metadata = true, .place = str_lit("orders.lua:7")};
	struct expr *e = NULL;
	error_init(&f->err);
	if (expr_compile(str_c(sql), &scope, &f->plan, &e, &f->err) < 0)
		return NULL;
	return e;
}

/* "int 6", "int NULL", "int failed: [ARITHMETIC_OVERFLOW] ..." of row 0. */
static const char *value_of(struct fixture *f, const char *sql)
{
	struct strbuf s;
	struct vector v;
	struct expr *e = compile(f, sql);
	if (e == NULL)
		return f->err.text;
	strbuf_init(&s);
	type_name(expr_type(e), &s);
	strbuf_add_byte(&s, ' ');
	expr_eval(e, f->chunk, INT64_C(1705312800000000), &v);
	if (v.faults != NULL && v.faults[0] != EXPR_FINE) {
		struct chunk copy = *f->chunk;
		f->dead.stop_at_first = true;
		assert_true(expr_report(e, &v, &copy, &f->dead, &f->err) < 0);
		assert_memory_equal(f->err.text, "orders/3@8812: ", 15);
		strbuf_addf(&s, "failed: %s", f->err.text + 15);
	} else {
		struct value value = value_from_column(&v.column, v.type, 0);
		value_text(&value, VALUE_CONSOLE, NULL, &s);
	}
	struct str copy = str_dup(strbuf_str(&s), &f->data);
	strbuf_release(&s);
	return copy.data;
}

struct value_case {
	const char *sql;
	const char *want;
};

static void check_cases(struct fixture *f, const struct value_case *cases, size_t count)
{
	int wrong = 0;
	for (size_t i = 0; i < count; i++) {
		const char *got = value_of(f, cases[i].sql);
		if (strncmp(got, cases[i].want, strlen(cases[i].want)) == 0
			&& (strstr(cases[i].want, "failed") != NULL
				|| strlen(got) == strlen(cases[i].want)))
			continue;
		wrong++;
		print_error("%s\n  got  %s\n  want %s\n", cases[i].sql, got, cases[i].want);
	}
	assert_int_equal(wrong, 0);
}

static void test_numbers(void **state)
{
	static const struct value_case cases[] = {
		{"i + 1", "int 6"},
		{"i + 1L", "bigint 6"},
		{"t + 1Y", "tinyint failed: [ARITHMETIC_OVERFLOW] byte"},
		{"i * 1000000000", "int failed: [ARITHMETIC_OVERFLOW] integer overflow."},
		{"l + 1", "bigint failed: [ARITHMETIC_OVERFLOW] long overflow."},
		{"l * 2", "bigint failed: [ARITHMETIC_OVERFLOW] long"},
		{"- (l) - 2", "bigint failed: [ARITHMETIC"},
		{"abs(-5)", "int 5"},
		{"-i", "int -5"},
		{"+i", "int 5"},
		{"- -i", "int 5"},
		{"i / 2", "double 2.5"},
		{"i / z", "double failed: [DIVIDE_BY_ZERO] Division by zero."},
		{"i % z", "int failed: [DIVIDE_BY_ZERO]"},
		{"d / 0", "double failed: [DIVIDE_BY_ZERO]"},
		{"-7 div 2", "bigint -3"},
		{"-7 % 3", "int -1"},
		{"pmod(-7, 3)", "int 2"},
		{"7.5 div 2", "bigint 3"},
		{"f + 1", "double 1.1000000014901161"},
		{"f + f", "float 0.2"},
		{"d + f", "double 1.6000000014901161"},
		{"m + 1", "decimal(11,2) 13.34"},
		{"m * 2", "decimal(12,2) 24.68"},
		{"m / 3", "decimal(14,6) 4.113333"},
		{"m % 5", "decimal(3,2) 2.34"},
		{"m + d", "double 13.84"},
		{"m * i", "decimal(21,2) 61.70"},
		{"1.0 / 3", "decimal(7,6) 0.333333"},
		{"1.5 + 1", "decimal(3,1) 2.5"},
		{"s + 1", "bigint failed: [CAST"},
		{"'5' + 1", "bigint 6"},
		{"'5' * 1.5", "double 7.5"},
		{"y + 1", "date 2024-03-01"},
		{"round(2.5)", "decimal(2,0) 3"},
		{"round(-2.5e0)", "double -3.0"},
		{"round(-2.5e0, 2147483647)", "double -2.5"},
		{"round(2.5e0, -2147483648)", "double 0.0"},
		{"round(m, 1)", "decimal(10,1) 12.3"},
		{"round(1234, -2)", "int 1200"},
		{"round(1.005e0, 2)", "double 1.01"},
		{"round(0.5e0)", "double 1.0"},
		{"round(0.4e0)", "double 0.0"},
		{"round(-0.0e0, 2)", "double 0.0"},
		{"floor(-1.5e0)", "bigint -2"},
		{"ceil(1.2)", "decimal(2,0) 2"},
		{"floor(m)", "decimal(9,0) 12"},
		{"ceiling(i)", "bigint 5"},
		{"try_add(2147483647, 1)", "int NULL"},
		{"try_divide(i, z)", "double NULL"},
		{"try_add(i, cast('x' as int))", "int failed: [CAST_INVALID_INPUT]"},
		{"1e3", "double 1000.0"},
		{"1.5f", "float 1.5"},
		{"2147483648", "bigint 2147483648"},
		{"9223372036854775808", "decimal(19,0) 9223372036854775808"},
		{"-9223372036854775808", "bigint -9223372036854775808"},
		{"0.01", "decimal(2,2) 0.01"},
		{"5 & 6 | 8", "int 12"},
		{"~i", "int -6"},
		{"greatest(1, n, 3.5)", "decimal(11,1) 3.5"},
		{"least(n, i)", "int 5"},
		{"sqrt(i - 1)", "double 2.0"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_logic(void **state)
{
	static const struct value_case cases[] = {
		{"n = 1", "boolean NULL"},
		{"n <=> null", "boolean true"},
		{"i <=> 5", "boolean true"},
		{"p and n = 1", "boolean NULL"},
		{"not p and n = 1", "boolean false"},
		{"p or n = 1", "boolean true"},
		{"not (n = 1)", "boolean NULL"},
		{"n is null", "boolean true"},
		{"i is not null", "boolean true"},
		{"(n = 1) is true", "boolean false"},
		{"p is not false", "boolean true"},
		{"n is distinct from 1", "boolean true"},
		{"i in (1, 5)", "boolean true"},
		{"i in (1, null)", "boolean NULL"},
		{"i not in (1, null)", "boolean NULL"},
		{"n in (1)", "boolean NULL"},
		{"i between 1 and 5", "boolean true"},
		{"i not between 1 and 4", "boolean true"},
		{"i between n and 4", "boolean false"},
		{"i <> 5", "boolean false"},
		{"i != 5 or i == 5", "boolean true"},
		{"! p", "boolean false"},
		{"case when z > 0 then i / z else -1 end", "double -1.0"},
		{"case i when 5 then 'five' when 6 then 'six' end", "string five"},
		{"case n when 5 then 1 end", "int NULL"},
		{"if(z = 0, 1, i / z)", "double 1.0"},
		{"coalesce(n, i, i / z)", "double 5.0"},
		{"coalesce(n, n)", "int NULL"},
		{"nullif(i, 5)", "int NULL"},
		{"nullif(i, 6)", "int 5"},
		{"nvl(n, 7)", "int 7"},
		{"ifnull(i, 7)", "int 5"},
		{"nvl2(n, 1, 2)", "int 2"},
		{"z <> 0 and i / z > 1", "boolean false"},
		{"z = 0 or i / z > 1", "boolean true"},
		{"i / z > 1 and z <> 0", "boolean failed: [DIVIDE_BY_ZERO]"},
		{"n + i / z", "double NULL"},
		{"i / z + n", "double failed: [DIVIDE"},
		{"d = 1.5", "boolean true"},
		{"s > 'Abb'", "boolean true"},
		{"cast('NaN' as double) > 1e300", "boolean true"},
		{"cast('NaN' as double) = cast('NaN' as double)", "boolean true"},
		{"i = '5'", "boolean true"},
		{"s = 12",
			"boolean failed: [CAST_INVALID_INPUT] The value 'Abc'"
			" of the type \"STRING\" cannot be cast to \"BIGINT\" because it is "
			"malformed."},
		{"y = '2024-02-29'", "boolean true"},
		{"y < w", "boolean true"},
		{"p = 'true'", "boolean true"},
		{"null", "void NULL"},
		{"null and p", "boolean NULL"},
		{"i in (1, 2.5, 5)", "boolean true"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_strings(void **state)
{
	static const struct value_case cases[] = {
		{"'it''s'", "string it's"},
		{"'a\\tb\\\\'", "string a\tb\\"},
		{"\"x\" 'y'", "string xy"},
		{"'\\u00e9'", "string \xc3\xa9"},
		{"s || '-' || i", "string Abc-5"},
		{"concat(s, n)", "string NULL"},
		{"upper(s)", "string ABC"},
		{"lower('\xc3\x89\xce\xa9\xd0\x96')", "string \xc3\xa9\xcf\x89\xd0\xb6"},
		{"upper('stra\xc3\x9f"
		 "e')",
			"string STRASSE"},
		{"trim('  a ')", "string a"},
		{"ltrim('  a ')", "string a "},
		{"trim(both 'x' from 'xxaxx')", "string a"},
		{"trim(leading from '  a')", "string a"},
		{"rtrim('xy', 'axyx')", "string a"},
		{"length('\xe6\x97\xa5\xe6\x9c\xac')", "int 2"},
		{"length(q)", "int 2"},
		{"substring('hello', 2, 3)", "string ell"},
		{"substring('hello' from 2 for 3)", "string ell"},
		{"substr('hello', -3)", "string llo"},
		{"substring('hello', 0, 2)", "string he"},
		{"substring('hello', -7, 3)", "string h"},
		{"substring('hello', 9)", "string "},
		{"s like 'A%'", "boolean true"},
		{"s like 'a%'", "boolean false"},
		{"s ilike 'a%'", "boolean true"},
		{"'50%' like '50\\%'", "boolean true"},
		{"'50x' like '50\\%'", "boolean false"},
		{"'50%' like '50x%' escape 'x'", "boolean true"},
		{"s not like '_b_'", "boolean false"},
		{"s rlike '^A.c$'", "boolean true"},
		{"e = ''", "boolean true"},
		{"s = 'Abc'", "boolean true"},
		{"s || s = 'AbcAbc'", "boolean true"},
		{"s || s = 'AbcAbd'", "boolean false"},
		{"s || s = 'XbcAbc'", "boolean false"},
		{"s || s = 'AbcAbcx'", "boolean false"},
		{"s || s || s <> 'AbcAbcAbc'", "boolean false"},
		{"length(123)", "int 3"},
		{"replace('aXbX', 'X', '--')", "string a--b--"},
		{"split_part('a.b.c', '.', -1)", "string c"},
		{"substring_index('a.b.c', '.', 2)", "string a.b"},
		{"substring_index('a.b.c', '.', -2)", "string b.c"},
		{"lpad('7', 3, '0')", "string 007"},
		{"rpad('abcd', 2, '0')", "string ab"},
		{"instr('abc', 'c')", "int 3"},
		{"locate('b', 'abcb', 3)", "int 4"},
		{"initcap('aB cD')", "string Ab Cd"},
		{"reverse('abc')", "string cba"},
		{"md5('')", "string d41d8cd98f00b204e9800998ecf8427e"},
		{"sha2('abc', 384)",
			"string cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
			"1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
		{"sha2(repeat('ab', 100), 512)",
			"string b3379c86ce9e837b21c5733f5be3bcfa646ac8b9cc2d3f4e5e8a8f811a2dd9dd"
			"1327c45a6e7067d1fcca08e9be7f1335c97aba2c4c1288719924155e6e09b1e4"},
		{"sha2('', 224)",
			"string d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"},
		{"hex('AZ')", "string 415A"},
		{"split('oneAtwoBthreeC', '[ABC]')", "array<string> [one, two, three, ]"},
		{"regexp_replace('100-200', '(\\\\d+)', '<$1>')", "string <100>-<200>"},
		{"regexp_extract('100-200', '(\\\\d+)-(\\\\d+)', 2)", "string 200"},
		{"concat_ws(',', 'a', n, 'b')", "string a,b"},
		{"split('a,b', ',')[1]", "string b"},
		{"split('a,b', ',')[2]", "string failed: [INVALID"},
		{"element_at(split('a,b', ','), -1)", "string b"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_formats(void **state)
{
	static const struct value_case cases[] = {
		{"format_string('%05d|%-4s|%.2f', i, 'x', d)", "string 00005|x   |1.50"},
		{"format_string('%,d|%.1f|%x|%S', l, 0.25D, -t, s)",
			"string 9,223,372,036,854,775,807|0.3|81|ABC"},
		{"format_string('%.3f|%,.1f', m, m * 1000)", "string 12.340|12,340.0"},
		{"format_string('%s|%5s|%.2S', n, n, n)", "string null| null|NU"},
		{"format_string('%s', y)", "string 2024-02-29"},
		{"hex(d)", "string 1"},
		{"hex(-m)", "string FFFFFFFFFFFFFFF4"},
		{"xxhash64(cast(1.1 as decimal(30,2)))", "bigint -332194713362066473"},
		{"xxhash64(split('b,a', ','))", "bigint 7002344174038040181"},
		{"format_string('%c', -1)", "string failed: [INVALID_PARAMETER_VALUE]"},
		{"format_string('%d', 1 div z)", "string failed: [DIVIDE_BY_ZERO]"},
		{"array_join(sort_array(split('b,a', ',')), '-')", "string a-b"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_casts(void **state)
{
	static const struct value_case cases[] = {
		{"cast('12' as int)", "int 12"},
		{"cast(' 12 ' as int)", "int 12"},
		{"cast('1.5' as int)",
			"int failed: [CAST_INVALID_INPUT] The value '1.5' of the type \"STRING\" "
			"cannot be cast to \"INT\""},
		{"try_cast('1.5' as int)", "int NULL"},
		{"'12'::bigint", "bigint 12"},
		{"cast(1.9 as int)", "int 1"},
		{"cast(-1.9e0 as int)", "int -1"},
		{"cast(3e9 as int)",
			"int failed: [CAST_OVERFLOW] The value 3.0E9D of the"
			" type \"DOUBLE\" cannot be cast to \"INT\" due to an overflow."},
		{"try_cast(3e9 as int)", "int NULL"},
		{"cast(9223372036854775808e0 as bigint)", "bigint 9223372036854775807"},
		{"try_cast(9223372036854777856e0 as bigint)", "bigint NULL"},
		{"cast(l as timestamp)", "timestamp +294247-01-10 04:00:54.775807"},
		{"cast(1700000000.123457 as timestamp)", "timestamp 2023-11-14 22:13:20.123457"},
		{"cast(timestamp '9999-12-31 23:59:59.999999' as decimal(18,6))",
			"decimal(18,6) 253402300800.000000"},
		{"try_cast(1e20 as timestamp)", "timestamp NULL"},
		{"timestamp_seconds(1.5)", "timestamp 1970-01-01 00:00:01.5"},
		{"unix_timestamp(timestamp '1969-12-31 23:59:59.5')", "bigint 0"},
		{"unix_seconds(timestamp '1969-12-31 23:59:59.5')", "bigint -1"},
		{"position('b' in 'abc')", "int 2"},
		{"cbrt(27)", "double 3.0"},
		{"cast(l as int)", "int failed: [CAST_OVERFLOW] The value 9223372036854775807L"},
		{"cast(i as string)", "string 5"},
		{"cast(d as string)", "string 1.5"},
		{"cast(m as string)", "string 12.34"},
		{"cast(p as string)", "string true"},
		{"cast(y as string)", "string 2024-02-29"},
		{"cast(w as string)", "string 2024-02-29 10:11:12.5"},
		{"cast(w as date)", "date 2024-02-29"},
		{"cast(y as timestamp)", "timestamp 2024-02-29 00:00:00"},
		{"cast(w as bigint)", "bigint 1709201472"},
		{"cast(w as double)", "double 1.7092014725E9"},
		{"cast(0 as timestamp)", "timestamp 1970-01-01 00:00:00"},
		{"cast('2024-1-5' as date)", "date 2024-01-05"},
		{"date '2024-01-05'", "date 2024-01-05"},
		{"cast('yes' as boolean)", "boolean true"},
		{"cast(i as boolean)", "boolean true"},
		{"cast(p as int)", "int 1"},
		{"cast('12.345' as decimal(10,2))", "decimal(10,2) 12.35"},
		{"cast(123.45 as decimal(3,1))", "decimal(3,1) failed: [CAST_OVERFLOW]"},
		{"cast(i as double)", "double 5.0"},
		{"cast(d as decimal(4,2))", "decimal(4,2) 1.50"},
		{"cast('AB' as binary)", "binary [41 42]"},
		{"cast(x'4142' as string)", "string AB"},
		{"cast(n as string)", "string NULL"},
		{"cast('NaN' as double)", "double NaN"},
		{"cast('Infinity' as float)", "float Infinity"},
		{"cast('x' as date)", "date failed: [CAST_INVALID_INPUT]"},
		{"cast(null as int)", "int NULL"},
		{"y::int", "[DATATYPE_MISMATCH] cannot cast date to int"},
		{"cast(p as date)", "[DATATYPE_MISMATCH] cannot cast boolean to date"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_json(void **state)
{
	static const struct value_case cases[] = {
		{"j.a.b[0]", "json 1"},
		{"j.a", "json {\"b\":[1,\"x\\ty\",null,2.5]}"},
		{"j.a.b[9]", "json NULL"},
		{"j.a.b[2]", "json NULL"},
		{"j.a['b'][1]", "json \"x\\ty\""},
		{"cast(j.a.b[1] as string)", "string x\ty"},
		{"j.a.b[0] + 1", "int 2"},
		{"j.a.b[3] = 2.5", "boolean true"},
		{"j.u", "json true"},
		{"j.u = true", "boolean true"},
		{"upper(j.a.b[1])", "string X\tY"},
		{"j.nothing is null", "boolean true"},
		{"cast(j.a.b[1] as int)", "int failed: [CAST_INVALID_INPUT]"},
		{"cast(i as json)", "json 5"},
		{"cast(s as json)", "json \"Abc\""},
		{"get_json_object('{\"a\":[{\"b\":\"c\"}]}', '$.a[0].b')", "string c"},
		{"get_json_object(j, '$.a.b[*]')", "string [1,\"x\\ty\",null,2.5]"},
		{"get_json_object('{\"a\": 1.50, \"b\": [1e3]}', '$')",
			"string {\"a\":1.50,\"b\":[1e3]}"},
		{"get_json_object('[1', '$[0]')", "string NULL"},
		{"s.x", "only a json column or an array can be looked into; this is string"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_message(void **state)
{
	static const struct value_case cases[] = {
		{"@topic", "string orders"},
		{"@partition", "int 3"},
		{"@offset", "bigint 8812"},
		{"@key", "string k"},
		{"@timestamp", "timestamp 1970-01-01 00:00:01.5"},
		{"@OFFSET + 1", "bigint 8813"},
		{"@headers", "json [{\"key\":\"trace\",\"value\":\"a\\\"b\"}]"},
		{"length(@value) > 100", "boolean true"},
		{"current_timestamp", "timestamp 2024-01-15 10:00:00"},
		{"current_timestamp()", "timestamp 2024-01-15 10:00:00"},
		{"current_date", "date 2024-01-15"},
		{"cast('10:30' as timestamp)", "timestamp 2024-01-15 10:30:00"},
		{"year(y)", "int 2024"},
		{"hour(w)", "int 10"},
		{"date_trunc('minute', w)", "timestamp 2024-02-29 10:11:00"},
		{"date_trunc('day', timestamp_micros(-9223372036854775807))",
			"timestamp failed: [ARITHMETIC_OVERFLOW]"},
		{"date_trunc('millisecond', timestamp_micros(-9223372036854775807))",
			"timestamp failed: [ARITHMETIC_OVERFLOW]"},
		{"date_add(y, 1)", "date 2024-03-01"},
		{"last_day(y)", "date 2024-02-29"},
		{"datediff(y, date '2024-01-01')", "int 59"},
		{"unix_millis(w)", "bigint 1709201472500"},
		{"add_months(date '2024-01-31', 1)", "date 2024-02-29"},
		{"date_format(w, 'yyyy/MM/dd HH:mm:ss.SSS')", "string 2024/02/29 10:11:12.500"},
		{"date_format(y, \"d MMM yy, EEEE 'at' h a\")",
			"string 29 Feb 24, Thursday at 12 AM"},
		{"to_date('05.03.2024', 'dd.MM.yyyy')", "date 2024-03-05"},
		{"to_date('2024-03-05')", "date 2024-03-05"},
		{"to_timestamp('2024-03-05 1:02 PM', 'yyyy-MM-dd h:mm a')",
			"timestamp 2024-03-05 13:02:00"},
		{"to_date('31.02.2024', 'dd.MM.yyyy')", "date failed: [INVALID_PARAMETER_VALUE]"},
		{"from_unixtime(0)", "string 1970-01-01 00:00:00"},
		{"unix_timestamp(w)", "bigint 1709201472"},
		{"unix_timestamp('1970-01-02', 'yyyy-MM-dd')", "bigint 86400"},
		{"unix_timestamp()", "bigint 1705312800"},
		{"weekofyear(date '2021-01-01')", "int 53"},
		{"dayofweek(date '2024-02-29')", "int 5"},
	};
	check_cases(*state, cases, ARRAY_LEN(cases));
}

static void test_names(void **state)
{
	static const struct value_case cases[] = {
		{"upper(s)", "upper(s)"},
		{"UPPER( S )", "upper(S)"},
		{"i + 1", "(i + 1)"},
		{"i*2>3", "((i * 2) > 3)"},
		{"concat(s,'x')", "concat(s, x)"},
		{"cast(i as string)", "i"},
		{"i is null", "(i IS NULL)"},
		{"-i", "(- i)"},
		{"case when i>1 then 'a' else 'b' end", "CASE WHEN (i > 1) THEN a ELSE b END"},
		{"1", "1"},
		{"'lit'", "lit"},
		{"null", "NULL"},
		{"true", "true"},
		{"I", "I"},
		{"mixed", "mixed"},
		{"i as x", "x"},
		{"i x", "x"},
		{"i as `a b`", "a b"},
		{"cast(i + 1 as string)", "CAST((i + 1) AS STRING)"},
		{"cast(cast(i as bigint) as string)", "i"},
		{"ltrim('H', s)", "TRIM(LEADING H FROM s)"},
		{"timestamp '2024-01-15 10:00:00.120'", "TIMESTAMP '2024-01-15 10:00:00.12'"},
		{"date '2024-1-5'", "DATE '2024-01-05'"},
		{"i <> 1", "(NOT (i = 1))"},
		{"upper(cast(i as string))", "upper(CAST(i AS STRING))"},
		{"not p", "(NOT p)"},
		{"s like 'a%'", "s LIKE a%"},
		{"try_cast(s as int) + 1", "(TRY_CAST(s AS INT) + 1)"},
		{"i in (1,2)", "(i IN (1, 2))"},
		{"i not in (1)", "(NOT (i IN (1)))"},
		{"i between 1 and 2", "between(i, 1, 2)"},
		{"s || 'x'", "concat(s, x)"},
		{"if(p,1,2)", "(IF(p, 1, 2))"},
		{"coalesce(s,'z')", "coalesce(s, z)"},
		{"nullif(i,1)", "nullif(i, 1)"},
		{"substr(s,2)", "substr(s, 2, 2147483647)"},
		{"round(d)", "round(d, 0)"},
		{"floor(d)", "FLOOR(d)"},
		{"p and not p or p", "((p AND (NOT p)) OR p)"},
		{"j.a.b", "b"},
		{"j.a.b[0]", "j.a.b[0]"},
		{"@offset", "@offset"},
		{"current_timestamp", "current_timestamp()"},
		{"trim(both 'x' from s)", "TRIM(BOTH x FROM s)"},
		{"1.50", "1.50"},
		{"i <=> n", "(i <=> n)"},
		{"date '2024-01-01'", "DATE '2024-01-01'"},
		{"-1", "-1"},
		{"position('x' in s)", "locate(x, s, 1)"},
		{"position('x', s)", "position(x, s, 1)"},
		{"log(d)", "LOG(E(), d)"},
		{"log(2, d)", "LOG(2, d)"},
		{"mod(i, 3)", "mod(i, 3)"},
		{"trim(s, 'x')", "TRIM(BOTH s FROM x)"},
		{"substr(s from 2 for 1)", "substring(s, 2, 1)"},
		{"int(d)", "d"},
		{"string(i + 1) || 'x'", "concat((i + 1), x)"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct expr *e = compile(f, cases[i].sql);
		assert_non_null(e);
		struct str name = expr_name(e);
		assert_int_equal(name.len, strlen(cases[i].want));
		assert_memory_equal(name.data, cases[i].want, name.len);
	}
}

struct bad_case {
	const char *sql;
	const char *text; /* the message begins so */
	int caret;
	int len;
	const char *help;
};

static void test_errors(void **state)
{
	static const struct bad_case cases[] = {
		{"1 + mixd", "[UNRESOLVED_COLUMN] there is no column \"mixd\"", 4, 4,
			"did you mean \"Mixed\"?"},
		{"quantity > 1", "[UNRESOLVED_COLUMN]", 0, 8, "the columns are: i, z, n, "},
		{"1 + uper(s)", "[UNRESOLVED_ROUTINE] there is no function \"uper\"", 4, 4,
			"did you mean \"upper\"?"},
		{"i >", "[PARSE_SYNTAX_ERROR] Syntax error at or near end of input", 3, 1, ""},
		{"i + * 2", "[PARSE_SYNTAX_ERROR] Syntax error at or near '*'", 4, 1, ""},
		{"*", "* stands alone", 0, 1, ""},
		{"(i + 1", "[PARSE_SYNTAX_ERROR]", 6, 1, ""},
		{"i 1", "[PARSE_SYNTAX_ERROR] Syntax error at or near '1'", 2, 1, ""},
		{"'abc", "this quote", 0, 1, ""},
		{"i # 1", "this character", 2, 1, ""},
		{"cast(s as intt)", "there is no type", 10, 4, "did you mean 'int'?"},
		{"substring(s)", "[WRONG_NUM_ARGS] substring has 1 argument", 0, 12,
			"it is substring("},
		{"format_string('%-d', i)", "the format at \"%-d\": the flags - and 0 need a width",
			0, 23, ""},
		{"format_string('%<s', i)", "the format has a %< before any argument", 0, 23, ""},
		{"format_string('%d %d', i)", "the format asks for argument 2, there are 1", 0, 25,
			""},
		{"format_string('%d', m)", "[DATATYPE_MISMATCH] %d writes an integer", 0, 22, ""},
		{"date_format(w, 'ddd')", "the pattern \"ddd\" is not understood at character 1", 0,
			21, "letters: y M d"},
		{"date_format(w, 'u')", "the pattern \"u\" is not understood at character 1", 0, 19,
			"letters: y M d"},
		{"format_string('%c', s)", "[DATATYPE_MISMATCH] %c writes the character", 0, 22,
			""},
		{"get_json_object(s, '$.a[-1]')", "a path is $ and then .name", 19, 9, ""},
		{"get_json_object(s, '$.a[9999999999]')", "a path is $ and then .name", 19, 17, ""},
		{"i + p", "[DATATYPE_MISMATCH] \"(i + p)\" cannot be computed from int and boolean",
			0, 5, ""},
		{"count(*) > 1", "the aggregate function count cannot be used here", 0, 8,
			"aggregates belong in"},
		{"upper(distinct s)", "distinct and filter belong", 0, 17, ""},
		{"@ofset", "there is no metadata", 0, 6, "the"},
		{"not i", "[DATATYPE_MISMATCH] \"(NOT i)\" wants boolean, not int", 0, 5, ""},
		{"", "[PARSE_SYNTAX", 0, 1, ""},
		{"s like 'a\\\\'", "[INVALID_FORMAT]", 0, 12, ""},
		{"s rlike '('", "the regular expression is broken", 8, 3, ""},
		{"date_format(w, 'yyyy-qq')",
			"the pattern \"yyyy-qq\" is not understood at character 6", 0, 25,
			"letters"},
		{"case when p then 1", "[PARSE_SYNTAX_ERROR]", 18, 1, ""},
		{"99999999999999999999999999999999999999999", "not a number, or out of range", 0,
			41, ""},
		{"i as", "[PARSE_SYNTAX_ERROR]", 4, 1, ""},
		{"i, s", "[PARSE_SYNTAX_ERROR] Syntax error at or near ','", 1, 1, ""},
		{"j[i]", "a place in json", 2, 1, ""},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct bad_case *c = &cases[i];
		if (compile(f, c->sql) != NULL
			|| strncmp(f->err.text, c->text, strlen(c->text)) != 0
			|| f->err.caret_start != c->caret || f->err.caret_len != c->len
			|| strncmp(f->err.help, c->help, strlen(c->help)) != 0)
			fail_msg("%s: %s, caret %d+%d, help %s", c->sql, f->err.text,
				f->err.caret_start, f->err.caret_len, f->err.help);
		assert_int_equal(f->err.code, CDCL_E_SQL);
		assert_string_equal(f->err.place, "orders.lua:7");
		assert_string_equal(f->err.source_line, c->sql);
	}
}

/* Text of `count` times `part` between two others. */
static struct str repeated(
	struct fixture *f, const char *before, const char *part, size_t count, const char *after)
{
	struct strbuf s;
	strbuf_init(&s);
	strbuf_add_c(&s, before);
	for (size_t i = 0; i < count; i++)
		strbuf_add_c(&s, part);
	strbuf_add_c(&s, after);
	struct str copy = str_dup(strbuf_str(&s), &f->plan);
	strbuf_release(&s);
	return copy;
}

static void test_bounds(void **state)
{
	struct fixture *f = *state;
	assert_non_null(compile(f, repeated(f, "", "(", 150, "").data) == NULL ? f : NULL);
	assert_null(compile(f, repeated(f, "", "(", 5000, "1").data));
	assert_non_null(strstr(f->err.text, "nested too deeply"));
	assert_null(compile(f, repeated(f, "", "- ", 5000, "i").data));
	assert_non_null(strstr(f->err.text, "nested too deeply"));
	assert_null(compile(f, repeated(f, "", "not ", 5000, "p").data));
	assert_non_null(strstr(f->err.text, "nested too deeply"));
	assert_null(compile(f, repeated(f, "1", " + 1", 5000, "").data));
	assert_non_null(strstr(f->err.text, "nested too deeply"));
	assert_non_null(compile(f, repeated(f, "1", " + i", 150, "").data));
	assert_non_null(
		compile(f, repeated(f, "concat('a'", ", s", sql_arguments_max - 1, ")").data));
	assert_null(compile(f, repeated(f, "concat('a'", ", s", sql_arguments_max, ")").data));
	assert_non_null(strstr(f->err.text, "too many arguments"));
	assert_null(compile(f, repeated(f, "'", "x", sql_text_bytes_max, "'").data));
	assert_non_null(strstr(f->err.text, "bytes, more than"));
	assert_non_null(compile(f, repeated(f, "'", "x", sql_text_bytes_max - 2, "'").data));
}

/* Failures of rows that are not live, and of branches not taken, are no failures. */
static void test_report(void **state)
{
	struct fixture *f = *state;
	struct vector v;
	fill(f, 150);
	struct expr *e = compile(f, "i / z");
	for (uint32_t i = 0; i < 150; i++)
		if (i % 10 != 0)
			bit_clear(f->chunk->live, i);
	expr_eval(e, f->chunk, 0, &v);
	assert_int_equal(expr_report(e, &v, f->chunk, &f->dead, &f->err), 0);
	assert_int_equal(f->dead.counts[DEAD_EXPRESSION], 15);
	assert_int_equal(chunk_live_count(f->chunk), 0);

	fill(f, 150);
	e = compile(f, "case when z = 0 then 0 else i / z end");
	expr_eval(e, f->chunk, 0, &v);
	assert_int_equal(expr_report(e, &v, f->chunk, &f->dead, &f->err), 0);
	assert_int_equal(f->dead.counts[DEAD_EXPRESSION], 15);
	assert_int_equal(chunk_live_count(f->chunk), 150);

	e = compile(f, "i + cast(s as int)");
	f->dead.stop_at_first = true;
	expr_eval(e, f->chunk, 0, &v);
	assert_int_equal(expr_report(e, &v, f->chunk, &f->dead, &f->err), -CDCL_E_EXPR);
	assert_non_null(strstr(
		f->err.text, "The value 'Abc' of the type \"STRING\" cannot be cast to \"INT\""));
	assert_int_equal(f->err.caret_start, 4);
	assert_int_equal(f->err.caret_len, 14);
}

static void test_filter(void **state)
{
	struct fixture *f = *state;
	struct vector v;
	fill(f, 131);
	struct expr *e = compile(f, "i > 1");
	expr_eval(e, f->chunk, 0, &v);
	expr_filter(&v, f->chunk);
	assert_int_equal(chunk_live_count(f->chunk), 66);
	assert_int_equal(chunk_next_live(f->chunk, 1), 2);
	e = compile(f, "null");
	expr_eval(e, f->chunk, 0, &v);
	expr_filter(&v, f->chunk);
	assert_int_equal(chunk_live_count(f->chunk), 0);
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	struct expr_scope scope = {.schema = f->schema};
	struct expr **list;
	uint32_t count;
	assert_int_equal(expr_compile_list(str_lit("i + 1 as a, *, s"), &scope, &f->plan, &list,
				 &count, &f->err),
		0);
	assert_int_equal(count, f->schema->column_count + 2);
	assert_int_equal(expr_as_column(list[0]), -1);
	assert_int_equal(expr_as_column(list[1]), 0);
	assert_true(str_eq(expr_name(list[count - 1]), str_lit("s")));
	assert_true(str_eq(expr_text(list[0]), str_lit("i + 1 as a")));
	assert_true(str_eq(expr_text(list[1]), str_lit("i")));
	assert_true(str_eq(expr_text(list[count - 1]), str_lit("s")));
	assert_true(expr_compile_list(str_lit("i,"), &scope, &f->plan, &list, &count, &f->err) < 0);
	assert_true(expr_compile_list(str_lit("@offset"), &scope, &f->plan, &list, &count, &f->err)
		< 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_logic, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_strings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_formats, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_casts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_filter, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
