/*
 * Makes a topic and fills it with orders events: fill_topic TOPIC EVENTS PARTITIONS. Prints the
 * totals that every program over it must find. About 70 bytes an event with its key; the same
 * events every time.
 */
#include "bench_kafka.h"

enum { keys_max = 1000000, queue_full_wait_ms = 100, flush_ms = 60000 };

static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "Headset",
	"Webcam", "Dock", "Cable"};
static const char *const ops[] = {"insert", "update", "delete"};
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

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
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

static int format_order(char *value, size_t bytes, uint64_t id, int op, int quantity)
{
	return snprintf(value, bytes,
		"{\"order_id\":%llu,\"product\":\"%s\",\"quantity\":%d,\"op\":\"%s\"}",
		(unsigned long long)id, products[id % 8], quantity, ops[op]);
}

static void produce(rd_kafka_t *client, rd_kafka_topic_t *topic, uint64_t id, int op, int quantity)
{
	char key[32], value[160];
	int key_len = snprintf(key, sizeof(key), "%llu", (unsigned long long)id);
	int len = format_order(value, sizeof(value), id, op, quantity);
	while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value,
		(size_t)len, key, (size_t)key_len, NULL) == -1) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			bench_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(client, queue_full_wait_ms);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		bench_die("usage", "fill_topic TOPIC EVENTS PARTITIONS");
	uint64_t events = strtoull(argv[2], NULL, 10);
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bench_set(conf, "queue.buffering.max.messages", "1000000");
	bench_set(conf, "linger.ms", "50");
	bench_set(conf, "batch.num.messages", "10000");
	bench_set(conf, "partitioner", "murmur2_random");
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *client = bench_client(RD_KAFKA_PRODUCER, conf);
	create_topic(client, argv[1], atoi(argv[3]));
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, argv[1], NULL);

	static int live[keys_max]; /* 1 + quantity of the current row; 0: none */
	uint64_t counts[3] = {0};
	int64_t sums[3] = {0};
	for (uint64_t i = 0; i < events; i++) {
		uint64_t key = next_random() % keys_max;
		int op = live[key] == 0 ? 0 : next_random() % 10 == 0 ? 2 : 1;
		int quantity = (int)(next_random() % 100);
		live[key] = op == 2 ? 0 : 1 + quantity;
		counts[op]++;
		sums[op] += quantity;
		produce(client, topic, 1000 + key, op, quantity);
		if (i % 1000 == 0)
			rd_kafka_poll(client, 0);
	}
	if (rd_kafka_flush(client, flush_ms) != RD_KAFKA_RESP_ERR_NO_ERROR || failed_messages > 0)
		bench_die("flush", "messages were not delivered");
	for (int op = 0; op < 3; op++)
		if (counts[op] > 0)
			printf("total %s %llu %lld\n", ops[op], (unsigned long long)counts[op],
				(long long)sums[op]);
	uint64_t rows = 0;
	int64_t sum = 0;
	for (int key = 0; key < keys_max; key++) {
		rows += live[key] > 0;
		sum += live[key] > 0 ? live[key] - 1 : 0;
	}
	printf("total rows %llu %lld\n", (unsigned long long)rows, (long long)sum);
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(client);
	return 0;
}
