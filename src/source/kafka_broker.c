#include "source/kafka_broker.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/generator.h"
#include "source/kafka_client.h"
#include "source/kafka_producer.h"
#include "source/kafka_relay.h"
#include "source/line_reader.h"

#include <inttypes.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { query_ms = 5000, demo_tick_ms = 20, broker_partitions_max = 1000, kafka_list_offsets = 2 };

/* The demo of one topic: a thread that produces generated events. */
struct feed {
	struct kafka_broker *broker;
	struct generator *generator;
	struct generate_config config;
	struct kafka_producer *producer;
	pthread_t thread;
	bool runs;
};

struct kafka_broker {
	rd_kafka_t *rk; /* a producer on the mock cluster that it holds */
	rd_kafka_mock_cluster_t *mock;
	struct kafka_relay *relay;
	char bootstrap[64];
	int stop; /* an eventfd: the feeds end when it is readable */
	struct feed feeds[kafka_broker_feeds_max];
	uint32_t feed_count;
};

static int open_relay(struct kafka_broker *b, int port, struct error *err)
{
	const char *colon = strrchr(b->bootstrap, ':');
	check(colon != NULL);
	b->relay = kafka_relay_open(port, atoi(colon + 1), err);
	if (b->relay == NULL)
		return -(int)err->code;
	snprintf(b->bootstrap, sizeof(b->bootstrap), "127.0.0.1:%d", port);
	return 0;
}

struct kafka_broker *kafka_broker_open(int port, struct error *err)
{
	struct kafka_broker *b = calloc(1, sizeof(*b));
	check(b != NULL);
	b->stop = eventfd(0, EFD_CLOEXEC);
	if (b->stop < 0) {
		error_set(err, CDCL_E_INTERNAL, "no more file descriptors");
		goto fail;
	}
	/* The address is replaced by the mock cluster's. */
	rd_kafka_conf_t *conf = kafka_client_conf(KAFKA_WRITER, str_lit("127.0.0.1"), NULL, 0, err);
	if (conf == NULL)
		goto fail;
	kafka_conf_set(conf, "test.mock.num.brokers", "1");
	b->rk = kafka_client_open(RD_KAFKA_PRODUCER, conf, err);
	if (b->rk == NULL)
		goto fail;
	b->mock = rd_kafka_handle_mock_cluster(b->rk);
	if (b->mock == NULL) {
		error_set(err, CDCL_E_INTERNAL, "librdkafka has no mock cluster");
		goto fail;
	}
	/* From version 4 on librdkafka 2.0.2 answers with 8 bytes for a leader's epoch, which has
	 * 4: nothing behind the first partition could be read. */
	rd_kafka_mock_set_apiversion(b->mock, kafka_list_offsets, 0, 3);
	snprintf(b->bootstrap, sizeof(b->bootstrap), "%s",
		rd_kafka_mock_cluster_bootstraps(b->mock));
	if (port > 0 && open_relay(b, port, err) < 0)
		goto fail;
	return b;
fail:
	kafka_broker_close(b);
	return NULL;
}

