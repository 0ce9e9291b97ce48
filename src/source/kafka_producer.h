#ifndef CDCL_KAFKA_PRODUCER_H
#define CDCL_KAFKA_PRODUCER_H

/*
 * Messages to a topic: for the Kafka sink, dead letters, `cdcl generate`, the embedded broker and
 * its demo. Sending copies and queues; when the queue is full it waits. What the broker did not
 * take is an error of the next send or of the flush: nothing is lost silently. A topic that is not
 * there is made. Idempotent: what librdkafka sends again is not doubled.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

struct rd_kafka_s;
struct kafka_producer;
struct kafka_transaction;

struct kafka_producer_config {
	struct str brokers;
	struct str topic;               /* data NULL: each message names its own */
	const struct setting *settings; /* librdkafka's */
	uint32_t setting_count;
	int64_t timeout_ms;             /* bounds the wait for a broker; 0: as long as it takes */
	int64_t message_timeout_ms;     /* and for a message; 0: librdkafka's 5 minutes */
	bool compact;                   /* a topic that is made keeps each key's last message */
	/* It writes in this one, with its client and settings; NULL: a client of its own. */
	struct kafka_transaction *transaction;
};

struct kafka_producer *kafka_producer_open(
	const struct kafka_producer_config *config, struct error *err);
/* The topic was not there and was made. */
bool kafka_producer_made_topic(const struct kafka_producer *p);
/*
 * config->compact, and the topic keeps each key's last message: it takes none without a key. The
 * first call may ask the broker.
 */
bool kafka_producer_compacts(struct kafka_producer *p);
/* On a client that someone else owns (the embedded broker's). */
struct kafka_producer *kafka_producer_on(
	struct rd_kafka_s *client, struct str topic, struct error *err);
void kafka_producer_close(struct kafka_producer *p); /* what is queued is dropped: flush first */

/* key or value with data NULL is absent; partition -1: by the key's hash, as Java's clients. */
int kafka_producer_send(struct kafka_producer *p, int32_t partition, struct str key,
	struct str value, struct error *err);
/* To any topic (absent: the producer's), with headers. */
struct kafka_letter {
	struct str topic;
	int32_t partition;
	struct str key;
	struct str value;
	const struct message_header *headers;
	uint32_t header_count;
};
int kafka_producer_send_letter(
	struct kafka_producer *p, const struct kafka_letter *letter, struct error *err);
/*
 * False: larger than message.max.bytes, so no try would ever send it. What the topic's own bound is
 * only the broker knows, when it has come.
 */
bool kafka_producer_takes(const struct kafka_producer *p, const struct kafka_letter *letter);
/* That it does not, in words. */
int kafka_producer_refuse(
	const struct kafka_producer *p, const struct kafka_letter *letter, struct error *err);
/* Waits until everything is delivered. */
int kafka_producer_flush(struct kafka_producer *p, struct error *err);

/* ---- for kafka_transaction.c ---- */

const char *kafka_producer_topic(const struct kafka_producer *p);
/* A client made anew, whose topics are asked for; NULL: lets go of the one it has. */
void kafka_producer_bind(struct kafka_producer *p, struct rd_kafka_s *client);
/* One try, not waiting: librdkafka's code. */
int kafka_producer_put(struct kafka_producer *p, const struct kafka_letter *l);

#endif
