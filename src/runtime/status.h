#ifndef CDCL_STATUS_H
#define CDCL_STATUS_H

/*
 * What a person sees while a job runs: one live line on a terminal's stderr, redrawn a few times a
 * second; when stderr is a file or a pipe, a plain log line now and then, only when something
 * happened.
 *
 *	orders  batch 12  in 51,204/s  applied 51,180/s  lag 0  rows 1,204,551  bad 0  23 MB
 */

#include "base/clock.h"
#include "base/str.h"
#include "runtime/pipeline.h"

struct status {
	bool live;
	struct str job_name;
	const struct clock *clock;
	int64_t period_us;
	int64_t last_us; /* monotonic */
	int64_t last_messages;
	int64_t last_applied;
	int64_t last_batches;
	bool was_still; /* nothing happened before the last tick: it need not be drawn again */
	int64_t applied; /* rows of published batches */
};

void status_init(struct status *s, struct str job_name, const struct clock *clock, bool live);
void status_note_batch(struct status *s, const struct batch_figures *f);

/* Draws or logs when it is time to. */
void status_tick(struct status *s, const struct pipeline *p);
int64_t status_wait_us(const struct status *s);

/* The job is done: what it did, as one log line. */
struct job_sums;
void status_sum(const struct status *s, const struct job_sums *sums);

/* Removes the live line. */
void status_end(const struct status *s);

/* "1,204,551" */
void status_number(struct strbuf *out, int64_t n);

#endif
