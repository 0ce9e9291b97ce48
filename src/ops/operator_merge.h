#ifndef CDCL_OPERATOR_MERGE_H
#define CDCL_OPERATOR_MERGE_H

/*
 * What the files of the merge operator share and nobody else does. A chunk is cut at truncates;
 * each run of events between goes through:
 *
 *	merge_read      what each row is: op, sequence, where it came from, when
 *	merge_resolve   ids of the keys; events of one key know their first (merge_run.key)
 *	merge_decide    which count, by order and policy: stale, ignored, refused, or a step
 *	merge_rules     old and next row of each step, what the rules answer
 *	merge_apply     the last answer of each key, into the table
 *	merge_plain     all of it at once, where nothing but the last event of a key matters
 *
 * (and merge_history keeps what was before, merge_expire forgets what is old).
 *
 * A step is an event that writes or deletes a row, if the rules agree. Where they may refuse, a
 * later event of the same key can depend on the answer: then the run is cut before that event.
 */

#include "base/hash_chains.h"
#include "ops/expiries.h"
#include "ops/operator_build.h"
#include "state/state_part.h"
#include "state/table.h"

enum merge_fate {
	FATE_STEP,
	FATE_IGNORED,   /* counts for the sequence, changes nothing */
	FATE_STALE,
	FATE_SAID,      /* a tombstone that says nothing new */
	FATE_REFUSED
};

enum { merge_none = -1, merge_index_slots = 2048, merge_recent_streams = 256 };

/* A key while its events are decided; number of its first event. */
struct merge_key {
	bool live;              /* as far as decided */
	bool awaits;
	bool changed;           /* what is remembered of it, even without a step */
	int16_t step;           /* the last of it in this run */
	int16_t event;          /* whose sequence is the highest; none: the stored one */
};

struct merge_event {
	uint16_t row;           /* of the chunk */
	uint8_t op;             /* enum change_op */
	uint8_t fate;           /* enum merge_fate */
	bool had;               /* there was a row before it */
	bool other_stream;
	int16_t key;
	int16_t before;         /* of a step: the step of the same key just before it */
	int16_t step;           /* its number in merge_rows */
};

struct merge_run {
	uint32_t count;
	struct merge_event events[chunk_rows_max];
	struct merge_key keys[chunk_rows_max];
	uint32_t ids[chunk_rows_max];           /* by event */
	struct chunk *stored;                   /* hidden columns in the table, by event */
	uint16_t index[merge_index_slots];      /* hashed id to first event + 1 */
};

/* A chunk as the merge sees it; chunk memory. */
struct merge_input {
	struct chunk *event;                    /* the input's columns, and the plan's extra ones */
	struct chunk *row;                      /* the same rows laid out as the table's */
	const uint64_t (*keeps)[chunk_words];   /* expr/merge_function.h */
	const struct column *words;             /* what the op's expression gave; NULL: none */
	uint8_t op[chunk_rows_max];
	uint32_t ops_seen;                      /* of live rows: 1 << op */
	int64_t time_us[chunk_rows_max];
};

/* Of a checkpoint from before sources had numbers: the first that reads the topic is it. */
#define merge_any_source UINT32_MAX

/* Topic and partition that events came from; its number is stored with each row. */
struct merge_stream {
	uint32_t source_id;
	int32_t partition;
	struct str topic;       /* malloc */
	int64_t epoch;          /* the newest that came (data/change.h) */
	/* what is added to a decoder's: it counts from 0 in every process */
	int64_t epoch_before;
	int64_t epoch_kept;     /* as the checkpoint was told */
};

/* Versions on their way into the history, in order; chunk memory. */
struct merge_versions {
	struct chunk *chunk;
};

/* What the batch that ends did, as far as it was looked at. */
struct finish_rows {
	int64_t updated;
	int64_t removed;
};

/* merge_expire.c */
struct merge_ttl {
	struct expiries waiting;
	uint8_t *known;         /* by id: it has an entry */
	uint32_t known_capacity;
};

