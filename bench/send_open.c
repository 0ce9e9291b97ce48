/*
 * An open loop of orders events: bench_send_open TOPIC|- RATE MILLISECONDS PROBE_EVERY
 *
 * Event i is due at start + i / RATE, whatever became of those before it, and carries that time
 * ("at", microseconds since 1970), not the time when it was sent: a stall of anything on the way is
 * seen by every event that was due in it. Every PROBE_EVERY-th has "probe":1. Goes to a topic, or
 * as lines to standard output (-). RATE 0: as fast as they are taken.
 */
#define _GNU_SOURCE /* F_SETPIPE_SZ */
#include "bench_event.h"
#include "bench_kafka.h"

#include <fcntl.h>
#include <time.h>

enum {
	event_len_max = 256,
	keys = 100000,
	lines_bytes = 1 << 16,
	pipe_bytes = 1 << 20,   /* a reader that is held up shall not hold up the sender */
	sleep_us = 100,
	unlimited_at_once = 1000,
	flush_ms = 60000
};

struct sender {
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	struct event_stream events;
	char lines[lines_bytes + event_len_max];
	size_t used;
};

static void on_message(const rd_kafka_message_t *m)
{
	(void)m;
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void flush_lines(struct sender *s)
{
	for (size_t at = 0; at < s->used;) {
		ssize_t r = write(STDOUT_FILENO, s->lines + at, s->used - at);
		if (r < 0)
			bench_die("write", "the reader went away");
		at += (size_t)r;
	}
	s->used = 0;
}

static char *add_text(char *to, const char *text)
{
	size_t len = strlen(text);
	memcpy(to, text, len);
	return to + len;
}

static char *add_number(char *to, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(to, digits + at, sizeof(digits) - at);
	return to + sizeof(digits) - at;
}

/* By hand: printf would take more of the machine than what is measured. */
static size_t write_event(char *out, const struct event *e, int64_t at, int probe)
{
	char *to = add_number(add_text(out, "{\"order_id\":"), e->id);
	to = add_text(add_text(to, ",\"product\":\""), event_product[e->id % event_products]);
	to = add_number(add_text(to, "\",\"quantity\":"), (uint64_t)e->quantity);
	to = add_text(add_text(to, ",\"op\":\""), event_op_name[e->op]);
	to = add_number(add_text(to, "\",\"at\":"), (uint64_t)at);
	to = add_number(add_text(to, ",\"probe\":"), (uint64_t)probe);
	return (size_t)(add_text(to, "}") - out);
}

static void send_event(struct sender *s, int64_t at, int probe)
{
	struct event e = event_next(&s->events);
	if (s->topic == NULL) {
		s->used += write_event(s->lines + s->used, &e, at, probe);
		s->lines[s->used++] = '\n';
		if (s->used >= lines_bytes)
			flush_lines(s);
		return;
	}
	char value[event_len_max], key[32];
	size_t len = write_event(value, &e, at, probe);
	int key_len = snprintf(key, sizeof(key), "%llu", (unsigned long long)e.id);
	while (rd_kafka_produce(s->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value,
		len, key, (size_t)key_len, NULL) == -1) {
		if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			bench_die("produce", rd_kafka_err2str(rd_kafka_last_error()));
		rd_kafka_poll(s->client, 1);
	}
}

static void open_topic(struct sender *s, const char *name)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	bench_set(conf, "queue.buffering.max.messages", "1000000");
	bench_set(conf, "linger.ms", "1");
	bench_set(conf, "partitioner", "murmur2_random");
	s->client = bench_client(RD_KAFKA_PRODUCER, conf);
	s->topic = rd_kafka_topic_new(s->client, name, NULL);
}

/* All that are due, then a moment of sleep. Answers how many were sent. */
static uint64_t run(struct sender *s, double rate, int64_t length_us, uint64_t probe_every)
{
	int64_t start = now_us(), now;
	uint64_t sent = 0;
	while ((now = now_us()) < start + length_us) {
		uint64_t due = rate > 0 ? (uint64_t)((double)(now - start) * rate / 1e6)
			: sent + unlimited_at_once;
		for (; sent < due; sent++) {
			int64_t at = rate > 0 ? start + (int64_t)((double)sent * 1e6 / rate) : now;
			send_event(s, at, sent % probe_every == 0);
		}
		if (s->topic == NULL)
			flush_lines(s);
		else
			rd_kafka_poll(s->client, 0);
		if (rate > 0)
			usleep(sleep_us);
	}
	return sent;
}

int main(int argc, char **argv)
{
	static struct sender s;
	if (argc != 5 || atoi(argv[4]) < 1)
		bench_die("usage", "send_open TOPIC|- RATE MILLISECONDS PROBE_EVERY");
	if (event_stream_init(&s.events, "orders", keys, 0, 0) < 0)
		bench_die("keys", "no memory");
	if (strcmp(argv[1], "-") != 0)
		open_topic(&s, argv[1]);
	else
		fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_bytes); /* one of 64 kB will do, too */
	int64_t length_us = (int64_t)atoi(argv[3]) * 1000;
	uint64_t sent = run(&s, atof(argv[2]), length_us, (uint64_t)atoi(argv[4]));
	if (s.client != NULL && rd_kafka_flush(s.client, flush_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
		bench_die("flush", "messages were not delivered");
	fprintf(stderr, "sent=%llu\n", (unsigned long long)sent);
	return 0;
}
