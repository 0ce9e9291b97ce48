/*
 * Makes a topic and fills it with change events (bench_event.h):
 *
 *	bench_fill_topic TOPIC EVENTS [PARTITIONS [DRESS [KEYS [SKEW [MISS [CODEC]]]]]]
 *
 * Prints the totals that every job over the topic must find.
 */
#include "bench_event.h"
#include "bench_kafka.h"

enum { queue_full_wait_ms = 100, flush_ms = 60000, serve_every = 1000 };

static uint64_t failed_messages;

static void on_message(const rd_kafka_message_t *m)
{
	(void)m;
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *m, void *opaque)
{
	(void)client;
	(void)opaque;
	failed_messages += m->err != 0;
}

static void create_topic(rd_kafka_t *client, const char *name, int partitions)
{
	char text[512];
	rd_kafka_NewTopic_t *topic =
		rd_kafka_NewTopic_new(name, partitions, 1, text, sizeof(text));
	if (topic == NULL)
		bench_die("topic", text);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
	if (event == NULL || rd_kafka_event_error(event))
		bench_die("create topic", event ? rd_kafka_event_error_string(event) : "no answer");
	const rd_kafka_CreateTopics_result_t *answer = rd_kafka_event_CreateTopics_result(event);
	size_t count;
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(answer, &count);
	if (rd_kafka_topic_result_error(results[0]))
		bench_die("create topic", rd_kafka_topic_result_error_string(results[0]));
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct event_stream *s,
	const struct event *e)
{
	char key[32], value[event_room];
	int key_len = snprintf(key, sizeof(key), "%llu", (unsigned long long)e->id);
	int len = event_write(s, e, value, sizeof(value));
	while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value,
		(size_t)len, key, (size_t)key_len, NULL) == -1) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			bench_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(client, queue_full_wait_ms);
	}
}

static rd_kafka_t *open_producer(const char *codec)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bench_set(conf, "queue.buffering.max.messages", "1000000");
	bench_set(conf, "queue.buffering.max.kbytes", "262144");
	bench_set(conf, "linger.ms", "50");
	bench_set(conf, "batch.num.messages", "10000");
	bench_set(conf, "partitioner", "murmur2_random");
	bench_set(conf, "compression.codec", codec);
	/* A batch sent again behind the next would put the events of a key out of order. */
	bench_set(conf, "enable.idempotence", "true");
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	return bench_client(RD_KAFKA_PRODUCER, conf);
}

static const char *argument(int argc, char **argv, int at, const char *otherwise)
{
	return argc > at ? argv[at] : otherwise;
}

int main(int argc, char **argv)
{
	struct event_stream stream;
	if (argc < 3 || argc > 9)
		bench_die("usage", "fill_topic TOPIC EVENTS [PARTITIONS [DRESS [KEYS [SKEW [MISS "
			"[CODEC]]]]]]");
	uint64_t events = strtoull(argv[2], NULL, 10);
	long keys = atol(argument(argc, argv, 5, "1000000"));
	const char *dress = argument(argc, argv, 4, "orders");
	double skew = atof(argument(argc, argv, 6, "0"));
	int miss = atoi(argument(argc, argv, 7, "0"));
	if (keys < 1 || keys > INT32_MAX || miss < 0 ||
		event_stream_init(&stream, dress, (uint32_t)keys, skew, (uint32_t)miss) < 0)
		bench_die("keys", "not a number of keys, or no memory for them");
	rd_kafka_t *client = open_producer(argument(argc, argv, 8, "none"));
	create_topic(client, argv[1], atoi(argument(argc, argv, 3, "2")));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, argv[1], NULL);
	for (uint64_t i = 0; i < events; i++) {
		struct event e = event_next(&stream);
		produce(client, topic, &stream, &e);
		if (i % serve_every == 0)
			rd_kafka_poll(client, 0);
	}
	if (rd_kafka_flush(client, flush_ms) != RD_KAFKA_RESP_ERR_NO_ERROR || failed_messages > 0)
		bench_die("flush", "messages were not delivered");
	event_print_totals(&stream);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(client);
	return 0;
}
