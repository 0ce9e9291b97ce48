/*
 * Drives the Kafka source alone, as the pipeline does, and prints what comes: for the tests on a
 * real broker.
 *
 *	kafka_probe --brokers B --topic T[,T] [--pattern RE] [--from earliest|latest|MS|T:P=O,...]
 *	            [--run forever|available|once] [--limit N] [--stop-after MESSAGES]
 *	            [--burn NS] [--memory BYTES] [--batch MESSAGES] [--group G] [--timeout MS]
 *	            [--continue] [--print] [-X name=value]
 *
 * --print prints "topic partition offset timestamp type key value headers", else the totals;
 * "batch N" after each batch. --burn spends so many nanoseconds of CPU per message, as a slow
 * script would.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/source.h"
#include "source/source_config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { settings_max = 64, offsets_max = 64 };

struct probe {
	struct source_config config;
	enum source_run run;
	int64_t stop_after;
	int64_t burn_ns;
	int64_t batch_messages;
	bool print;
	struct messages *block;
	int64_t messages;
	int64_t bytes;
	int64_t idle_us;
	int64_t longest_gap_us;
	int64_t last_us;
	int64_t first_us;
	int64_t begun_us;
};

static int64_t now(void)
{
	return clock_monotonic_us(&clock_system);
}

static void burn(int64_t ns)
{
	int64_t end = now() + ns / 1000;
	while (now() < end)
		;
}

static void print_bytes(struct str s)
{
	if (s.data == NULL)
		printf("\tNULL");
	else
		printf("\t'" STR_FMT "'", STR_ARG(s));
}

static void print_messages(const struct messages *m, uint32_t from)
{
	for (uint32_t i = from; i < m->count; i++) {
		printf(STR_FMT "\t%" PRId32 "\t%" PRId64 "\t%" PRId64 "\t%" PRId32,
			STR_ARG(m->topic[i]), m->partition[i], m->offset[i], m->timestamp_us[i],
			m->timestamp_type[i]);
		print_bytes(m->key[i]);
		if (m->value[i].len > 1000)
			printf("\t%zu bytes", m->value[i].len);
		else
			print_bytes(m->value[i]);
		for (uint32_t h = 0; h < m->header_count[i]; h++) {
			print_bytes(m->headers[i][h].name);
			print_bytes(m->headers[i][h].value);
		}
		printf("\n");
	}
}

static void took(struct probe *p, uint32_t from)
{
	const struct messages *m = p->block;
	uint32_t n = m->count - from;
	if (n == 0)
		return;
	if (p->messages == 0)
		p->first_us = now();
	else if (now() - p->last_us > p->longest_gap_us)
		p->longest_gap_us = now() - p->last_us;
	for (uint32_t i = from; i < m->count; i++)
		p->bytes += (int64_t)(m->value[i].len + m->key[i].len);
	p->messages += n;
	if (p->print)
		print_messages(m, from);
	if (p->burn_ns > 0)
		burn(p->burn_ns * n);
	p->last_us = now();
}

static void batch_says(struct source *s, int batch, const char *state, int64_t messages)
{
	printf("batch %d %s %" PRId64, batch, state, messages);
	for (uint32_t i = 0; i < s->partition_count; i++) {
		const struct source_partition *p = &s->partitions[i];
		printf(" " STR_FMT "/%" PRId32 ":%" PRId64 "-%" PRId64, STR_ARG(p->topic),
			p->partition, p->batch_start, p->position);
	}
	printf("\n");
	fflush(stdout);
}

static void wait_more(struct probe *p, struct source *s)
{
	int64_t begun = now();
	struct pollfd fd = {.fd = s->wake_fd, .events = POLLIN};
	poll(&fd, 1, s->wake_fd >= 0 ? 1000 : s->poll_ms);
	if (p->messages > 0)
		p->idle_us += now() - begun;
}

/* One batch; answers the state that ended it. */
static int run_batch(struct probe *p, struct source *s, int batch, struct error *err)
{
	int r = s->ops->begin_batch(s, err);
	int64_t before = p->messages;
	while (r >= 0) {
		arena_reset(p->block->arena);
		p->block->count = 0;
		r = s->ops->fill(s, p->block, err);
		took(p, 0);
		int64_t taken = p->messages - before;
		bool full = p->batch_messages > 0 && taken >= p->batch_messages;
		if (r == SOURCE_END || r == SOURCE_LIMIT || full ||
			(p->stop_after > 0 && p->messages >= p->stop_after)) {
			const char *names[] = {"more", "idle", "waiting", "limit", "end"};
			if (r >= 0 && s->ops->end_batch(s, err) >= 0)
				batch_says(s, batch, names[r], taken);
			return r;
		}
		if (r == SOURCE_IDLE || r == SOURCE_WAITING) {
			fflush(stdout);
			wait_more(p, s);
		}
	}
	return r;
}

