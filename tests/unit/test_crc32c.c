/* CRC-32C against the published check value, bit by bit, and in pieces. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crc32c.h"

static uint32_t by_definition(struct str bytes)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < bytes.len; i++) {
		crc ^= (unsigned char)bytes.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0x82f63b78) : crc >> 1;
	}
	return ~crc;
}

static void test_known(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, str_lit("123456789")), UINT32_C(0xe3069283));
	assert_int_equal(crc32c_by_table(0, str_lit("123456789")), UINT32_C(0xe3069283));
	assert_int_equal(crc32c(0, str_lit("")), 0);
}

static void test_pieces(void **state)
{
	(void)state;
	/* long enough for lanes of both lengths, several times */
	static char bytes[8000];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * i / 7 + i * 37 + 11);
	for (size_t len = 0; len < sizeof(bytes); len += len < 1600 ? 1 : 61) {
		struct str s = {bytes + len % 7, len > 7 ? len - 7 : 0};
		uint32_t whole = by_definition(s);
		assert_int_equal(crc32c(0, s), whole);
		assert_int_equal(crc32c_by_table(0, s), whole);
		size_t half = s.len / 3;
		uint32_t first = crc32c(0, str_sub(s, 0, half));
		assert_int_equal(crc32c(first, str_sub(s, half, s.len - half)), whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
