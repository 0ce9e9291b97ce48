#include "runtime/pipeline.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "plan/plan_target.h"
#include "runtime/durable.h"
#include "runtime/graph.h"
#include "runtime/intake.h"
#include "runtime/pace.h"
#include "runtime/transactions.h"
#include "runtime/trigger.h"
#include "runtime/workers.h"
#include "sink/dead_letter_sink.h"

#include <stdlib.h>

enum {
	singly_rows_max = 10000, /* in a batch that is read record by record */
	turn_us_max = 500 /* of reading, or of a batch's end; signals wait no longer */
};

/* Of the end of a batch (emit_more): what was begun and has to be durable before it goes on. */
enum emit_phase { EMIT_NOTHING, EMIT_BEGUN, EMIT_INTENDED, EMIT_READY, EMIT_COMMITTED };

/* Answers of what goes on with it, besides 0 and an error: when the disk has done, or at once. */
enum { EMIT_WAITS = 1, EMIT_MORE = 2 };

enum pipeline_phase { PHASE_READING, PHASE_CLOSING, PHASE_WIDER, PHASE_DONE };

struct pipeline {
	struct plan *plan;
	const struct clock *clock;
	struct graph graph;
	struct durable *durable; /* NULL: no checkpoint */
	struct quarantine *quarantine; /* with it */
	struct read_order order; /* with it */
	struct transactions transactions;
	struct workers *workers; /* NULL: one process does all */
	struct intake *intakes;
	uint32_t intake_count;
	uint32_t intake_next; /* with workers: whose turn it is in the round */
	bool has_no_room; /* and that it has to wait for them */
	bool settles; /* the batch is to close: they get nothing more before */
	int64_t settled_us; /* how long that took */
	struct dead_letters dead;
	struct trigger trigger;
	struct pace pace;
	struct batch batch;
	enum pipeline_phase phase;
	enum emit_phase emit;
	int64_t emit_mark_us; /* monotonic: the last figure was taken */
	bool draining;
	bool batch_open; /* begun, not yet published */
	int64_t batches_max; /* 0: no limit */
	int64_t batches_done;
	int64_t bad_at_batch; /* dead.total, when the batch began */
	int64_t read_us; /* spent on reading and applying the open batch */
	int64_t closing_since_us; /* monotonic */
	int64_t **targets; /* per intake and partition: where the closing batch must come to */
	uint32_t *target_counts;
	struct batch_figures figures;
};

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
 * The checkpoint's lock is taken before sinks look at their targets, which say what they hold; what
 * was kept is read before the sources are opened, which it tells where they go on.
 */
