#include "runtime/graph.h"

#include "base/check.h"
#include "ops/operator_group_partial.h"
#include "plan/plan_workers.h"

#include <stdlib.h>

static int connect_node(struct graph *g, const struct plan_node *node, enum output_mode mode,
	struct operator *to, const struct plan_node *reader, struct error *err);

struct operator *graph_head(struct graph *g, const struct plan_node *source)
{
	check(source->id < g->plan->node_count);
	return &g->heads[source->id];
}

/* Steps that keep rows and give a Table of their own; over a Table they follow its changes. */
static bool holds_state(const struct plan_node *node)
{
	return node->kind == PLAN_GROUP || node->kind == PLAN_TOP || node->kind == PLAN_JOIN ||
		node->kind == PLAN_MERGE;
}

/* The mode in which `node` wants its input's rows when it is itself asked for `mode`. */
static enum output_mode input_mode(
	const struct plan_node *node, const struct plan_node *input, enum output_mode mode)
{
	if (!input->is_table)
		return OUTPUT_APPEND;
	return holds_state(node) ? OUTPUT_CHANGELOG : mode;
}

/* The graph is a worker's, and `node` is not among its steps. */
static bool is_absent(const struct graph *g, const struct plan_node *node)
{
	return g->exit != NULL && !plan_node_in_workers(node);
}

/* One that holds state serves every mode from one operator, a stream's step has only one. */
static enum output_mode made_mode(const struct plan_node *node, enum output_mode mode)
{
	return holds_state(node) || !node->is_table ? OUTPUT_APPEND : mode;
}

static int node_operator(struct graph *g, const struct plan_node *node, enum output_mode mode,
	struct operator **out, struct error *err)
{
	struct operator **slot = &g->made[node->id * output_mode_count + made_mode(node, mode)];
	if (*slot == NULL) {
		bool absent = is_absent(g, node);
		*slot = absent ? operator_open_absent()
			       : operator_open(node, made_mode(node, mode), g->dead, g->batch, err);
		if (*slot == NULL)
			return -(int)err->code;
		(*slot)->output_stays = g->exit != NULL;
		for (uint32_t i = 0; i < node->input_count; i++) {
			const struct plan_node *input = node->inputs[i];
			int r = connect_node(g, input, input_mode(node, input, mode),
				absent ? NULL : operator_input(*slot, i), node, err);
			if (r < 0)
				return r;
		}
	}
	*out = *slot;
	return 0;
}

static void add_operator(struct operator ***list, uint32_t *count, struct operator *op)
{
	*list = realloc(*list, (*count + 1) * sizeof(struct operator *));
	check(*list != NULL);
	(*list)[(*count)++] = op;
}

static struct operator *open_exit(
	struct graph *g, struct row_edge edge, const struct plan_node *reader)
{
	bool partial = reader != NULL && reader->kind == PLAN_GROUP && group_adds_up(reader);
	struct operator *op = partial ? operator_open_partial(reader, g->exit, edge)
				      : operator_open_exit(g->exit, edge);
	op->dead = g->dead;
	op->batch = g->batch;
	op->schema = reader == NULL ? NULL : reader->schema;
	add_operator(&g->exits, &g->exit_count, op);
	if (partial)
		add_operator(&g->partials, &g->partial_count, op);
	return op;
}

/* `to` is NULL where that is a step or sink of another process; `reader` is the step. */
static int connect_node(struct graph *g, const struct plan_node *node, enum output_mode mode,
	struct operator *to, const struct plan_node *reader, struct error *err)
{
	struct operator *from = NULL;
	int r = 0;
	if (node->kind == PLAN_SOURCE)
		from = graph_head(g, node);
	else
		r = node_operator(g, node, mode, &from, err);
	if (r < 0 || is_absent(g, node))
		return r;
	if (to == NULL)
		to = open_exit(g, (struct row_edge){node->id, from->out_count}, reader);
	operator_connect(from, to, node->is_table ? mode : OUTPUT_APPEND);
	return 0;
}

bool graph_only_sums(const struct graph *g)
{
	for (uint32_t i = 0; i < g->partial_count; i++)
		if (operator_partial_rests(g->partials[i]))
			return false;
	return g->partial_count == g->exit_count;
}

