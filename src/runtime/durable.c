#define _GNU_SOURCE /* qsort_r */

#include "runtime/durable.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "runtime/against.h"
#include "runtime/kept_positions.h"
#include "runtime/looked_columns.h"
#include "runtime/state_sources.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	slice_bytes = 256 * 1024, /* of a snapshot between two turns: some 100 us */
	/* more than a start reads in some seconds is not written while a signal wants the end */
	end_soon_bytes_max = 1024 * 1024 * 1024,
	wait_us_max = 1500, /* most syncs are faster, and a turn of the loop would be slower */
	parts_max = 1024
};

struct durable {
	struct plan *plan;
	struct graph *graph;
	struct arena arena;
	struct checkpoint *checkpoint;
	struct sink_writer writer;
	const struct checkpoint_found *found;
	struct source_lore *lore;       /* NULL: no decoder learns anything */
	struct state_part *parts[parts_max];
	uint32_t node_of[parts_max];    /* of a step's: in the plan */
	uint32_t part_count;
	struct state_sources sources;
	bool replays;
	struct kept_positions positions;
	struct checkpoint_range *ranges;
	uint32_t range_capacity;
	uint32_t *sorted; /* ranges by source and place */
	uint32_t sorted_capacity;
	struct checkpoint_run *runs;
	uint32_t run_capacity;
};

/* ---- what is kept ---- */

/* Steps that hold something of a Stream which nothing can bring back. */
static int check_plan(const struct plan *plan, struct error *err)
{
	for (uint32_t i = 0; i < plan->node_count; i++) {
		const struct plan_node *n = plan->nodes[i];
		bool stdin_or_made = n->kind == PLAN_SOURCE &&
			(n->source.kind == SOURCE_STDIN || n->source.kind == SOURCE_GENERATE ||
				(n->source.kind == SOURCE_FILE &&
					str_eq(n->source.file.path, str_lit("-"))));
		const char *what = stdin_or_made ? "a source that cannot be read again"
			: n->kind == PLAN_LIMIT && !n->is_table
			? "limit on a Stream"
			: NULL;
		if (what == NULL)
			continue;
		error_set(err, CDCL_E_SCRIPT, "a job with a checkpoint cannot have %s", what);
		return error_at(err, STR_FMT, STR_ARG(n->place));
	}
	return 0;
}

static void open_lore(struct durable *d)
{
	for (uint32_t i = 0; i < d->plan->node_count && d->lore == NULL; i++)
		if (plan_source_learns(d->plan->nodes[i]))
			d->lore = source_lore_open();
	if (d->lore != NULL)
		d->parts[d->part_count++] = source_lore_part(d->lore);
}

static int gather_of(struct durable *d, uint32_t node, struct error *err)
{
	for (uint32_t mode = 0; mode < output_mode_count; mode++) {
		struct operator *op = d->graph->made[node * output_mode_count + mode];
		if (op == NULL || op->ops->parts == NULL)
			continue;
		int count = op->ops->parts(
			op, d->parts + d->part_count, parts_max - d->part_count, err);
		if (count < 0)
			return count;
		for (int i = 0; i < count; i++)
			d->node_of[d->part_count++] = node;
	}
	return 0;
}

