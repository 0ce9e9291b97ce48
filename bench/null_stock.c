/* Counts a topic's messages with librdkafka as it comes: null_stock TOPIC. */
#include "bench_kafka.h"

static void on_message(const rd_kafka_message_t *m)
{
	(void)m;
}

int main(int argc, char **argv)
{
	(void)argc;
	struct bench_topic topic = {.name = argv[1]};
	bench_stock(&topic);
	bench_done(&topic);
}