struct operator_merge {
	struct operator op;
	const struct merge_plan *plan;
	/* NULL until the first chunk or batch: only then is known who listens */
	struct table *table;
	struct table *history;  /* NULL: not kept */
	struct table *shown;    /* whose rows leave: one of the two */
	const struct schema *shown_schema;
	const struct row_key *shown_key;
	struct operator_state state;
	struct merge_counts counts;
	bool has_rules;
	bool needs_old;         /* a row depends on what was there */
	struct arena arena;     /* of the chunk being emitted */
	struct merge_run run;
	struct merge_rows steps;
	struct merge_stream *streams;
	uint32_t stream_count;
	uint32_t stream_capacity;
	struct hash_chains stream_places;
	uint32_t recent_streams[merge_recent_streams];  /* by partition */
	int64_t newest_us;      /* event time */
	struct merge_ttl ttl;
	uint32_t finish_step;   /* of the end of a batch, */
	uint32_t finish_at;     /* and how far it is */
	struct finish_rows finish_rows;
	bool resumed;           /* the finish that comes tells what was there: nothing expires */
	struct merge_state *kept;       /* operator_merge_state.c; NULL: no checkpoint */
};

int merge_read(struct operator_merge *self, struct chunk *c, struct merge_input *in,
	struct error *err);

/* rows[0..*count-1] without those that cannot be used: these become dead letters. */
int merge_take(struct operator_merge *self, const struct merge_input *in, uint16_t *rows,
	uint32_t *count, struct error *err);
int merge_resolve(struct operator_merge *self, const struct merge_input *in, const uint16_t *rows,
	uint32_t count, struct error *err);
/* run.count becomes the number of events decided: those behind must wait for the rules. */
int merge_decide(struct operator_merge *self, const struct merge_input *in, struct error *err);
int merge_rules(struct operator_merge *self, const struct merge_input *in, struct error *err);
int merge_apply(struct operator_merge *self, const struct merge_input *in, struct error *err);

/* merge_plain.c */
bool merge_is_plain(const struct operator_merge *self, const struct merge_input *in);
int merge_plain(struct operator_merge *self, const struct merge_input *in, const uint16_t *rows,
	uint32_t count, struct error *err);

/* What `numbers` of events were, by op and whether there was a row before them. */
void merge_add_counts(struct merge_counts *c, const uint32_t by_op[change_op_count][2]);

/* Of merge_index_slots. */
static inline uint32_t merge_index_slot(uint32_t id)
{
	return id * UINT32_C(2654435761) >> 21;
}

/* After the rules: their refusals leave no sequence behind. */
void merge_decide_again(struct operator_merge *self, const struct merge_input *in);

/* An event becomes a dead letter. */
int merge_refuse(struct operator_merge *self, const struct merge_input *in, uint32_t row,
	const char *why, struct error *err);

/* merge_history.c */
void merge_versions_begin(
	struct operator_merge *self, struct merge_versions *v, struct arena *arena);
/* What step `row` of self->steps does to the versions; may find that nothing changes. */
int merge_versions_add(struct operator_merge *self, const struct merge_input *in,
	struct merge_versions *v, uint32_t row, struct error *err);
int merge_versions_end(struct operator_merge *self, struct merge_versions *v, struct error *err);
int merge_versions_close_all(struct operator_merge *self, const struct merge_input *in,
	uint32_t row, struct error *err);

/* The row's ttl begins, if it is not watched already. */
void merge_expire_later(struct operator_merge *self, uint32_t id, int64_t time_us);
/* All rows, of a table that was filled from elsewhere: when each one's ttl ends follows from it. */
void merge_expire_all_later(struct operator_merge *self);
/* Some of the rows whose time is over; 1: there may be more. */
int merge_expire(struct operator_merge *self, const struct batch *b, struct error *err);
void merge_ttl_release(struct merge_ttl *t);
/* The number of a new stream; its topic is copied. */
uint32_t merge_add_stream(struct operator_merge *self, struct merge_stream stream);

/* ---- operator_merge_state.c ---- */

/* What a checkpoint keeps of it: its table, and the rest. */
int merge_parts(
	struct operator *op, struct state_part **parts, uint32_t parts_max, struct error *err);
void merge_restore(struct operator *op);
void merge_state_release(struct operator_merge *self);

int merge_start(struct operator_merge *self, struct error *err);
int merge_take_over(struct operator *op, struct operator *old, struct error *err);
int merge_finish(struct operator *op, const struct batch *b, struct error *err);

#endif
