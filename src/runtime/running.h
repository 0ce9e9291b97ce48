#ifndef CDCL_RUNNING_H
#define CDCL_RUNNING_H

/*
 * A job with its script, and how the two go on when a source's messages have other columns
 * (JOB_WIDER): the script is loaded again, and the columns that it gets are the wider ones
 * (peek_widen).
 *
 *	without a checkpoint   in place, between two batches: pipeline_follow
 *	with one               nothing of the batch is kept yet: the job is closed and opened from
 *	                       the checkpoint, which converts what it holds and keeps the columns
 *	                       before the batch comes again
 *
 * What the messages' own schema says has to be taken, or the job ends with the reason. What was
 * inferred from values is taken as far as the script, the state and the targets can: first all of
 * it, then the new columns without other types, else it is left out, as without schema = "auto".
 * After column_changes_max changes of one run all that comes is left out, whoever writes it.
 */

#include "runtime/job.h"
#include "runtime/job_restart.h"
#include "script/script.h"

enum { column_changes_max = 64 };

struct running {
	struct job *job;
	struct script *script;
	/* without a checkpoint: the sources were opened by their plans */
	struct script *outgrown[column_changes_max];
	uint32_t outgrown_count;
	uint32_t changes;
	bool leaves_out; /* what values say */
	struct job_restarts restarts;
	/* of whoever runs it */
	const struct script_options *script_options;
	struct job_options *job_options;
	struct script *(*load)(const struct running *r, struct error *err);
};

/* After JOB_WIDER: r->job goes on, with other columns or with these, or why it cannot. */
int running_go_wider(struct running *r, struct error *err);

/* Job and scripts; what it is told stays. */
void running_close(struct running *r);

#endif
