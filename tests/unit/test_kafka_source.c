/*
 * The Kafka source on the embedded broker, by both lanes, and the decisions about offsets that need
 * none.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "source/kafka_broker.h"
#include "source/kafka_client.h"
#include "source/kafka_plan.h"
#include "source/kafka_producer.h"
#include "source/source.h"
#include "source/topic_witness.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { turns_max = 5000, many = 5000 };

struct fixture {
	struct kafka_broker *broker;
	struct source_config config;
	struct str topic;
	struct arena arena;
	struct messages block;
	struct error err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	log_init(&clock_system, LOG_NONE, false);
	error_init(&f->err);
	arena_init(&f->arena, 64 * 1024);
	f->block.arena = &f->arena;
	f->broker = kafka_broker_open(0, &f->err);
	assert_non_null(f->broker);
	f->topic = str_lit("orders");
	assert_true(kafka_broker_topic(f->broker, f->topic, 2, &f->err) >= 0);
	f->config.kind = SOURCE_KAFKA;
	f->config.kafka.brokers = kafka_broker_bootstrap(f->broker);
	f->config.kafka.topics = &f->topic;
	f->config.kafka.topic_count = 1;
	f->config.kafka.broker_timeout_ms = 20000;
	f->config.kafka.starting.kind = OFFSETS_EARLIEST;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	kafka_broker_close(f->broker);
	arena_release(&f->arena);
	free(f);
	return 0;
}

static void produce(struct fixture *f, int32_t partition, int first, int count)
{
	struct kafka_producer *p =
		kafka_producer_open(
			&(struct kafka_producer_config){.brokers = f->config.kafka.brokers,
				.topic = f->topic,
				.timeout_ms = 20000},
			&f->err);
	assert_non_null(p);
	for (int i = 0; i < count; i++) {
		char text[32];
		int n = snprintf(text, sizeof(text), "%d", first + i);
		struct str value = {text, (size_t)n};
		struct str key = i % 2 == 0 ? str_lit("k") : (struct str){NULL, 0};
		assert_int_equal(kafka_producer_send(p, partition, key, value, &f->err), 0);
	}
	assert_int_equal(kafka_producer_flush(p, &f->err), 0);
	kafka_producer_close(p);
}

static int64_t number(struct str text)
{
	int64_t n = -1;
	assert_true(int64_parse(text, &n));
	return n;
}

/* Fills until the state is one of those that end a batch, or `wanted` messages came. */
static int read_on(
	struct fixture *f, struct source *s, int64_t *count, int64_t *sum, int64_t wanted)
{
	int r = SOURCE_MORE;
	for (int turn = 0; turn < turns_max; turn++) {
		arena_reset(&f->arena);
		f->block.count = 0;
		r = s->ops->fill(s, &f->block, &f->err);
		for (uint32_t i = 0; i < f->block.count; i++)
			*sum += number(f->block.value[i]);
		*count += f->block.count;
		if (r < 0 || r == SOURCE_END || r == SOURCE_LIMIT || *count >= wanted)
			return r;
		if (r != SOURCE_MORE) {
			struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
			poll(&p, 1, 100);
		}
	}
	return r;
}

static struct source *open_one(struct fixture *f, enum source_run run)
{
	struct source *s = source_open(&f->config, 0, run, &clock_system, &f->err);
	assert_non_null(s);
	assert_int_equal(s->ops->begin_batch(s, &f->err), 0);
	return s;
}

static void nothing_is_lost_or_doubled_over_blocks(void **state)
{
	struct fixture *f = *state;
	produce(f, 0, 0, many);
	produce(f, 1, many, many);
	struct source *s = open_one(f, SOURCE_RUN_AVAILABLE_NOW);
	int64_t count = 0;
	int64_t sum = 0;
	assert_int_equal(read_on(f, s, &count, &sum, INT64_MAX), SOURCE_END);
	assert_int_equal(count, 2 * many);
	assert_int_equal(sum, (int64_t)many * (2 * many - 1));
	assert_int_equal(s->partition_count, 2);
	assert_int_equal(s->partitions[0].position, many);
	assert_int_equal(s->messages_read, 2 * many);
	assert_int_equal(s->ops->end_batch(s, &f->err), 0);
	source_close(s);
}

