#if defined(__x86_64__)

#include "base/bounds.h"
#include "base/str.h"

#include <immintrin.h>

#define KERNEL_TARGET __attribute__((target("avx2,bmi,lzcnt")))
#define KERNEL_INLINE KERNEL_TARGET static inline __attribute__((always_inline))

KERNEL_INLINE unsigned stops_in_16(__m128i v)
{
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	__m128i other = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), other));
}

/* One bit for each byte that is a stop. Signed, a byte above 0x7F is below 0x20 too. */
KERNEL_INLINE unsigned stops_in_32(__m256i v)
{
	__m256i quote = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
	__m256i backslash = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
	__m256i other = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), v);
	return (unsigned)_mm256_movemask_epi8(
		_mm256_or_si256(_mm256_or_si256(quote, backslash), other));
}

KERNEL_INLINE const char *kernel_stop_wide(const char *begin, const char *p, const char *end)
{
	for (; end - p >= 32; p += 32) {
		unsigned stops = stops_in_32(_mm256_loadu_si256((const __m256i *)(const void *)p));
		if (stops != 0)
			return p + __builtin_ctz(stops);
	}
	if (end - p >= 16) {
		unsigned stops = stops_in_16(_mm_loadu_si128((const __m128i *)(const void *)p));
		if (stops != 0)
			return p + __builtin_ctz(stops);
		p += 16;
	}
	if (p == end || end - begin < 16)
		return p;
	/* The last sixteen bytes, those before p shifted out. */
	unsigned stops = stops_in_16(_mm_loadu_si128((const __m128i *)(const void *)(end - 16)));
	stops >>= 16 - (end - p);
	return stops != 0 ? p + __builtin_ctz(stops) : end;
}

KERNEL_INLINE bool equal_16(const char *a, const char *b)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
	__m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
	return _mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) == 0xFFFF;
}

KERNEL_INLINE bool equal_32(const char *a, const char *b)
{
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)a);
	__m256i y = _mm256_loadu_si256((const __m256i *)(const void *)b);
	return _mm256_movemask_epi8(_mm256_cmpeq_epi8(x, y)) == -1;
}

KERNEL_INLINE bool kernel_equal_long(const char *a, const char *b, size_t len)
{
	if (len < 32)
		return equal_16(a, b) && equal_16(a + len - 16, b + len - 16);
	for (size_t i = 0; i + 32 < len; i += 32)
		if (!equal_32(a + i, b + i))
			return false;
	return equal_32(a + len - 32, b + len - 32);
}

#include "decode/json_kernel_impl.h"

const struct json_kernel json_kernel_avx2 = {"avx2", stop, read_row, read_rows, value_at,
	read_known_fields};

#endif
