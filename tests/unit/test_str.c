#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cdcl/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_compare(void **state)
{
	(void)state;
	assert_true(str_eq(str_lit(""), str_c(NULL)));
	assert_true(str_eq(str_lit("a"), str_c("a")));
	assert_false(str_eq(str_lit("a"), str_lit("A")));
	assert_true(str_eq_fold(str_lit("Order_ID"), str_lit("oRDER_id")));
	assert_false(str_eq_fold(str_lit("["), str_lit("{"))); /* differ by the case bit only */
	assert_true(str_cmp(str_lit("a"), str_lit("b")) < 0);
	assert_true(str_cmp(str_lit("ab"), str_lit("a")) > 0);
	assert_true(str_cmp(str_lit("\xff"), str_lit("a")) > 0); /* bytes are unsigned */
	assert_int_equal(str_cmp(str_lit(""), str_c(NULL)), 0);
	assert_true(str_starts(str_lit("orders"), str_lit("")));
	assert_true(str_starts(str_lit("orders"), str_lit("ord")));
	assert_false(str_starts(str_lit("or"), str_lit("ord")));
}

static void test_slices(void **state)
{
	(void)state;
	assert_true(str_eq(str_trim(str_lit(" \t\r\n\v\fa b \n")), str_lit("a b")));
	assert_int_equal(str_trim(str_lit(" \t ")).len, 0);
	assert_true(str_eq(str_sub(str_lit("orders"), 2, 3), str_lit("der")));
	assert_true(str_eq(str_sub(str_lit("orders"), 4, 99), str_lit("rs")));
	assert_int_equal(str_sub(str_lit("orders"), 99, 1).len, 0);
	assert_null(str_sub(str_c(NULL), 1, 1).data);
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(str_distance(str_lit("quantity"), str_lit("quantity"), 2), 0);
	assert_int_equal(str_distance(str_lit("quantity"), str_lit("quantty"), 2), 1);
	assert_int_equal(
		str_distance(str_lit("quantity"), str_lit("qauntity"), 2), 1); /* swapped */
	assert_int_equal(str_distance(str_lit("quantity"), str_lit("kwantity"), 2), 2);
	assert_int_equal(str_distance(str_lit("quantity"), str_lit("price"), 2), 3);
	assert_int_equal(str_distance(str_lit(""), str_lit("ab"), 2), 2);
	char big[300];
	memset(big, 'x', sizeof big);
	assert_int_equal(str_distance((struct str){big, 300}, (struct str){big, 299}, 2), 3);
}

static void test_nearest(void **state)
{
	(void)state;
	static const struct str names[] = {
		str_lit("order_id"), str_lit("product"), str_lit("quantity"), str_lit("op")};
	size_t n = ARRAY_LEN(names);
	assert_true(str_eq(str_nearest(str_lit("order_idd"), names, n), names[0]));
	assert_true(str_eq(str_nearest(str_lit("PRODUCT"), names, n), names[1]));
	assert_true(str_eq(str_nearest(str_lit("ob"), names, n), names[3]));
	assert_null(str_nearest(str_lit("customer"), names, n).data);
	assert_null(str_nearest(str_lit("x"), names, 0).data);
}

static void test_strbuf(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b);
	strbuf_add(&b, str_c(NULL));
	assert_int_equal(b.len, 0);
	for (int i = 0; i < 1000; i++) {
		strbuf_addf(&b, "%d,", i % 10);
		strbuf_add_byte(&b, 'x');
	}
	assert_int_equal(b.len, 3000);
	assert_memory_equal(b.data + 2997, "9,x", 3);
	strbuf_reset(&b);
	strbuf_addf(&b, "%5000d", 7); /* longer than the first guess */
	assert_int_equal(b.len, 5000);
	assert_int_equal(b.data[4999], '7');
	strbuf_release(&b);
	assert_null(b.data);
}

static void test_arena(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 4096);
	char *first = arena_alloc(&a, 10, 1);
	assert_non_null(first);
	for (size_t align = 1; align <= 4096; align *= 2) {
		char *p = arena_alloc(&a, 3, align);
		assert_int_equal((uintptr_t)p % align, 0);
		memset(p, 0xff, 3);
	}
	char *big = arena_alloc(&a, 1000000, 64); /* far above the block */
	memset(big, 0xff, 1000000);
	uint64_t *zeros = ARENA_ARRAY(&a, uint64_t, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(zeros[i], 0);
	}
	size_t held = a.bytes_held;
	for (int i = 0; i < 100; i++) {
		arena_reset(&a);
		assert_ptr_equal(arena_alloc(&a, 10, 1), first);
		arena_alloc(&a, 1000000, 64);
	}
	assert_int_equal(a.bytes_held, held); /* grown once, then reused */
	arena_alloc(&a, 100 * 1000 * 1000, 8);
	arena_reset(&a);
	assert_true(a.bytes_held <= 8 * 1024 * 1024); /* what one huge chunk took is given back */
	struct str copy = str_dup(str_lit("abc"), &a);
	assert_string_equal(copy.data, "abc");
	assert_null(str_dup(str_c(NULL), &a).data);
	assert_true(str_eq(str_printf(&a, "%s-%d", "x", 1), str_lit("x-1")));
	assert_string_equal(str_printf(&a, "%s", "").data, "");
	arena_release(&a);
	assert_int_equal(a.bytes_held, 0);
}

