#include "base/check.h"
#include "runtime/pipeline_part.h"

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
