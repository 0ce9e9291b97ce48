#include "base/random.h"

#include "base/check.h"

#include <stddef.h>
#include <sys/random.h>

void random_name(char out[random_name_bytes])
{
	enum { bytes = (random_name_bytes - 1) / 2 };
	unsigned char raw[bytes];
	check(getrandom(raw, bytes, 0) == bytes);
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = "0123456789abcdef"[raw[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
	}
	out[random_name_bytes - 1] = '\0';
}
