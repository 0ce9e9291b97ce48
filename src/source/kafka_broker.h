#ifndef CDCL_KAFKA_BROKER_H
#define CDCL_KAFKA_BROKER_H

/*
 * A broker inside the process, for `cdcl broker` and `cdcl run --demo`: librdkafka's mock cluster.
 * It speaks the real protocol to any client on this machine, and forgets everything when it is
 * closed.
 *
 * Its limits (librdkafka 2.0.2): 5 MiB or 100,000 messages a partition, the oldest are dropped
 * silently; aborted transactions stay visible; no search by timestamp; no TLS, SASL, retention or
 * admin requests; the port is the kernel's choice (kafka_relay.h puts a bootstrap address on
 * a wanted one).
 *
 * kafka_broker_demo starts a thread that produces generated change events at a pace until
 * kafka_broker_close.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

struct kafka_broker;

enum { kafka_broker_feeds_max = 64 };

/* port 0: the kernel's choice. */
struct kafka_broker *kafka_broker_open(int port, struct error *err);
void kafka_broker_close(struct kafka_broker *b);

/* "127.0.0.1:34567"; lives as long as the broker. */
struct str kafka_broker_bootstrap(const struct kafka_broker *b);

int kafka_broker_topic(
	struct kafka_broker *b, struct str name, int32_t partitions, struct error *err);

/* Every line of a file becomes a message of the topic. Answers how many. */
int64_t kafka_broker_load(
	struct kafka_broker *b, struct str topic, const char *path, struct error *err);

/*
 * Generated change events into `topic`, from a thread of its own. config's rate is kept, its count
 * too; the thread says nothing when it is done.
 */
int kafka_broker_demo(struct kafka_broker *b, struct str topic,
	const struct generate_config *config, struct error *err);

#endif
