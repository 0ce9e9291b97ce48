#ifndef CDCL_TRANSACTIONS_H
#define CDCL_TRANSACTIONS_H

/*
 * The Kafka transactions of a job with a checkpoint: one for each cluster that a kafka_sink with
 * delivery = "exactly_once" writes to, or the topic of dead letters. All of a batch that goes to a
 * cluster is one transaction (source/kafka_transaction.h).
 *
 * Opened before sinks are, told of the sources' positions before sinks publish, closed after them.
 */

#include "runtime/intake.h"
#include "sink/sink.h"
#include "source/kafka_transaction.h"

struct transactions {
	struct transaction_place {
		struct kafka_transaction_config config;
		struct kafka_transaction *transaction;
	} *places;
	uint32_t count;
};

/* Connects to nothing; the plan's sinks know which is theirs. */
int transactions_open(struct transactions *t, struct plan *plan, const struct sink_writer *writer,
	struct error *err);
void transactions_close(struct transactions *t);

/* The one for dead letters; NULL: none, they go out by themselves. */
struct kafka_transaction *transactions_dead_letters(
	const struct transactions *t, const struct plan *plan);

/* After the sinks are open: no two of them are one cluster by two names. */
int transactions_check(const struct transactions *t, struct error *err);

/* Where the batch ends; before anything is published. */
void transactions_offsets(
	struct transactions *t, const struct plan *plan, const struct intake *in, uint32_t count);
/* What no sink of the batch has published: dead letters alone. */
int transactions_publish(struct transactions *t, const struct batch *b, struct error *err);

#endif
