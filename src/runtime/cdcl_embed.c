#include "cdcl/cdcl.h"

#include "base/arena.h"
#include "runtime/job.h"
#include "runtime/peek.h"
#include "runtime/running.h"
#include "script/script.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

struct cdcl_job {
	struct arena arena; /* what the options say */
	struct peek *peek;
	struct script_options script_options;
	struct job_options job_options;
	struct running running;
	/* the running one's job; NULL while it is replaced, or somebody stops it */
	struct job *_Atomic stoppable;
	atomic_bool stop_asked;
};

static struct script *load(const struct running *r, struct error *err)
{
	return script_open(r->script_options, err);
}

/* The caller's texts may go when cdcl_open returns; the script is loaded again later. */
static const char *keep(struct cdcl_job *c, const char *text)
{
	return str_dup(str_c(text), &c->arena).data;
}

static void set_options(struct cdcl_job *c, const struct cdcl_options *o)
{
	c->script_options = (struct script_options){
		.path = keep(c, o->script),
		.peek = peek_seam(c->peek),
		.jit = true,
		.allow_io = o->allow_io,
		.allow_os = o->allow_io,
		.clock = &clock_system,
		.brokers = str_c(keep(c, o->brokers)),
		.input = str_c(keep(c, o->input)),
		.from = str_c(keep(c, o->from)),
		.trigger = o->available_now ? str_lit("available_now") : str_c(NULL),
	};
	c->job_options = (struct job_options){
		.batches_max = o->batches_max,
		.progress_path = keep(c, o->progress),
		.quiet = true,
		.clock = &clock_system,
	};
	c->running.script_options = &c->script_options;
	c->running.job_options = &c->job_options;
	c->running.restarts.arena = &c->arena;
	c->running.load = load;
}

struct cdcl_job *cdcl_open(const struct cdcl_options *o, struct error *err)
{
	struct cdcl_job *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for a job");
		return NULL;
	}
	arena_init(&c->arena, 4096);
	c->peek = peek_open(&clock_system, -1);
	set_options(c, o);
	struct running *r = &c->running;
	r->script = load(r, err);
	if (r->script != NULL)
		r->job = job_open(script_plan(r->script), &c->job_options, err);
	if (r->job == NULL) {
		cdcl_close(c);
		return NULL;
	}
	atomic_store(&c->stoppable, r->job);
	return c;
}

/* With other columns it is another job, which who stops must not see half. */
static int go_wider(struct cdcl_job *c, struct error *err)
{
	while (atomic_exchange(&c->stoppable, NULL) == NULL)
		sched_yield();
	int r = running_go_wider(&c->running, err);
	if (r < 0)
		return r;
	atomic_store(&c->stoppable, c->running.job);
	if (atomic_load(&c->stop_asked))
		job_stop(c->running.job);
	return 0;
}

int cdcl_run(struct cdcl_job *c, struct error *err)
{
	int end;
	do {
		end = job_run(c->running.job, err);
		if (end == JOB_WIDER)
			end = go_wider(c, err) < 0 ? -(int)err->code : JOB_WIDER;
	} while (end == JOB_WIDER);
	return end < 0 ? end : 0;
}

void cdcl_stop(struct cdcl_job *c)
{
	atomic_store(&c->stop_asked, true);
	struct job *j = atomic_exchange(&c->stoppable, NULL);
	if (j == NULL)
		return; /* who has it does that */
	job_stop(j);
	atomic_store(&c->stoppable, j);
}

void cdcl_close(struct cdcl_job *c)
{
	if (c == NULL)
		return;
	running_close(&c->running);
	peek_close(c->peek);
	arena_release(&c->arena);
	free(c);
}
