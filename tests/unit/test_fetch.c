/* The direct lane against a scripted cluster: what a broker may say, and in which pieces. */
#include "fake_broker.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"
#include "source/fetch_connection.h"
#include "source/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { turns_max = 20000, seen_max = 70000 };

struct fixture {
	struct fake_cluster *brokers;
	struct source_config config;
	struct str topic;
	char bootstrap[64];
	struct arena arena;
	struct messages block;
	struct error err;
	struct source *source;
	bool settles; /* all answers are there before a fill */
	int64_t count;
	int seen[fake_partitions][seen_max]; /* how often each offset came */
};

static struct fixture *set_up(int partitions)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	log_init(&clock_system, LOG_NONE, false);
	error_init(&f->err);
	arena_init(&f->arena, 64 * 1024);
	f->block.arena = &f->arena;
	f->brokers = fake_open(partitions);
	snprintf(f->bootstrap, sizeof(f->bootstrap), "127.0.0.1:%d", f->brokers->ports[0]);
	f->topic = str_lit("t");
	f->config.kind = SOURCE_KAFKA;
	f->config.kafka.lane = KAFKA_LANE_DIRECT;
	f->config.kafka.brokers = str_c(f->bootstrap);
	f->config.kafka.topics = &f->topic;
	f->config.kafka.topic_count = 1;
	f->config.kafka.broker_timeout_ms = 20000;
	f->config.kafka.starting.kind = OFFSETS_EARLIEST;
	return f;
}

static void tear_down(struct fixture *f)
{
	source_close(f->source);
	fake_close(f->brokers);
	arena_release(&f->arena);
	free(f);
}

static void open_it(struct fixture *f, enum source_run run)
{
	f->source = source_open(&f->config, 0, run, &clock_system, &f->err);
	assert_non_null(f->source);
	assert_int_equal(f->source->ops->begin_batch(f->source, &f->err), 0);
}

static void note(struct fixture *f)
{
	for (uint32_t i = 0; i < f->block.count; i++) {
		int64_t n = -1;
		assert_true(int64_parse(str_trim(f->block.value[i]), &n));
		assert_int_equal(n, f->block.offset[i]);
		assert_true(n < seen_max);
		f->seen[f->block.partition[i]][n]++;
	}
	f->count += f->block.count;
}

/* Until the state is none that goes on, or so many came. */
static int read_on(struct fixture *f, int64_t wanted)
{
	struct source *s = f->source;
	int r = SOURCE_MORE;
	for (int turn = 0; turn < turns_max && f->count < wanted; turn++) {
		arena_reset(&f->arena);
		f->block.count = 0;
		if (f->settles)
			fake_settle(f->brokers);
		r = s->ops->fill(s, &f->block, &f->err);
		note(f);
		if (r < 0 || r == SOURCE_END)
			return r;
		if (r == SOURCE_LIMIT)
			assert_int_equal(s->ops->begin_batch(s, &f->err), 0);
		if (r == SOURCE_IDLE || r == SOURCE_WAITING) {
			struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
			poll(&p, 1, 100);
		}
	}
	return r;
}

/* For a while, in which nothing comes. */
static int idle(struct fixture *f)
{
	int r = SOURCE_IDLE;
	for (int turn = 0; turn < 20 && r >= 0; turn++) {
		f->block.count = 0;
		r = f->source->ops->fill(f->source, &f->block, &f->err);
		assert_int_equal(f->block.count, 0);
		struct pollfd p = {.fd = f->source->wake_fd, .events = POLLIN};
		poll(&p, 1, 20);
	}
	return r;
}

static void each_came_once(const struct fixture *f, int partition, int64_t from, int64_t until)
{
	for (int64_t i = from; i < until; i++)
		assert_int_equal(f->seen[partition][i], 1);
}

static void all_comes_in_pieces(void **state)
{
	(void)state;
	struct fixture *f = set_up(2);
	f->brokers->piece = 97;
	for (int i = 0; i < 6; i++)
		fake_append(f->brokers, i % 2, 100, 20);
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), SOURCE_END);
	assert_int_equal(f->count, 600);
	each_came_once(f, 0, 0, 300);
	each_came_once(f, 1, 0, 300);
	assert_int_equal(f->source->messages_read, 600);
	tear_down(f);
}

