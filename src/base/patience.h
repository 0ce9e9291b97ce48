#ifndef CDCL_PATIENCE_H
#define CDCL_PATIENCE_H

/*
 * How long a call that waits for somebody else goes on: until its time is over, or a few seconds
 * after the process was asked to stop. Whoever waits does it in slices and looks between them.
 */

#include "base/clock.h"

#include <stdbool.h>

struct patience {
	const struct clock *clock;
	int64_t until_us;       /* monotonic */
	int64_t stop_us;        /* when the stop was first seen; -1: not asked */
};

enum { patience_after_stop_ms = 4000 };

void patience_init(struct patience *p, const struct clock *clock, int64_t timeout_ms);
bool patience_left(struct patience *p);
/* Of what is left, at most slice_ms and at least 1: for a call that takes a timeout. */
int patience_slice(struct patience *p, int slice_ms);
/* It ended, or will, because of a stop and not by its own time. */
bool patience_cut(const struct patience *p);

/* SIGTERM, SIGINT, SIGHUP: from a signal handler or any thread. */
void patience_stop(void);
/* The stop was told to whom it was for; the next run begins. */
void patience_restart(void);
bool patience_stop_asked(void);

#endif
