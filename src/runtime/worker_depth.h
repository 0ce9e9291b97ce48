#ifndef CDCL_WORKER_DEPTH_H
#define CDCL_WORKER_DEPTH_H

/*
 * How many blocks a worker may have before it: so many that it does not run out of them while the
 * reading process sleeps or waits for a core, and so few that a batch which is to close does not
 * wait long for what was given.
 *
 *	a block takes     70 us   200 us   1 ms   3 ms   20 ms   150 ms
 *	blocks ahead      16      11       3      2      1       1
 *
 * What a block takes is what a row took of late, by the worker's clock.
 */

#include "cdcl/abi.h"

#include <stdint.h>

enum { worker_depth_max = 16 };

struct worker_depth {
	int64_t us; /* of late, each block counting for 3/4 of the one after it, */
	int64_t rows; /* in so many */
};

/* A block is done. */
void worker_depth_note(struct worker_depth *d, int64_t us, uint32_t rows);
uint32_t worker_depth(const struct worker_depth *d);

#endif
