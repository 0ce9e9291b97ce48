#if defined(__x86_64__)

#include "base/bounds.h"
#include "base/str.h"

#include <immintrin.h>

#define KERNEL_TARGET __attribute__((target("sse4.2")))
#define KERNEL_INLINE KERNEL_TARGET static inline __attribute__((always_inline))

/* One bit for each byte that is a stop. Signed, a byte above 0x7F is below 0x20 too. */
KERNEL_INLINE unsigned stops_in(__m128i v)
{
	__m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	__m128i other = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), other));
}

KERNEL_INLINE const char *kernel_stop_wide(const char *begin, const char *p, const char *end)
{
	for (; end - p >= 16; p += 16) {
		unsigned stops = stops_in(_mm_loadu_si128((const __m128i *)(const void *)p));
		if (stops != 0)
			return p + __builtin_ctz(stops);
	}
	if (p == end || end - begin < 16)
		return p;
	/* The last sixteen bytes, those before p shifted out. */
	unsigned stops = stops_in(_mm_loadu_si128((const __m128i *)(const void *)(end - 16)));
	stops >>= 16 - (end - p);
	return stops != 0 ? p + __builtin_ctz(stops) : end;
}

KERNEL_INLINE bool equal_16(const char *a, const char *b)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
	__m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);
	return _mm_movemask_epi8(_mm_cmpeq_epi8(x, y)) == 0xFFFF;
}

KERNEL_INLINE bool kernel_equal_long(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i + 16 < len; i += 16)
		if (!equal_16(a + i, b + i))
			return false;
	return equal_16(a + len - 16, b + len - 16);
}

#include "decode/json_kernel_impl.h"

const struct json_kernel json_kernel_sse42 = {"sse42", stop, read_row, read_rows, value_at,
	read_known_fields};

#endif
