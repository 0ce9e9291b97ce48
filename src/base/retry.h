#ifndef CDCL_RETRY_H
#define CDCL_RETRY_H

/*
 * Trying again what may pass: with growing waits, for so long, and no longer than some seconds
 * after the process was asked to stop.
 *
 *	struct retry retry = {.wait_ms = 0};
 *	while (r < 0 && may_pass(err) && retry_wait(&retry, five_minutes_ms, "sqlite", err))
 *		r = once_more(err);
 */

#include "base/patience.h"
#include "cdcl/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { retry_wait_ms_min = 100, retry_wait_ms_max = 5000 };

struct retry {
	struct patience patience;
	int wait_ms;            /* 0: nothing was tried again yet */
};

/* Says what failed, waits and clears the error. False: it is over, and the error stays. */
bool retry_wait(struct retry *r, int64_t timeout_ms, const char *area, struct error *err);

#endif