static void a_full_block_takes_no_more(void **state)
{
	struct fixture *f = *state;
	produce(f, 0, 0, 3000);
	struct source *s = open_one(f, SOURCE_RUN_FOREVER);
	int64_t count = 0;
	int64_t sum = 0;
	int64_t next = 0;
	for (int turn = 0; turn < turns_max && count < 3000; turn++) {
		f->block.count = chunk_rows_max - 10; /* room for ten */
		arena_reset(&f->arena);
		assert_true(s->ops->fill(s, &f->block, &f->err) >= 0);
		assert_in_range(f->block.count, chunk_rows_max - 10, chunk_rows_max);
		for (uint32_t i = chunk_rows_max - 10; i < f->block.count; i++)
			assert_int_equal(f->block.offset[i], next++);
		count += f->block.count - (chunk_rows_max - 10);
		poll(NULL, 0, f->block.count == chunk_rows_max ? 0 : 5);
	}
	assert_int_equal(count, 3000);
	assert_int_equal(read_on(f, s, &count, &sum, count), SOURCE_IDLE);
	source_close(s);
}

static void keys_are_told_from_no_keys(void **state)
{
	struct fixture *f = *state;
	produce(f, 1, 7, 2);
	struct source *s = open_one(f, SOURCE_RUN_FOREVER);
	int64_t count = 0;
	int64_t sum = 0;
	read_on(f, s, &count, &sum, 2);
	assert_int_equal(sum, 15);
	assert_true(str_eq(f->block.key[0], str_lit("k")));
	assert_null(f->block.key[1].data);
	assert_true(str_eq(f->block.topic[0], f->topic));
	assert_int_equal(f->block.partition[0], 1);
	source_close(s);
}

static void a_budget_is_kept(void **state)
{
	struct fixture *f = *state;
	f->config.kafka.max_offsets_per_trigger = 6;
	produce(f, 0, 0, 3);
	produce(f, 1, 3, 9);
	struct source *s = open_one(f, SOURCE_RUN_AVAILABLE_NOW);
	const int64_t wanted[][2] = {{1, 4}, {2, 7}, {3, 9}}; /* floor(6*3/12)=1, floor(6*9/12)=4 */
	int64_t count = 0;
	int64_t sum = 0;
	for (int batch = 0; batch < 3; batch++) {
		int r = read_on(f, s, &count, &sum, INT64_MAX);
		assert_int_equal(r, batch == 2 ? SOURCE_END : SOURCE_LIMIT);
		if (batch < 2)
			assert_int_equal(s->partitions[0].position, wanted[batch][0]);
		assert_int_equal(s->ops->end_batch(s, &f->err), 0);
		assert_int_equal(s->ops->begin_batch(s, &f->err), 0);
	}
	assert_int_equal(count, 12);
	assert_int_equal(sum, 66);
	source_close(s);
}

static void wrong_settings_say_so(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		const char *value;
		const char *help;
	} cases[] = {{"fetch.max.bytess", "1", "did you mean 'fetch.max.bytes'"},
		{"https.ca.pem", "x", "needs librdkafka 2.11.0"},
		{"group.protocol", "consumer", "joins no group"},
		{"ssl.truststore.location", "x", "ssl.ca.location"},
		{"kafka.auto.offset.reset", "latest", "starting_offsets"},
		{"bootstrap.servers", "x", "brokers"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct setting setting = {
			str_c(cases[i].name), str_c(cases[i].value), str_lit("a.lua:7")};
		f->config.kafka.settings = &setting;
		f->config.kafka.setting_count = 1;
		error_init(&f->err);
		assert_null(source_open(&f->config, 0, SOURCE_RUN_FOREVER, &clock_system, &f->err));
		assert_int_equal(f->err.code, CDCL_E_SCRIPT);
		assert_string_equal(f->err.place, "a.lua:7");
		assert_non_null(strstr(f->err.help, cases[i].help));
	}
}

