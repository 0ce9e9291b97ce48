#include "runtime/job_restart.h"

#include "base/arena.h"
#include "base/log.h"
#include "runtime/loop.h"

enum { wait_s_first = 1, wait_s_max = 30 };

static int64_t wait_s(int64_t done)
{
	int64_t s = wait_s_first;
	for (int64_t i = 0; i < done && s < wait_s_max; i++)
		s *= 2;
	return s < wait_s_max ? s : wait_s_max;
}

/* False: a signal came. */
static bool wait_for(int64_t seconds, const struct job_options *o)
{
	struct error unseen;
	struct loop *loop = loop_open(o->catch_signals, &unseen);
	if (loop == NULL)
		return false;
	int64_t end_us = clock_monotonic_us(o->clock) + seconds * 1000000;
	unsigned notes = 0;
	int64_t left_us = seconds * 1000000;
	while ((notes & LOOP_SIGNAL) == 0 && left_us > 0) {
		notes = loop_wait(loop, NULL, 0, left_us);
		left_us = end_us - clock_monotonic_us(o->clock);
	}
	loop_close(loop);
	return (notes & LOOP_SIGNAL) == 0;
}

/* What the failed job did counts; what it resolved stays. */
static void close_job(struct job_restarts *r, struct job **job, struct job_options *options)
{
	struct job_sums sums = options->before;
	job_add_sums(*job, &sums);
	int64_t batches = sums.batches - options->before.batches;
	options->before = sums;
	if (batches > 0)
		r->done = 0;
	if (options->batches_max > 0)
		options->batches_max -= batches;
	job_keep_resolved(*job, r->arena, options);
	job_close(*job);
	*job = NULL;
}

/* After *err, for as long as it may pass. */
static int open_again(struct job_restarts *r, struct job **job, struct plan *plan,
	struct job_options *options, struct error *err)
{
	while (r->done < plan->restarts) {
		int64_t seconds = wait_s(r->done++);
		log_warn("job",
			"%s; going back to the checkpoint in %lld s (%lld of %lld)", err->text,
			(long long)seconds, (long long)r->done, (long long)plan->restarts);
		if (!wait_for(seconds, options))
			break;
		struct error why;
		error_init(&why);
		*job = job_open(plan, options, &why);
		if (*job != NULL) {
			error_init(err);
			return 0;
		}
		*err = why;
		if (err->code != CDCL_E_UNREACHABLE)
			break;
	}
	return -(int)err->code;
}

int job_restart(struct job_restarts *r, struct job **job, struct plan *plan,
	struct job_options *options, struct error *err)
{
	if (!job_may_go_back(*job, err) || job_keep(*job, err) < 0)
		return -(int)err->code;
	close_job(r, job, options);
	return open_again(r, job, plan, options, err);
}

int job_reopen(struct job_restarts *r, struct job **job, struct plan *plan,
	struct job_options *options, struct error *err)
{
	if (*job != NULL)
		close_job(r, job, options);
	*job = job_open(plan, options, err);
	if (*job != NULL)
		return 0;
	return err->code == CDCL_E_UNREACHABLE ? open_again(r, job, plan, options, err)
					       : -(int)err->code;
}
