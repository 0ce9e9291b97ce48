/* guarantee: kafka_sink: no_transaction_begins_behind_a_lost_answer */
/*
 * What each error of a broker comes to in a transaction. The mock cluster keeps no committed
 * offsets and shows aborted messages, so that a batch is there once is for tests/kafka to show;
 * here it is: asked again, begun again, a new producer, or an error that names what to do.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "source/kafka_client.h"
#include "source/kafka_kept.h"
#include "source/kafka_marker.h"
#include "source/kafka_transaction.h"

#include <librdkafka/rdkafka_mock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PRODUCE = 0, INIT = 22, ADD_PARTITIONS = 24, ADD_OFFSETS = 25, END = 26, OFFSETS = 28 };

enum class { RETRIED, ABORTED, RENEWED, REFUSED };

static const char *const class_names[] = {"retried", "aborted", "renewed", "refused"};

#define ERR(name) RD_KAFKA_RESP_ERR_##name

static const struct fault {
	int16_t request;
	rd_kafka_resp_err_t code;
	enum class class;
} faults[] = {
	{INIT, ERR(CONCURRENT_TRANSACTIONS), RETRIED},
	{INIT, ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), REFUSED},
	{INIT, ERR(INVALID_TRANSACTION_TIMEOUT), REFUSED},
	{INIT, ERR(PRODUCER_FENCED), RETRIED}, /* at open: claimed with another producer */
	{ADD_PARTITIONS, ERR(CONCURRENT_TRANSACTIONS), RETRIED},
	{ADD_PARTITIONS, ERR(UNKNOWN_TOPIC_OR_PART), RETRIED},
	{ADD_PARTITIONS, ERR(TOPIC_AUTHORIZATION_FAILED), REFUSED},
	{ADD_PARTITIONS, ERR(INVALID_PRODUCER_EPOCH), RENEWED},
	{PRODUCE, ERR(NOT_LEADER_FOR_PARTITION), RETRIED},
	{PRODUCE, ERR(NOT_ENOUGH_REPLICAS), RETRIED},
	{PRODUCE, ERR(MSG_SIZE_TOO_LARGE), REFUSED},
	{PRODUCE, ERR(TOPIC_AUTHORIZATION_FAILED), REFUSED},
	{PRODUCE, ERR(INVALID_TXN_STATE), ABORTED},
	{PRODUCE, ERR(INVALID_PRODUCER_ID_MAPPING), ABORTED},
	{PRODUCE, ERR(PRODUCER_FENCED), RENEWED},
	{PRODUCE, ERR(OUT_OF_ORDER_SEQUENCE_NUMBER), RENEWED},
	{PRODUCE, ERR(INVALID_PRODUCER_EPOCH), RENEWED},
	{ADD_OFFSETS, ERR(NOT_COORDINATOR), RETRIED},
	{ADD_OFFSETS, ERR(GROUP_AUTHORIZATION_FAILED), REFUSED},
	{ADD_OFFSETS, ERR(INVALID_PRODUCER_EPOCH), RENEWED},
	{OFFSETS, ERR(COORDINATOR_LOAD_IN_PROGRESS), RETRIED},
	{OFFSETS, ERR(ILLEGAL_GENERATION), ABORTED},
	{OFFSETS, ERR(UNKNOWN_MEMBER_ID), ABORTED},
	{OFFSETS, ERR(REBALANCE_IN_PROGRESS), ABORTED},
	{OFFSETS, ERR(OFFSET_METADATA_TOO_LARGE), REFUSED},
	{OFFSETS, ERR(INVALID_PRODUCER_EPOCH), RENEWED},
	{END, ERR(COORDINATOR_NOT_AVAILABLE), RETRIED},
	{END, ERR(CONCURRENT_TRANSACTIONS), RETRIED},
	{END, ERR(UNKNOWN_PRODUCER_ID), ABORTED},
	{END, ERR(INVALID_PRODUCER_ID_MAPPING), ABORTED},
	{END, ERR(UNKNOWN), ABORTED},
	{END, ERR(INVALID_PRODUCER_EPOCH), RENEWED},
	{END, ERR(PRODUCER_FENCED), RENEWED},
	{END, ERR(INVALID_TXN_STATE), RENEWED},
	{END, ERR(TRANSACTIONAL_ID_AUTHORIZATION_FAILED), REFUSED},
};

