#include "sink/dead_letter_sink.h"

#include "base/check.h"
#include "sink/dead_letter_line.h"
#include "sink/sink.h"
#include "source/kafka_producer.h"

#include <stdlib.h>

enum { open_timeout_ms = 60 * 1000 };

struct kafka_dead_letter {
	struct dead_letter_writer base;
	struct kafka_producer *producer;
	struct strbuf line;
};

static struct kafka_dead_letter *kafka_of(struct dead_letter_writer *w)
{
	return container_of(w, struct kafka_dead_letter, base);
}

static int write_letter(struct dead_letter_writer *w, enum dead_letter_reason reason,
	const struct chunk *c, uint32_t row, const struct error *why, struct error *err)
{
	struct kafka_dead_letter *k = kafka_of(w);
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

static void close_kafka(struct dead_letter_writer *w)
{
	struct kafka_dead_letter *k = kafka_of(w);
	kafka_producer_close(k->producer);
	strbuf_release(&k->line);
	free(k);
}

struct dead_letter_writer *kafka_dead_letter_open(
	const struct kafka_sink_config *config, struct error *err)
{
	struct kafka_dead_letter *k = calloc(1, sizeof(*k));
	check(k != NULL); /* out of memory */
	k->base = (struct dead_letter_writer){
		.write = write_letter, .publish = publish, .close = close_kafka};
	strbuf_init(&k->line);
	struct kafka_producer_config target = {.brokers = config->brokers,
		.topic = config->topic,
		.settings = config->settings,
		.setting_count = config->setting_count,
		.timeout_ms = config->broker_timeout_ms > 0 ? config->broker_timeout_ms
							    : open_timeout_ms};
	k->producer = kafka_producer_open(&target, err);
	if (k->producer == NULL) {
		close_kafka(&k->base);
		return NULL;
	}
	return &k->base;
}
