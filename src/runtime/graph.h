#ifndef CDCL_GRAPH_H
#define CDCL_GRAPH_H

/*
 * The running form of a plan: its operators and sinks, connected.
 *
 *	intake (source 1) --\                        /-- filter[update] -- sink
 *	                     union -- filter -- group --- order[complete] -- sink
 *	intake (source 2) --/                        \-- group (follows the changelog) -- sink
 *
 * Rows of a stream are the same for every output mode: its operators are made once. What comes out
 * of a table depends on who listens, so stateless steps after a group are made once per mode, and
 * the group itself once: it serves all modes from one state (ops/operator.h). A group, top or join
 * over a table follows the changelog.
 *
 * A sink with buckets (sink/sink.h) has the steps between it and the Table's holder for itself:
 * what passes there are the rows of its dirty buckets only. Where that cannot be, it gets all rows
 * and all its buckets are marked.
 *
 * The graph owns operators and sinks. Operators are kept in plan order, which is the order of
 * finish.
 */

#include "cdcl/error.h"
#include "ops/operator.h"
#include "ops/operator_exit.h"
#include "plan/plan.h"
#include "sink/sink.h"

struct graph {
	const struct plan *plan;
	struct dead_letters *dead;
	const struct batch *batch;
	struct operator **made; /* [node_count][output_mode_count] */
	struct operator **order; /* all of `made`, in plan order */
	uint32_t order_count;
	uint32_t finishing; /* of order: who is called next */
	struct sink **sinks;
	struct operator **sink_ends;
	bool *gets_all; /* by sink: no step marks its buckets */
	enum sink_verdict *verdicts; /* by sink; of a start from a checkpoint */
	const struct sink_writer *writer; /* NULL: no checkpoint */
	struct operator **own_steps; /* of single sinks with buckets */
	uint32_t own_step_count;
	uint32_t sink_count;
	struct operator *heads; /* one per plan node; used for sources: what they feed */
	struct row_exit *exit; /* of a worker's; NULL: it is whole */
	struct operator **exits; /* of a worker's */
	uint32_t exit_count;
	struct operator **partials; /* those of them that add up rows of groups */
	uint32_t partial_count;
};

int graph_open(struct graph *g, const struct plan *plan, struct dead_letters *dead,
	const struct batch *batch, const struct sink_writer *writer, struct error *err);
void graph_close(struct graph *g);

/*
 * A worker's: the steps of streams that hold nothing, as far as they are fed by sources through
 * such steps. What is behind them is where the whole graph is: rows leave through `exit` by an
 * edge, whose number is the same in both.
 */
int graph_open_worker(struct graph *g, const struct plan *plan, struct dead_letters *dead,
	const struct batch *batch, struct row_exit *exit, struct error *err);
/* No rows leave it now, but what groups add up (ops/operator_group_partial.h). */
bool graph_only_sums(const struct graph *g);
/* In the whole graph: what the edge leads to. */
struct operator *graph_edge(const struct graph *g, struct row_edge edge);

/*
 * What each sink gets, from what its target holds (sink_judge): before the first row. Afterwards a
 * batch that a sink has does not reach it.
 */
int graph_judge(struct graph *g, int64_t published, int64_t again, struct error *err);
/* Some sink has to get all current rows, with the next batch. */
bool graph_resyncs(const struct graph *g);

/*
 * For a graph of the same script with wider columns. The steps must be the same (same_shape);
 * take: Tables keep their rows by column name, and what stands behind them is computed from these
 * again; only sinks that upsert see it.
 */
int graph_same_shape(const struct graph *old, const struct plan *plan, struct error *err);
void graph_close_sinks(struct graph *g);
int graph_take(struct graph *g, struct graph *old, struct error *err);

/* Where the chunks of a source node go: emit to it with OUTPUT_APPEND. */
struct operator *graph_head(struct graph *g, const struct plan_node *source);

/*
 * The end of a batch, in the order that the caller decides. Finish: about a chunk of rows a call; 1
 * while there are more.
 */
int graph_finish(struct graph *g, struct error *err);
/*
 * Rows reach no sink, but those that get all there are: for what steps hold that follows from what
 * other steps hold.
 */
int graph_finish_unheard(struct graph *g, struct error *err);
int graph_prepare(struct graph *g, struct error *err);
int graph_publish(struct graph *g, struct error *err);
/* Until a sink that holds rows back may write them, at the end at once; -1: none does. */
int64_t graph_pending_us(const struct graph *g, int64_t now_us, bool ending);

#endif
