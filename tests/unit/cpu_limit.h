/*
 * For tests of what may not be quadratic: the process is ended (SIGXCPU) when it uses so many more
 * seconds of CPU, a hundred times what the test needs.
 */

#include "base/check.h"

#include <sys/resource.h>
#include <sys/time.h>

static void limit_cpu(rlim_t seconds)
{
	struct rusage used;
	check(getrusage(RUSAGE_SELF, &used) == 0);
	struct rlimit limit;
	check(getrlimit(RLIMIT_CPU, &limit) == 0);
	limit.rlim_cur = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + seconds + 1;
	check(setrlimit(RLIMIT_CPU, &limit) == 0);
}
