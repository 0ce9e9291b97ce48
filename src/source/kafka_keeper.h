#ifndef CDCL_KAFKA_KEEPER_H
#define CDCL_KAFKA_KEEPER_H

/*
 * The thread behind a Kafka source that does what may block: it asks for metadata and offsets,
 * waits for brokers and topics that are not there, finds new partitions, commits, and wakes
 * librdkafka's fetcher. The engine's thread never waits for it; they talk through a mailbox under
 * one lock.
 *
 *	engine                               keeper
 *	  kafka_keeper_take    <---- found partitions, with where they start and end
 *	  kafka_keeper_hear    <---- a failure that ends the run
 *	  kafka_keeper_nudge   ----> ask the leaders for their ends, which wakes their threads
 *	  kafka_keeper_commit  ----> positions of finished batches; the newest wins
 *	  kafka_keeper_look    ----> something odd came through the data queue
 *
 * Why nudge: librdkafka's broker thread looks whether its queue has room only when something
 * happens on its connection, else once a second. When the queue was full and has emptied, nothing
 * happens; so it stands still for up to a second with an empty queue (2.0.2 has no setting for
 * it). Any request to that leader wakes it at once.
 *
 * Owner: a Kafka source. Whom it asks is a struct kafka_cluster (kafka_cluster.h), by librdkafka
 * or by our own requests; it is the keeper's. kafka_topic structs live as long as the keeper.
 */

#include "base/clock.h"
#include "source/kafka_cluster.h"
#include "source/source.h"

#include <stdatomic.h>

struct kafka_keeper;

struct kafka_topic {
	struct str name; /* NUL-terminated */
	rd_kafka_topic_t *rkt; /* its opaque is this struct; NULL: not by librdkafka */
	/* The keeper's thread only: */
	char id[cluster_topic_id_bytes]; /* zeros: not known */
	int32_t known; /* partitions published */
	bool seen; /* was there once */
	bool missing;
	bool late; /* came while running: read from its beginning */
	int missing_looks;
	int64_t missing_since_us;
	atomic_uint lives; /* grows when it is found deleted; kafka_partition_gone asks */
	/* The engine's thread only: partition to index, -1 not yet. */
	int32_t *slots;
	int32_t slot_count;
};

struct kafka_found {
	struct kafka_topic *topic;
	int32_t partition;
	int64_t begin;
	int64_t start;
	int64_t end;
};

struct kafka_position {
	struct kafka_topic *topic;
	int32_t partition;
	int64_t offset;
};

/*
 * Takes the cluster. wake_fd is written to (eventfd) when there is something to take or hear.
 */
struct kafka_keeper *kafka_keeper_open(const struct kafka_config *config, enum source_run run,
	struct kafka_cluster *cluster, int wake_fd, const struct clock *clock, struct error *err);

/* Would it open? Settings and topic pattern only, nothing is connected. */
int kafka_keeper_check(const struct kafka_config *config, struct error *err);
/* Is this topic one that it names, or that its pattern matches? */
bool kafka_keeper_reads(const struct kafka_config *config, struct str topic);

/*
 * Stops the thread after a last commit, bounded; then kafka_keeper_release once the engine gave
 * its queues back.
 */
void kafka_keeper_stop(struct kafka_keeper *k);
void kafka_keeper_release(struct kafka_keeper *k);

/* False while no broker answers. */
bool kafka_keeper_reaches(const struct kafka_keeper *k);

/* True once the first partitions (perhaps none, for a pattern) are known. */
bool kafka_keeper_resolved(struct kafka_keeper *k);

/* Waits for that, or a failure, or so long. fd: the wake_fd. */
void kafka_keeper_await(struct kafka_keeper *k, int fd, int ms);

/* The found partition number `index`, in order of finding; false: there is none yet. */
bool kafka_keeper_take(struct kafka_keeper *k, uint32_t index, struct kafka_found *out);

/* 0, or negative with the error filled when the run must end. */
int kafka_keeper_hear(struct kafka_keeper *k, struct error *err);

/* Last known end of found partition `index` by asking (not by fetching); -1: not asked yet. */
int64_t kafka_keeper_end(struct kafka_keeper *k, uint32_t index);

void kafka_keeper_nudge(struct kafka_keeper *k);
/* The queue is empty though there is more to read (or it no longer is): nudge before long. */
void kafka_keeper_starves(struct kafka_keeper *k, bool starves);
void kafka_keeper_look(struct kafka_keeper *k);
void kafka_keeper_commit(
	struct kafka_keeper *k, const struct kafka_position *positions, uint32_t count);

#endif