void kafka_broker_close(struct kafka_broker *b)
{
	if (b == NULL)
		return;
	if (b->stop >= 0) {
		const uint64_t one = 1;
		ssize_t n = write(b->stop, &one, sizeof(one));
		check(n == sizeof(one));
	}
	for (uint32_t i = 0; i < b->feed_count; i++) {
		if (b->feeds[i].runs)
			pthread_join(b->feeds[i].thread, NULL);
		kafka_producer_close(b->feeds[i].producer);
		generator_close(b->feeds[i].generator);
	}
	kafka_relay_close(b->relay);
	if (b->rk != NULL) {
		rd_kafka_purge(b->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(b->rk);
	}
	close(b->stop);
	free(b);
}

struct str kafka_broker_bootstrap(const struct kafka_broker *b)
{
	return str_c(b->bootstrap);
}

int kafka_broker_topic(
	struct kafka_broker *b, struct str name, int32_t partitions, struct error *err)
{
	char topic[256];
	if (name.len == 0 || name.len > 249)
		return error_set(err, CDCL_E_USAGE, "'" STR_FMT "' cannot be the name of a topic",
			STR_ARG(name));
	if (partitions < 1 || partitions > broker_partitions_max)
		return error_set(err, CDCL_E_USAGE, "a topic has 1 to %d partitions, not %" PRId32,
			broker_partitions_max, partitions);
	snprintf(topic, sizeof(topic), STR_FMT, STR_ARG(name));
	rd_kafka_resp_err_t why = rd_kafka_mock_topic_create(b->mock, topic, partitions, 1);
	if (why != RD_KAFKA_RESP_ERR_NO_ERROR && why != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return error_set(err, CDCL_E_USAGE, "topic '%s': %s", topic, rd_kafka_err2str(why));
	return 0;
}

/* ---- Loading a file ---- */

static int send_lines(
	struct kafka_producer *p, struct line_reader *reader, int64_t *count, struct error *err)
{
	struct str line;
	for (;;) {
		while (line_reader_next(reader, &line)) {
			int r = kafka_producer_send(p, -1, (struct str){NULL, 0}, line, err);
			if (r < 0)
				return r;
			(*count)++;
		}
		int r = line_reader_more(reader, err);
		if (r < 0 || r == LINES_END) {
			bool last = r == LINES_END && line_reader_next(reader, &line);
			*count += last ? 1 : 0;
			return last ? kafka_producer_send(p, -1, (struct str){NULL, 0}, line, err)
				    : r;
		}
	}
}

/* The mock cluster drops the oldest messages of a full partition without a word; say so here. */
static void warn_dropped(struct kafka_broker *b, const char *topic, const char *path)
{
	int64_t dropped = 0;
	for (int32_t i = 0; i < broker_partitions_max; i++) {
		int64_t low = 0;
		int64_t high = 0;
		if (rd_kafka_query_watermark_offsets(b->rk, topic, i, &low, &high, query_ms) !=
			RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		dropped += low;
	}
	if (dropped > 0)
		log_warn("broker",
			"the first %" PRId64 " messages of %s did not fit into topic '%s': a "
			"partition holds 5 MiB or 100,000 messages",
			dropped, path, topic);
}

int64_t kafka_broker_load(
	struct kafka_broker *b, struct str topic, const char *path, struct error *err)
{
	int64_t count = 0;
	struct kafka_producer *p = kafka_producer_on(b->rk, topic, err);
	if (p == NULL)
		return -(int64_t)err->code;
	struct line_reader *reader = line_reader_open(path, err);
	int r = reader == NULL ? -(int)err->code : send_lines(p, reader, &count, err);
	line_reader_close(reader);
	if (r >= 0)
		r = kafka_producer_flush(p, err);
	kafka_producer_close(p);
	if (r < 0)
		return r;
	char name[256];
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(topic));
	warn_dropped(b, name, path);
	return count;
}

/* ---- The demo ---- */

static void *feed_main(void *argument)
{
	struct feed *f = argument;
	struct error err;
	error_init(&err);
	int64_t begun = clock_monotonic_us(&clock_system);
	int64_t sent = 0;
	bool more = true;
	while (more) {
		double elapsed = (double)(clock_monotonic_us(&clock_system) - begun) / 1e6;
		int64_t due = 1 + (int64_t)(elapsed * (double)f->config.rate);
		struct generated event;
		while (sent < due && (more = generator_next(f->generator, &event))) {
			if (kafka_producer_send(f->producer, -1, event.key, event.value, &err) < 0)
				return NULL;
			sent++;
		}
		struct pollfd p = {.fd = f->broker->stop, .events = POLLIN};
		if (poll(&p, 1, demo_tick_ms) > 0)
			return NULL;
		rd_kafka_poll(f->broker->rk, 0);
	}
	return NULL;
}

int kafka_broker_demo(struct kafka_broker *b, struct str topic,
	const struct generate_config *config, struct error *err)
{
	if (b->feed_count == kafka_broker_feeds_max)
		return error_set(err, CDCL_E_USAGE, "the demo fills at most %d topics",
			kafka_broker_feeds_max);
	struct feed *f = &b->feeds[b->feed_count++];
	f->broker = b;
	f->config = *config;
	if (f->config.rate <= 0)
		f->config.rate = 100;
	f->generator = generator_open(&f->config);
	f->producer = kafka_producer_on(b->rk, topic, err);
	if (f->producer == NULL)
		return -(int)err->code;
	if (pthread_create(&f->thread, NULL, feed_main, f) != 0)
		return error_set(err, CDCL_E_INTERNAL, "no thread for the demo");
	f->runs = true;
	return 0;
}