static int open_graph(struct pipeline *p, struct error *err)
{
	if (p->plan->checkpoint.data != NULL) {
		p->durable = durable_open(p->plan, err);
		if (p->durable == NULL)
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

/* ---- reading ---- */

static bool had_input(const struct pipeline *p)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (intake_had_input(&p->intakes[i]))
			return true;
	return false;
}

/* Also for a batch that was begun but is still empty. */
static int begin_batch(struct pipeline *p, struct error *err)
{
	p->batch_open = true;
	p->bad_at_batch = p->dead.total;
	p->batch.time_us = clock_wall_us(p->clock) / 1000 * 1000;
	if (p->durable != NULL)
		durable_next(p->durable, &p->batch.time_us);
	p->read_us = 0;
	read_order_begin(&p->order);
	for (uint32_t i = 0; i < p->graph.sink_count; i++)
		p->graph.sinks[i]->rows_written = 0;
	for (uint32_t i = 0; i < p->intake_count; i++) {
		int r = intake_begin_batch(&p->intakes[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool may_have_more(const struct intake *in)
{
	bool none = in->state == SOURCE_LIMIT || in->state == SOURCE_END;
	return in->wider == NULL && (!none || in->pending);
}

/* ---- with workers ---- */

static bool workers_read(const struct pipeline *p)
{
	return p->workers != NULL && !quarantine_is_active(p->quarantine);
}

static bool is_waiting_for_workers(const struct pipeline *p)
{
	return p->workers != NULL && workers_busy(p->workers);
}

/* A worker that died ends the job, and the next start hears of it. */
static int note_death(struct pipeline *p, int r)
{
	quarantine_worker_died(p->quarantine, workers_words(p->workers));
	return r;
}

static struct intake *intake_of(struct pipeline *p, uint32_t source)
{
	uint32_t i = 0;
	for (; i < p->intake_count && p->intakes[i].node->id != source; i++)
		;
	check(i < p->intake_count);
	return &p->intakes[i];
}

/* Blocks that came back, in their order, at most so many: to the steps that are here. */
static int take_blocks(struct pipeline *p, uint32_t blocks_max, struct error *err)
{
	struct worker_block *b;
	int r = 0;
	for (uint32_t i = 0; i < blocks_max && (r = workers_take(p->workers, &b, err)) == 1; i++) {
		struct intake *in = intake_of(p, b->source);
		dead_letters_note_read(&p->dead, b->messages.count);
		intake_tally_add(&in->rows.tally, &b->before, &b->after);
		int replayed = worker_block_replay(b, &p->graph, &p->dead, err);
		if (replayed == 0 && b->learned.len > 0)
			replayed = source_lore_read(in->lore, b->learned, err);
		workers_free(p->workers);
		if (replayed < 0)
			return replayed;
	}
	return r < 0 ? note_death(p, r) : 0;
}

/* Reading failed with *err: what was read before comes first, and may end the job in its stead. */
static int fail_in_turn(struct pipeline *p, int failed, struct error *err)
{
	struct error earlier;
	error_init(&earlier);
	int r = 0;
	while (r == 0 && workers_busy(p->workers)) {
		r = take_blocks(p, UINT32_MAX, &earlier);
		if (r == 0 && workers_busy(p->workers))
			workers_wait(p->workers);
	}
	if (r == 0)
		return failed;
	*err = earlier;
	return r;
}

/* One block from the source; 0: there is no room for one. */
static int give_block(struct pipeline *p, struct intake *in, struct error *err)
{
	struct worker_block *b = workers_room(p->workers, in->node->id);
	if (b == NULL)
		return 0;
	worker_block_begin(b, in->node->id, &p->batch);
	int r = intake_fill(in, &b->messages, &b->texts, err);
	if (r < 0)
		return fail_in_turn(p, r, err);
	b->tells = in->lore != NULL;
	if (r > 0)
		b->lent = intake_lend(in, &b->arena);
	if (r > 0 && (r = workers_give(p->workers, b, err)) < 0)
		return note_death(p, r);
	return 1;
}

/* One chunk of a source that workers cannot read; 0: what was read before comes first. */
static int read_here(struct pipeline *p, struct intake *in, struct error *err)
{
	if (workers_busy(p->workers))
		return 0;
	int r = intake_read(in, err);
	return r < 0 ? r : 1;
}

/*
 * As read_round, over blocks for the workers. Where there was no room for one the round goes on
 * later, so that the order is that of one process. Several are taken and as many given, by turns: a
 * worker has something to do while rows are told, and is not woken for each block.
 */
static int give_round(struct pipeline *p, struct error *err)
{
	int more = 0;
	int r = p->has_no_room ? take_blocks(p, workers_member_blocks / 2, err) : 0;
	for (; p->intake_next < p->intake_count && r >= 0; p->intake_next++) {
		struct intake *in = &p->intakes[p->intake_next];
		if (!may_have_more(in) || !intake_has_turn(in))
			continue;
		r = plan_node_in_workers(in->node) ? give_block(p, in, err)
						   : read_here(p, in, err);
		p->has_no_room = r == 0;
		if (r <= 0)
			return r;
		if (in->state == SOURCE_MORE || intake_ends_turn(in))
			more = 1;
	}
	p->intake_next = 0;
	p->has_no_room = false;
	if (r >= 0 && more == 0)
		r = take_blocks(p, UINT32_MAX, err);
	return r < 0 ? r : more;
}

/* ---- chunks ---- */

/* One chunk from every source that may have one. Answers whether some source has more at once. */
static int read_round(struct pipeline *p, struct error *err)
{
	int more = 0;
	if (workers_read(p))
		return give_round(p, err);
	for (uint32_t i = 0; i < p->intake_count; i++) {
		struct intake *in = &p->intakes[i];
		if (!may_have_more(in) || !intake_has_turn(in))
			continue;
		int r = intake_read(in, err);
		if (r < 0)
			return r;
		if (in->state == SOURCE_MORE || intake_ends_turn(in))
			more = 1;
	}
	return more;
}

static int read_chunks(struct pipeline *p, uint32_t chunks_max, struct error *err)
{
	int more = 1;
	int64_t began_us = clock_monotonic_us(p->clock);
	int64_t spent_us = 0;
	for (uint32_t i = 0; i < chunks_max && more == 1 && spent_us < turn_us_max; i++) {
		more = read_round(p, err);
		spent_us = clock_monotonic_us(p->clock) - began_us;
	}
	p->read_us += spent_us;
	return more;
}

static bool all_are(const struct pipeline *p, enum source_state state)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (p->intakes[i].state != state)
			return false;
	return true;
}

static bool some_is(const struct pipeline *p, enum source_state state)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (p->intakes[i].state == state)
			return true;
	return false;
}

bool pipeline_wider(const struct pipeline *p, uint32_t index, struct source_columns *out)
{
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct intake *in = &p->intakes[i];
		if (in->wider == NULL || index-- > 0)
			continue;
		*out = (struct source_columns){
			in->node, in->wider, envelope_wider_by_values(in->rows.envelope)};
		return true;
	}
	return false;
}

static bool is_wider(const struct pipeline *p)
{
	struct source_columns columns;
	return pipeline_wider(p, 0, &columns);
}

void pipeline_leave_out(struct pipeline *p, enum leave_out what)
{
	for (uint32_t i = 0; i < p->intake_count; i++) {
		struct intake *in = &p->intakes[i];
		if (in->rows.envelope != NULL && (in->wider != NULL || what != LEAVE_OUT_THESE))
			envelope_leave_out(in->rows.envelope, what);
		in->wider = NULL;
	}
	if (p->phase == PHASE_WIDER)
		p->phase = PHASE_READING;
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
	if (p->draining || is_wider(p))
		return true;
	if (some_is(p, SOURCE_WAITING) || read_order_turn(&p->order) != NULL)
		return false;
	/* A finite run goes to its sources' ends: a pipe that pauses is not at its end. */
	bool finite = run_kind(p->plan->trigger) != SOURCE_RUN_FOREVER;
	bool paused = !some_is(p, SOURCE_MORE) && !(finite && some_is(p, SOURCE_IDLE));
	if (paused && !is_waiting_for_workers(p))
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

static void begin_figures(struct pipeline *p)
{
	struct batch_figures *f = &p->figures;
	*f = (struct batch_figures){.id = p->batch.id, .time_us = p->batch.time_us};
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct intake *in = &p->intakes[i];
		f->rows_in += intake_messages(in);
		f->bytes_in += in->source->bytes_read - in->bytes_at_batch;
	}
	f->read_us = p->read_us;
}

/* Time since *mark_us, which moves on to now. */
static int64_t lap(const struct pipeline *p, int64_t *mark_us)
{
	int64_t now_us = clock_monotonic_us(p->clock);
	int64_t spent_us = now_us - *mark_us;
	*mark_us = now_us;
	return spent_us;
}

static int end_sources(struct pipeline *p, struct error *err)
{
	for (uint32_t i = 0; i < p->intake_count; i++) {
		struct source *s = p->intakes[i].source;
		int r = s->ops->end_batch(s, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool turn_is_over(const struct pipeline *p, int64_t began_us)
{
	return clock_monotonic_us(p->clock) - began_us >= turn_us_max;
}

static int intend(struct pipeline *p, struct error *err)
{
	int r = p->durable == NULL ? 0
		: durable_intend(
			p->durable, p->intakes, p->intake_count, &p->order, &p->batch, err);
	if (r == 0)
		p->emit = EMIT_INTENDED;
	return r;
}

/* All rows go to their sinks, which are ready then, and so are dead letters. */
static int emit_rows(struct pipeline *p, struct error *err)
{
	struct batch_figures *f = &p->figures;
	int64_t began_us = clock_monotonic_us(p->clock);
	int r;
	while ((r = graph_finish(&p->graph, err)) == 1)
		if (turn_is_over(p, began_us))
			return EMIT_MORE;
	f->finish_us = lap(p, &p->emit_mark_us);
	if (r == 0)
		r = graph_prepare(&p->graph, err);
	for (uint32_t i = 0; i < p->graph.sink_count; i++)
		f->rows_out += p->graph.sinks[i]->rows_written;
	if (r == 0 && p->dead.writer != NULL)
		r = p->dead.writer->publish(p->dead.writer, err);
	/* What was learned is one of the changes that the checkpoint appends from now on. */
	for (uint32_t i = 0; i < p->intake_count && r == 0; i++)
		intake_gather(&p->intakes[i]);
	if (r == 0)
		p->emit = EMIT_READY;
	return r;
}

static int commit(struct pipeline *p, struct error *err)
{
	int64_t began_us = clock_monotonic_us(p->clock);
	int r = 0;
	while (p->durable != NULL && (r = durable_changes(p->durable, err)) == 1)
		if (turn_is_over(p, began_us))
			return EMIT_MORE;
	if (r == 0 && p->durable != NULL)
		r = durable_commit(p->durable, p->intakes, p->intake_count, &p->batch, err);
	if (r == 0)
		p->emit = EMIT_COMMITTED;
	return r;
}

static int publish(struct pipeline *p, struct error *err)
{
	struct batch_figures *f = &p->figures;
	transactions_offsets(&p->transactions, p->plan, p->intakes, p->intake_count);
	int r = graph_publish(&p->graph, err);
	if (r == 0)
		r = transactions_publish(&p->transactions, &p->batch, err);
	if (r == 0 && p->durable != NULL)
		r = durable_published(p->durable, &p->batch, err);
	if (r == 0)
		r = quarantine_published(p->quarantine, p->batch.id, err);
	f->publish_us = lap(p, &p->emit_mark_us);
	if (r == 0)
		r = end_sources(p, err);
	f->commit_us = lap(p, &p->emit_mark_us);
	p->emit = EMIT_NOTHING;
	return r;
}

/* What was begun, or what the last batch left. */
static int wait_for_disk(struct pipeline *p, struct error *err)
{
	return p->durable == NULL ? 0 : durable_wait(p->durable, err);
}

/*
 * The order of durability, in this one place. With a checkpoint, what the batch is made of is
 * durable first. Operators give what they held back; every sink has all its rows and makes them
 * ready; dead letters are durable; state, positions and the batch's number become durable as one;
 * what is ready is made visible; only then do the sources hear that the range is done and commit
 * it. A stop between any two lines repeats the batch, and never loses it.
 *
 * Where "durable" has to be waited for, and after each turn of rows or changes, the loop runs: the
 * answer is above 0 then, and the same function is called again. Nothing is read meanwhile.
 */
static int emit_batch(struct pipeline *p, struct error *err)
{
	if (p->emit == EMIT_NOTHING)
		p->emit = EMIT_BEGUN;
	int r = wait_for_disk(p, err);
	if (r == 0 && p->emit == EMIT_BEGUN && (r = intend(p, err)) == 0)
		r = wait_for_disk(p, err);
	if (r == 0 && p->emit == EMIT_INTENDED)
		r = emit_rows(p, err);
	if (r == 0 && p->emit == EMIT_READY && (r = commit(p, err)) == 0)
		r = wait_for_disk(p, err);
	return r == 0 ? publish(p, err) : r;
}

static void tell_overrun(const struct pipeline *p)
{
	int64_t spent_ms = 0;
	if (trigger_overran(&p->trigger, clock_wall_us(p->clock), &spent_ms))
		log_warn("trigger",
			"Current batch is falling behind. The trigger interval is %lld "
			"milliseconds, but spent %lld "
			"milliseconds",
			(long long)p->plan->trigger_ms, (long long)spent_ms);
}

static bool is_last(const struct pipeline *p)
{
	bool again = p->durable != NULL && durable_replays(p->durable);
	return p->draining || (p->plan->trigger == TRIGGER_ONCE && !again && !is_wider(p)) ||
		(p->batches_max > 0 && p->batches_done + 1 >= p->batches_max) ||
		(all_are(p, SOURCE_END) && !is_wider(p));
}

static int go_on_finishing(struct pipeline *p, struct error *err)
{
	int r = emit_batch(p, err);
	if (r != 0)
		return r < 0 ? r : r == EMIT_MORE ? PIPELINE_BUSY : PIPELINE_WAIT;
	struct batch_figures *f = &p->figures;
	f->trigger_us = clock_monotonic_us(p->clock) - p->closing_since_us;
	pace_note(&p->pace, f->trigger_us,
		p->settled_us + f->finish_us + f->publish_us + f->commit_us,
		!some_is(p, SOURCE_MORE));
	tell_overrun(p);
	p->batch.id++;
	for (uint32_t i = 0; i < p->intake_count && p->batches_done == 0; i++)
		intake_release_columns(&p->intakes[i]); /* it may have been run again */
	p->batches_done++;
	p->phase = p->batch.last ? PHASE_DONE : is_wider(p) ? PHASE_WIDER : PHASE_READING;
	p->batch_open = false; /* its ranges stay readable until the next step */
	return PIPELINE_BATCH;
}

static int finish_batch(struct pipeline *p, struct error *err)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (intake_settle(&p->intakes[i], err) < 0)
			return -(int)err->code;
	p->batch.last = is_last(p);
	begin_figures(p);
	p->settled_us = p->settles ? lap(p, &p->emit_mark_us) : 0;
	p->settles = false;
	p->emit_mark_us = clock_monotonic_us(p->clock);
	return go_on_finishing(p, err);
}

/* Workers have some of the batch that is to close, or have it no more. */
static void settle(struct pipeline *p, bool closes)
{
	bool settles = closes && is_waiting_for_workers(p);
	if (settles && !p->settles)
		p->emit_mark_us = clock_monotonic_us(p->clock);
	p->settles = settles || (closes && p->settles);
	p->has_no_room = p->has_no_room && !p->settles;
}

/* What workers still have; nothing is read. */
static int take_rest(struct pipeline *p, struct error *err)
{
	int64_t mark_us = clock_monotonic_us(p->clock);
	int r = take_blocks(p, UINT32_MAX, err);
	p->read_us += lap(p, &mark_us);
	return r;
}

/* ---- one turn ---- */

/* The trigger is due: from here the batch only takes what is there by now. */
static void start_closing(struct pipeline *p)
{
	p->phase = PHASE_CLOSING;
	p->closing_since_us = clock_monotonic_us(p->clock);
	trigger_start(&p->trigger, clock_wall_us(p->clock));
	for (uint32_t i = 0; i < p->intake_count; i++)
		p->target_counts[i] = 0;
}

static bool is_ending(const struct pipeline *p)
{
	return all_are(p, SOURCE_END) || p->draining;
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
	return is_ending(p) || is_wider(p) || trigger_due(&p->trigger, clock_wall_us(p->clock));
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
		!all_are(p, SOURCE_LIMIT);
}

int pipeline_step(struct pipeline *p, uint32_t chunks_max, struct error *err)
{
	if (p->durable != NULL)
		durable_heard(p->durable);
	if (p->emit != EMIT_NOTHING)
		return go_on_finishing(p, err);
	if (leaves_replay(p))
		p->phase = PHASE_DONE;
	if (p->phase == PHASE_DONE)
		return end_run(p, err);
	if (p->phase == PHASE_WIDER)
		return PIPELINE_WIDER;
	int r = p->batch_open && had_input(p) ? 0 : begin_batch(p, err);
	if (r == 0 && !p->draining && !p->settles)
		r = read_chunks(p, chunks_max, err);
	else if (r == 0 && p->workers != NULL)
		r = take_rest(p, err);
	if (r < 0)
		return r;
	if (p->durable != NULL && is_wider(p))
		return PIPELINE_WIDER;
	bool more = r == 1;
	r = p->durable == NULL ? 0 : durable_step(p->durable, err);
	if (r < 0)
		return r;
	more = more || r == 1;
	bool first = p->batches_done == 0 && !p->draining && is_first(p);
	bool worth = had_input(p) || first || pending_us(p) == 0;
	if (p->phase == PHASE_READING && should_close(p))
		start_closing(p);
	if (p->phase == PHASE_CLOSING && (r = add_targets(p, err)) < 0)
		return r;
	bool closes = p->phase == PHASE_CLOSING && may_close(p);
	settle(p, closes);
	if (closes && !is_waiting_for_workers(p))
		return worth ? finish_batch(p, err) : pass_trigger(p);
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
	if (workers_read(p)) { /* idle ones, too: they may die */
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

/* ---- looking ---- */

const struct batch_figures *pipeline_batch(const struct pipeline *p)
{
	return &p->figures;
}

void pipeline_totals(const struct pipeline *p, struct pipeline_totals *totals)
{
	*totals = (struct pipeline_totals){
		.batches = p->batches_done, .bad_records = p->dead.total, .lag = -1};
	if (p->batch_open)
		totals->open_bad_records = p->dead.total - p->bad_at_batch;
	for (uint32_t i = 0; i < p->intake_count; i++) {
		const struct source *s = p->intakes[i].source;
		totals->messages += s->messages_read;
		if (p->batch_open)
			totals->open_messages += s->messages_read - p->intakes[i].messages_at_batch;
		totals->bytes += s->bytes_read;
		for (uint32_t k = 0; k < s->partition_count; k++) {
			const struct source_partition *part = &s->partitions[k];
			if (part->latest < 0 || part->position < 0)
				continue;
			int64_t behind =
				part->latest > part->position ? part->latest - part->position : 0;
			totals->lag = (totals->lag < 0 ? 0 : totals->lag) + behind;
		}
	}
}

uint32_t pipeline_source_count(const struct pipeline *p)
{
	return p->intake_count;
}

const struct source *pipeline_source(
	const struct pipeline *p, uint32_t index, int64_t *messages_of_batch)
{
	check(index < p->intake_count);
	const struct intake *in = &p->intakes[index];
	*messages_of_batch = intake_messages(in);
	return in->source;
}

const struct intake_tally *pipeline_tally(const struct pipeline *p, uint32_t index)
{
	check(index < p->intake_count);
	return &p->intakes[index].rows.tally;
}

uint32_t pipeline_sink_count(const struct pipeline *p)
{
	return p->graph.sink_count;
}

const struct sink *pipeline_sink(const struct pipeline *p, uint32_t index)
{
	check(index < p->graph.sink_count);
	return p->graph.sinks[index];
}

const struct dead_letters *pipeline_dead_letters(const struct pipeline *p)
{
	return &p->dead;
}

bool pipeline_checkpoint(const struct pipeline *p, struct checkpoint_figures *figures)
{
	if (p->durable != NULL)
		durable_figures(p->durable, figures);
	return p->durable != NULL;
}

const struct operator_state *pipeline_state(const struct pipeline *p, uint32_t index)
{
	for (uint32_t i = 0; i < p->graph.order_count; i++) {
		const struct operator_state *state = p->graph.order[i]->state;
		if (state != NULL && index-- == 0)
			return state;
	}
	return NULL;
}