struct fixture {
	rd_kafka_t *host;
	rd_kafka_mock_cluster_t *cluster;
	struct kafka_transaction_config config;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char text[256];
	log_init(&clock_system, LOG_NONE, false);
	f->host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text, sizeof(text));
	assert_non_null(f->host);
	f->cluster = rd_kafka_mock_cluster_new(f->host, 1);
	assert_int_equal(rd_kafka_mock_topic_create(f->cluster, "out", 1, 1), 0);
	f->config = (struct kafka_transaction_config){.job = str_lit("job"),
		.checkpoint = str_lit("00112233445566778899aabbccddeeff"),
		.brokers = str_c(rd_kafka_mock_cluster_bootstraps(f->cluster)),
		.open_timeout_ms = 30000,
		.batch_timeout_ms = 30000};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	rd_kafka_mock_cluster_destroy(f->cluster);
	rd_kafka_destroy(f->host);
	free(f);
	return 0;
}

/* A batch of three messages; what it came to. */
static int run_batch(struct kafka_transaction *t, struct kafka_producer *p, int64_t id,
	struct error *err)
{
	for (int i = 0; i < 3; i++) {
		int r = kafka_producer_send(p, -1, str_lit("key"), str_lit("value"), err);
		if (r < 0)
			return r;
	}
	int r = kafka_transaction_prepare(t, err);
	return r < 0 ? r : kafka_transaction_publish(t, id, err);
}

static enum class class_of(int r, const struct kafka_transaction *t)
{
	struct kafka_transaction_figures figures;
	kafka_transaction_figures(t, &figures);
	return r < 0 ? REFUSED
		: figures.renewed > 0 ? RENEWED
		: figures.aborted > 0 ? ABORTED
				      : RETRIED;
}

static struct kafka_producer *open_producer(
	struct fixture *f, struct kafka_transaction *t, struct error *err)
{
	return kafka_producer_open(
		&(struct kafka_producer_config){.brokers = f->config.brokers,
			.topic = str_lit("out"),
			.timeout_ms = 20000,
			.transaction = t},
		err);
}

static void meet(struct fixture *f, const struct fault *fault)
{
	struct error err;
	error_init(&err);
	struct kafka_transaction *t = kafka_transaction_open(&f->config);
	struct kafka_producer *p = open_producer(f, t, &err);
	assert_non_null(p);
	if (fault->request == INIT)
		rd_kafka_mock_push_request_errors(f->cluster, INIT, 1, fault->code);
	int r = kafka_transaction_claim(t, str_lit("out"), &err);
	if (fault->request != INIT) {
		assert_int_equal(r, 0);
		rd_kafka_mock_push_request_errors(f->cluster, fault->request, 1, fault->code);
	}
	if (r == 0)
		r = run_batch(t, p, 0, &err);
	enum class got = class_of(r, t);
	if (got != fault->class)
		fail_msg("request %d, %s: %s instead of %s; %s", fault->request,
			rd_kafka_err2name(fault->code), class_names[got],
			class_names[fault->class], r < 0 ? err.text : "");
	if (got == REFUSED)
		assert_int_equal(err.code, CDCL_E_REFUSED);
	kafka_producer_close(p);
	kafka_transaction_close(t);
	rd_kafka_mock_clear_request_errors(f->cluster, fault->request);
}

static void errors_have_classes(void **state)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		meet(*state, &faults[i]);
}

/* The connection breaks before the answer (and the request is asked again), then `code` comes. */
static const struct lost {
	int16_t request;
	rd_kafka_resp_err_t code;
	int64_t renewed_in_batch;
	int64_t renewed_after;
} losses[] = {
	{END, ERR(NO_ERROR), 0, 1},
	{OFFSETS, ERR(NO_ERROR), 0, 1},
	{END, ERR(UNKNOWN_PRODUCER_ID), 1, 1},          /* aborted: the commit may still come */
	{OFFSETS, ERR(ILLEGAL_GENERATION), 1, 1},       /* aborted: the markers may */
	{ADD_OFFSETS, ERR(NO_ERROR), 0, 0},             /* says nothing of an outcome */
};

