/*
 * The tuned consumer at the end of a topic, printing each probe (bench_send_open) as it comes,
 * nothing else: null_probe TOPIC. What lies before cdcl: the sender, the broker, librdkafka. Runs
 * until it is ended.
 */
#define _GNU_SOURCE /* memmem */
#include "bench_kafka.h"

static void on_message(const rd_kafka_message_t *m)
{
	const char *end = (const char *)m->payload + m->len;
	if (m->len > 12 && memcmp(end - 10, "\"probe\":1}", 10) == 0) {
		const char *at = memmem(m->payload, m->len, "\"at\":", 5);
		if (at != NULL && printf("%.*s\n", (int)(end - at), at) > 0)
			fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	struct bench_topic topic = {.name = argv[1]};
	bench_tail(&topic);
}