/* Broken, cut and strange answers end a connection, and nothing is lost or doubled. */
static void bad_answers_are_asked_for_again(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	fake_append(f->brokers, 0, 500, 20);
	f->brokers->cut_answers = 2;
	f->brokers->broken_answers = 2;
	f->brokers->strange_answers = 1;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), SOURCE_END);
	each_came_once(f, 0, 0, 500);
	assert_int_equal(f->brokers->cut_answers + f->brokers->broken_answers +
			f->brokers->strange_answers, 0);
	tear_down(f);
}

static void batches_larger_than_an_answer_come(void **state)
{
	(void)state;
	struct fixture *f = set_up(3);
	for (int p = 0; p < 3; p++) {
		fake_append(f->brokers, p, 1, 20);
		fake_append(f->brokers, p, 3, 1100 * 1000);
		fake_append(f->brokers, p, 50, 20);
	}
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), SOURCE_END);
	for (int p = 0; p < 3; p++)
		each_came_once(f, p, 0, 54);
	tear_down(f);
}

/* Each broker gives more than is read at once: what the other gives is not kept waiting. */
static void brokers_take_turns(void **state)
{
	(void)state;
	struct fixture *f = set_up(2);
	f->brokers->partitions[1].leader = 1;
	for (int i = 0; i < 60; i++)
		for (int p = 0; p < 2; p++)
			fake_append(f->brokers, p, 400, 20);
	f->config.kafka.setting_count = 1;
	f->config.kafka.settings = &(struct setting){
		.name = str_lit("fetch.message.max.bytes"), .value = str_lit("60000")};
	open_it(f, SOURCE_RUN_FOREVER);
	f->settles = true; /* both have answered whenever something is read */
	read_on(f, 24000);
	assert_true(f->source->partitions[0].messages > 8000);
	assert_true(f->source->partitions[1].messages > 8000);
	read_on(f, 48000);
	each_came_once(f, 0, 0, 24000);
	each_came_once(f, 1, 0, 24000);
	tear_down(f);
}

static void leaders_move(void **state)
{
	(void)state;
	struct fixture *f = set_up(2);
	fake_append(f->brokers, 0, 100, 20);
	fake_append(f->brokers, 1, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 200);
	for (int i = 1; i <= 4; i++) {
		pthread_mutex_lock(&f->brokers->lock);
		f->brokers->partitions[0].leader = i % fake_brokers;
		f->brokers->partitions[0].epoch++;
		pthread_mutex_unlock(&f->brokers->lock);
		fake_append(f->brokers, 0, 100, 20);
		fake_append(f->brokers, 1, 100, 20);
		read_on(f, 200 + i * 200);
	}
	each_came_once(f, 0, 0, 500);
	each_came_once(f, 1, 0, 500);
	assert_true(f->brokers->asked[fake_epochs] >= 4);
	/* who leads nothing any more is left alone */
	assert_int_equal(idle(f), SOURCE_IDLE);
	assert_int_equal(fake_connected(f->brokers, 1), 1);
	assert_int_equal(fake_connected(f->brokers, 2), 0);
	tear_down(f);
}

static void a_partition_without_leader_is_waited_for(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	fake_append(f->brokers, 0, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 100);
	pthread_mutex_lock(&f->brokers->lock);
	f->brokers->partitions[0].leader = -1;
	f->brokers->refuses[0] = true;
	pthread_mutex_unlock(&f->brokers->lock);
	fake_append(f->brokers, 0, 100, 20);
	assert_int_equal(idle(f), SOURCE_IDLE);
	pthread_mutex_lock(&f->brokers->lock);
	f->brokers->partitions[0].leader = 2;
	f->brokers->partitions[0].epoch++;
	f->brokers->refuses[0] = false;
	pthread_mutex_unlock(&f->brokers->lock);
	read_on(f, 200);
	each_came_once(f, 0, 0, 200);
	tear_down(f);
}

/* Read: 0 to 199. The new leader has 0 to 99, and writes others from there. */
static void truncate_log(struct fixture *f)
{
	fake_append(f->brokers, 0, 100, 20);
	fake_append(f->brokers, 0, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 200);
	fake_cut(f->brokers, 0, 1);
	fake_append(f->brokers, 0, 300, 20);
}

