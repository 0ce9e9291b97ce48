#ifndef CDCL_KAFKA_TRANSACTION_H
#define CDCL_KAFKA_TRANSACTION_H

/*
 * What a job writes to one Kafka cluster in one batch, as one transaction: the messages of all
 * its sinks there, its dead letters, its source's offsets and a marker for each topic
 * (kafka_marker.h) with the number of the batch. Readers with isolation.level=read_committed see
 * all of it or nothing.
 *
 *	                    send, send        prepare              publish
 *	   IDLE ──────────── OPEN ──────────── all delivered ────── markers, offsets, commit ── IDLE
 *	     ^                │ refused, lost     │                      │ no answer, fenced
 *	     └── abort, or a new producer ────────┴──────────────────────┘
 *	         then what was sent is sent again, unless the markers say that the batch is there
 *
 * The transaction begins with the first message that does not wait: up to kafka_hold_bytes wait
 * until the batch ends, so that a slow batch does not keep readers of the topic behind an open
 * transaction.
 *
 * An unknown outcome becomes a known one: a new producer with the same transactional id completes
 * or ends what was open (init_transactions), and only then the markers are read. They also say who
 * wrote them: `claim` writes them at open, and a process that finds somebody else's words has been
 * taken over (CDCL_E_FENCED). librdkafka 2.0.2 cannot tell that from a transaction that took too
 * long.
 *
 * An EndTxn or TxnOffsetCommit whose answer did not come may still arrive at the broker, where it
 * counts for the next transaction of the producer: ends it in its middle, or puts an old marker
 * over its own. So no transaction begins with a producer that an answer was kept from, whether the
 * one before was committed or aborted: a new one's epoch shuts out what is still on its way.
 *
 * Every call waits in slices, and gives up when its patience is over or shortly after a stop was
 * asked for.
 */

#include "cdcl/error.h"
#include "source/kafka_producer.h"

struct kafka_reports;
struct kafka_transaction;

enum { kafka_hold_bytes = 4 * 1024 * 1024, kafka_transaction_topics_max = 128 };

struct kafka_transaction_config {
	struct str job;
	struct str checkpoint;                  /* its id */
	struct str brokers;
	const struct setting *settings;         /* librdkafka's */
	uint32_t setting_count;
	int64_t open_timeout_ms;
	int64_t batch_timeout_ms;               /* how long the end of a batch may take */
	int64_t trigger_ms;                     /* how long one may be open */
};

/* Connects to nothing. config lives as long. */
struct kafka_transaction *kafka_transaction_open(const struct kafka_transaction_config *config);
void kafka_transaction_close(struct kafka_transaction *t);

/* ---- for kafka_producer.c: those who write in it ---- */

struct rd_kafka_s *kafka_transaction_client(struct kafka_transaction *t, struct error *err);
const struct kafka_reports *kafka_transaction_reports(const struct kafka_transaction *t);
int kafka_transaction_join(
	struct kafka_transaction *t, struct kafka_producer *p, struct error *err);
void kafka_transaction_leave(struct kafka_transaction *t, struct kafka_producer *p);
int kafka_transaction_send(struct kafka_transaction *t, struct kafka_producer *to,
	const struct kafka_letter *l, struct error *err);

/* ---- for sinks ---- */

/*
 * The topic is there and will get messages of this job: from now on no other process writes its
 * batches. Afterwards: which batch of this checkpoint it holds, -1: none; and whether one of
 * another checkpoint was there.
 */
int kafka_transaction_claim(struct kafka_transaction *t, struct str topic, struct error *err);
int64_t kafka_transaction_held(const struct kafka_transaction *t, struct str topic, bool *others);

/* Everything that was sent is delivered. */
int kafka_transaction_prepare(struct kafka_transaction *t, struct error *err);

/*
 * Where a source goes on behind this batch, for `group`: committed with it, if the broker lets.
 * Twice for one partition: the later counts.
 */
void kafka_transaction_offset(struct kafka_transaction *t, struct str group, struct str topic,
	int32_t partition, int64_t next);

/*
 * The batch comes to nothing, the job ends: only what `letters` was given is sent and committed,
 * and the next start writes it again. Not when the batch was too large to be kept.
 */
int kafka_transaction_give_up(
	struct kafka_transaction *t, const struct kafka_producer *letters, struct error *err);

/* Once a batch, however many of its sinks ask. */
int kafka_transaction_publish(struct kafka_transaction *t, int64_t batch_id, struct error *err);

/* Both are connected, and it is to the same one. */
bool kafka_transaction_same_cluster(
	const struct kafka_transaction *a, const struct kafka_transaction *b);

/* For tests: what happened so far. */
struct kafka_transaction_figures {
	int64_t committed;
	int64_t aborted;
	int64_t renewed;                /* producers made anew */
	int64_t sent_again;             /* batches */
};
void kafka_transaction_figures(
	const struct kafka_transaction *t, struct kafka_transaction_figures *figures);

#endif