struct operator *graph_edge(const struct graph *g, struct row_edge edge)
{
	check(edge.node < g->plan->node_count);
	const struct operator *from = g->plan->nodes[edge.node]->kind == PLAN_SOURCE
		? &g->heads[edge.node]
		: g->made[edge.node * output_mode_count + OUTPUT_APPEND];
	check(edge.out < from->out_count);
	return from->outs[edge.out].to;
}

/*
 * What reaches a sink under a Table. One that upserts must also hear of rows that went, through
 * filters and projections too, and only the changelog says that: it follows the changelog, and its
 * end of the chain leaves the -U out. Others in update mode are shown what Spark shows.
 */
static bool upserts(const struct plan_sink *planned)
{
	return sink_upserts(&planned->config, planned->input->is_table);
}

static enum output_mode fed_mode(const struct plan_sink *planned)
{
	return upserts(planned) ? OUTPUT_CHANGELOG : planned->config.mode;
}

/* Whether a row that did not change comes out of the step as it did before. */
static bool step_keeps_buckets(const struct plan_node *n)
{
	if (n->kind == PLAN_FILTER)
		return n->condition == NULL || !expr_changes(n->condition);
	if (n->kind == PLAN_MAP)
		return true;
	if (n->kind != PLAN_PROJECT)
		return false;
	for (uint32_t i = 0; i < schema_total(n->schema); i++)
		if (expr_changes(n->exprs[i]))
			return false;
	return true;
}

/* The step that holds the rows of `node`, if all between are of that kind. */
static const struct plan_node *bucket_holder(const struct plan_node *node)
{
	while (step_keeps_buckets(node))
		node = node->inputs[0];
	return holds_state(node) ? node : NULL;
}

/* The sink's own steps between the holder and its end. */
static int connect_buckets(struct graph *g, const struct plan_node *node,
	const struct plan_node *holder, struct operator *from, struct bucket_set *buckets,
	struct operator *to, struct error *err)
{
	for (; node != holder; node = node->inputs[0]) {
		struct operator *step =
			operator_open(node, OUTPUT_COMPLETE, g->dead, g->batch, err);
		if (step == NULL)
			return -(int)err->code;
		g->own_steps[g->own_step_count++] = step;
		operator_connect(step, to, OUTPUT_COMPLETE);
		to = step;
	}
	operator_connect_buckets(from, to, buckets);
	return 0;
}

static int connect_sink(struct graph *g, const struct plan_sink *planned, uint32_t index,
	struct error *err)
{
	const struct plan_node *input = planned->input;
	struct bucket_set *buckets = g->sinks[index]->buckets;
	const struct plan_node *holder = buckets == NULL ? NULL : bucket_holder(input);
	struct operator *from = NULL;
	if (holder != NULL) {
		int r = node_operator(g, holder, OUTPUT_COMPLETE, &from, err);
		if (r < 0)
			return r;
		if (from->marks_buckets)
			return connect_buckets(
				g, input, holder, from, buckets, g->sink_ends[index], err);
	}
	g->gets_all[index] = true;
	return connect_node(g, input, fed_mode(planned), g->sink_ends[index], NULL, err);
}

/* Two sinks of a job that write to one place are told apart by a number. */
static uint32_t twins_before(const struct graph *g, struct str target)
{
	uint32_t before = 0;
	for (uint32_t i = 0; i < g->sink_count; i++)
		before += str_eq(g->sinks[i]->target, target);
	return before;
}

static int open_sink(struct graph *g, const struct plan_sink *planned, struct error *err)
{
	const struct plan_node *input = planned->input;
	struct sink_rows rows = {.schema = input->schema,
		.key = input->key,
		.is_table = input->is_table,
		.timezone = g->plan->timezone,
		.writer = g->writer,
		.target = sink_target(&planned->config, g->plan->arena)};
	rows.twin = twins_before(g, rows.target);
	struct sink *s = sink_open_rows(&planned->config, &rows, err);
	if (s == NULL)
		return -(int)err->code;
	s->batch = g->batch;
	uint32_t index = g->sink_count++;
	g->sinks[index] = s;
	g->sink_ends[index] = operator_open_sink(s, g->dead, g->batch);
	return connect_sink(g, planned, index, err);
}

