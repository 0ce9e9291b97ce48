#include "sink/dead_letter_sink.h"

#include "base/check.h"
#include "sink/dead_letter_line.h"
#include "sink/sink.h"
#include "source/kafka_producer.h"
#include "source/kafka_transaction.h"

#include <stdlib.h>

enum { open_timeout_ms = 60 * 1000 };

struct kafka_dead_letter {
	struct dead_letter_writer base;
	struct kafka_producer *producer;
	struct strbuf line;
	struct kafka_transaction *transaction;  /* runtime's; NULL: none */
	const struct batch *batch;              /* the current one */
	int64_t held;                           /* the last one that the topic has; -1: none */
};

static struct kafka_dead_letter *kafka_of(struct dead_letter_writer *w)
{
	return container_of(w, struct kafka_dead_letter, base);
}

static int write_letter(struct dead_letter_writer *w, enum dead_letter_reason reason,
	const struct chunk *c, uint32_t row, const struct error *why, struct error *err)
{
	struct kafka_dead_letter *k = kafka_of(w);
	if (k->batch->id <= k->held)
		return 0;
	struct str key = str_c(NULL);
	if (c != NULL && c->messages != NULL)
		key = c->messages->key[chunk_message(c, row)];
	strbuf_reset(&k->line);
	dead_letter_line(reason, c, row, why, &k->line);
	int r = kafka_producer_send(k->producer, -1, key, strbuf_str(&k->line), err);
	return r < 0 ? error_prefix(err, "dead letters: ") : 0;
}

static int publish(struct dead_letter_writer *w, struct error *err)
{
	int r = kafka_producer_flush(kafka_of(w)->producer, err);
	return r < 0 ? error_prefix(err, "dead letters: ") : 0;
}

/* Outside of the batch: it comes again, and so do they. */
static int give_up(struct dead_letter_writer *w, struct error *err)
{
	struct kafka_dead_letter *k = kafka_of(w);
	int r = k->transaction == NULL
		? kafka_producer_flush(k->producer, err)
		: kafka_transaction_give_up(k->transaction, k->producer, err);
	return r < 0 ? error_prefix(err, "dead letters: ") : 0;
}

static void close_kafka(struct dead_letter_writer *w)
{
	struct kafka_dead_letter *k = kafka_of(w);
	kafka_producer_close(k->producer);
	strbuf_release(&k->line);
	free(k);
}

struct dead_letter_writer *kafka_dead_letter_open(
	const struct kafka_sink_config *config, const struct batch *batch,
	const struct sink_writer *writer, struct error *err)
{
	check(config->transaction == NULL || writer != NULL);
	struct kafka_dead_letter *k = calloc(1, sizeof(*k));
	check(k != NULL); /* out of memory */
	k->base = (struct dead_letter_writer){
		.write = write_letter,
		.publish = publish,
		.close = close_kafka,
		.give_up = give_up};
	strbuf_init(&k->line);
	k->batch = batch;
	k->held = -1;
	k->transaction = config->transaction;
	struct kafka_producer_config target = {.brokers = config->brokers,
		.topic = config->topic,
		.settings = config->settings,
		.setting_count = config->setting_count,
		.transaction = config->transaction,
		.timeout_ms = config->broker_timeout_ms > 0 ? config->broker_timeout_ms
							    : open_timeout_ms};
	k->producer = kafka_producer_open(&target, err);
	int r = k->producer == NULL ? -(int)err->code : 0;
	bool others = false;
	if (r == 0 && config->transaction != NULL)
		r = kafka_transaction_claim(config->transaction, config->topic, err);
	if (r == 0 && config->transaction != NULL)
		k->held = kafka_transaction_held(config->transaction, config->topic, &others);
	if (r < 0) {
		close_kafka(&k->base);
		return NULL;
	}
	return &k->base;
}
