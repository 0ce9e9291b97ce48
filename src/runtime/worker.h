#ifndef CDCL_WORKER_H
#define CDCL_WORKER_H

/*
 * The life of a worker, a forked process: numbers of blocks come in through one pipe, and the one
 * that the reading process sleeps for goes out through another when it is done (runtime/workers.h).
 * It ends with the pipe, and with the process that made it.
 */

#include "runtime/worker_bell.h"
#include "runtime/worker_block.h"

struct worker_config {
	const struct plan *plan;
	const struct clock *clock;
	struct worker_block *const *blocks;
	struct worker_bell *bell;
	int parent;
	int in_fd;
	int out_fd;
	int words_fd; /* where it leaves its last words (state/last_words.h); -1: nowhere */
};

_Noreturn void worker_main(const struct worker_config *config);

#endif
