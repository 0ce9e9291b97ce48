#include "runtime/pipeline_part.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "plan/plan_target.h"
#include "sink/dead_letter_sink.h"

#include <stdlib.h>

/* ---- open and close ---- */

static enum source_run run_kind(enum trigger_kind kind)
{
	switch (kind) {
	case TRIGGER_ONCE:
		return SOURCE_RUN_ONCE;
	case TRIGGER_AVAILABLE_NOW:
		return SOURCE_RUN_AVAILABLE_NOW;
	case TRIGGER_DEFAULT:
	case TRIGGER_INTERVAL:
		break;
	}
	return SOURCE_RUN_FOREVER;
}

static bool reads_stdin(const struct plan_node *node)
{
	const struct source_config *s = &node->source;
	return s->kind == SOURCE_STDIN ||
		(s->kind == SOURCE_FILE && str_eq(s->file.path, str_lit("-")));
}

/* Lines would go to one or the other as it happens. */
static int check_stdin(const struct pipeline *p, struct error *err)
{
	uint32_t readers = 0;
	for (uint32_t i = 0; i < p->intake_count; i++)
		readers += reads_stdin(p->intakes[i].node);
	return readers <= 1 ? 0 : error_set(err, CDCL_E_USAGE,
		"standard input can feed one source, and the script has %u", readers);
}

static int alloc_intakes(struct pipeline *p, struct error *err)
{
	size_t nodes = p->plan->node_count;
	p->intakes = calloc(nodes + 1, sizeof(*p->intakes));
	p->targets = calloc(nodes + 1, sizeof(*p->targets));
	p->target_counts = calloc(nodes + 1, sizeof(*p->target_counts));
	if (p->intakes == NULL || p->targets == NULL || p->target_counts == NULL)
		return error_set(err, CDCL_E_MEMORY, "no memory for the sources");
	return 0;
}

static int open_intakes(struct pipeline *p, struct error *err)
{
	int r = alloc_intakes(p, err);
	uint32_t number = 0;
	for (uint32_t i = 0; i < p->plan->node_count && r >= 0; i++) {
		const struct plan_node *node = p->plan->nodes[i];
		number += node->kind == PLAN_SOURCE;
		if (node->kind != PLAN_SOURCE || graph_head(&p->graph, node)->out_count == 0)
			continue; /* declared, but nothing is made of it */
		struct intake *in = &p->intakes[p->intake_count++];
		r = intake_open(in, node, run_kind(p->plan->trigger),
			graph_head(&p->graph, node), &p->dead, p->clock, err);
		in->quarantine = p->quarantine;
		in->order = p->durable == NULL ? NULL : &p->order;
		in->lore = plan_source_learns(node) ? durable_lore(p->durable) : NULL;
		in->number = number - 1;
		if (r >= 0 && p->durable != NULL && durable_replays(p->durable))
			intake_hold_columns(in);
	}
	return r < 0 ? r : check_stdin(p, err);
}

static int open_dead_letters(struct pipeline *p, struct error *err)
{
	const struct dead_letter_config *config = &p->plan->dead_letters;
	struct kafka_sink_config to;
	p->dead.per_minute_max = config->per_minute_max;
	if (config->path.data != NULL) {
		p->dead.writer = dead_letter_file_open(config->path, &p->batch,
			durable_writer(p->durable),
			p->durable != NULL && durable_replays(p->durable), err);
	} else if (plan_dead_letter_target(p->plan, &to)) {
		to.transaction = transactions_dead_letters(&p->transactions, p->plan);
		p->dead.writer = kafka_dead_letter_open(
			&to, &p->batch, durable_writer(p->durable), err);
	} else {
		return 0;
	}
	return p->dead.writer == NULL ? -(int)err->code : 0;
}

/*
 * The checkpoint's lock is taken, and the plan compared with what is kept, before sinks look at
 * their targets, which say what they hold; what was kept is read before the sources are opened,
 * which it tells where they go on.
 */
static int open_graph(struct pipeline *p, struct error *err)
{
	if (p->plan->checkpoint.data != NULL) {
		p->durable = durable_open(p->plan, err);
		if (p->durable == NULL || durable_compare(p->durable, err) < 0)
			return -(int)err->code;
	}
	int r = transactions_open(&p->transactions, p->plan, durable_writer(p->durable), err);
	if (r == 0)
		r = graph_open(&p->graph, p->plan, &p->dead, &p->batch,
			durable_writer(p->durable), err);
	if (r < 0 || p->durable == NULL)
		return r;
	r = durable_recover(p->durable, &p->graph, err);
	if (r < 0)
		return r;
	p->batch.id = durable_next(p->durable, &p->batch.time_us);
	durable_replay_order(p->durable, &p->order);
	p->quarantine =
		quarantine_open(p->plan->checkpoint, p->batch.id, p->plan->script, err);
	return p->quarantine == NULL ? -(int)err->code : 0;
}

