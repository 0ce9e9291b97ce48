#ifndef CDCL_WORKER_BELL_H
#define CDCL_WORKER_BELL_H

/*
 * Wakes the process that reads the sources, and only when it sleeps: being woken costs both sides
 * as much as 200 rows. Each worker has one.
 *
 *	worker            block is done;    is it the one that is wanted? then ring
 *	reading process   wants the block;  is it done? then do not sleep
 *
 * Each writes first and looks then, in one order that both agree on, so one of the two sees the
 * other's: no wake-up is lost. Ringing is a byte in a pipe.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In memory of both. */
struct worker_bell {
	/* number of a block, or worker_bell_none; in a line of its own */
	_Alignas(64) _Atomic uint32_t wanted;
};
#define worker_bell_none UINT32_MAX

/* The worker's: true, ring. */
static inline bool worker_bell_done(struct worker_bell *bell, uint32_t number, _Atomic bool *done)
{
	*done = true;
	return bell->wanted == number;
}

/* The reading process's: true, it need not sleep. */
static inline bool worker_bell_want(
	struct worker_bell *bell, uint32_t number, const _Atomic bool *done)
{
	bell->wanted = number;
	return *done;
}

/* It is awake. */
static inline void worker_bell_mute(struct worker_bell *bell)
{
	bell->wanted = worker_bell_none;
}

#endif
