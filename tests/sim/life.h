#ifndef SIM_LIFE_H
#define SIM_LIFE_H

/*
 * One life of the process under test: from its start to its end, by itself or by a fault. It ends
 * with _exit; what it says is its exit status (world.h, enum life_end).
 */

#include <stdbool.h>
#include <stdint.h>

struct life {
	bool to_the_end;        /* no faults: it must consume everything */
	bool drains;            /* is asked to stop in the middle */
	bool is_short;          /* and early */
	/* loads its script, and the so many-th allocation fails, and those after it; 0: none */
	int64_t fail_allocation;
	bool fail_on;
};

_Noreturn void life_run(const struct life *l);

#endif