static void an_absent_broker_is_given_up_on(void **state)
{
	struct fixture *f = *state;
	struct str nowhere = str_lit("127.0.0.1:1");
	f->config.kafka.brokers = nowhere;
	f->config.kafka.broker_timeout_ms = 200;
	struct source *s =
		source_open(&f->config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system, &f->err);
	int r = s == NULL ? -(int)f->err.code : 0;
	int64_t count = 0;
	int64_t sum = 0;
	if (s != NULL && s->ops->begin_batch(s, &f->err) == 0)
		r = read_on(f, s, &count, &sum, INT64_MAX);
	assert_int_equal(r, -CDCL_E_UNREACHABLE);
	source_close(s);
}

/* ---- Without a broker ---- */

static void shares_are_sparks(void **state)
{
	(void)state;
	int64_t share[3];
	assert_int_equal(kafka_share(4, (int64_t[]){1, 4}, 2, share), 4);
	assert_int_equal(share[0], 1);
	assert_int_equal(share[1], 3);
	/* A partition with anything left gets at least one. */
	assert_int_equal(kafka_share(5, (int64_t[]){60, 20, 1}, 3, share), 5);
	assert_int_equal(share[0], 3);
	assert_int_equal(share[1], 1);
	assert_int_equal(share[2], 1);
	/* Never more than there is. */
	assert_int_equal(kafka_share(100, (int64_t[]){0, 7, 3}, 3, share), 10);
	assert_int_equal(share[0], 0);
	assert_int_equal(
		kafka_share(INT64_MAX, (int64_t[]){INT64_MAX / 2, 5}, 2, share), INT64_MAX / 2 + 5);
}

static void starting_offsets_are_looked_at(void **state)
{
	struct fixture *f = *state;
	struct partition_offset named[] = {{f->topic, 0, 7}, {f->topic, 1, offset_latest},
		{f->topic, 2, offset_earliest}, {f->topic, 3, 99}};
	struct kafka_config *k = &f->config.kafka;
	k->starting = (struct starting_offsets){
		.kind = OFFSETS_EXPLICIT, .explicit_offsets = named, .explicit_count = 4};
	struct kafka_span span = {.topic = f->topic, .partition = 0, .begin = 3, .end = 20};
	int64_t start = 0;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), 0);
	assert_int_equal(start, 7);
	span.partition = 1;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), 0);
	assert_int_equal(start, 20);
	span.partition = 2;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), 0);
	assert_int_equal(start, 3);
	span.partition = 3;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), -CDCL_E_DATA);
	k->continue_on_data_loss = true;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), 0);
	assert_int_equal(start, 20);
	span.partition = 4;
	assert_int_equal(kafka_start(k, &span, &start, &f->err), -CDCL_E_SCRIPT);
	k->starting.resumed = true; /* a restart in place: a new partition */
	assert_int_equal(kafka_start(k, &span, &start, &f->err), 0);
	assert_int_equal(start, 3);
	struct kafka_span spans[] = {{.topic = f->topic, .partition = 0}};
	assert_true(kafka_check_named(&k->starting, spans, 1, &f->err) < 0);
}

static void bounds_leave_room(void **state)
{
	(void)state;
	struct kafka_bounds b = kafka_bounds_of(0, false);
	int64_t memory = (int64_t)64 * 1024 * 1024;
	assert_true(b.messages * kafka_message_overhead_bytes + b.bytes <= memory / 2);
	assert_true(b.partition_bytes <= 512 * 1024);
	assert_true(kafka_bounds_of(0, true).messages < b.messages);
	assert_true(kafka_bounds_of(1, false).messages > 1000); /* at least 16 MB */
}