static int gather_parts(struct durable *d, struct error *err)
{
	open_lore(d);
	for (uint32_t i = 0; i < d->plan->node_count; i++) {
		int r = gather_of(d, i, err);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < d->part_count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (str_eq(d->parts[i]->name, d->parts[k]->name))
				return error_set(err, CDCL_E_SCRIPT,
					"two steps would keep state under one name: " STR_FMT,
					STR_ARG(d->parts[i]->name));
	return 0;
}

/* ---- where sources go on ---- */

/* The script may name fewer topics now. */
static bool reads(const struct plan_node *node, struct str topic)
{
	const struct kafka_config *k = &node->source.kafka;
	bool found = node->source.kind != SOURCE_KAFKA || k->topic_pattern.data != NULL;
	for (uint32_t i = 0; i < k->topic_count && !found; i++)
		found = str_eq(k->topics[i], topic);
	return found;
}

static struct partition_offset *positions_of(
	struct durable *d, const struct plan_node *node, struct source_resume *resume)
{
	uint32_t source = node->source.number;
	const struct checkpoint_batch *b = &d->found->batch;
	struct partition_offset *out =
		ARENA_ARRAY(d->plan->arena, struct partition_offset, b->position_count + 1);
	struct topic_witness *witnesses =
		ARENA_ARRAY(d->plan->arena, struct topic_witness, b->position_count + 1);
	uint32_t count = 0;
	for (uint32_t i = 0; d->found->any && i < b->position_count; i++) {
		const struct checkpoint_position *p = &b->positions[i];
		if (p->source != source || !reads(node, p->topic))
			continue;
		out[count] = (struct partition_offset){p->topic, p->partition, p->next};
		witnesses[count++] = (struct topic_witness){p->witness_until, p->witness_hash};
	}
	resume->from_count = count;
	resume->witnesses = witnesses;
	return out;
}

static struct partition_offset *ends_of(
	struct durable *d, const struct plan_node *node, uint32_t *count)
{
	uint32_t source = node->source.number;
	const struct checkpoint_intent *in = &d->found->intent;
	struct partition_offset *out =
		ARENA_ARRAY(d->plan->arena, struct partition_offset, in->range_count + 1);
	*count = 0;
	for (uint32_t i = 0; d->found->interrupted && i < in->range_count; i++)
		if (in->ranges[i].source == source && reads(node, in->ranges[i].topic))
			out[(*count)++] = (struct partition_offset){
				in->ranges[i].topic, in->ranges[i].partition, in->ranges[i].to};
	return out;
}

/* A batch that is run again begins where it began, also the very first one. */
static void add_starts(struct durable *d, uint32_t source, struct source_resume *resume,
	struct partition_offset **from)
{
	const struct checkpoint_intent *in = &d->found->intent;
	if (d->found->any || !d->found->interrupted)
		return;
	resume->witnesses = NULL;
	*from = ARENA_ARRAY(d->plan->arena, struct partition_offset, in->range_count + 1);
	for (uint32_t i = 0; i < in->range_count; i++)
		if (in->ranges[i].source == source)
			(*from)[resume->from_count++] = (struct partition_offset){
				in->ranges[i].topic, in->ranges[i].partition, in->ranges[i].from};
}

static void resume_kafka(struct kafka_config *k, struct partition_offset *from, uint32_t count)
{
	k->starting = (struct starting_offsets){.kind = OFFSETS_EXPLICIT,
		.resumed = true,
		.explicit_offsets = from,
		.explicit_count = count};
}

static void resume_source(struct durable *d, struct plan_node *node)
{
	uint32_t number = node->source.number;
	struct source_resume *resume = ARENA_NEW(d->plan->arena, struct source_resume);
	struct partition_offset *from = positions_of(d, node, resume);
	add_starts(d, number, resume, &from);
	resume->from = from;
	resume->until = ends_of(d, node, &resume->until_count);
	resume->replays = d->found->interrupted;
	if (node->source.kind == SOURCE_KAFKA) {
		node->source.kafka.resume = resume;
		if (resume->from_count > 0)
			resume_kafka(&node->source.kafka, from, resume->from_count);
	} else {
		node->source.file.resume = resume;
	}
}

static void resume_sources(struct durable *d)
{
	for (uint32_t i = 0; i < d->plan->node_count; i++)
		if (d->plan->nodes[i]->kind == PLAN_SOURCE)
			resume_source(d, d->plan->nodes[i]);
}

/* In the plan's order; the count: nobody reads it. */
static uint32_t source_at(const struct durable *d, uint32_t number)
{
	uint32_t at = 0;
	while (at < d->sources.count && d->sources.sources[at].number != number)
		at++;
	return at;
}

/* The script's sources are in the plan's order. */
static const struct plan_node *source_node(const struct durable *d, uint32_t at)
{
	uint32_t i = 0;
	while (d->plan->nodes[i]->kind != PLAN_SOURCE || at-- > 0)
		i++;
	return d->plan->nodes[i];
}

static bool is_file(const struct plan_node *source)
{
	return source->source.kind == SOURCE_FILE;
}

/* ---- what decoders have learned ---- */

static void keep_lore(struct durable *d)
{
	uint32_t *numbers = ARENA_ARRAY(&d->arena, uint32_t, d->sources.count + 1);
	for (uint32_t i = 0; i < d->sources.count; i++)
		numbers[i] = d->sources.sources[i].number;
	if (d->lore != NULL)
		source_lore_keep(d->lore, numbers, d->sources.count);
}

struct source_lore *durable_lore(const struct durable *d)
{
	return d == NULL ? NULL : d->lore;
}

/* ---- open and close ---- */

static bool follows_a_table(const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan_node_follows_table(plan->nodes[i]))
			return true;
	return false;
}