static void tell_unshared(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan_source_may_widen(plan->nodes[i]))
			log_warn("workers",
				"the source at " STR_FMT " is read by the job's own process: its "
				"columns may change while the job runs; workers read it with "
				"on_schema_change = \"ignore\", or with its columns written down",
				STR_ARG(plan->nodes[i]->place));
	if (!plan_uses_workers(plan))
		log_warn("workers",
			"no source of this job is read by workers: one process does all");
}

/* First of all: they must have no locks and connections. */
static int open_workers(struct pipeline *p, struct error *err)
{
	if (p->plan->workers > 1)
		tell_unshared(p->plan);
	if (!plan_uses_workers(p->plan))
		return 0;
	p->workers = workers_open(p->plan, p->plan->workers, p->clock, err);
	return p->workers == NULL ? -(int)err->code : 0;
}

struct pipeline *pipeline_open(
	struct plan *plan, const struct clock *clock, int64_t batches_max, struct error *err)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the pipeline");
		return NULL;
	}
	p->plan = plan;
	p->clock = clock;
	p->batches_max = batches_max;
	dead_letters_init(&p->dead, clock);
	p->dead.stop_at_first = plan->on_error_stop;
	p->dead.count_max = plan->error_budget;
	trigger_init(&p->trigger, plan->trigger, plan->trigger_ms, clock_wall_us(clock));
	p->batch.time_us = clock_wall_us(clock);
	if (open_workers(p, err) < 0 || open_graph(p, err) < 0 || open_intakes(p, err) < 0 ||
		open_dead_letters(p, err) < 0 || transactions_check(&p->transactions, err) < 0) {
		pipeline_close(p);
		return NULL;
	}
	return p;
}

static int take_intakes(struct pipeline *p, struct pipeline *old, struct error *err)
{
	int r = alloc_intakes(p, err);
	for (uint32_t i = 0; i < old->intake_count && r >= 0; i++) {
		const struct plan_node *node = p->plan->nodes[old->intakes[i].node->id];
		r = intake_take(&p->intakes[p->intake_count], &old->intakes[i], node,
			graph_head(&p->graph, node), &p->dead, p->clock, err);
		p->intake_count += r >= 0;
	}
	return r < 0 ? r : 0;
}

struct pipeline *pipeline_follow(
	struct plan *plan, struct pipeline *old, int64_t batches_max, struct error *err)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	if (p == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the pipeline");
		return NULL;
	}
	check(old->durable == NULL); /* with a checkpoint columns wait: plan_check */
	p->plan = plan;
	p->clock = old->clock;
	p->batches_max = batches_max;
	p->dead = old->dead;
	old->dead.writer = NULL;
	p->trigger = old->trigger;
	p->pace = old->pace;
	p->batch = old->batch;
	p->batches_done = old->batches_done;
	p->figures = old->figures;
	if (graph_same_shape(&old->graph, plan, err) < 0)
		goto fail;
	graph_close_sinks(&old->graph);
	if (open_workers(p, err) < 0 ||
		graph_open(&p->graph, plan, &p->dead, &p->batch, NULL, err) < 0 ||
		graph_take(&p->graph, &old->graph, err) < 0 || take_intakes(p, old, err) < 0)
		goto fail;
	return p;
fail:
	pipeline_close(p);
	return NULL;
}

int pipeline_keep(struct pipeline *p, struct error *err)
{
	return p->durable == NULL ? 0 : durable_keep(p->durable, err);
}

void pipeline_close(struct pipeline *p)
{
	if (p == NULL)
		return;
	workers_close(p->workers);
	for (uint32_t i = 0; i < p->intake_count; i++) {
		intake_close(&p->intakes[i]);
		free(p->targets[i]);
	}
	quarantine_close(p->quarantine); /* before another process may open the folder */
	struct error err;
	if (durable_close(p->durable, &err) < 0)
		log_warn("state", "%s", err.text);
	graph_close(&p->graph);
	dead_letter_writer_close(p->dead.writer);
	transactions_close(&p->transactions);
	read_order_release(&p->order);
	free(p->intakes);
	free(p->targets);
	free(p->target_counts);
	free(p);
}

/* ---- closing ---- */

