#include "base/check.h"
#include "runtime/pipeline_part.h"

bool pipeline_had_input(const struct pipeline *p)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (intake_had_input(&p->intakes[i]))
			return true;
	return false;
}

int pipeline_begin_batch(struct pipeline *p, struct error *err)
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

bool pipeline_workers_read(const struct pipeline *p)
{
	return p->workers != NULL && !quarantine_is_active(p->quarantine);
}

bool pipeline_awaits_workers(const struct pipeline *p)
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

/* Blocks that came back, in their order, while the turn lasts: to the steps that are here. */
static int take_blocks(struct pipeline *p, struct error *err)
{
	struct worker_block *b;
	int64_t began_us = clock_monotonic_us(p->clock);
	int r = 0;
	while ((r = workers_take(p->workers, &b, err)) == 1) {
		struct intake *in = intake_of(p, b->source);
		dead_letters_note_read(&p->dead, b->messages.count);
		intake_tally_add(&in->rows.tally, &b->before, &b->after);
		int replayed = worker_block_replay(b, &p->graph, &p->dead, err);
		if (replayed == 0 && b->learned.len > 0)
			replayed = source_lore_read(in->lore, b->learned, err);
		workers_free(p->workers);
		if (replayed < 0)
			return replayed;
		if (clock_monotonic_us(p->clock) - began_us >= turn_us_max)
			return 0;
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
		r = take_blocks(p, &earlier);
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
	int r = p->has_no_room ? take_blocks(p, err) : 0;
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
		r = take_blocks(p, err);
	return r < 0 ? r : more;
}

/* ---- chunks ---- */

/* One chunk from every source that may have one. Answers whether some source has more at once. */
static int read_round(struct pipeline *p, struct error *err)
{
	int more = 0;
	if (pipeline_workers_read(p))
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

int pipeline_read_chunks(struct pipeline *p, uint32_t chunks_max, struct error *err)
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

int pipeline_take_rest(struct pipeline *p, struct error *err)
{
	int64_t mark_us = clock_monotonic_us(p->clock);
	int r = take_blocks(p, err);
	p->read_us += pipeline_lap(p, &mark_us);
	return r;
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
