#ifndef CDCL_JOB_H
#define CDCL_JOB_H

/*
 * A plan, running: the pipeline that moves chunks (runtime/pipeline.h: read that first), the loop
 * that gives it turns, and what tells people about it: status line, progress, the watch on the
 * script. struct job is put together in job.c and handed to nobody; parts get parts.
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "decode/envelope.h"
#include "plan/plan.h"
#include "source/source.h"

struct job;
struct monitor;

/* For the last line of a run. */
struct job_sums {
	int64_t batches;
	int64_t messages;
	int64_t bad_records;
};

struct job_options {
	int64_t batches_max; /* --max-batches; 0: no limit */
	const char *progress_path; /* --progress FILE|-; NULL: none */
	bool report; /* --report: what events were to the tables, at the end */
	bool quiet; /* no status line, no periodic lines */
	bool catch_signals; /* as loop.h says: the first one drains */
	bool stop_on_closed_stdout; /* whoever read the results is gone: drain */
	const struct str *watch_paths; /* --watch: the script and the modules it requires */
	uint32_t watch_count;
	const struct clock *clock;
	struct monitor *monitor; /* of the run; NULL: nobody looks */
	struct job_sums before; /* of this run, by jobs that went back to the checkpoint */
	bool restarted; /* --watch: not the first start of this run */
	/* What the first start resolved `latest` to, so that a restart reads on from there. */
	const struct partition_offset *resolved;
	uint32_t resolved_count;
	/* after JOB_WIDER: the job that this one goes on from; it can only be closed then, and its
	 * plan outlives this one's */
	struct job *previous;
};

enum job_end {
	JOB_DONE, /* drained, finite end, or --max-batches */
	JOB_WIDER, /* a source's messages have other columns (job_wider): runtime/running.h */
	JOB_CHANGED /* --watch: the script was saved. Load it; when it is bad, job_run goes on with
		       this one */
};

struct job *job_open(struct plan *plan, const struct job_options *options, struct error *err);

/* Runs until an end (enum job_end) or a negative error. */
int job_run(struct job *j, struct error *err);

/*
 * After an error of job_run: it may pass by itself, there is a checkpoint, and there was something
 * to read, so a new start from there may do better (runtime/job_restart.h).
 */
bool job_may_go_back(const struct job *j, const struct error *err);
/* What this job published is added. */
void job_add_sums(const struct job *j, struct job_sums *sums);

/* From another thread or a signal handler: drain, as SIGTERM does. */
void job_stop(struct job *j);

void job_close(struct job *j);
/* After job_run failed, before the same checkpoint is opened again: pipeline_keep. */
int job_keep(struct job *j, struct error *err);

/* After JOB_WIDER: whose columns, and which now; index-th of those, false behind the last. */
struct source_columns;
bool job_wider(const struct job *j, uint32_t index, struct source_columns *out);
/* After JOB_WIDER: go on with the columns as they are. */
void job_leave_out(struct job *j, enum leave_out what);

/*
 * Into the options of a restart in place: where this job's topics began to read; those of an
 * earlier start stay as they are. In `arena`.
 */
void job_keep_resolved(const struct job *j, struct arena *arena, struct job_options *options);

#endif
