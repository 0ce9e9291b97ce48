#ifndef CDCL_PIPELINE_PART_H
#define CDCL_PIPELINE_PART_H

/*
 * What the files of a pipeline share (runtime/pipeline.h is what others see): pipeline.c opens it
 * and decides in each turn what comes next, pipeline_read.c reads, here or with workers,
 * pipeline_end.c ends a batch, pipeline_look.c answers who asks how it goes.
 */

#include "runtime/durable.h"
#include "runtime/graph.h"
#include "runtime/intake.h"
#include "runtime/pace.h"
#include "runtime/pipeline.h"
#include "runtime/transactions.h"
#include "runtime/trigger.h"
#include "runtime/workers.h"

enum {
	singly_rows_max = 10000, /* in a batch that is read record by record */
	turn_us_max = 500 /* of reading, or of a batch's end; signals wait no longer */
};

/* Of the end of a batch: what was begun and has to be durable before it goes on. */
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
	int64_t turn_since_us; /* monotonic */
	int64_t closing_since_us; /* the turn in which it began to close */
	int64_t **targets; /* per intake and partition: where the closing batch must come to */
	uint32_t *target_counts;
	struct batch_figures figures;
};

static inline bool pipeline_all_are(const struct pipeline *p, enum source_state state)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (p->intakes[i].state != state)
			return false;
	return true;
}

static inline bool pipeline_some_is(const struct pipeline *p, enum source_state state)
{
	for (uint32_t i = 0; i < p->intake_count; i++)
		if (p->intakes[i].state == state)
			return true;
	return false;
}

static inline bool pipeline_is_wider(const struct pipeline *p)
{
	struct source_columns columns;
	return pipeline_wider(p, 0, &columns);
}

/* Time since *mark_us, which moves on to now. */
static inline int64_t pipeline_lap(const struct pipeline *p, int64_t *mark_us)
{
	int64_t now_us = clock_monotonic_us(p->clock);
	int64_t spent_us = now_us - *mark_us;
	*mark_us = now_us;
	return spent_us;
}

/* ---- pipeline_read.c ---- */

/* Whether the open batch has anything yet. */
bool pipeline_had_input(const struct pipeline *p);

/* Also for a batch that was begun but is still empty. */
int pipeline_begin_batch(struct pipeline *p, struct error *err);

/* Chunks from each source, for one turn. Answers 1 when some source has more at once. */
int pipeline_read_chunks(struct pipeline *p, uint32_t chunks_max, struct error *err);

/* Workers read what they can; not while records are read one by one, to find one that crashes. */
bool pipeline_workers_read(const struct pipeline *p);

/* They have something that has not come back. */
bool pipeline_awaits_workers(const struct pipeline *p);

/* What they still have; nothing is read. */
int pipeline_take_rest(struct pipeline *p, struct error *err);

/* ---- pipeline_end.c ---- */

/*
 * The open batch is over: its rows go out and become durable. Answers PIPELINE_BATCH when that is
 * done, else PIPELINE_BUSY or PIPELINE_WAIT, and pipeline_end_more goes on with it in a later turn.
 */
int pipeline_end_batch(struct pipeline *p, struct error *err);
int pipeline_end_more(struct pipeline *p, struct error *err);

#endif