/* What librdkafka would send, to the byte, so that a row is put aside only when it must be. */
static void what_is_too_large_is_known_before(void **state)
{
	struct fixture *f = *state;
	struct setting most = {str_lit("message.max.bytes"), str_lit("2000"), str_lit("here")};
	struct kafka_producer_config config = {.brokers = f->config.kafka.brokers,
		.topic = f->topic, .settings = &most, .setting_count = 1, .timeout_ms = 20000};
	struct kafka_producer *p = kafka_producer_open(&config, &f->err);
	assert_non_null(p);
	static char bytes[2100];
	struct message_header headers[2] = {
		{str_lit("name"), {bytes, 100}}, {str_lit("other"), {NULL, 0}}};
	for (uint32_t header_count = 0; header_count <= 2; header_count++) {
		size_t taken = 0;
		for (size_t len = 1700; len < sizeof(bytes); len++) {
			struct kafka_letter l = {.partition = 0, .key = {bytes, 7},
				.value = {bytes, len}, .headers = headers,
				.header_count = header_count};
			bool takes = kafka_producer_takes(p, &l);
			int sent = kafka_producer_send_letter(p, &l, &f->err);
			assert_int_equal(sent, takes ? 0 : -CDCL_E_REFUSED);
			taken += takes;
		}
		assert_in_range(taken, 1, sizeof(bytes) - 1700);
	}
	assert_int_equal(kafka_producer_flush(p, &f->err), 0);
	kafka_producer_close(p);
}

/* ---- a topic that was made again ---- */

struct kept {
	struct source_resume resume;
	struct partition_offset from[2];
	struct topic_witness witnesses[2];
};

/* Reads to the end and keeps positions, as a checkpoint does. */
static int64_t read_and_keep(struct fixture *f, struct kept *kept, int *state)
{
	struct source *s = source_open(&f->config, 0, SOURCE_RUN_AVAILABLE_NOW, &clock_system,
		&f->err);
	assert_non_null(s);
	assert_int_equal(s->ops->begin_batch(s, &f->err), 0);
	int64_t count = 0;
	int64_t sum = 0;
	do {
		*state = read_on(f, s, &count, &sum, INT64_MAX);
	} while (*state == SOURCE_LIMIT && s->ops->begin_batch(s, &f->err) == 0);
	for (uint32_t i = 0; i < 2 && *state >= 0; i++) {
		kept->from[i] = (struct partition_offset){
			f->topic, (int32_t)i, s->partitions[i].position};
		kept->witnesses[i] = s->partitions[i].witness;
	}
	kept->resume = (struct source_resume){.from = kept->from, .from_count = 2,
		.witnesses = kept->witnesses};
	source_close(s);
	f->config.kafka.resume = &kept->resume;
	f->config.kafka.starting = (struct starting_offsets){.kind = OFFSETS_EXPLICIT,
		.resumed = true, .explicit_offsets = kept->from, .explicit_count = 2};
	return count;
}

static void topic_is_known_again(struct fixture *f)
{
	struct kept kept = {.resume = {.from_count = 0}};
	f->config.kafka.resume = &kept.resume;
	int state = 0;
	produce(f, 0, 0, 300);
	produce(f, 1, 0, 10);
	assert_int_equal(read_and_keep(f, &kept, &state), 310);
	assert_int_equal(kept.witnesses[0].until, 300);
	assert_int_equal(kept.witnesses[1].until, 10);
	assert_int_equal(read_and_keep(f, &kept, &state), 0);
	assert_int_equal(state, SOURCE_END);
	assert_int_equal(kept.witnesses[0].until, 300);
	produce(f, 0, 0, 50);
	assert_int_equal(read_and_keep(f, &kept, &state), 50);
	assert_int_equal(kept.witnesses[0].until, 350);
	/* also when it has nothing new */
	kept.witnesses[1].hash++;
	assert_int_equal(read_and_keep(f, &kept, &state), 0);
	assert_int_equal(state, -CDCL_E_DATA);
	assert_non_null(strstr(f->err.text, "orders/1"));
	f->config.kafka.continue_on_data_loss = true;
	assert_int_equal(read_and_keep(f, &kept, &state), 10);
	assert_int_equal(state, SOURCE_END);
	kept.witnesses[0].hash++;
	produce(f, 0, 0, 100);
	assert_int_equal(read_and_keep(f, &kept, &state), 450);
	assert_int_equal(read_and_keep(f, &kept, &state), 0);
}

static void a_topic_made_again_is_noticed(void **state)
{
	topic_is_known_again(*state);
}