static void parse_offsets(struct probe *p, char *text)
{
	static struct partition_offset offsets[offsets_max];
	struct starting_offsets *s = &p->config.kafka.starting;
	s->kind = OFFSETS_EXPLICIT;
	s->explicit_offsets = offsets;
	for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
		char *colon = strrchr(word, ':');
		char *equals = strchr(word, '=');
		check(colon != NULL && equals != NULL && s->explicit_count < offsets_max);
		struct partition_offset *o = &offsets[s->explicit_count++];
		o->topic = (struct str){word, (size_t)(colon - word)};
		o->partition = atoi(colon + 1);
		o->offset = strtoll(equals + 1, NULL, 10);
	}
}

static void parse_from(struct probe *p, char *text)
{
	struct starting_offsets *s = &p->config.kafka.starting;
	if (strcmp(text, "earliest") == 0) {
		s->kind = OFFSETS_EARLIEST;
	} else if (strcmp(text, "latest") == 0) {
		s->kind = OFFSETS_LATEST;
	} else if (strchr(text, '=') != NULL) {
		parse_offsets(p, text);
	} else {
		s->kind = OFFSETS_TIMESTAMP;
		s->timestamp_us = strtoll(text, NULL, 10) * 1000;
	}
}

static void parse_topics(struct kafka_config *k, char *text)
{
	static struct str topics[64];
	k->topics = topics;
	for (char *word = strtok(text, ","); word != NULL && k->topic_count < 64;
		word = strtok(NULL, ","))
		topics[k->topic_count++] = str_c(word);
}

static void parse_setting(struct kafka_config *k, char *text)
{
	static struct setting settings[settings_max];
	char *equals = strchr(text, '=');
	check(equals != NULL && k->setting_count < settings_max);
	k->settings = settings;
	settings[k->setting_count++] =
		(struct setting){{text, (size_t)(equals - text)}, str_c(equals + 1), str_lit("-X")};
}

static void parse(struct probe *p, int argc, char **argv)
{
	struct kafka_config *k = &p->config.kafka;
	k->headers = true;
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		if (strcmp(name, "--print") == 0) {
			p->print = true;
			continue;
		}
		if (strcmp(name, "--continue") == 0) {
			k->continue_on_data_loss = true;
			continue;
		}
		check(i + 1 < argc);
		char *value = argv[++i];
		int64_t number = strtoll(value, NULL, 10);
		if (strcmp(name, "--brokers") == 0)
			k->brokers = str_c(value);
		else if (strcmp(name, "--topic") == 0)
			parse_topics(k, value);
		else if (strcmp(name, "--pattern") == 0)
			k->topic_pattern = str_c(value);
		else if (strcmp(name, "--from") == 0)
			parse_from(p, value);
		else if (strcmp(name, "--run") == 0)
			p->run = value[0] == 'a'  ? SOURCE_RUN_AVAILABLE_NOW
				: value[0] == 'o' ? SOURCE_RUN_ONCE
						  : SOURCE_RUN_FOREVER;
		else if (strcmp(name, "--limit") == 0)
			k->max_offsets_per_trigger = number;
		else if (strcmp(name, "--stop-after") == 0)
			p->stop_after = number;
		else if (strcmp(name, "--burn") == 0)
			p->burn_ns = number;
		else if (strcmp(name, "--memory") == 0)
			k->fetch_memory_bytes = number;
		else if (strcmp(name, "--batch") == 0)
			p->batch_messages = number;
		else if (strcmp(name, "--group") == 0)
			k->group = str_c(value);
		else if (strcmp(name, "--timeout") == 0)
			k->broker_timeout_ms = number;
		else if (strcmp(name, "-X") == 0)
			parse_setting(k, value);
		else
			check(!"an option");
	}
}

static int64_t memory_kb(const char *field)
{
	char line[256];
	int64_t kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtoll(line + strlen(field) + 1, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kb;
}

int main(int argc, char **argv)
{
	struct probe p = {.config.kind = SOURCE_KAFKA, .begun_us = now()};
	log_init(&clock_system, getenv("PROBE_DEBUG") != NULL ? LOG_DEBUG : LOG_INFO, false);
	parse(&p, argc, argv);
	struct arena arena;
	arena_init(&arena, 256 * 1024);
	p.block = calloc(1, sizeof(*p.block));
	p.block->arena = &arena;
	struct error err;
	error_init(&err);
	struct source *s = source_open(&p.config, 0, p.run, &clock_system, &err);
	int state = s == NULL ? -1 : 0;
	for (int batch = 0; state >= 0 && state != SOURCE_END &&
		(p.stop_after == 0 || p.messages < p.stop_after);
		batch++)
		state = run_batch(&p, s, batch, &err);
	if (state < 0)
		log_print_error(&err);
	printf("messages %" PRId64 " bytes %" PRId64
	       " first_ms %.1f read_ms %.1f idle_ms %.1f gap_ms %.1f peak_kb %" PRId64 "\n",
		p.messages, p.bytes, (double)(p.first_us - p.begun_us) / 1e3,
		(double)(p.last_us - p.first_us) / 1e3, (double)p.idle_us / 1e3,
		(double)p.longest_gap_us / 1e3, memory_kb("VmHWM"));
	fflush(stdout);
	int64_t closing = now();
	source_close(s);
	fprintf(stderr, "closed in %.1f ms\n", (double)(now() - closing) / 1e3);
	arena_release(&arena);
	free(p.block);
	return state < 0 ? error_exit_code(err.code) : 0;
}
