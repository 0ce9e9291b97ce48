#ifndef CDCL_KAFKA_CLUSTER_H
#define CDCL_KAFKA_CLUSTER_H

/*
 * What the keeper asks a cluster: its topics and leaders, offsets, a commit. Two answer: librdkafka
 * (kafka_cluster.c) and our own requests (fetch_cluster.c). The calls block the keeper's thread,
 * each for a bounded time, and answer in plain data.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/clock.h"
#include "source/kafka_client.h"
#include "source/source_config.h"

struct kafka_topic;
struct kafka_found;
struct kafka_position;
struct kafka_keeper;

struct cluster_broker {
	int32_t id;
	int32_t port;
	struct str host; /* NUL-terminated */
};

struct cluster_partition {
	int32_t id;
	int32_t leader;       /* -1: none now */
	int32_t leader_epoch; /* -1: not told */
};

enum { cluster_topic_id_bytes = 16 };

struct cluster_topic {
	struct str name; /* NUL-terminated */
	char id[cluster_topic_id_bytes]; /* a topic made again has another; zeros: not told */
	int error;       /* one of Kafka's codes; 0: none */
	uint32_t partition_count;
	struct cluster_partition *partitions;
};

struct cluster_view {
	struct arena arena; /* of all that is here */
	struct cluster_broker *brokers;
	uint32_t broker_count;
	struct cluster_topic *topics;
	uint32_t topic_count;
};

enum { cluster_unreached = -195, cluster_no_answer = -185 }; /* librdkafka's codes for it */

/* A question about offsets: one of these, or a time in ms. */
enum { cluster_end = -1, cluster_begin = -2, cluster_questions_max = 3 };

struct cluster_question {
	int64_t at;
	int64_t *offsets; /* room for the answers, in the order of the partitions */
};

struct kafka_cluster {
	const struct kafka_cluster_ops *ops;
	struct kafka_keeper *keeper; /* who is told by the functions at the end */
	int64_t refresh_us; /* how often to look without a reason */
};

struct kafka_cluster_ops {
	/* A topic that is read from now on; false: this cannot be the name of one. */
	bool (*topic)(struct kafka_cluster *c, struct kafka_topic *t);
	/*
	 * The topics told of before, or all. 0 with `out` filled (its arena is then the caller's),
	 * or one of Kafka's or librdkafka's codes.
	 */
	int (*look)(struct kafka_cluster *c, bool all, int timeout_ms, struct cluster_view *out);
	/* Each question about each partition. 0, or a code: no answer now. */
	int (*offsets)(struct kafka_cluster *c, const struct kafka_found *found, uint32_t count,
		const struct cluster_question *questions, uint32_t question_count,
		int timeout_ms);
	/* True: kafka_keeper_committed tells later how it ended, from within serve. */
	bool (*commit)(
		struct kafka_cluster *c, const struct kafka_position *positions, uint32_t count);
	void (*serve)(struct kafka_cluster *c, int timeout_ms);
	/* Written to (eventfd) when there is something to serve. */
	void (*wake_by)(struct kafka_cluster *c, int fd);
	void (*close)(struct kafka_cluster *c);
};

/* The keeper's answers to what happened (kafka_keeper.c); from within the calls above only. */
void kafka_keeper_unreached(struct kafka_keeper *k, bool all_brokers, const char *reason);
void kafka_keeper_committed(struct kafka_keeper *k, int code);

/* By librdkafka. NULL with the error filled. */
struct kafka_cluster *kafka_cluster_open(const struct kafka_config *config, struct error *err);
rd_kafka_t *kafka_cluster_client(struct kafka_cluster *c);
/* What librdkafka was told to queue at most. */
struct kafka_bounds kafka_cluster_bounds(const struct kafka_cluster *c);

#endif
