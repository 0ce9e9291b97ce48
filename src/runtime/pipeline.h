#ifndef CDCL_PIPELINE_H
#define CDCL_PIPELINE_H

/*
 * Read this first. A pipeline moves messages from sources through operators into sinks, chunk by
 * chunk, and closes a batch when the trigger asks for it:
 *
 *	        source -> decode -> operators -> sinks          source -> ...
 *	step    |- chunk -|- chunk -|- chunk -|- ... -|- chunk -|
 *	phase   READING: rows flow, state is updated  | CLOSING: what is there by now | finish_batch
 *	        ^ begin_batch                         ^ the trigger is due            ^ one function
 *
 * One thread, no callbacks: the caller gives turns with pipeline_step (a row budget each) and waits
 * as pipeline_wait says. Rows are applied as they come; the trigger decides only when a batch is
 * emitted.
 *
 * A batch closes when the trigger is due and every source has said that nothing more is here (never
 * while one says SOURCE_WAITING), or, under load that does not pause, when everything that was
 * there when the trigger fired is read and it was open long enough (pace.h), or at a byte or row
 * bound. A finite run closes only at a source's limit or end.
 *
 * Without input there is no batch and no id, except for the first one of a run. An empty batch may
 * be begun again: its time is the moment of the step that read its first rows.
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "decode/envelope.h"
#include "ops/operator.h"
#include "plan/plan.h"
#include "runtime/intake_tally.h"
#include "source/source.h"
#include "state/checkpoint.h"

struct pipeline;

enum pipeline_result {
	PIPELINE_BUSY, /* call again at once */
	PIPELINE_WAIT, /* nothing to do until pipeline_wait's fds or time */
	PIPELINE_BATCH, /* a batch was published, see pipeline_batch; call again at once */
	/*
	 * A source's messages have columns that the plan has not, and nothing is read until that is
	 * settled: pipeline_leave_out, or another plan. Without a checkpoint the batch before is
	 * published: pipeline_follow. With one: close and go on from the checkpoint; what was read
	 * of the batch is read again.
	 */
	PIPELINE_WIDER,
	PIPELINE_DONE /* the end: nothing will ever come again */
};

/* Of the batch that was published last. */
struct batch_figures {
	int64_t id;
	int64_t time_us; /* its current_timestamp */
	int64_t rows_in;
	int64_t bytes_in;
	int64_t rows_out; /* of all sinks */
	int64_t read_us; /* reading and applying; the rest is at the batch's end */
	int64_t finish_us;
	int64_t publish_us;
	int64_t commit_us;
	int64_t trigger_us; /* from the trigger to the end */
};

struct pipeline_totals {
	int64_t messages;
	int64_t bytes;
	int64_t batches;
	int64_t bad_records;
	int64_t open_messages; /* of these, those of the batch that is not published */
	int64_t open_bad_records;
	int64_t lag; /* messages behind the ends as last known; -1: not known */
};

struct pipeline_wait {
	int fds[1096]; /* plan_nodes_max sources, workers_max, and a few of the caller */
	uint32_t fd_count;
	int64_t timeout_us; /* -1: no limit by time */
};

/* Opens sources and sinks. The plan outlives the pipeline. */
struct pipeline *pipeline_open(
	struct plan *plan, const struct clock *clock, int64_t batches_max, struct error *err);
/*
 * After PIPELINE_WIDER, between two batches: a pipeline of `plan`, the same script with the wider
 * columns, that goes on where `old` stands: with its open sources, the messages that wait, the rows
 * of its Tables by column name. Sinks are opened anew. `old` can only be closed then, and its plan
 * must outlive the new one. NULL: the job cannot go on.
 */
struct pipeline *pipeline_follow(
	struct plan *plan, struct pipeline *old, int64_t batches_max, struct error *err);
/*
 * What was published is durable, as after PIPELINE_DONE: before the checkpoint of a job that does
 * not end is opened again. Afterwards the pipeline can only be closed, or (0) go on.
 */
int pipeline_keep(struct pipeline *p, struct error *err);
void pipeline_close(struct pipeline *p);

struct source_columns {
	const struct plan_node *node;
	const struct schema *columns;
	bool by_values; /* inferred: no schema in a message says it */
};

/* The index-th source whose messages have other columns; false: there is none. */
bool pipeline_wider(const struct pipeline *p, uint32_t index, struct source_columns *out);
/* They are left out. */
void pipeline_leave_out(struct pipeline *p, enum leave_out what);

/* At most chunks_max chunks per source, and at most one batch published. */
int pipeline_step(struct pipeline *p, uint32_t chunks_max, struct error *err);

/* Finish the open batch with what has been read, then end. */
void pipeline_drain(struct pipeline *p);

void pipeline_wait(const struct pipeline *p, struct pipeline_wait *wait);

const struct batch_figures *pipeline_batch(const struct pipeline *p);
void pipeline_totals(const struct pipeline *p, struct pipeline_totals *totals);

/* Sources and sinks for progress: their ranges are those of the batch published last. */
uint32_t pipeline_source_count(const struct pipeline *p);
const struct source *pipeline_source(
	const struct pipeline *p, uint32_t index, int64_t *messages_of_batch);
/* What became of its messages. */
const struct intake_tally *pipeline_tally(const struct pipeline *p, uint32_t index);
uint32_t pipeline_sink_count(const struct pipeline *p);
const struct sink *pipeline_sink(const struct pipeline *p, uint32_t index);

const struct dead_letters *pipeline_dead_letters(const struct pipeline *p);
/* False: there is no checkpoint. */
bool pipeline_checkpoint(const struct pipeline *p, struct checkpoint_figures *figures);

/* What the steps hold after the batch: the index-th that holds anything, or NULL. */
const struct operator_state *pipeline_state(const struct pipeline *p, uint32_t index);

#endif
