#ifndef CDCL_KAFKA_PROGRESS_H
#define CDCL_KAFKA_PROGRESS_H

/*
 * How far a Kafka source has come in each of its partitions and how far it may go, whichever lane
 * brings the messages: kafka_source.c (librdkafka) or fetch_source.c (our own requests).
 *
 * Positions are our own: offset + 1 of what was read, or behind offsets that hold no messages
 * (control records, aborted transactions, what compaction took).
 *
 *	target: the end when the source was opened; while one partition is below it, the
 *	        answer is SOURCE_WAITING (batch 0 holds what was there); in a finite run
 *	        SOURCE_END comes when all have reached it
 *	limit:  with max_offsets_per_trigger, how far this batch goes. In a finite run, also
 *	        the target. A batch that is run again goes just to where it went before.
 *
 * What a lane needs to know of a partition besides stands in an array of its own, by the same
 * index.
 */

#include "source/kafka_keeper.h"
#include "source/source.h"
#include "source/source_config.h"
#include "source/topic_witness.h"

struct kafka_partition {
	struct kafka_topic *topic;
	int32_t partition;
	uint32_t found_index;
	int64_t position;
	int64_t messages;
	int64_t target;
	int64_t limit;
	bool reached; /* target was reached */
	unsigned life; /* of its topic */
	struct topic_witness witness; /* to be judged; until 0: nothing is */
};

/*
 * Its topic was found deleted and not yet taken in again: what comes now is of one that was made
 * again, at a position of the old one, and will be read from its beginning.
 */
static inline bool kafka_partition_gone(const struct kafka_partition *p)
{
	return p->life != atomic_load_explicit(&p->topic->lives, memory_order_relaxed);
}

struct kafka_progress {
	struct source *source;
	const struct kafka_config *config;
	struct kafka_keeper *keeper;
	struct kafka_partition *partitions; /* parallel to source->partitions */
	uint32_t count;
	uint32_t capacity; /* of partitions: the lane's array grows with it */
	uint32_t found_taken;
	uint32_t unreached; /* partitions below their target */
	bool finite;
	bool begun;        /* the first partitions were taken */
	bool by_partition; /* max_offsets_per_trigger, or a batch that is run again */
	bool replays;      /* this batch goes just to where it went before (config->resume) */
	bool batch_planned;
	bool had_turn;
	int64_t batch_budget; /* what is left of max_offsets_per_trigger */
	struct kafka_position *commits;
};

void kafka_progress_init(struct kafka_progress *p, struct source *source,
	const struct kafka_config *config, enum source_run run);
void kafka_progress_release(struct kafka_progress *p);

enum kafka_found_kind { FOUND_NOTHING, FOUND_NEW, FOUND_AGAIN };

/*
 * The next partition that the keeper found is taken in. FOUND_AGAIN: it was read already and its
 * topic was made again, its position is that of the new one. `start` is where to read.
 */
enum kafka_found_kind kafka_progress_take(struct kafka_progress *p, uint32_t *index);

struct kafka_partition *kafka_progress_find(
	struct kafka_progress *p, const struct kafka_topic *topic, int32_t number);

/* After its position or target changed. */
void kafka_progress_reach(struct kafka_progress *p, struct kafka_partition *at);

/* A run of one partition ends: row of `out` is known again after a restart. */
void kafka_progress_note(struct kafka_progress *p, const struct kafka_partition *at,
	const struct messages *out, uint32_t row);
/* Its witness was judged, or cannot be. */
void kafka_progress_judged(struct kafka_progress *p, struct kafka_partition *at);
/* TOPIC_OTHER: 0 when the topic is read from its oldest message, with the words for it. */
int kafka_progress_other(
	struct kafka_progress *p, struct kafka_partition *at, struct error *err);

/* The end as last known by the lane; the keeper's answer counts, too. */
void kafka_progress_end(struct kafka_progress *p, uint32_t index, int64_t end);

/* Fill begins: limits are needed now that were not shared out yet. First tell the ends. */
bool kafka_progress_unplanned(const struct kafka_progress *p);
void kafka_progress_plan(struct kafka_progress *p);

/*
 * A batch that is run again: the only partition that may give messages now, its limit set; NULL: it
 * was not found yet. `turns` tells whether turns are taken at all.
 */
struct kafka_partition *kafka_progress_turn(struct kafka_progress *p, bool *turns);

/* What fill answers after `taken` messages. */
enum source_state kafka_progress_state(const struct kafka_progress *p, uint32_t taken);

void kafka_progress_begin_batch(struct kafka_progress *p);
void kafka_progress_end_batch(struct kafka_progress *p);

/* Spark's words for a source, as its progress prints them; malloc'd. */
struct str kafka_describe(const struct kafka_config *config);

#endif