static void lose(struct fixture *f, const struct lost *l)
{
	struct error err;
	struct kafka_transaction_figures figures;
	error_init(&err);
	struct kafka_transaction *t = kafka_transaction_open(&f->config);
	struct kafka_producer *p = open_producer(f, t, &err);
	assert_non_null(p);
	assert_int_equal(kafka_transaction_claim(t, str_lit("out"), &err), 0);
	rd_kafka_mock_push_request_errors(
		f->cluster, l->request, 2, RD_KAFKA_RESP_ERR__TRANSPORT, l->code);
	assert_int_equal(run_batch(t, p, 0, &err), 0);
	kafka_transaction_figures(t, &figures);
	assert_int_equal(figures.renewed, l->renewed_in_batch);
	assert_int_equal(run_batch(t, p, 1, &err), 0);
	kafka_transaction_figures(t, &figures);
	assert_int_equal(figures.renewed, l->renewed_after);
	kafka_producer_close(p);
	kafka_transaction_close(t);
	rd_kafka_mock_clear_request_errors(f->cluster, l->request);
}

static void no_transaction_begins_behind_a_lost_answer(void **state)
{
	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses); i++)
		lose(*state, &losses[i]);
}

static void a_batch_is_published_once(void **state)
{
	struct fixture *f = *state;
	struct error err;
	error_init(&err);
	struct kafka_transaction *t = kafka_transaction_open(&f->config);
	struct kafka_producer *p = open_producer(f, t, &err);
	assert_non_null(p);
	assert_int_equal(kafka_transaction_claim(t, str_lit("out"), &err), 0);
	assert_int_equal(run_batch(t, p, 0, &err), 0);
	assert_int_equal(kafka_transaction_publish(t, 0, &err), 0); /* its other sink */
	assert_int_equal(kafka_transaction_publish(t, 1, &err), 0); /* one without messages */
	struct kafka_transaction_figures figures;
	kafka_transaction_figures(t, &figures);
	assert_int_equal(figures.committed, 2);
	bool others = true;
	assert_int_equal(kafka_transaction_held(t, str_lit("out"), &others), 1);
	assert_false(others);
	kafka_producer_close(p);
	kafka_transaction_close(t);
}

static void too_many_messages_are_not_kept(void **state)
{
	(void)state;
	struct kafka_kept k;
	kafka_kept_init(&k);
	char *bytes = malloc(1024 * 1024);
	assert_non_null(bytes);
	memset(bytes, 'x', 1024 * 1024);
	struct message_header header = {str_lit("h"), str_lit("")};
	struct kafka_letter l = {.partition = -1,
		.value = {bytes, 1024 * 1024},
		.headers = &header,
		.header_count = 1};
	while (kafka_kept_fits(&k, &l))
		kafka_kept_add(&k, NULL, &l);
	assert_int_equal(k.count, kafka_kept_bytes_max / 1024 / 1024 - 1);
	assert_null(k.first->letter.key.data);
	assert_non_null(k.first->letter.headers[0].value.data);
	kafka_kept_lose(&k);
	l.value = str_lit("small");
	assert_false(kafka_kept_fits(&k, &l));
	kafka_kept_clear(&k);
	assert_true(kafka_kept_fits(&k, &l));
	kafka_kept_release(&k);
	free(bytes);
}

static void markers_are_read(void **state)
{
	(void)state;
	char text[kafka_marker_text_max];
	struct kafka_marker m;
	struct str checkpoint = str_lit("00112233445566778899aabbccddeeff");
	kafka_marker_write(0xab54a98ceb1f0ad3, checkpoint, text, sizeof(text));
	kafka_marker_parse(str_c(text), &m);
	assert_true(m.instance == 0xab54a98ceb1f0ad3);
	assert_string_equal(m.checkpoint, "00112233445566778899aabbccddeeff");
	assert_memory_equal(m.writer, "host ", 5);
	/* cut anywhere, any byte another: somebody else's, or less of it */
	size_t len = strlen(text);
	for (size_t cut = 0; cut < len; cut++) {
		char *part = malloc(cut + 1);
		assert_non_null(part);
		memcpy(part, text, cut);
		kafka_marker_parse((struct str){part, cut}, &m);
		assert_true(cut >= 23 || m.instance == 0);
		for (size_t i = 0; i < cut; i++) {
			part[i] = (char)(part[i] ^ 0x83);
			kafka_marker_parse((struct str){part, cut}, &m);
			part[i] = (char)(part[i] ^ 0x83);
		}
		free(part);
	}
	kafka_marker_parse(str_lit("another program's words"), &m);
	assert_true(m.instance == 0 && m.writer[0] == 0 && m.checkpoint[0] == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markers_are_read),
		cmocka_unit_test(too_many_messages_are_not_kept),
		cmocka_unit_test_setup_teardown(a_batch_is_published_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_have_classes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			no_transaction_begins_behind_a_lost_answer, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
