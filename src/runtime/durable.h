#ifndef CDCL_DURABLE_H
#define CDCL_DURABLE_H

/*
 * A pipeline's checkpoint (state/checkpoint.h): what of its operators is kept, where its sources go
 * on, and the batch that has to be run again. The pipeline decides when; this knows how.
 *
 * State that follows from a Table (a group over it, a top, a join) is not kept: after a recovery
 * the Tables and groups that are kept give all they hold once, as if a batch had brought it, to
 * steps whose sinks hear nothing of it.
 */

#include "runtime/graph.h"
#include "runtime/intake.h"
#include "runtime/read_order.h"
#include "state/checkpoint.h"

struct durable;

/* Takes the checkpoint's lock: before anything of the job is touched. NULL: see the error. */
struct durable *durable_open(struct plan *plan, struct error *err);
/* A plan that does not go on from what is kept is refused: before any target is touched. */
int durable_compare(struct durable *d, struct error *err);
/* For sinks, before they are opened. */
const struct sink_writer *durable_writer(const struct durable *d);
/*
 * Recovers operators, decides what each sink gets of what was and of the batch that is run again
 * (sink/sink.h), and tells the plan's sources where to begin: before they are opened.
 */
int durable_recover(struct durable *d, struct graph *graph, struct error *err);
/* checkpoint_keep: before the folder is opened again. */
int durable_keep(struct durable *d, struct error *err);
int durable_close(struct durable *d, struct error *err);

/* The id of the next batch; *time_us is what it was when that batch has to be run again. */
int64_t durable_next(const struct durable *d, int64_t *time_us);
/* What decoders have learned; NULL: none of the job's does. */
struct source_lore *durable_lore(const struct durable *d);
/* Nothing was found: a first start. */
bool durable_is_new(const struct durable *d);
/* The open batch is one that is run again. */
bool durable_replays(const struct durable *d);

/* The runs of a batch that is run again, for the order in which it is read. */
void durable_replay_order(const struct durable *d, struct read_order *order);

/* ---- the end of a batch, in this order (runtime/pipeline_end.c) ---- */

int durable_intend(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct read_order *order, const struct batch *b, struct error *err);
/*
 * What intend or commit wrote is durable, and before them: what the last batch left for a snapshot
 * is done: 0; 1: not yet, ask again when a wake_fd is readable.
 */
int durable_wait(struct durable *d, struct error *err);
/*
 * A frame of what changed; 1 while there is more. Nothing changes from the first call on until the
 * batch is published: it would be in the next one.
 */
int durable_changes(struct durable *d, struct error *err);
int durable_commit(struct durable *d, const struct intake *intakes, uint32_t count,
	const struct batch *b, struct error *err);
int durable_published(struct durable *d, const struct batch *b, struct error *err);

void durable_figures(const struct durable *d, struct checkpoint_figures *figures);

uint32_t durable_wake_fds(const struct durable *d, int fds[2]);
/* First of all in each step: who waits for the disk asks then, and nobody is woken again. */
void durable_heard(struct durable *d);

/* Between chunks: a slice of a snapshot. 1 while there is more to do. */
int durable_step(struct durable *d, struct error *err);
/* After the last batch, until it answers CHECKPOINT_END_DONE; `soon`: somebody waits for that. */
int durable_end(struct durable *d, bool soon, struct error *err);

#endif
