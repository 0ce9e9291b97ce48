/* Pieces of a group's shape: quotes hide what would end one. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "state/group_shape.h"

static void test_pieces(void **state)
{
	(void)state;
	struct str shape = str_lit(
		"op string; count(*) filter (where a = 'x; y\\'; z'); sum(b) int");
	assert_int_equal(group_shape_calls(shape), 2);
	assert_int_equal(group_shape_find(shape, str_lit("sum(b) int")), 1);
	assert_int_equal(group_shape_find(shape, str_lit("sum(b)")), -1);
	assert_int_equal(group_shape_find(shape, str_lit("op string")), -1);
	struct str piece;
	struct str rest = shape;
	assert_true(group_shape_next(&rest, &piece));
	assert_true(str_eq(piece, str_lit("op string")));
	assert_true(group_shape_next(&rest, &piece));
	assert_true(str_eq(piece, str_lit("count(*) filter (where a = 'x; y\\'; z')")));
	assert_int_equal(group_shape_find(shape, piece), 0);
	assert_true(group_shape_next(&rest, &piece));
	assert_true(str_eq(piece, str_lit("sum(b) int")));
	assert_false(group_shape_next(&rest, &piece));
}

static void test_keys(void **state)
{
	(void)state;
	/* without keys the first piece is empty */
	struct str global = str_lit("; count(*)");
	assert_int_equal(group_shape_calls(global), 1);
	assert_int_equal(group_shape_find(global, str_lit("count(*)")), 0);
	assert_true(group_shape_same_keys(global, str_lit("; sum(a) int")));
	assert_false(group_shape_same_keys(global, str_lit("a int; count(*)")));
	assert_true(group_shape_same_keys(str_lit("a int"), str_lit("a int; count(*)")));
	assert_false(group_shape_same_keys(str_lit("a bigint"), str_lit("a int; count(*)")));
	assert_int_equal(group_shape_calls(str_lit("a int")), 0);
	assert_int_equal(group_shape_calls(str_lit("")), 0);
	/* quotes that do not end */
	assert_int_equal(group_shape_calls(str_lit("a int; '; b; c")), 1);
	assert_int_equal(group_shape_calls(str_lit("a int; '\\")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
