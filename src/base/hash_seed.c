#include "base/hash_seed.h"

#include "base/check.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>

uint64_t hash_seed(void)
{
	static _Atomic uint64_t seed;
	uint64_t known = atomic_load_explicit(&seed, memory_order_relaxed);
	if (known != 0)
		return known;
	uint64_t drawn = 0, none = 0;
	while (drawn == 0) {
		ssize_t got = getrandom(&drawn, sizeof(drawn), 0);
		check(got == (ssize_t)sizeof(drawn) || (got < 0 && errno == EINTR));
	}
	/* The first thread's counts for all. */
	return atomic_compare_exchange_strong(&seed, &none, drawn) ? drawn : none;
}
