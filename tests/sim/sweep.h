#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

/*
 * Over a small job with a checkpoint: the k-th call to the disk fails (EIO, ENOSPC, half of a
 * write, EINTR), or the k-th allocation, for every k, once and for good. The process must end by
 * itself: with the right code, by an assertion that says so, or well; and the next one must come
 * to the right result. `every`: of so many calls one fails; `from`: this one first, 0: one near
 * the begin.
 */

#include <stdint.h>

int sweep_disk(int64_t every, int64_t from);
int sweep_memory(int64_t every, int64_t from);

#endif
