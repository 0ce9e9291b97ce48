/* Schemas in Spark's DDL: what is taken, and what the message says of what is not. */

#include "base/bounds.h"
#include "decode/ddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void check_parses(const char *text, const char *printed)
{
	struct arena arena;
	struct error err;
	struct schema *schema;
	struct strbuf out;
	arena_init(&arena, 4096);
	error_init(&err);
	strbuf_init(&out);
	if (ddl_parse(str_c(text), &arena, &schema, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	schema_text(schema, &out);
	if (!str_eq(strbuf_str(&out), str_c(printed)))
		fail_msg("%s gives " STR_FMT ", not %s", text, STR_ARG(strbuf_str(&out)), printed);
	strbuf_release(&out);
	arena_release(&arena);
}

/* `marked` is the text under the caret. */
static void check_refused(
	const char *text, const char *message, const char *marked, const char *help)
{
	struct arena arena;
	struct error err;
	struct schema *schema;
	arena_init(&arena, 4096);
	error_init(&err);
	assert_int_equal(ddl_parse(str_c(text), &arena, &schema, &err), -CDCL_E_DDL);
	assert_string_equal(err.text, message);
	assert_string_equal(err.help, help);
	assert_true(err.caret_start >= 0);
	struct str shown =
		str_sub(str_c(err.source_line), (size_t)err.caret_start, (size_t)err.caret_len);
	if (!str_eq(shown, str_c(marked)))
		fail_msg("%s: the caret is under '" STR_FMT "', not '%s'", text, STR_ARG(shown),
			marked);
	arena_release(&arena);
}

static void schemas(void **state)
{
	(void)state;
	check_parses("order_id int, product string, quantity int, op string",
		"order_id int, product string, quantity int, op string");
	check_parses("a TINYINT, b SMALLINT, c INTEGER, d LONG, e REAL, f STRING, g BOOLEAN, h "
		     "NUMERIC(5,2)",
		"a tinyint, b smallint, c int, d bigint, e float, f string, g boolean, h "
		"decimal(5,2)");
	check_parses("a byte, b short, c DEC(7), d decimal, e decimal ( 38 , 38 ), f timestamp_ltz",
		"a tinyint, b smallint, c decimal(7,0), d decimal(10,0), e decimal(38,38), f "
		"timestamp");
	check_parses("a date,b timestamp,c binary,d json,e double,f bigint",
		"a date, b timestamp, c binary, d json, e double, f bigint");
	check_parses("STRUCT<order_id: INT, product: STRING>", "order_id int, product string");
	check_parses("struct < a int , b : string > ", "a int, b string");
	check_parses("a INT NOT NULL, b STRING", "a int, b string");
	check_parses(
		"order_id int comment 'the id', product string", "order_id int, product string");
	check_parses("a int COMMENT \"x, y \\\" z\" NOT NULL , b int", "a int, b int");
	check_parses("\n\ta\tint,\r\n b int \n", "a int, b int");
	check_parses("struct int, int string, not int, comment date, 1a int, _ int",
		"struct int, int string, not int, comment date, `1a` int, _ int");
}

static void quoted_names(void **state)
{
	(void)state;
	struct arena arena;
	struct error err;
	struct schema *s;
	arena_init(&arena, 4096);
	error_init(&err);
	assert_int_equal(ddl_parse(str_lit("`order id` INT,`a``b` int, `x,y`string, größe int"),
				 &arena, &s, &err),
		0);
	assert_true(str_eq(s->columns[0].name, str_lit("order id")));
	assert_true(str_eq(s->columns[1].name, str_lit("a`b")));
	assert_true(str_eq(s->columns[2].name, str_lit("x,y")));
	assert_true(str_eq(s->columns[3].name, str_lit("größe")));
	arena_release(&arena);
}

static const char every_type[] = "types: boolean, tinyint, smallint, int, bigint, float, double, "
				 "decimal(p,s), string, binary, date, timestamp, json, array<T>";

static void refused(void **state)
{
	(void)state;
	check_refused("order_id INTT, op STRING", "there is no type 'INTT'", "INTT",
		"did you mean 'int'?");
	check_refused("a bool", "type 'bool' is not supported", "bool", "did you mean 'boolean'?");
	check_refused("a strnig", "there is no type 'strnig'", "strnig", "did you mean 'string'?");
	check_refused("a zzzzzz", "there is no type 'zzzzzz'", "zzzzzz", every_type);
	check_refused("order_id: INT, product: STRING", "expected a type, got ':'", ":",
		"write `name type`, as in `order_id int`");
	check_refused("a struct<b:int>", "type 'struct' is not supported", "struct",
		"nested types are not supported yet: declare the column as json");
	check_refused("a ARRAY<array<INT>>", "arrays of arrays are not supported", "ARRAY",
		"declare the column as json");
	check_refused("a varchar(3)", "type 'varchar' is not supported", "varchar",
		"declare the column as string");
	check_refused("a int, A string", "columns 'a' and 'A' differ only in case", "A", "");
	check_refused("op string, op int", "column 'op' is there twice", "op", "");
	check_refused("a int,", "expected a column name, got the end", "", "");
	check_refused("a", "expected a type, got the end", "", "");
	check_refused(
		"", "a schema needs at least one column, as in \"id int, name string\"", "", "");
	check_refused(
		"  ", "a schema needs at least one column, as in \"id int, name string\"", " ", "");
	check_refused("a int b int", "expected ',', NOT NULL or COMMENT, got 'b'", "b", "");
	check_refused("a int; b int", "expected ',', got ';'", ";", "");
	check_refused("a int not nul", "expected NULL after NOT, got 'nul'", "nul", "");
	check_refused("a int comment b", "expected the comment's text in quotes, got 'b'", "b", "");
	check_refused("a int comment 'b", "the comment that begins here has no end", "'", "");
	check_refused("`a int", "the quoted name that begins here has no end", "`", "");
	check_refused("`` int", "a column needs a name", "``", "");
	check_refused("a decimal(39)", "decimal can hold 1 to 38 digits, not 39", "39", "");
	check_refused("a decimal(0,0)", "decimal can hold 1 to 38 digits, not 0", "0,0", "");
	check_refused("a decimal(5,6)", "decimal(5,6) has more digits after the point than in all",
		"5,6", "");
	check_refused("a decimal(5", "expected ')', got the end", "", "");
	check_refused("a decimal(x)", "expected a number of digits, got 'x'", "x", "");
	check_refused("a decimal(99999999999)", "expected a number of digits, got '99999999999'",
		"99999999999", "");
	check_refused("struct<a int", "expected ',' or '>', got the end", "", "");
	check_refused("struct<a int>, b int", "expected the end after '>', got ','", ",", "");
	check_refused("a int,\nb foo,\nc int", "there is no type 'foo'", "foo", every_type);
}

/* The caret stays under its word in a window of a long line. */
static void long_text(void **state)
{
	(void)state;
	char *text = malloc(200000);
	assert_non_null(text);
	char *p = text;
	for (int i = 0; i < 3000; i++)
		p += sprintf(p, "column_%d int, ", i);
	sprintf(p, "x wrong, %s", text + 190000 > p ? "y int" : "");
	check_refused(text, "there is no type 'wrong'", "wrong", every_type);
	p = text;
	for (int i = 0; i <= schema_columns_max; i++)
		p += sprintf(p, "%sc%d int", i > 0 ? "," : "", i);
	check_refused(text, "more than 4096 columns", "c", "");
	*strrchr(text, ',') = '\0';
	struct arena arena;
	struct error err;
	struct schema *schema;
	arena_init(&arena, 4096);
	error_init(&err);
	assert_int_equal(ddl_parse(str_c(text), &arena, &schema, &err), 0);
	assert_int_equal(schema->column_count, schema_columns_max);
	arena_release(&arena);
	free(text);
}

static void one_type(void **state)
{
	(void)state;
	struct arena arena;
	struct error err;
	struct type type;
	arena_init(&arena, 4096);
	error_init(&err);
	assert_int_equal(ddl_parse_type(str_lit(" Decimal(12,3) "), &arena, &type, &err), 0);
	assert_true(type_eq(type, type_decimal(12, 3)));
	assert_int_equal(ddl_parse_type(str_lit("int x"), &arena, &type, &err), -CDCL_E_DDL);
	assert_string_equal(err.text, "expected the end of the type, got 'x'");
	assert_int_equal(ddl_parse_type(str_lit(""), &arena, &type, NULL), -CDCL_E_DDL);
	assert_int_equal(ddl_parse_type(str_lit("array<int>"), &arena, &type, NULL), -CDCL_E_DDL);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemas),
		cmocka_unit_test(quoted_names),
		cmocka_unit_test(refused),
		cmocka_unit_test(long_text),
		cmocka_unit_test(one_type),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