/* A run that ends does not wait for a leader for ever, though other brokers answer. */
static void ends_without(int32_t leader, const char *reason)
{
	struct fixture *f = set_up(2);
	f->brokers->partitions[1].leader = 1;
	fake_append(f->brokers, 0, 100, 20);
	for (int i = 0; i < 60; i++)
		fake_append(f->brokers, 1, 400, 20);
	f->config.kafka.setting_count = 1;
	f->config.kafka.settings = &(struct setting){
		.name = str_lit("fetch.message.max.bytes"), .value = str_lit("60000")};
	f->config.kafka.broker_timeout_ms = 2000;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	read_on(f, 1024); /* where it ends is known, and not all of it is there */
	pthread_mutex_lock(&f->brokers->lock);
	f->brokers->partitions[1].leader = leader;
	f->brokers->refuses[1] = true;
	pthread_mutex_unlock(&f->brokers->lock);
	assert_int_equal(read_on(f, INT64_MAX), -CDCL_E_UNREACHABLE);
	assert_non_null(strstr(f->err.text, "no leader of t/1 answers ("));
	assert_non_null(strstr(f->err.text, reason));
	each_came_once(f, 0, 0, 100);
	tear_down(f);
}

static void a_leader_that_stays_away_ends_a_run_that_ends(void **state)
{
	(void)state;
	ends_without(1, "127.0.0.1:");
}

static void no_leader_ends_a_run_that_ends(void **state)
{
	(void)state;
	ends_without(-1, "(there is none)");
}

/* Where its partitions end cannot be known. */
static void no_leader_at_the_start_ends_a_run_that_ends(void **state)
{
	(void)state;
	struct fixture *f = set_up(2);
	fake_append(f->brokers, 0, 100, 20);
	f->brokers->partitions[1].leader = -1;
	f->config.kafka.broker_timeout_ms = 2000;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), -CDCL_E_UNREACHABLE);
	assert_non_null(strstr(f->err.text, "no leader of t/1 answers (there is none)"));
	tear_down(f);
}

static void a_log_that_was_cut_ends_the_run(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	truncate_log(f);
	assert_int_equal(read_on(f, 400), -CDCL_E_DATA);
	assert_non_null(strstr(f->err.text, "t/0 that were read, offsets 100 to 199"));
	assert_int_equal(f->count, 200);
	tear_down(f);
}

static void a_log_that_was_cut_is_read_on(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	f->config.kafka.continue_on_data_loss = true;
	truncate_log(f);
	read_on(f, 500);
	each_came_once(f, 0, 0, 100);
	for (int i = 100; i < 200; i++)
		assert_int_equal(f->seen[0][i], 2); /* the old ones and the new ones */
	each_came_once(f, 0, 200, 400);
	tear_down(f);
}

static void delete_records(struct fixture *f)
{
	fake_append(f->brokers, 0, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 100);
	pthread_mutex_lock(&f->brokers->lock);
	f->brokers->partitions[0].begin = 150;
	pthread_mutex_unlock(&f->brokers->lock);
	fake_append(f->brokers, 0, 50, 20);
	fake_append(f->brokers, 0, 100, 20);
}

static void offsets_that_are_gone_end_the_run(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	delete_records(f);
	assert_int_equal(read_on(f, 400), -CDCL_E_DATA);
	assert_non_null(strstr(f->err.text, "offset 100 of t/0 is no longer there"));
	tear_down(f);
}

static void offsets_that_are_gone_are_passed_over(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	f->config.kafka.continue_on_data_loss = true;
	delete_records(f);
	read_on(f, 200);
	each_came_once(f, 0, 0, 100);
	each_came_once(f, 0, 150, 250);
	tear_down(f);
}

/* It is longer than what was read of the old one: only its id tells. */
static void a_topic_made_again_ends_the_run(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	f->brokers->id = 'a';
	fake_append(f->brokers, 0, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 100);
	fake_make_again(f->brokers, 0, 300);
	assert_int_equal(idle(f), -CDCL_E_DATA);
	assert_non_null(strstr(f->err.text, "'t' was deleted while it was being read"));
	assert_int_equal(f->count, 100);
	tear_down(f);
}

static void a_topic_made_again_is_read(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	f->brokers->id = 'a';
	f->config.kafka.continue_on_data_loss = true;
	fake_append(f->brokers, 0, 100, 20);
	open_it(f, SOURCE_RUN_FOREVER);
	read_on(f, 100);
	fake_make_again(f->brokers, 0, 300);
	idle(f);
	fake_error_ends(f->brokers, 0);
	read_on(f, 400);
	for (int i = 0; i < 100; i++)
		assert_int_equal(f->seen[0][i], 2);
	each_came_once(f, 0, 100, 300);
	tear_down(f);
}