static void test_error(void **state)
{
	(void)state;
	struct error e;
	assert_int_equal(error_set(&e, CDCL_E_JSON, "byte %d", 41), -(int)CDCL_E_JSON);
	assert_int_equal(error_prefix(&e, "%s: ", "orders/3@8812"), -(int)CDCL_E_JSON);
	assert_string_equal(e.text, "orders/3@8812: byte 41");
	error_at(&e, "a.lua:%d", 3);
	error_at(&e, "b.lua:%d", 4); /* the deeper place stays */
	assert_string_equal(e.place, "a.lua:3");
	error_set(&e, CDCL_E_LUA, "%s again", e.text); /* out of itself */
	assert_string_equal(e.text, "orders/3@8812: byte 41 again");
	assert_string_equal(e.place, "");
	char big[5000];
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	error_set(&e, CDCL_E_LUA, "%s", big);
	error_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.text), error_text_bytes - 1);
	assert_int_equal(error_set(NULL, CDCL_E_DISK, "x"), -(int)CDCL_E_DISK);
	assert_int_equal(error_exit_code(CDCL_E_DISK), 8);
	assert_int_equal(error_exit_code(CDCL_E_CLOSED), 0);
	assert_int_equal(error_exit_code(CDCL_OK), 0);
	assert_string_equal(error_code_text(CDCL_E_DATA), "data policy");
}

static void test_held_clock(void **state)
{
	(void)state;
	struct clock_held c;
	clock_held_init(&c, 5);
	assert_int_equal(clock_wall_us(&c.clock), 5);
	c.now_us = 9;
	assert_int_equal(clock_monotonic_us(&c.clock), 9);
	int64_t before = clock_monotonic_us(&clock_system);
	assert_true(clock_monotonic_us(&clock_system) >= before);
}

/* How many U+FFFD Java 17 makes of it, and what is left of the rest. */
static void test_broken_utf8(void **state)
{
	(void)state;
	static const struct {
		struct str bytes;
		uint32_t want[6]; /* ends with 0 */
	} cases[] = {
		{str_lit("\xf5\x80\x80\x80"), {0xfffd, 0xfffd, 0xfffd, 0xfffd}},
		{str_lit("\xed\xa0\x80"
			 "a"),
			{0xfffd, 'a'}},
		{str_lit("\xc0\x80"), {0xfffd, 0xfffd}},
		{str_lit("\xf0\x9f\x98"), {0xfffd}},
		{str_lit("\xf0\x9f\x98"
			 "a"),
			{0xfffd, 'a'}},
		{str_lit("\xf0\x80\x80\x80"), {0xfffd, 0xfffd, 0xfffd, 0xfffd}},
		{str_lit("\xe0\x80\x80"), {0xfffd, 0xfffd, 0xfffd}},
		{str_lit("\xe6\x97"), {0xfffd}},
		{str_lit("\xe6"
			 "a"),
			{0xfffd, 'a'}},
		{str_lit("\xf4\x90\x80\x80"), {0xfffd, 0xfffd, 0xfffd, 0xfffd}},
		{str_lit("\xff\xc3\xa9"), {0xfffd, 0xe9}},
		{str_lit("\xf4\x8f\xbf\xbf"), {0x10ffff}},
		{str_lit("\xef\xbf\xbd"), {0xfffd}},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t at = 0, n = 0;
		while (at < cases[i].bytes.len) {
			assert_int_equal(utf8_next(cases[i].bytes, &at), cases[i].want[n++]);
		}
		assert_int_equal(cases[i].want[n], 0);
		assert_true(utf8_valid(cases[i].bytes) == (i >= 11));
	}
}

/* Texts of valid and broken pieces: as a walk by utf8_step has them. */
static void test_valid_by_steps(void **state)
{
	static const char *const pieces[] = {"a", " and eight more", "\xc3\xa9", "\xd0\x96\xd0\xb6",
		"\xe6\x97\xa5", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x9f\x98\x80", "\xc1\x80",
		"\xed\xa0\x80", "\xe6\x97", "\xc3", "\x80"};
	(void)state;
	uint32_t pick = 1;
	for (int round = 0; round < 20000; round++) {
		char text[128] = "";
		for (int i = 0; i < 6; i++) {
			pick = pick * 1664525 + 1013904223;
			size_t some = (pick >> 16) % (i < 5 ? 8 : ARRAY_LEN(pieces));
			strcat(text, pieces[some]);
		}
		struct str s = str_c(text);
		s.len -= pick >> 24 & 1;
		bool valid = true, malformed;
		for (size_t at = 0; valid && at < s.len; valid = !malformed)
			at += utf8_step(s.data + at, s.data + s.len, &malformed);
		assert_true(utf8_valid(s) == valid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_by_steps),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_held_clock),
		cmocka_unit_test(test_broken_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