/* What follows from what was recovered. */
static int restore(struct durable *d, struct error *err)
{
	bool needed = follows_a_table(d->plan) || graph_resyncs(d->graph);
	if (!d->found->any || !needed)
		return 0;
	for (uint32_t i = 0; i < d->graph->order_count; i++)
		if (d->graph->order[i]->ops->restore != NULL)
			d->graph->order[i]->ops->restore(d->graph->order[i]);
	return graph_finish_unheard(d->graph, err);
}

static bool is_new(const struct durable *d, struct str part)
{
	for (uint32_t i = 0; i < d->found->verdict_count; i++)
		if (str_eq(d->found->verdicts[i].name, part))
			return d->found->verdicts[i].verdict == STATE_NEW;
	return false;
}

/* Does a step that these rows come from begin without what it knew? */
static bool begins_empty(const struct durable *d, const struct plan_node *node)
{
	for (uint32_t i = d->lore != NULL; i < d->part_count; i++)
		if (d->node_of[i] == node->id && is_new(d, d->parts[i]->name))
			return true;
	for (uint32_t i = 0; i < node->input_count; i++)
		if (begins_empty(d, node->inputs[i]))
			return true;
	return false;
}

/* Why what a target holds of this job is nothing to go on from; NULL: it is. */
static const char *why_anew(const struct durable *d, uint32_t sink)
{
	const struct sink *s = d->graph->sinks[sink];
	const struct plan_sink *p = &d->plan->sinks[sink];
	if (!s->remembers || s->held < 0 || !sink_upserts(&p->config, s->is_table))
		return NULL;
	if (d->replays && s->held == d->found->intent.id && s->by_other_script)
		return "as another script computed it";
	bool known = d->found->any &&
		(s->held == d->found->batch.id ||
			(d->replays && s->held == d->found->intent.id));
	return known && begins_empty(d, p->input) ? "its Table begins anew" : NULL;
}

/*
 * A run that goes on gives its targets only what changes: the rest must stay there. But a target
 * that is new gets all rows, and what others left there goes.
 */
static int judge_sinks(struct durable *d, struct error *err)
{
	uint32_t count = d->plan->sink_count;
	bool *anew = ARENA_ARRAY(&d->arena, bool, count + 1);
	int r = 0;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		const char *why = why_anew(d, i);
		anew[i] = why != NULL;
		r = why == NULL ? 0 : sink_begin_anew(d->graph->sinks[i], why, err);
	}
	if (r == 0)
		r = graph_judge(d->graph, d->found->any ? d->found->batch.id : -1,
			d->replays ? d->found->intent.id : -1, err);
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct sink_config *config = &d->plan->sinks[i].config;
		enum sink_verdict verdict = d->graph->verdicts[i];
		config->remove_stale = verdict == SINK_RESYNCS || anew[i] ||
			(config->remove_stale && !d->found->any && verdict != SINK_HAS_BATCH);
	}
	return r;
}

