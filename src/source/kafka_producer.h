#ifndef CDCL_KAFKA_PRODUCER_H
#define CDCL_KAFKA_PRODUCER_H

/*
 * Messages to one topic: for `cdcl generate`, the embedded broker and its demo. Sending copies and
 * queues; when the queue is full it waits. What the broker did not take is an error of the next
 * send or of the flush: nothing is lost silently. A topic that is not there is made.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

struct rd_kafka_s;
struct kafka_producer;

/* A client of its own. timeout_ms bounds the wait for a broker; 0: as long as it takes. */
struct kafka_producer *kafka_producer_open(struct str brokers, struct str topic,
	const struct setting *settings, uint32_t setting_count, int64_t timeout_ms,
	struct error *err);
/* On a client that someone else owns (the embedded broker's). */
struct kafka_producer *kafka_producer_on(
	struct rd_kafka_s *client, struct str topic, struct error *err);
void kafka_producer_close(struct kafka_producer *p); /* what is queued is dropped: flush first */

/* key or value with data NULL is absent; partition -1: by the key's hash, as Java's clients. */
int kafka_producer_send(struct kafka_producer *p, int32_t partition, struct str key,
	struct str value, struct error *err);
/* Waits until everything is delivered. */
int kafka_producer_flush(struct kafka_producer *p, struct error *err);

#endif
