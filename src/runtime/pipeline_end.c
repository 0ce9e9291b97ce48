#include "base/log.h"
#include "runtime/pipeline_part.h"

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
	f->finish_us = pipeline_lap(p, &p->emit_mark_us);
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
	f->publish_us = pipeline_lap(p, &p->emit_mark_us);
	if (r == 0)
		r = end_sources(p, err);
	f->commit_us = pipeline_lap(p, &p->emit_mark_us);
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
	return p->draining ||
		(p->plan->trigger == TRIGGER_ONCE && !again && !pipeline_is_wider(p)) ||
		(p->batches_max > 0 && p->batches_done + 1 >= p->batches_max) ||
		(pipeline_all_are(p, SOURCE_END) && !pipeline_is_wider(p));
}

int pipeline_end_more(struct pipeline *p, struct error *err)
{
	int r = emit_batch(p, err);
	if (r != 0)
		return r < 0 ? r : r == EMIT_MORE ? PIPELINE_BUSY : PIPELINE_WAIT;
	struct batch_figures *f = &p->figures;
	f->trigger_us = clock_monotonic_us(p->clock) - p->closing_since_us;
	pace_note(&p->pace, f->trigger_us,
		p->settled_us + f->finish_us + f->publish_us + f->commit_us,
		!pipeline_some_is(p, SOURCE_MORE));
	tell_overrun(p);
	p->batch.id++;
	for (uint32_t i = 0; i < p->intake_count && p->batches_done == 0; i++)
		intake_release_columns(&p->intakes[i]); /* it may have been run again */
	p->batches_done++;
	p->phase = p->batch.last ? PHASE_DONE : pipeline_is_wider(p) ? PHASE_WIDER : PHASE_READING;
	p->batch_open = false; /* its ranges stay readable until the next step */
	return PIPELINE_BATCH;
}

int pipeline_end_batch(struct pipeline *p, struct error *err)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (intake_settle(&p->intakes[i], err) < 0)
			return -(int)err->code;
	p->batch.last = is_last(p);
	begin_figures(p);
	p->settled_us = p->settles ? pipeline_lap(p, &p->emit_mark_us) : 0;
	p->settles = false;
	p->emit_mark_us = clock_monotonic_us(p->clock);
	return pipeline_end_more(p, err);
}