static int pass_on(struct operator *op, struct chunk *c, struct error *err)
{
	return operator_emit(op, OUTPUT_APPEND, c, err);
}

static void release_head(struct operator *op)
{
	(void)op; /* lives in graph->heads */
}

static const struct operator_ops head_ops = {
	.name = "source", .push = pass_on, .close = release_head};

static int alloc_graph(struct graph *g, struct error *err)
{
	size_t nodes = g->plan->node_count, sinks = g->plan->sink_count;
	g->made = calloc(nodes * output_mode_count + 1, sizeof(struct operator *));
	g->order = calloc(nodes * output_mode_count + 1, sizeof(struct operator *));
	g->heads = calloc(nodes + 1, sizeof(struct operator));
	g->sinks = calloc(sinks + 1, sizeof(struct sink *));
	g->sink_ends = calloc(sinks + 1, sizeof(struct operator *));
	g->gets_all = calloc(sinks + 1, sizeof(bool));
	g->verdicts = calloc(sinks + 1, sizeof(enum sink_verdict));
	g->own_steps = calloc(nodes * sinks + 1, sizeof(struct operator *));
	if (g->made == NULL || g->order == NULL || g->heads == NULL || g->sinks == NULL ||
		g->sink_ends == NULL || g->gets_all == NULL || g->verdicts == NULL ||
		g->own_steps == NULL)
		return error_set(err, CDCL_E_MEMORY, "no memory for the operators");
	for (uint32_t i = 0; i < nodes; i++) {
		g->heads[i].ops = &head_ops;
		g->heads[i].dead = g->dead;
		g->heads[i].batch = g->batch;
		g->heads[i].schema = g->plan->nodes[i]->schema;
	}
	return 0;
}

int graph_open(struct graph *g, const struct plan *plan, struct dead_letters *dead,
	const struct batch *batch, const struct sink_writer *writer, struct error *err)
{
	*g = (struct graph){.plan = plan, .dead = dead, .batch = batch, .writer = writer};
	int r = alloc_graph(g, err);
	for (uint32_t i = 0; i < plan->sink_count && r >= 0; i++)
		r = open_sink(g, &plan->sinks[i], err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < plan->node_count * output_mode_count; i++)
		if (g->made[i] != NULL)
			g->order[g->order_count++] = g->made[i];
	return 0;
}

int graph_open_worker(struct graph *g, const struct plan *plan, struct dead_letters *dead,
	const struct batch *batch, struct row_exit *exit, struct error *err)
{
	*g = (struct graph){.plan = plan, .dead = dead, .batch = batch, .exit = exit};
	int r = alloc_graph(g, err);
	for (uint32_t i = 0; i < plan->sink_count && r >= 0; i++) {
		const struct plan_sink *planned = &plan->sinks[i];
		r = connect_node(g, planned->input, fed_mode(planned), NULL, NULL, err);
	}
	return r < 0 ? r : 0;
}

/* Steps that do not know which rows changed give all of them. */
static void mark_buckets(struct graph *g)
{
	for (uint32_t i = 0; i < g->sink_count; i++)
		if (g->gets_all[i] && g->sinks[i]->buckets != NULL)
			bucket_set_mark_all(g->sinks[i]->buckets);
}

int graph_finish(struct graph *g, struct error *err)
{
	if (g->finishing == 0)
		mark_buckets(g);
	int r = 0;
	while (r == 0 && g->finishing < g->order_count) {
		r = operator_finish_slice(g->order[g->finishing], g->batch, err);
		g->finishing += r == 0;
	}
	if (r == 0)
		g->finishing = 0;
	return r;
}

/* Without a look around. */
static int finish_all(struct graph *g, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < g->order_count && r == 0; i++)
		r = operator_finish(g->order[i], g->batch, err);
	return r;
}

/* A batch that a sink has is not for it. */
static void mute_again(struct graph *g)
{
	for (uint32_t i = 0; i < g->sink_count; i++)
		operator_sink_mute(g->sink_ends[i], g->verdicts[i] == SINK_HAS_BATCH);
}

int graph_finish_unheard(struct graph *g, struct error *err)
{
	for (uint32_t i = 0; i < g->sink_count; i++)
		operator_sink_mute(g->sink_ends[i],
			g->verdicts[i] != SINK_RESYNCS || g->sinks[i]->mode == OUTPUT_COMPLETE);
	int r = finish_all(g, err);
	mute_again(g);
	return r;
}