/* Only what the script still reads. */
static void keep_positions(struct durable *d)
{
	const struct checkpoint_batch *b = &d->found->batch;
	for (uint32_t i = 0; i < b->position_count; i++) {
		uint32_t at = source_at(d, b->positions[i].source);
		if (at < d->sources.count)
			kept_positions_add(&d->positions, &b->positions[i],
				is_file(source_node(d, at)));
	}
}

static int refuse_source(
	const struct durable *d, const struct checkpoint_verdict *v, struct error *err)
{
	error_set(err, CDCL_E_STATE, STR_FMT ": " STR_FMT ": " STR_FMT,
		STR_ARG(d->plan->checkpoint), STR_ARG(v->name), STR_ARG(v->why));
	error_help(err, "let its position go: cdcl state forget " STR_FMT " '" STR_FMT "'",
		STR_ARG(d->plan->checkpoint), STR_ARG(v->name));
	return -(int)CDCL_E_STATE;
}

/* What is not as it was is said, also what is refused. */
static int tell_verdicts(
	const struct durable *d, const struct checkpoint_verdict *verdicts, uint32_t count,
	struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct checkpoint_verdict *v = &verdicts[i];
		if (v->verdict == STATE_REFUSE && r == 0)
			r = refuse_source(d, v, err);
		else if (v->verdict != STATE_KEEP && v->verdict != STATE_REFUSE)
			log_info("state", STR_FMT ": %s: " STR_FMT, STR_ARG(v->name),
				state_verdict_name(v->verdict), STR_ARG(v->why));
	}
	return r;
}

int durable_compare(struct durable *d, struct error *err)
{
	struct against found;
	if (checkpoint_is_new(d->checkpoint))
		return 0;
	const char *folder = str_dup(d->plan->checkpoint, &d->arena).data;
	int r = against_checkpoint(d->plan, folder, &d->arena, &found, err);
	if (r < 0 || !found.refused)
		return r;
	r = checkpoint_refuse(folder, found.verdicts + found.source_count,
		found.count - found.source_count, err);
	for (uint32_t i = 0; i < found.source_count && r == 0; i++)
		if (found.verdicts[i].verdict == STATE_REFUSE)
			r = refuse_source(d, &found.verdicts[i], err);
	return r;
}

static int match_sources(struct durable *d, uint32_t plan, struct error *err)
{
	bool was = d->found->any || d->found->interrupted;
	if (was)
		state_sources_match(&d->sources, d->found, &d->arena);
	state_sources_number(&d->sources, d->plan);
	checkpoint_set_sources(d->checkpoint, d->sources.sources, d->sources.count, plan);
	if (was && d->found->plan != 0 && d->found->plan != plan)
		log_info("state", "the script is another than the one that ran last");
	int r = was ? tell_verdicts(d, d->found->verdicts, d->found->verdict_count, err) : 0;
	return r < 0 ? r
		     : tell_verdicts(d, d->sources.verdicts, d->sources.verdict_count, err);
}

static int recover(struct durable *d, struct error *err)
{
	state_sources_init(&d->sources, d->plan, &d->arena);
	uint32_t plan = state_plan_fingerprint(d->plan);
	checkpoint_set_sources(d->checkpoint, d->sources.sources, d->sources.count, plan);
	int r = checkpoint_recover(d->checkpoint, &d->found, err);
	if (r == 0)
		r = match_sources(d, plan, err);
	if (r == 0)
		r = looked_columns_keep(d->plan, err);
	if (r < 0)
		return r;
	keep_lore(d);
	d->replays = d->found->interrupted;
	const struct checkpoint_batch *b = &d->found->batch;
	if (d->found->any) {
		keep_positions(d);
		log_info("state",
			"goes on after batch %" PRId64 "; %" PRId64 " bytes of state read", b->id,
			d->found->bytes_read);
	}
	if (d->replays)
		log_info("state", "batch %" PRId64 " was interrupted and is run again",
			d->found->intent.id);
	r = judge_sinks(d, err);
	return r < 0 ? r : restore(d, err);
}

