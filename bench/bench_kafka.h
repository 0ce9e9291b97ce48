#ifndef BENCH_KAFKA_H
#define BENCH_KAFKA_H

/*
 * What the comparison programs share: a consumer of a whole topic, from its beginning to the end it
 * had at the start, without a consumer group. C and C++ include it.
 *
 *	stock   default settings, glibc malloc, rd_kafka_consumer_poll, a message at a time
 *	tuned   every partition started on one private queue and drained by callback; small fetches
 *	        (512 kB: the per-message operations of one response stay in the core's cache); the
 *	        program is linked with tcmalloc
 *
 * on_message is the program's own. Both stop at the end offsets, so both see the same messages.
 */

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { bench_partitions_max = 64, bench_timeout_ms = 10000 };

struct bench_topic {
	rd_kafka_t *client;
	const char *name;
	int partition_count;
	int partitions_left;
	int64_t low[bench_partitions_max];
	int64_t high[bench_partitions_max];
	uint64_t messages;
	uint64_t bytes;
};

static void on_message(const rd_kafka_message_t *m);

static inline void bench_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static inline void bench_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[512];
	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
		bench_die(name, text);
}

static inline rd_kafka_t *bench_client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
	char text[512];
	const char *brokers = getenv("BENCH_BROKERS");
	bench_set(conf, "bootstrap.servers", brokers != NULL ? brokers : "localhost:9092");
	rd_kafka_t *client = rd_kafka_new(type, conf, text, sizeof(text));
	if (client == NULL)
		bench_die("rd_kafka_new", text);
	return client;
}

static inline void bench_ends(struct bench_topic *t)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(t->client, t->name, NULL);
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t failed =
		rd_kafka_metadata(t->client, 0, topic, &metadata, bench_timeout_ms);
	if (failed)
		bench_die("metadata", rd_kafka_err2str(failed));
	t->partition_count = metadata->topics[0].partition_cnt;
	rd_kafka_metadata_destroy(metadata);
	rd_kafka_topic_destroy(topic);
	if (t->partition_count <= 0 || t->partition_count > bench_partitions_max)
		bench_die(t->name, "no such topic, or too many partitions");
	for (int p = 0; p < t->partition_count; p++) {
		failed = rd_kafka_query_watermark_offsets(t->client, t->name, p, &t->low[p],
			&t->high[p], bench_timeout_ms);
		if (failed)
			bench_die("watermarks", rd_kafka_err2str(failed));
		t->partitions_left += t->high[p] > t->low[p];
	}
}

static inline void bench_take(const rd_kafka_message_t *m, struct bench_topic *t)
{
	if (m->err) {
		if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
			bench_die("message", rd_kafka_message_errstr(m));
		return;
	}
	if (m->offset >= t->high[m->partition])
		return;
	t->messages++;
	t->bytes += m->len + m->key_len;
	on_message(m);
	t->partitions_left -= m->offset == t->high[m->partition] - 1;
}

static inline void bench_stock(struct bench_topic *t)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bench_set(conf, "group.id", "bench");
	bench_set(conf, "enable.auto.commit", "false");
	t->client = bench_client(RD_KAFKA_CONSUMER, conf);
	rd_kafka_poll_set_consumer(t->client);
	bench_ends(t);
	rd_kafka_topic_partition_list_t *list =
		rd_kafka_topic_partition_list_new(t->partition_count);
	for (int p = 0; p < t->partition_count; p++)
		rd_kafka_topic_partition_list_add(list, t->name, p)->offset = t->low[p];
	rd_kafka_assign(t->client, list);
	while (t->partitions_left > 0) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(t->client, 100);
		if (m == NULL)
			continue;
		bench_take(m, t);
		rd_kafka_message_destroy(m);
	}
}

static inline void bench_on_callback(rd_kafka_message_t *m, void *topic)
{
	bench_take(m, (struct bench_topic *)topic);
}

static inline rd_kafka_queue_t *bench_tuned_queue(struct bench_topic *t, bool from_end)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bench_set(conf, "queued.min.messages", "10000000");
	bench_set(conf, "queued.max.messages.kbytes", "1048576");
	bench_set(conf, "fetch.message.max.bytes", "524288");
	bench_set(conf, "fetch.max.bytes", "67108864");
	bench_set(conf, "receive.message.max.bytes", "100000000");
	bench_set(conf, "check.crcs", "false");
	bench_set(conf, "fetch.wait.max.ms", "10");
	bench_set(conf, "socket.nagle.disable", "true");
	t->client = bench_client(RD_KAFKA_CONSUMER, conf);
	bench_ends(t);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(t->client, t->name, NULL);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(t->client);
	for (int p = 0; p < t->partition_count; p++)
		if ((from_end || t->high[p] > t->low[p]) && rd_kafka_consume_start_queue(topic, p,
			from_end ? t->high[p] : t->low[p], queue))
			bench_die("start", rd_kafka_err2str(rd_kafka_last_error()));
	return queue;
}

static inline void bench_tuned(struct bench_topic *t)
{
	rd_kafka_queue_t *queue = bench_tuned_queue(t, false);
	while (t->partitions_left > 0)
		rd_kafka_consume_callback_queue(queue, 100, bench_on_callback, t);
}

/* What comes from now on, until the process is ended. */
static inline void bench_tail(struct bench_topic *t)
{
	rd_kafka_queue_t *queue = bench_tuned_queue(t, true);
	for (int p = 0; p < t->partition_count; p++)
		t->high[p] = INT64_MAX;
	fprintf(stderr, "ready\n");
	for (;;)
		rd_kafka_consume_callback_queue(queue, 100, bench_on_callback, t);
}

/* Nothing was committed and nothing is owed: the process just ends. */
static inline void bench_done(const struct bench_topic *t)
{
	printf("messages=%llu bytes=%llu\n", (unsigned long long)t->messages,
		(unsigned long long)t->bytes);
	fflush(stdout);
	_exit(0);
}

#endif