static void a_throttled_client_waits_and_goes_on(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	f->brokers->throttle_ms = 30;
	open_it(f, SOURCE_RUN_FOREVER);
	for (int i = 0; i < 4; i++) {
		fake_append(f->brokers, 0, 100, 20);
		read_on(f, 100 * (i + 1));
	}
	each_came_once(f, 0, 0, 400);
	tear_down(f);
}

static void errors_pass(void **state)
{
	(void)state;
	static const int codes[] = {3, 5, 6, 9, 56, 74, 75, 78, -1};
	struct fixture *f = set_up(2);
	open_it(f, SOURCE_RUN_FOREVER);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		pthread_mutex_lock(&f->brokers->lock);
		f->brokers->partitions[0].error = codes[i];
		pthread_mutex_unlock(&f->brokers->lock);
		fake_append(f->brokers, 0, 10, 20);
		fake_append(f->brokers, 1, 10, 20);
		read_on(f, 20 * (int64_t)i + 10); /* the other one goes on */
		pthread_mutex_lock(&f->brokers->lock);
		f->brokers->partitions[0].error = 0;
		pthread_mutex_unlock(&f->brokers->lock);
		read_on(f, 20 * (int64_t)i + 20);
	}
	each_came_once(f, 0, 0, 10 * ARRAY_LEN(codes));
	each_came_once(f, 1, 0, 10 * ARRAY_LEN(codes));
	tear_down(f);
}

/* A partition at its limit holds what came; the others are not kept from going on. */
static void a_budget_is_shared(void **state)
{
	(void)state;
	struct fixture *f = set_up(4);
	f->config.kafka.max_offsets_per_trigger = 150;
	for (int i = 0; i < 16; i++)
		fake_append(f->brokers, i % 4, 50 + i % 4 * 100, 200);
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), SOURCE_END);
	for (int p = 0; p < 4; p++)
		each_came_once(f, p, 0, 4 * (50 + p * 100));
	tear_down(f);
}

/* As compaction may leave it. */
static void a_finite_run_ends_before_a_hole(void **state)
{
	(void)state;
	struct fixture *f = set_up(2);
	fake_append(f->brokers, 0, 100, 20);
	fake_append(f->brokers, 1, 100, 20);
	f->brokers->partitions[0].end = 110;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), SOURCE_END);
	assert_int_equal(f->count, 200);
	assert_int_equal(f->source->partitions[0].position, 100);
	tear_down(f);
}

static void a_damaged_batch_says_where(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	fake_append(f->brokers, 0, 10, 20);
	fake_append(f->brokers, 0, 10, 20);
	f->brokers->partitions[0].batches[1].bytes.data[80] ^= 1;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), -CDCL_E_DATA);
	assert_non_null(strstr(f->err.text, "t/0"));
	assert_int_equal(f->count, 10);
	tear_down(f);
}

static void an_old_format_says_so(void **state)
{
	(void)state;
	struct fixture *f = set_up(1);
	fake_append(f->brokers, 0, 10, 20);
	f->brokers->partitions[0].batches[0].bytes.data[16] = 1;
	open_it(f, SOURCE_RUN_AVAILABLE_NOW);
	assert_int_equal(read_on(f, INT64_MAX), -CDCL_E_DATA);
	assert_non_null(strstr(f->err.help, "librdkafka"));
	tear_down(f);
}

/* ---- a connection alone ---- */

static enum connection_state step_until(struct fetch_connection *c, enum connection_state wanted)
{
	enum connection_state state = fetch_connection_step(c);
	for (int turn = 0; turn < turns_max && state != wanted; turn++) {
		struct pollfd p = {.fd = c->fd, .events = fetch_connection_waits(c)};
		poll(&p, 1, 10);
		fetch_connection_event(c, true, true);
		state = fetch_connection_step(c);
	}
	return state;
}

