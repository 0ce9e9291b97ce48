#include "base/bounds.h"
#include "base/str.h"

#define KERNEL_TARGET
#define KERNEL_INLINE KERNEL_TARGET static inline __attribute__((always_inline))

/* Eight bytes at a time in one register: the high bit of each byte that is a stop. */
static inline uint64_t stops_in(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');
	uint64_t found = (quote - ones) | (backslash - ones) | (w - ones * 0x20);
	return ((found & ~w) | w) & high;
}

/*
 * The lowest stop is exact; above it the borrows of the subtraction may mark others, which nobody
 * looks at. In `found & ~w` a byte with its own high bit is left to `| w`.
 */
static inline const char *kernel_stop_wide(const char *begin, const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t w;
		memcpy(&w, p, 8);
		uint64_t stops = stops_in(w);
		if (stops != 0)
			return p + __builtin_ctzll(stops) / 8;
	}
	if (p == end || end - begin < 8)
		return p;
	/* The last eight bytes, those before p shifted out: the zeros that follow are stops. */
	uint64_t w;
	memcpy(&w, end - 8, 8);
	return p + __builtin_ctzll(stops_in(w >> (64 - 8 * (end - p)))) / 8;
}

static inline bool kernel_equal_long(const char *a, const char *b, size_t len)
{
	return memcmp(a, b, len) == 0;
}

#include "decode/json_kernel_impl.h"

const struct json_kernel json_kernel_scalar = {"scalar", stop, read_row, read_rows, value_at,
	read_known_fields};
