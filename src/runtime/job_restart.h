#ifndef CDCL_JOB_RESTART_H
#define CDCL_JOB_RESTART_H

/*
 * Going back: a batch that failed for a reason that may pass (a target or broker that does not
 * answer) is given up, and the job is opened again from its checkpoint, in the process. What it
 * wrote of the batch is what a crash would have left, so nothing else has to be undone: the batch
 * is run again with its number, time and ranges.
 *
 *	error -> job closed -> wait 1 s, 2, 4, ... 30 s -> job opened from the checkpoint -> ...
 *
 * So often in a row (plan->restarts) without a published batch in between; then the error ends the
 * process with its exit code.
 */

#include "runtime/job.h"

struct job_restarts {
	int64_t done;           /* in a row */
	struct arena *arena;    /* of what the next start has to know */
};

/*
 * After job_run answered the error in *err. 0: *job is a new one, run it. Else *job is closed and
 * NULL, or as it was, and *err says why it ends. A signal while it waits ends it too.
 */
int job_restart(struct job_restarts *r, struct job **job, struct plan *plan,
	struct job_options *options, struct error *err);

/*
 * The job (NULL: it was closed before) is closed, in the middle of a batch, and opened from its
 * checkpoint by another plan. Not 0: *job is NULL, and *err says why.
 */
int job_reopen(struct job_restarts *r, struct job **job, struct plan *plan,
	struct job_options *options, struct error *err);

#endif
