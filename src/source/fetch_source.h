#ifndef CDCL_FETCH_SOURCE_H
#define CDCL_FETCH_SOURCE_H

/*
 * The direct lane's source in parts: fetch_source.c fills and waits (read its head first),
 * fetch_request.c decides what a broker is asked for next, fetch_answer.c what an answer means.
 */

#include "source/fetch_broker.h"
#include "source/fetch_outage.h"
#include "source/kafka_progress.h"

struct fetch_source {
	struct source source;
	struct kafka_progress progress;
	const struct kafka_config *config;
	struct kafka_keeper *keeper;
	struct kafka_cluster *cluster;
	struct fetch_settings settings;
	int event_fd; /* the keeper writes there */
	int timer_fd;
	int64_t timer_us; /* what it is set to; 0: not set */
	struct fetch_lane *lanes; /* parallel to progress.partitions */
	uint32_t lane_capacity;
	struct fetch_broker **brokers;
	uint32_t broker_count;
	struct fetch_map *map; /* the newest */
	struct record_space space;
	struct fetch_question *questions; /* scratch, lane_capacity of them */
	const struct kafka_partition *in_turn;
	bool turns; /* only in_turn may read */
	uint32_t read_from; /* the partition that is read next: they take turns */
	uint32_t answered; /* a partition of the topic that an answer came for last */
	int64_t looked_us;
	struct fetch_outage outage;
	/* The chunk: blocks that its messages point into stay as they are. */
	uint64_t chunk;
	const struct messages *last_out;
	uint32_t last_count;
	bool waits_for_chunk; /* a request waits for such a block */
};

static inline int64_t fetch_now_us(const struct fetch_source *fs)
{
	return clock_monotonic_us(fs->source.clock);
}

static inline struct kafka_partition *fetch_partition(
	const struct fetch_source *fs, const struct fetch_lane *l)
{
	return &fs->progress.partitions[l - fs->lanes];
}

/* NULL: there is none, or it was not met yet. */
struct fetch_broker *fetch_broker_find(const struct fetch_source *fs, int32_t id);

/* Something is odd about leaders or topics: the keeper looks, but not all the time. */
void fetch_look(struct fetch_source *fs);

/* May records of it go out now? */
bool fetch_may_read(const struct fetch_source *fs, const struct fetch_lane *l);
/* The broker is READY. False: there is nothing to ask it now. */
bool fetch_ask_next(struct fetch_source *fs, struct fetch_broker *b);

/* The broker's connection is ANSWERED. Negative: the run ends. */
int fetch_take_answer(struct fetch_source *fs, struct fetch_broker *b, struct error *err);
/* What this broker was asked and did not answer may be asked again. */
void fetch_forget_asked(struct fetch_source *fs, const struct fetch_broker *b);

#endif
