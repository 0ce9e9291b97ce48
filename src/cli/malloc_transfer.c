#include "cli/malloc_transfer.h"

#include <stdlib.h>
#include <string.h>

static bool was_asked;

#ifdef CDCL_TCMALLOC_GETENV

static const char pieces[] = "1024"; /* of large ones fewer: at most 64 kB */

/* By the name by which tcmalloc, within the program or a library of its own, finds it. */
__attribute__((visibility("default"))) const char *asked(const char *name) __asm__(
	CDCL_TCMALLOC_GETENV);

const char *asked(const char *name)
{
	const char *said = getenv(name);
	if (strcmp(name, "TCMALLOC_TRANSFER_NUM_OBJ") != 0)
		return said;
	was_asked = true;
	return said == NULL ? pieces : said;
}

#endif

bool malloc_transfer_was_asked(void)
{
	return was_asked;
}