static void the_next_address_is_tried(void **state)
{
	(void)state;
	struct fake_cluster *brokers = fake_open(1);
	struct fetch_addresses closed, open, both;
	const char *why;
	assert_true(fetch_resolve("127.0.0.1", 1, &closed, &why));
	assert_true(fetch_resolve("127.0.0.1", brokers->ports[1], &open, &why));
	both = closed;
	both.list[both.count++] = open.list[0];
	struct fetch_connection c;
	fetch_connection_init(&c, &clock_system, str_lit("test"), -1, 5000);
	fetch_connection_to(&c, "broker:1", &both);
	assert_int_equal(step_until(&c, CONNECTION_READY), CONNECTION_READY);
	assert_int_equal(c.failures, 0);
	assert_int_equal(c.versions.of[API_FETCH], 11);
	assert_int_equal(c.versions.of[API_COMMIT], -1);
	/* the same in another order */
	struct fetch_addresses turned = open;
	turned.list[turned.count++] = closed.list[0];
	fetch_connection_to(&c, "broker:1", &turned);
	assert_int_equal(c.state, CONNECTION_READY);
	/* one that moved is connected to anew, and says so when nobody is there */
	fetch_connection_to(&c, "broker:1", &closed);
	assert_int_equal(c.state, CONNECTION_DOWN);
	for (int turn = 0; turn < turns_max && c.failures < 3; turn++) {
		fetch_connection_event(&c, true, true);
		fetch_connection_step(&c);
		poll(NULL, 0, 1);
	}
	assert_non_null(strstr(c.reason, "broker:1: Connection refused"));
	assert_true(c.pause_us > fetch_pause_us_min);
	fetch_connection_release(&c);
	fake_close(brokers);
}

static void no_name_is_an_error_in_words(void **state)
{
	(void)state;
	struct fetch_addresses found;
	const char *why = NULL;
	assert_false(fetch_resolve("no.such.name.invalid", 9092, &found, &why));
	assert_non_null(why);
	assert_true(fetch_resolve("::1", 9092, &found, &why));
	assert_int_equal(found.list[0].at.ss_family, AF_INET6);
}

/* Each answer cut off anywhere is broken, and nothing beyond it is read (ASan). */
static void cut_off(int16_t version)
{
	struct fake_cluster *brokers = fake_open(2);
	struct strbuf out;
	strbuf_init(&out);
	brokers->id = 'x';
	answer_metadata(brokers, version, &out);
	struct fetch_versions v = {.of = {11, 5, version, 7, 2, 3}};
	for (size_t len = 0; len <= out.len; len++) {
		char *copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy + 1, out.data, len);
		struct cluster_view view;
		assert_int_equal(fetch_read_metadata((struct str){copy + 1, len}, &v, &view),
			len == out.len);
		if (len == out.len) {
			assert_int_equal(view.broker_count, fake_brokers);
			assert_int_equal(view.topics[0].partition_count, 2);
			assert_int_equal(view.topics[0].id[15], version == 12 ? 'x' : 0);
		}
		arena_release(&view.arena);
		free(copy);
	}
	strbuf_release(&out);
	fake_close(brokers);
}

static void answers_cut_off_are_broken(void **state)
{
	(void)state;
	cut_off(7);
	cut_off(12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_comes_in_pieces),
		cmocka_unit_test(bad_answers_are_asked_for_again),
		cmocka_unit_test(batches_larger_than_an_answer_come),
		cmocka_unit_test(brokers_take_turns),
		cmocka_unit_test(leaders_move),
		cmocka_unit_test(a_partition_without_leader_is_waited_for),
		cmocka_unit_test(a_leader_that_stays_away_ends_a_run_that_ends),
		cmocka_unit_test(no_leader_ends_a_run_that_ends),
		cmocka_unit_test(no_leader_at_the_start_ends_a_run_that_ends),
		cmocka_unit_test(a_log_that_was_cut_ends_the_run),
		cmocka_unit_test(a_log_that_was_cut_is_read_on),
		cmocka_unit_test(offsets_that_are_gone_end_the_run),
		cmocka_unit_test(offsets_that_are_gone_are_passed_over),
		cmocka_unit_test(a_topic_made_again_ends_the_run),
		cmocka_unit_test(a_topic_made_again_is_read),
		cmocka_unit_test(a_throttled_client_waits_and_goes_on),
		cmocka_unit_test(errors_pass),
		cmocka_unit_test(a_budget_is_shared),
		cmocka_unit_test(a_finite_run_ends_before_a_hole),
		cmocka_unit_test(a_damaged_batch_says_where),
		cmocka_unit_test(an_old_format_says_so),
		cmocka_unit_test(the_next_address_is_tried),
		cmocka_unit_test(no_name_is_an_error_in_words),
		cmocka_unit_test(answers_cut_off_are_broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