int graph_judge(struct graph *g, int64_t published, int64_t again, struct error *err)
{
	for (uint32_t i = 0; i < g->sink_count; i++) {
		int verdict = sink_judge(g->sinks[i], published, again, err);
		if (verdict < 0)
			return verdict;
		g->verdicts[i] = (enum sink_verdict)verdict;
	}
	mute_again(g);
	return 0;
}

bool graph_resyncs(const struct graph *g)
{
	for (uint32_t i = 0; i < g->sink_count; i++)
		if (g->verdicts[i] == SINK_RESYNCS)
			return true;
	return false;
}

int graph_prepare(struct graph *g, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < g->sink_count && r == 0; i++)
		if (g->verdicts[i] != SINK_HAS_BATCH)
			r = g->sinks[i]->ops->prepare(g->sinks[i], g->batch, err);
	return r < 0 ? r : 0;
}

int graph_publish(struct graph *g, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < g->sink_count && r == 0; i++)
		if (g->verdicts[i] != SINK_HAS_BATCH)
			r = g->sinks[i]->ops->publish(g->sinks[i], g->batch, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < g->sink_count; i++)
		g->verdicts[i] = SINK_GOES_ON;
	mute_again(g);
	return 0;
}

int64_t graph_pending_us(const struct graph *g, int64_t now_us, bool ending)
{
	int64_t least_us = -1;
	for (uint32_t i = 0; i < g->sink_count; i++) {
		if (!g->sinks[i]->pending)
			continue;
		int64_t us = ending ? 0 : g->sinks[i]->due_us - now_us;
		us = us < 0 ? 0 : us;
		least_us = least_us < 0 || us < least_us ? us : least_us;
	}
	return least_us;
}

void graph_close_sinks(struct graph *g)
{
	for (uint32_t i = 0; i < g->sink_count; i++) {
		operator_close(g->sink_ends[i]);
		sink_close(g->sinks[i]);
	}
	g->sink_count = 0;
}

int graph_same_shape(const struct graph *old, const struct plan *plan, struct error *err)
{
	bool same = old->plan->node_count == plan->node_count;
	for (uint32_t i = 0; same && i < plan->node_count; i++)
		same = plan->nodes[i]->kind == old->plan->nodes[i]->kind &&
			plan->nodes[i]->is_table == old->plan->nodes[i]->is_table;
	return same ? 0 : error_set(err, CDCL_E_SCRIPT,
		"with the wider columns the script has other steps: start it again");
}

int graph_take(struct graph *g, struct graph *old, struct error *err)
{
	int r = 0;
	/* one that upserts begins anew, as in any run, and gets every row again */
	for (uint32_t i = 0; i < g->sink_count; i++)
		operator_sink_mute(g->sink_ends[i], !upserts(&g->plan->sinks[i]));
	for (uint32_t i = 0; r == 0 && i < g->plan->node_count * output_mode_count; i++)
		if (g->made[i] != NULL && old->made[i] != NULL)
			r = operator_take(g->made[i], old->made[i], err);
	if (r == 0)
		r = finish_all(g, err);
	for (uint32_t i = 0; i < g->sink_count; i++)
		operator_sink_mute(g->sink_ends[i], false);
	return r;
}

void graph_close(struct graph *g)
{
	graph_close_sinks(g);
	for (uint32_t i = 0; g->made != NULL && i < g->plan->node_count * output_mode_count; i++)
		operator_close(g->made[i]);
	for (uint32_t i = 0; g->heads != NULL && i < g->plan->node_count; i++)
		if (g->heads[i].outs != NULL)
			operator_close(&g->heads[i]);
	free(g->made);
	free(g->order);
	free(g->heads);
	free(g->sinks);
	free(g->sink_ends);
	free(g->gets_all);
	free(g->verdicts);
	for (uint32_t i = 0; i < g->own_step_count; i++)
		operator_close(g->own_steps[i]);
	free(g->own_steps);
	for (uint32_t i = 0; i < g->exit_count; i++)
		operator_close(g->exits[i]);
	free(g->exits);
	free(g->partials);
	*g = (struct graph){.plan = NULL};
}
