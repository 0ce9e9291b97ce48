#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "cdcl: check failed: %s (%s:%d); this is a bug in cdcl\n", condition, file,
		line);
	fflush(stderr);
	abort();
}
