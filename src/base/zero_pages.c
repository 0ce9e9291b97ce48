#define _GNU_SOURCE /* MADV_DONTNEED */

#include "base/zero_pages.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool zero_pages_clear(char *from, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t before = -(uintptr_t)from & (page - 1);
	size_t after = (uintptr_t)(from + bytes) & (page - 1);
	if (bytes < before + after) {
		before = bytes;
		after = 0;
	}
	size_t whole = bytes - before - after;
	if (whole > 0 && madvise(from + before, whole, MADV_DONTNEED) != 0)
		return false;
	memset(from, 0, before);
	memset(from + before + whole, 0, after);
	return true;
}