static void a_topic_made_again_is_noticed_with_a_budget(void **state)
{
	struct fixture *f = *state;
	f->config.kafka.max_offsets_per_trigger = 70;
	topic_is_known_again(f);
}

static void a_witness_counts_where_it_can(void **state)
{
	(void)state;
	struct partition_offset from = {str_lit("orders"), 3, 20000};
	struct topic_witness w = {19998, 7};
	struct source_resume resume = {.from = &from, .from_count = 1, .witnesses = &w};
	struct str orders = str_lit("orders");
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 0, 20000).until, 19998);
	assert_int_equal(topic_witness_kept(&resume, orders, 2, 0, 20000).until, 0);
	assert_int_equal(topic_witness_kept(&resume, str_lit("order"), 3, 0, 20000).until, 0);
	/* deleted by retention; another start than the position; far away */
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 19997, 20000).until, 19998);
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 19998, 20000).until, 0);
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 0, 20001).until, 0);
	w.until = 20000 - topic_witness_gap_max;
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 0, 20000).until, 0);
	w.until = 20001;
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 0, 20000).until, 0);
	w.until = 0;
	assert_int_equal(topic_witness_kept(&resume, orders, 3, 0, 20000).until, 0);
	assert_int_equal(topic_witness_from(w, 20000), 20000);
	assert_int_equal(
		topic_witness_judge(w, -1, 0, orders, orders), TOPIC_UNKNOWN);
}

/* What tells messages apart, and that it stays so: checkpoints hold it. */
static void a_witness_is_of_time_key_and_value(void **state)
{
	struct fixture *f = *state;
	struct messages *m = &f->block;
	m->offset[0] = 41;
	m->timestamp_us[0] = 1000;
	m->key[0] = str_lit("k");
	m->value[0] = str_lit("value");
	struct topic_witness w;
	topic_witness_note(&w, m, 0);
	assert_int_equal(w.until, 42);
	assert_true(w.hash == 0xe7f9a2120ea35a1d);
	struct str none = {NULL, 0};
	assert_int_equal(topic_witness_judge(w, 41, 1000, m->key[0], m->value[0]), TOPIC_SAME);
	assert_int_equal(topic_witness_judge(w, 40, 1000, m->key[0], m->value[0]), TOPIC_UNKNOWN);
	assert_int_equal(topic_witness_judge(w, 41, 1001, m->key[0], m->value[0]), TOPIC_OTHER);
	assert_int_equal(topic_witness_judge(w, 41, 1000, none, m->value[0]), TOPIC_OTHER);
	assert_int_equal(topic_witness_judge(w, 41, 1000, m->key[0], str_lit("valuf")),
		TOPIC_OTHER);
	assert_int_equal(topic_witness_judge(w, 41, 1000, str_lit("kv"), str_lit("alue")),
		TOPIC_OTHER);
	m->key[0] = none;
	topic_witness_note(&w, m, 0);
	assert_int_equal(topic_witness_judge(w, 41, 1000, str_lit(""), m->value[0]), TOPIC_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_is_lost_or_doubled_over_blocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_block_takes_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_told_from_no_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_budget_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_settings_say_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_absent_broker_is_given_up_on, set_up, tear_down),
		cmocka_unit_test(shares_are_sparks),
		cmocka_unit_test_setup_teardown(starting_offsets_are_looked_at, set_up, tear_down),
		cmocka_unit_test(bounds_leave_room),
		cmocka_unit_test_setup_teardown(
			what_is_too_large_is_known_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_topic_made_again_is_noticed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_topic_made_again_is_noticed_with_a_budget, set_up, tear_down),
		cmocka_unit_test(a_witness_counts_where_it_can),
		cmocka_unit_test_setup_teardown(
			a_witness_is_of_time_key_and_value, set_up, tear_down),
	};
	setenv("CDCL_LANE", "direct", 1);
	int failed = cmocka_run_group_tests_name("direct", tests, NULL, NULL);
	setenv("CDCL_LANE", "librdkafka", 1);
	return failed + cmocka_run_group_tests_name("librdkafka", tests, NULL, NULL);
}
