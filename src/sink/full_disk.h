#ifndef CDCL_FULL_DISK_H
#define CDCL_FULL_DISK_H

/*
 * A disk that is full, for sinks with on_error = "retry": a step that failed for want of room is
 * asked again with growing waits, for full_disk_ms_max in all of one batch, and then fails as with
 * "stop". Only for steps that can be made again from where they stood.
 *
 *	do
 *		answer = step(p, err);
 *	while (answer < 0 && full_disk_wait(&p->full, err));
 */

#include "base/retry.h"

enum { full_disk_ms_max = 5 * 60 * 1000 };

struct full_disk {
	bool waits;             /* on_error = "retry" */
	struct retry retry;
};

/* Just after a failure. False: it is another one, or over, and the error stays. */
bool full_disk_wait(struct full_disk *f, struct error *err);
/* The batch is over: the next one has all of the time. */
void full_disk_passed(struct full_disk *f);

#endif