struct durable *durable_open(struct plan *plan, struct error *err)
{
	struct durable *d = calloc(1, sizeof(*d));
	check(d != NULL);
	d->plan = plan;
	arena_init(&d->arena, 16 * 1024);
	struct checkpoint_config config = {
		.path = str_dup(plan->checkpoint, &d->arena).data,
		.job = plan->job_name,
		.snapshot_log_bytes_min = plan->snapshot_log_bytes_min,
		.in_background = disk_is_system(),
		.turn_steps = plan->snapshot_turn_steps};
	int r = check_plan(plan, err);
	if (r == 0)
		d->checkpoint = checkpoint_open(&config, NULL, 0, err);
	if (d->checkpoint == NULL) {
		durable_close(d, NULL);
		return NULL;
	}
	d->writer = (struct sink_writer){
		plan->job_name, checkpoint_id(d->checkpoint), plan->script_hash};
	return d;
}

const struct sink_writer *durable_writer(const struct durable *d)
{
	return d == NULL ? NULL : &d->writer;
}

int durable_recover(struct durable *d, struct graph *graph, struct error *err)
{
	d->graph = graph;
	int r = gather_parts(d, err);
	if (r < 0)
		return r;
	checkpoint_set_parts(d->checkpoint, d->parts, d->part_count);
	r = recover(d, err);
	if (r == 0)
		resume_sources(d);
	return r;
}

int durable_keep(struct durable *d, struct error *err)
{
	return checkpoint_keep(d->checkpoint, err);
}

int durable_close(struct durable *d, struct error *err)
{
	if (d == NULL)
		return 0;
	int r = checkpoint_close(d->checkpoint, err);
	source_lore_close(d->lore);
	arena_release(&d->arena);
	kept_positions_release(&d->positions);
	free(d->ranges);
	free(d->sorted);
	free(d->runs);
	free(d);
	return r;
}

int64_t durable_next(const struct durable *d, int64_t *time_us)
{
	if (d->replays)
		*time_us = d->found->intent.time_us;
	return d->found->any ? d->found->batch.id + 1 : 0;
}

bool durable_is_new(const struct durable *d)
{
	return !d->found->any;
}

bool durable_replays(const struct durable *d)
{
	return d->replays;
}

/* Nobody would take the turn of what the script does not read any more. */
static bool is_read(const struct durable *d, uint32_t source, struct str topic)
{
	const struct plan_node *node = source_node(d, source);
	return graph_head(d->graph, node)->out_count > 0 && reads(node, topic);
}

void durable_replay_order(const struct durable *d, struct read_order *order)
{
	const struct checkpoint_intent *in = &d->found->intent;
	if (!d->found->interrupted || in->run_count == 0)
		return;
	struct read_run *runs = ARENA_ARRAY(d->plan->arena, struct read_run, in->run_count);
	for (uint32_t i = 0; i < in->run_count; i++) {
		const struct checkpoint_range *range = &in->ranges[in->runs[i].range];
		uint32_t at = source_at(d, range->source);
		if (at < d->sources.count && is_read(d, at, range->topic))
			runs[order->replay_count++] = (struct read_run){
				at, {range->topic, range->partition, in->runs[i].to}};
	}
	order->replay = runs;
}

/* ---- a batch ---- */

static int compare_places(const struct checkpoint_range *a, uint32_t source, struct str topic,
	int32_t partition)
{
	if (a->source != source)
		return a->source < source ? -1 : 1;
	if (a->partition != partition)
		return a->partition < partition ? -1 : 1;
	return str_cmp(a->topic, topic);
}

static int compare_ranges(const void *a, const void *b, void *of)
{
	const struct checkpoint_range *ranges = of;
	const struct checkpoint_range *right = &ranges[*(const uint32_t *)b];
	return compare_places(&ranges[*(const uint32_t *)a], right->source, right->topic,
		right->partition);
}

