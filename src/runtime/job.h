#ifndef CDCL_JOB_H
#define CDCL_JOB_H

/*
 * A plan, running: sources, decoders, operators and sinks made from it, the pipeline that moves chunks
 * through them, and the loop that gives it turns. struct job is put together in job.c and handed to
 * nobody; parts get parts.
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "plan/plan.h"
#include "source/source.h"

struct job;

struct job_options {
	int64_t batches_max;            /* --max-batches; 0: no limit */
	const char *progress_path;      /* --progress FILE|-; NULL: none */
	bool quiet;                     /* no status line */
	const char *watch_path;         /* --watch: the script to watch; NULL: none */
	const struct clock *clock;
	/* What the first start resolved `latest` and friends to, so that a restart in place reads on from there. */
	const struct partition_offset *resolved;
	uint32_t resolved_count;
};

enum job_end {
	JOB_DONE,               /* drained, finite end, or --max-batches */
	JOB_RELOAD,             /* --watch: the caller has a new, checked script */
	JOB_KILLED              /* second signal: exit 130 */
};

struct job *job_open(struct plan *plan, const struct job_options *options, struct error *err);

/* Runs until an end (enum job_end) or a negative error. SIGTERM and SIGINT drain. */
int job_run(struct job *j, struct error *err);
void job_close(struct job *j);

#endif
