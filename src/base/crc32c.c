#include "base/crc32c.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

enum { tables = 8, long_lane = 1024, short_lane = 128 };

/* tables[k][byte]: what a byte does k bytes later. Filled at the first call; a second thread
 * would write the same. */
static uint32_t table[tables][256];

static void fill_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
		table[0][i] = crc;
	}
	for (int k = 1; k < tables; k++)
		for (uint32_t i = 256; i-- > 0;)
			table[k][i] = (table[k - 1][i] >> 8) ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t crc32c_by_table(uint32_t crc, struct str bytes)
{
	if (table[tables - 1][1] == 0)
		fill_table();
	crc = ~crc;
	const unsigned char *p = (const unsigned char *)bytes.data;
	size_t i = 0;
	for (; i + 8 <= bytes.len; i += 8)
		crc = table[7][(crc ^ p[i]) & 0xff] ^ table[6][(crc >> 8 ^ p[i + 1]) & 0xff] ^
			table[5][(crc >> 16 ^ p[i + 2]) & 0xff] ^ table[4][crc >> 24 ^ p[i + 3]] ^
			table[3][p[i + 4]] ^ table[2][p[i + 5]] ^ table[1][p[i + 6]] ^
			table[0][p[i + 7]];
	for (; i < bytes.len; i++)
		crc = (crc >> 8) ^ table[0][(crc ^ p[i]) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
static inline uint64_t word_at(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* The state after as many zero bytes as `constant` stands for: x^(8 * bytes - 33) mod P. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t after_zeros(
	uint64_t state, uint32_t constant)
{
	__m128i product = _mm_clmulepi64_si128(
		_mm_cvtsi64_si128((int64_t)state), _mm_cvtsi64_si128(constant), 0);
	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/*
 * The instruction takes 3 cycles, but one can begin in each: three lanes side by side, that of
 * the first carries what came before, and their states are put together.
 */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t three_lanes(
	uint64_t state, const char *p, size_t lane, uint32_t two_lanes, uint32_t one_lane)
{
	uint64_t second = 0, third = 0;
	for (size_t i = 0; i < lane; i += 8) {
		state = _mm_crc32_u64(state, word_at(p + i));
		second = _mm_crc32_u64(second, word_at(p + lane + i));
		third = _mm_crc32_u64(third, word_at(p + 2 * lane + i));
	}
	return after_zeros(state, two_lanes) ^ after_zeros(second, one_lane) ^ third;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_lanes(uint32_t crc, struct str bytes)
{
	uint64_t state = (uint32_t)~crc;
	const char *p = bytes.data;
	size_t left = bytes.len;
	for (; left >= 3 * long_lane; p += 3 * long_lane, left -= 3 * long_lane)
		state = three_lanes(state, p, long_lane, 0xa51b6135, 0x170076fa);
	for (; left >= 3 * short_lane; p += 3 * short_lane, left -= 3 * short_lane)
		state = three_lanes(state, p, short_lane, 0xb9e02b86, 0x0d3b6092);
	for (; left >= 8; p += 8, left -= 8)
		state = _mm_crc32_u64(state, word_at(p));
	uint32_t rest = (uint32_t)state;
	for (; left > 0; p++, left--)
		rest = _mm_crc32_u8(rest, (unsigned char)*p);
	return ~rest;
}
#endif

uint32_t crc32c(uint32_t crc, struct str bytes)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul"))
		return by_lanes(crc, bytes);
#endif
	return crc32c_by_table(crc, bytes);
}
