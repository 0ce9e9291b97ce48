#include "base/crc32c.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

static uint32_t table[256]; /* filled at the first call; a second thread would write the same */

static void fill_table(void)
{
	for (uint32_t i = 256; i-- > 0;) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
		table[i] = crc;
	}
}

uint32_t crc32c_by_table(uint32_t crc, struct str bytes)
{
	if (table[1] == 0)
		fill_table();
	crc = ~crc;
	for (size_t i = 0; i < bytes.len; i++)
		crc = (crc >> 8) ^ table[(crc ^ (unsigned char)bytes.data[i]) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct str bytes)
{
	uint64_t state = ~crc;
	size_t i = 0;
	for (; i + 8 <= bytes.len; i += 8) {
		uint64_t word;
		memcpy(&word, bytes.data + i, sizeof(word));
		state = _mm_crc32_u64(state, word);
	}
	uint32_t rest = (uint32_t)state;
	for (; i < bytes.len; i++)
		rest = _mm_crc32_u8(rest, (unsigned char)bytes.data[i]);
	return ~rest;
}
#endif

uint32_t crc32c(uint32_t crc, struct str bytes)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(crc, bytes);
#endif
	return crc32c_by_table(crc, bytes);
}
