#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `check(p != NULL)` behind an allocation: the machine's limit, no bug. */
static void end_without_memory(const char *condition, const char *file, int line)
{
	static const char asked[] = " != NULL";
	size_t len = strlen(condition), end = sizeof asked - 1;
	if (errno != ENOMEM || len < end || strcmp(condition + len - end, asked) != 0)
		return;
	fprintf(stderr, "cdcl: out of memory (%s:%d); the next start begins at the checkpoint\n",
		file, line);
	fflush(stderr);
	_exit(1);
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
	end_without_memory(condition, file, line);
	fprintf(stderr, "cdcl: check failed: %s (%s:%d); this is a bug in cdcl\n", condition, file,
		line);
	fflush(stderr);
	abort();
}