/*
 * Remembers the ends as they are known now: a batch under endless load must reach them before it
 * may close. Partitions that are found while it closes (a broker that answers late) are added.
 */
static int add_targets(struct pipeline *p, struct error *err)
{
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct source *s = p->intakes[i].source;
		uint32_t known = p->target_counts[i];
		if (known >= s->partition_count)
			continue;
		int64_t *t = realloc(p->targets[i], s->partition_count * sizeof(*t));
		if (t == NULL)
			return error_set(err, CDCL_E_MEMORY, "no memory for a batch's range");
		for (uint32_t k = known; k < s->partition_count; k++)
			t[k] = s->partitions[k].latest;
		p->targets[i] = t;
		p->target_counts[i] = s->partition_count;
	}
	return 0;
}

static bool targets_reached(const struct pipeline *p)
{
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct source *s = p->intakes[i].source;
		if (s->comes_to_end && p->intakes[i].state == SOURCE_MORE)
			return false;
		for (uint32_t k = 0; k < p->target_counts[i] && k < s->partition_count; k++)
			if (s->partitions[k].position < p->targets[i][k])
				return false;
	}
	return true;
}

static bool bound_reached(const struct pipeline *p)
{
	int64_t rows = 0;
	int64_t bytes = 0;
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct intake *in = &p->intakes[i];
		rows += in->source->messages_read - in->messages_at_batch;
		bytes += in->source->bytes_read - in->bytes_at_batch;
	}
	if (quarantine_reads_singly(p->quarantine) && rows >= singly_rows_max)
		return true;
	return read_order_full(&p->order) || rows >= batch_rows_max ||
		bytes >= (int64_t)batch_megabytes_max * 1024 * 1024;
}

/*
 * What workers have of it comes first, and they get nothing more then. But a pause while they work
 * ends no batch: more may come before they are done, which gives them something to do.
 */
static bool may_close(const struct pipeline *p)
{
	if (p->draining || pipeline_is_wider(p))
		return true;
	if (pipeline_some_is(p, SOURCE_WAITING) || read_order_turn(&p->order) != NULL)
		return false;
	/* A finite run goes to its sources' ends: a pipe that pauses is not at its end. */
	bool finite = run_kind(p->plan->trigger) != SOURCE_RUN_FOREVER;
	bool paused = !pipeline_some_is(p, SOURCE_MORE) &&
		!(finite && pipeline_some_is(p, SOURCE_IDLE));
	if (paused && !pipeline_awaits_workers(p))
		return true;
	if (p->plan->trigger == TRIGGER_ONCE)
		return false;
	if (bound_reached(p))
		return true;
	if (finite)
		return false;
	int64_t open_us = clock_monotonic_us(p->clock) - p->closing_since_us;
	return pace_closes(&p->pace, open_us) && targets_reached(p);
}

/* Workers have some of the batch that is to close, or have it no more. */
static void settle(struct pipeline *p, bool closes)
{
	bool settles = closes && pipeline_awaits_workers(p);
	if (settles && !p->settles)
		p->emit_mark_us = clock_monotonic_us(p->clock);
	p->settles = settles || (closes && p->settles);
	p->has_no_room = p->has_no_room && !p->settles;
}

/* ---- one turn ---- */

/* The trigger is due: from here the batch only takes what is there by now. */
static void start_closing(struct pipeline *p)
{
	p->phase = PHASE_CLOSING;
	p->closing_since_us = p->turn_since_us;
	trigger_start(&p->trigger, clock_wall_us(p->clock));
	for (uint32_t i = 0; i < p->intake_count; i++)
		p->target_counts[i] = 0;
}

static bool is_ending(const struct pipeline *p)
{
	return pipeline_all_are(p, SOURCE_END) || p->draining;
}

/* What a sink held back is written although nothing new came. */
static int64_t pending_us(const struct pipeline *p)
{
	return graph_pending_us(&p->graph, clock_wall_us(p->clock), is_ending(p));
}

/* Every source has nothing more and the batch is empty: no batch, no id. */
static int pass_trigger(struct pipeline *p)
{
	p->phase = is_ending(p) ? PHASE_DONE : PHASE_READING;
	return p->phase == PHASE_DONE ? PIPELINE_BUSY : PIPELINE_WAIT;
}

/* All batches are done, and what is left is the checkpoint's. */
static int end_run(struct pipeline *p, struct error *err)
{
	int r = p->durable == NULL ? 0 : durable_end(p->durable, p->draining, err);
	if (r < 0)
		return r;
	return r == CHECKPOINT_END_DONE ? PIPELINE_DONE
		: r == CHECKPOINT_END_MORE ? PIPELINE_BUSY
					   : PIPELINE_WAIT;
}

