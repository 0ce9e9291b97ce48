#ifndef CDCL_OPERATOR_H
#define CDCL_OPERATOR_H

/*
 * A running step of a plan. Chunks are pushed in; what comes out is pushed to the operators after
 * it. Stateless steps pass chunks on at once. Steps that hold state (group, order, limit on a
 * table) give their rows when the batch finishes: the pipeline calls finish on every operator in
 * plan order, so what an earlier one emits is in a later one before that finishes. The rows may be
 * millions, so finish gives about a chunk of them a call, and the loop looks around in between.
 *
 * What a group emits depends on who listens: every group (complete), changed groups (update), or
 * the changelog of row kinds. So each out names the mode it wants; a group is made once and serves
 * all of them from one state, and the stateless steps after it are made once per mode.
 */

#include "cdcl/error.h"
#include "data/dead_letter.h"
#include "sink/sink.h"
#include "state/state_part.h"

struct operator;
struct merge_counts;    /* plan/merge_plan.h */

struct operator_ops {
	const char *name;
	int (*push)(struct operator *op, struct chunk *c, struct error *err);
	/*
	 * 0: it has finished; 1: there is more, and nothing else of the graph is called before it
	 * is called again. NULL: nothing to do.
	 */
	int (*finish)(struct operator *op, const struct batch *b, struct error *err);
	void (*close)(struct operator *op);
	/*
	 * What a checkpoint has to keep of it, into parts[0..]; how many, or negative. NULL: it
	 * holds nothing, or only what follows from what its inputs hold. Called once everything is
	 * connected.
	 */
	int (*parts)(struct operator *op, struct state_part **parts, uint32_t parts_max,
		struct error *err);
	/*
	 * The parts were filled from a checkpoint: all that it holds counts as changed, so that its
	 * next finish gives it to those who listen.
	 */
	void (*restore)(struct operator *op);
	/*
	 * the state of the step that it replaces, whose columns are narrower, and its rows to the
	 * outs that follow the changelog; NULL: it has none, or has it from the steps before it
	 */
	int (*take)(struct operator *op, struct operator *old, struct error *err);
	/* what takes the chunks of its index-th input; NULL: the operator itself takes all */
	struct operator *(*input)(struct operator *op, uint32_t index);
};

struct operator_out {
	struct operator *to;
	enum output_mode mode;
	/*
	 * complete: instead of all rows, those of the sink's dirty buckets (sink/sink.h); only
	 * from a step that marks_buckets
	 */
	struct bucket_set *buckets;
};

/* What a step holds that outlives a batch; for progress. */
struct operator_state {
	int64_t rows_total;
	int64_t rows_updated;                   /* by the last batch */
	int64_t rows_removed;
	int64_t memory_bytes;
	/* of a merge; for --report. NULL: another step */
	const struct merge_counts *merge;
	struct str name;
};

struct operator {
	const struct operator_ops *ops;
	struct operator_out *outs;
	uint32_t out_count;
	struct dead_letters *dead;              /* the job's */
	const struct batch *batch;              /* the current one; time_us is current_timestamp */
	const struct schema *schema;            /* of what it emits */
	/* a stateless one: in which it takes and emits rows */
	enum output_mode mode;
	int64_t rows_in;
	int64_t rows_out;
	const struct operator_state *state;     /* NULL: holds nothing */
	/* what it emits is read after its push (a worker's): it stays as long as what was pushed */
	bool output_stays;
	/* It holds a Table and serves outs with buckets: operator_build.h says how. */
	bool marks_buckets;
};

int operator_push(struct operator *op, struct chunk *c, struct error *err);
int operator_take(struct operator *op, struct operator *old, struct error *err);
/*
 * To every out that wants `mode` and has no buckets. Outs may clear live bits: with several, each
 * gets its own copy of the chunk's head (columns are shared).
 */
int operator_emit(struct operator *op, enum output_mode mode, struct chunk *c, struct error *err);
/* About a chunk of what it gives; 1: call again (see finish above). */
int operator_finish_slice(struct operator *op, const struct batch *b, struct error *err);
/* All of it. */
int operator_finish(struct operator *op, const struct batch *b, struct error *err);
void operator_close(struct operator *op);
struct operator *operator_input(struct operator *op, uint32_t index);

/*
 * Makes the operator for a plan node (not a source). A stateless one emits in the one `mode` it was
 * made for.
 */
struct plan_node;
struct operator *operator_open(const struct plan_node *node, enum output_mode mode,
	struct dead_letters *dead, const struct batch *batch, struct error *err);

/* The end of a chain: hands live rows to a sink. */
struct operator *operator_open_sink(struct sink *sink, struct dead_letters *dead,
	const struct batch *batch);
/* What comes is dropped meanwhile. */
void operator_sink_mute(struct operator *op, bool mute);

void operator_connect(struct operator *from, struct operator *to, enum output_mode mode);
/* In complete mode, the rows of dirty buckets only. */
void operator_connect_buckets(
	struct operator *from, struct operator *to, struct bucket_set *buckets);

#endif
