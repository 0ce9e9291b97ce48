#define _GNU_SOURCE /* mremap */

#include "base/page_array.h"

#include "base/check.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of the last page, what is behind a smaller array was written before. */
static void clear_rest(char *array, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), used = bytes % page;
	if (used > 0)
		memset(array + bytes, 0, page - used);
}

void *page_array_grow(void *old, size_t old_bytes, size_t bytes)
{
	check(bytes > 0);
	void *array = old == NULL ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
				  : mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
	if (array == MAP_FAILED)
		array = NULL;
	check(array != NULL); /* out of memory */
	if (bytes < old_bytes)
		clear_rest(array, bytes);
	return array;
}

void page_array_release(void *array, size_t bytes)
{
	if (array != NULL)
		munmap(array, bytes);
}
