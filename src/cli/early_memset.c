/* Without string.h, whose memset is a macro or a function of the compiler's. */

#include "cli/early_memset.h"

#include "base/zero_pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef CDCL_EARLY_MEMSET

enum { large_bytes = 256 * 1024 };

static bool main_has_begun;

/* The C library's memset by its other name; an alias, because the compiler knows that name, too. */
void *libc_memset(void *to, int with, size_t bytes, size_t room) __asm__("__memset_chk");

__attribute__((visibility("default"))) void *memset(void *to, int with, size_t bytes);

void *memset(void *to, int with, size_t bytes)
{
	if (!main_has_begun && with == 0 && bytes >= large_bytes && zero_pages_clear(to, bytes))
		return to;
	return libc_memset(to, with, bytes, SIZE_MAX);
}

void early_memset_end(void)
{
	main_has_begun = true;
}

#else

void early_memset_end(void)
{
}

#endif
