/* Deletes topics that bench_fill_topic made: drop_topics TOPIC... */
#include "bench_kafka.h"

enum { topics_max = 64 };

static void on_message(const rd_kafka_message_t *m)
{
	(void)m;
}

int main(int argc, char **argv)
{
	rd_kafka_DeleteTopic_t *topics[topics_max];
	size_t count = 0;
	for (int i = 1; i < argc && count < topics_max; i++)
		topics[count++] = rd_kafka_DeleteTopic_new(argv[i]);
	rd_kafka_t *client = bench_client(RD_KAFKA_PRODUCER, rd_kafka_conf_new());
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_DeleteTopics(client, topics, count, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, bench_timeout_ms);
	if (event == NULL || rd_kafka_event_error(event))
		bench_die("delete", event ? rd_kafka_event_error_string(event) : "no answer");
	rd_kafka_event_destroy(event);
	rd_kafka_DeleteTopic_destroy_array(topics, count);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(client);
	return 0;
}
