#ifndef CDCL_CHECK_H
#define CDCL_CHECK_H

/*
 * Assertions that stay on in release builds: a wrong aggregate is worse than a stop. Never for
 * outside input.
 */

#include <stddef.h>

_Noreturn void check_failed(const char *condition, const char *file, int line);

#define check(condition)                                                                           \
	((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

#endif
