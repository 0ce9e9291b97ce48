#ifndef CDCL_WORKERS_H
#define CDCL_WORKERS_H

/*
 * --workers N: processes that do what can be done for each message by itself, for the one that
 * does the rest.
 *
 *	job's process       /-- block 0 --> worker 1: decode, steps --\    job's process
 *	sources, order  ---- -- block 1 --> worker 2               ---- -- groups, merges,
 *	                    \-- block 2 --> worker 1                  /    sinks, checkpoint
 *
 * The process that runs the job reads its sources as ever, and hands blocks of messages out; what
 * comes back is taken in the order in which the blocks were read. So the steps behind the workers
 * see the same rows and dead letters in the same order with any number of them, and batches,
 * positions and checkpoints know nothing of them.
 *
 * Blocks lie in memory that all have at the same address; pipes carry their numbers. How many a
 * worker has before it follows from how long it takes for one (runtime/worker_depth.h), and is
 * bounded, as memory is by that. The reading process sleeps until several are done
 * (runtime/worker_bell.h). A file's lines go as text, of which it only counts them; what groups add
 * up, workers add up first (ops/operator_group_partial.h). A source whose decoder learns from
 * message to message what they mean (change events) always goes to the same worker.
 *
 * A worker that dies ends the job (workers_take says who and where); without its reading process it
 * ends at once.
 */

#include "plan/plan_workers.h"
#include "runtime/worker_block.h"

struct workers;

/* Forks them: before there is anything that must not be twice, locks and connections. */
struct workers *workers_open(
	const struct plan *plan, uint32_t count, const struct clock *clock, struct error *err);
/* They end what they are at, or are ended. */
void workers_close(struct workers *w);

/* A block to fill with messages of a source of the plan; NULL: those for it are in use. */
struct worker_block *workers_room(struct workers *w, uint32_t source);
/* It was filled for worker_block_begin's source. */
int workers_give(struct workers *w, struct worker_block *b, struct error *err);
/*
 * The first of those given, which is done: 1, and workers_free when it was looked at. 0: it is not
 * done yet. Negative: a worker died.
 */
int workers_take(struct workers *w, struct worker_block **b, struct error *err);
void workers_free(struct workers *w);
/* Some are given and not freed. */
bool workers_busy(const struct workers *w);

/*
 * The reading process is about to wait for these (how many); one is readable when it should take
 * blocks again. `full`: it has no room for another, and sleeps until a worker has done a third of
 * what it had. False: there is one to take, or room, at once.
 */
uint32_t workers_fds(const struct workers *w, int *fds);
bool workers_sleep(struct workers *w, bool full);
/* Blocks until one can be taken, or a worker died. */
void workers_wait(struct workers *w);

/* Where a worker that died has left its last words, or -1. */
int workers_words(const struct workers *w);

#endif
