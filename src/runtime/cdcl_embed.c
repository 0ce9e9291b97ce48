#include "cdcl/cdcl.h"

#include "runtime/job.h"
#include "runtime/peek.h"
#include "script/script.h"

#include <stdlib.h>

struct cdcl_job {
	struct peek *peek;
	struct script *script;
	struct job *job;
};

/* A job here is one plan from its opening to its end. */
static void leave_columns(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->node_count; i++) {
		struct envelope_config *e = plan->nodes[i]->envelope;
		if (e != NULL && e->on_schema_change == SCHEMA_CHANGE_ADD)
			e->on_schema_change = SCHEMA_CHANGE_LATER;
	}
}

struct cdcl_job *cdcl_open(const struct cdcl_options *o, struct error *err)
{
	struct cdcl_job *c = calloc(1, sizeof(*c));
	if (c == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for a job");
		return NULL;
	}
	c->peek = peek_open(&clock_system, -1);
	struct script_options script_options = {
		.path = o->script,
		.peek = peek_seam(c->peek),
		.jit = true,
		.allow_io = o->allow_io,
		.allow_os = o->allow_io,
		.clock = &clock_system,
		.brokers = str_c(o->brokers),
		.input = str_c(o->input),
		.from = str_c(o->from),
		.trigger = o->available_now ? str_lit("available_now") : str_c(NULL),
	};
	struct job_options job_options = {
		.batches_max = o->batches_max,
		.progress_path = o->progress,
		.quiet = true,
		.clock = &clock_system,
	};
	c->script = script_open(&script_options, err);
	if (c->script != NULL)
		leave_columns(script_plan(c->script));
	if (c->script != NULL)
		c->job = job_open(script_plan(c->script), &job_options, err);
	if (c->job == NULL) {
		cdcl_close(c);
		return NULL;
	}
	return c;
}

int cdcl_run(struct cdcl_job *c, struct error *err)
{
	int end = job_run(c->job, err);
	return end < 0 ? end : 0;
}

void cdcl_stop(struct cdcl_job *c)
{
	job_stop(c->job);
}

void cdcl_close(struct cdcl_job *c)
{
	if (c == NULL)
		return;
	job_close(c->job);
	script_close(c->script);
	peek_close(c->peek);
	free(c);
}