static bool should_close(const struct pipeline *p)
{
	return is_ending(p) || pipeline_is_wider(p) ||
		trigger_due(&p->trigger, clock_wall_us(p->clock));
}

/*
 * A first batch runs without input; one that is run again may have had none; a target that gets
 * all rows does not wait for it.
 */
static bool is_first(const struct pipeline *p)
{
	return p->durable == NULL || durable_is_new(p->durable) || durable_replays(p->durable) ||
		graph_resyncs(&p->graph);
}

/* A drain in the middle of a batch that is run again leaves it to the next start. */
static bool leaves_replay(const struct pipeline *p)
{
	return p->draining && p->durable != NULL && durable_replays(p->durable) &&
		!pipeline_all_are(p, SOURCE_LIMIT);
}

int pipeline_step(struct pipeline *p, uint32_t chunks_max, struct error *err)
{
	p->turn_since_us = clock_monotonic_us(p->clock);
	if (p->durable != NULL)
		durable_heard(p->durable);
	if (p->emit != EMIT_NOTHING)
		return pipeline_end_more(p, err);
	if (leaves_replay(p))
		p->phase = PHASE_DONE;
	if (p->phase == PHASE_DONE)
		return end_run(p, err);
	if (p->phase == PHASE_WIDER)
		return PIPELINE_WIDER;
	int r = p->batch_open && pipeline_had_input(p) ? 0 : pipeline_begin_batch(p, err);
	if (r == 0 && !p->draining && !p->settles)
		r = pipeline_read_chunks(p, chunks_max, err);
	else if (r == 0 && p->workers != NULL)
		r = pipeline_take_rest(p, err);
	if (r < 0)
		return r;
	if (p->durable != NULL && pipeline_is_wider(p))
		return PIPELINE_WIDER;
	bool more = r == 1;
	r = p->durable == NULL ? 0 : durable_step(p->durable, err);
	if (r < 0)
		return r;
	more = more || r == 1;
	bool first = p->batches_done == 0 && !p->draining && is_first(p);
	bool worth = pipeline_had_input(p) || first || pending_us(p) == 0;
	if (p->phase == PHASE_READING && should_close(p))
		start_closing(p);
	if (p->phase == PHASE_CLOSING && (r = add_targets(p, err)) < 0)
		return r;
	bool closes = p->phase == PHASE_CLOSING && may_close(p);
	settle(p, closes);
	if (closes && !pipeline_awaits_workers(p))
		return worth ? pipeline_end_batch(p, err) : pass_trigger(p);
	return more ? PIPELINE_BUSY : PIPELINE_WAIT;
}

void pipeline_drain(struct pipeline *p)
{
	p->draining = true;
}

void pipeline_wait(const struct pipeline *p, struct pipeline_wait *wait)
{
	wait->fd_count = p->durable == NULL ? 0 : durable_wake_fds(p->durable, wait->fds);
	if (p->emit != EMIT_NOTHING || p->phase == PHASE_DONE) {
		wait->timeout_us = -1;
		return;
	}
	wait->timeout_us = p->phase == PHASE_READING
		? trigger_wait_us(&p->trigger, clock_wall_us(p->clock))
		: -1;
	int64_t held_us = p->batches_done > 0 ? pending_us(p) : -1;
	if (held_us >= 0 && (wait->timeout_us < 0 || held_us < wait->timeout_us))
		wait->timeout_us = held_us;
	if (pipeline_workers_read(p)) { /* idle ones, too: they may die */
		wait->fd_count += workers_fds(p->workers, wait->fds + wait->fd_count);
		if (!workers_sleep(p->workers, p->has_no_room))
			wait->timeout_us = 0;
	}
	if (p->workers != NULL && (p->has_no_room || p->settles || p->draining))
		return;
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct intake *in = &p->intakes[i];
		if (in->state == SOURCE_LIMIT || in->state == SOURCE_END)
			continue;
		const struct source *s = in->source;
		if (s->wake_fd >= 0)
			wait->fds[wait->fd_count++] = s->wake_fd;
		int64_t poll_us = s->poll_ms > 0 ? (int64_t)s->poll_ms * 1000
			: s->wake_fd >= 0	 ? -1
						 : 100 * 1000;
		if (poll_us >= 0 && (wait->timeout_us < 0 || poll_us < wait->timeout_us))
			wait->timeout_us = poll_us;
	}
}