static uint32_t find_range(const struct durable *d, uint32_t count, const struct read_run *run)
{
	uint32_t low = 0;
	uint32_t high = count;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		int c = compare_places(&d->ranges[d->sorted[mid]], run->source, run->at.topic,
			run->at.partition);
		if (c == 0)
			return d->sorted[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return count;
}

/* Of a single range nothing has to be said. */
static uint32_t make_runs(struct durable *d, uint32_t range_count, const struct read_order *order)
{
	if (range_count <= 1)
		return 0;
	d->sorted = array_grown(d->sorted, &d->sorted_capacity, range_count, sizeof(*d->sorted));
	for (uint32_t i = 0; i < range_count; i++)
		d->sorted[i] = i;
	qsort_r(d->sorted, range_count, sizeof(*d->sorted), compare_ranges, d->ranges);
	d->runs = array_grown(d->runs, &d->run_capacity, order->count, sizeof(*d->runs));
	uint32_t count = 0;
	for (uint32_t i = 0; i < order->count; i++) {
		struct read_run run = order->runs[i];
		run.source = d->sources.sources[run.source].number;
		uint32_t range = find_range(d, range_count, &run);
		if (range < range_count)
			d->runs[count++] =
				(struct checkpoint_run){range, order->runs[i].at.until};
	}
	return count;
}

int durable_intend(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct read_order *order, const struct batch *b, struct error *err)
{
	uint32_t ranges = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct source *s = intakes[i].source;
		uint32_t number = intakes[i].node->source.number;
		d->ranges = array_grown(d->ranges, &d->range_capacity, ranges + s->partition_count,
			sizeof(*d->ranges));
		for (uint32_t k = 0; k < s->partition_count; k++) {
			const struct source_partition *p = &s->partitions[k];
			if (p->batch_start >= 0 && p->position >= p->batch_start)
				d->ranges[ranges++] = (struct checkpoint_range){number, p->topic,
					p->partition, p->batch_start, p->position};
		}
	}
	struct checkpoint_intent intent = {.id = b->id,
		.time_us = b->time_us,
		.ranges = d->ranges,
		.range_count = ranges,
		.run_count = make_runs(d, ranges, order)};
	intent.runs = d->runs;
	return checkpoint_intend(d->checkpoint, &intent, err);
}

int durable_changes(struct durable *d, struct error *err)
{
	return checkpoint_changes(d->checkpoint, err);
}

int durable_commit(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct batch *b, struct error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct source *s = intakes[i].source;
		uint32_t number = intakes[i].node->source.number;
		for (uint32_t k = 0; k < s->partition_count; k++)
			if (s->partitions[k].position >= 0)
				kept_positions_note(&d->positions, number, &s->partitions[k],
					is_file(intakes[i].node), &d->arena);
	}
	if (d->positions.count > checkpoint_positions_max)
		return error_set(err, CDCL_E_STATE, "more than %d partitions or files",
			checkpoint_positions_max);
	struct checkpoint_batch batch = {b->id, b->time_us, d->positions.at, d->positions.count};
	return checkpoint_commit(d->checkpoint, &batch, err);
}

int durable_wait(struct durable *d, struct error *err)
{
	return checkpoint_wait(d->checkpoint, wait_us_max, err);
}

uint32_t durable_wake_fds(const struct durable *d, int fds[2])
{
	return checkpoint_wake_fds(d->checkpoint, fds);
}

void durable_heard(struct durable *d)
{
	checkpoint_heard(d->checkpoint);
}

int durable_published(struct durable *d, const struct batch *b, struct error *err)
{
	d->replays = false;
	return checkpoint_published(d->checkpoint, b->id, err);
}

void durable_figures(const struct durable *d, struct checkpoint_figures *figures)
{
	checkpoint_figures(d->checkpoint, figures);
}

static size_t slice_of(const struct durable *d)
{
	int64_t bytes = d->plan->snapshot_slice_bytes;
	return bytes > 0 ? (size_t)bytes : slice_bytes;
}

int durable_step(struct durable *d, struct error *err)
{
	return checkpoint_step(d->checkpoint, slice_of(d), err);
}

int durable_end(struct durable *d, bool soon, struct error *err)
{
	return checkpoint_end(
		d->checkpoint, slice_of(d), soon ? end_soon_bytes_max : INT64_MAX, err);
}
