#include "source/kafka_producer.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/service.h"
#include "source/kafka_client.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	look_ms = 1000,
	looks_max = 1000000,
	made_looks_max = 100,
	make_ms = 10000,
	ask_ms = 3000,
	full_ms = 20, /* the queue is full: give its thread a turn */
	flush_ms = 1000,
	flush_turns_max = 300
};

struct kafka_producer {
	rd_kafka_t *rk;
	bool owns;
	bool compact;
	bool made;
	enum { POLICY_NOT_ASKED, POLICY_OTHER, POLICY_COMPACT } policy;
	rd_kafka_topic_t *rkt; /* NULL: each message names its own */
	char topic[256];
	struct kafka_reports {
		atomic_llong failed;
		_Atomic(rd_kafka_resp_err_t) first;
		char topic[256]; /* of the first; written before `failed` */
	} reports;
};

/* delivery.report.only.error: called for what was not delivered. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	struct kafka_reports *r = opaque;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || r == NULL)
		return;
	rd_kafka_resp_err_t none = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (atomic_compare_exchange_strong(&r->first, &none, m->err))
		snprintf(r->topic, sizeof(r->topic), "%s", rd_kafka_topic_name(m->rkt));
	atomic_fetch_add(&r->failed, 1);
}

static int failed(const struct kafka_producer *p, struct error *err)
{
	long long count = atomic_load(&p->reports.failed);
	if (count == 0)
		return 0;
	return error_set(err, CDCL_E_UNREACHABLE, "%lld message%s to topic '%s' not taken: %s",
		count, count == 1 ? " was" : "s were", p->reports.topic,
		rd_kafka_err2str(atomic_load(&p->reports.first)));
}

/* ---- The topic ---- */

enum look { LOOK_THERE, LOOK_MISSING, LOOK_NOTHING };

static enum look look(struct kafka_producer *p, char *why, size_t why_bytes)
{
	const rd_kafka_metadata_t *m = NULL;
	rd_kafka_resp_err_t r = rd_kafka_metadata(p->rk, 0, p->rkt, &m, look_ms);
	enum look answer = LOOK_NOTHING;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && p->rkt == NULL)
		answer = LOOK_THERE;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1)
		r = m->topics[0].err;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1 && m->topics[0].partition_cnt > 0)
		answer = LOOK_THERE;
	else if (r == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		answer = LOOK_MISSING;
	snprintf(why, why_bytes, "%s", rd_kafka_err2str(r));
	if (m != NULL)
		rd_kafka_metadata_destroy(m);
	return answer;
}

static int make_topic(struct kafka_producer *p, struct error *err)
{
	char text[512];
	rd_kafka_NewTopic_t *t = rd_kafka_NewTopic_new(p->topic, -1, -1, text, sizeof(text));
	if (t == NULL)
		return error_set(err, CDCL_E_USAGE, "topic '%s': %s", p->topic, text);
	if (p->compact)
		rd_kafka_NewTopic_set_config(t, "cleanup.policy", "compact");
	rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);
	rd_kafka_CreateTopics(p->rk, &t, 1, NULL, queue);
	rd_kafka_event_t *e = rd_kafka_queue_poll(queue, make_ms);
	rd_kafka_resp_err_t why =
		e == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(e);
	const rd_kafka_CreateTopics_result_t *result =
		e == NULL ? NULL : rd_kafka_event_CreateTopics_result(e);
	size_t count = 0;
	const rd_kafka_topic_result_t **topics = NULL;
	if (why == RD_KAFKA_RESP_ERR_NO_ERROR && result != NULL)
		topics = rd_kafka_CreateTopics_result_topics(result, &count);
	if (count == 1)
		why = rd_kafka_topic_result_error(topics[0]);
	if (e != NULL)
		rd_kafka_event_destroy(e);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(t);
	if (why != RD_KAFKA_RESP_ERR_NO_ERROR && why != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		return error_set(err, CDCL_E_UNREACHABLE,
			"topic '%s' does not exist and cannot be made: %s", p->topic,
			rd_kafka_err2str(why));
	log_info("kafka", "topic '%s' did not exist and was made", p->topic);
	p->made = true;
	return 0;
}

static bool entries_compact(const rd_kafka_ConfigResource_t *of_topic)
{
	size_t count = 0;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(of_topic, &count);
	for (size_t i = 0; i < count; i++) {
		const char *value = rd_kafka_ConfigEntry_value(entries[i]);
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), "cleanup.policy") == 0)
			return value != NULL && strstr(value, "compact") != NULL;
	}
	return false;
}

/* What the broker says of a topic that was there; no answer (embedded broker) is a no. */
static bool is_compacted(struct kafka_producer *p)
{
	char text[256];
	rd_kafka_AdminOptions_t *options =
		rd_kafka_AdminOptions_new(p->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	rd_kafka_AdminOptions_set_request_timeout(options, ask_ms, text, sizeof(text));
	rd_kafka_ConfigResource_t *of_topic =
		rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, p->topic);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(p->rk);
	rd_kafka_DescribeConfigs(p->rk, &of_topic, 1, options, queue);
	rd_kafka_event_t *e = rd_kafka_queue_poll(queue, ask_ms * 2);
	const rd_kafka_DescribeConfigs_result_t *result =
		e == NULL || rd_kafka_event_error(e) != RD_KAFKA_RESP_ERR_NO_ERROR
		? NULL
		: rd_kafka_event_DescribeConfigs_result(e);
	size_t count = 0;
	const rd_kafka_ConfigResource_t **found =
		result == NULL ? NULL : rd_kafka_DescribeConfigs_result_resources(result, &count);
	bool compacted = count == 1 && entries_compact(found[0]);
	if (e != NULL)
		rd_kafka_event_destroy(e);
	rd_kafka_queue_destroy(queue);
	rd_kafka_ConfigResource_destroy(of_topic);
	rd_kafka_AdminOptions_destroy(options);
	return compacted;
}

/* Waits for a broker, and makes the topic when it is missing. */
static int find_topic(
	struct kafka_producer *p, struct str brokers, int64_t timeout_ms, struct error *err)
{
	char why[256];
	int missing = 0;
	int64_t looks = timeout_ms > 0 ? (timeout_ms + look_ms - 1) / look_ms : looks_max;
	for (int64_t i = 0; i < looks; i++) {
		enum look answer = look(p, why, sizeof(why));
		if (answer == LOOK_THERE)
			return 0;
		if (answer == LOOK_NOTHING && i == 0)
			log_warn("kafka", "no broker answers at " STR_FMT " (%s); trying again",
				STR_ARG(brokers), why);
		if (answer != LOOK_MISSING)
			continue;
		if (missing++ == 0) {
			int r = make_topic(p, err);
			if (r < 0)
				return r;
		}
		if (missing < made_looks_max) { /* its leaders take a moment */
			i--;
			rd_kafka_poll(p->rk, full_ms);
		}
	}
	return error_set(err, CDCL_E_UNREACHABLE, "no Kafka broker answers at " STR_FMT " (%s)",
		STR_ARG(brokers), why);
}

/* ---- Opening and closing ---- */

static int use_topic(struct kafka_producer *p, struct str topic, struct error *err)
{
	snprintf(p->topic, sizeof(p->topic), STR_FMT, STR_ARG(topic));
	if (topic.len > 0 && topic.len <= 249)
		p->rkt = rd_kafka_topic_new(p->rk, p->topic, NULL);
	if (p->rkt == NULL)
		return error_set(err, CDCL_E_USAGE, "'%s' cannot be the name of a topic", p->topic);
	return 0;
}

/* The user's settings come after ours and win. */
static rd_kafka_conf_t *producer_conf(const struct kafka_producer_config *config, struct error *err)
{
	struct arena arena;
	arena_init(&arena, 4096);
	struct setting *all = ARENA_ARRAY(&arena, struct setting, config->setting_count + 1);
	uint32_t count = 0;
	if (config->message_timeout_ms > 0)
		all[count++] = (struct setting){
			.name = str_lit("message.timeout.ms"),
			.value = str_printf(&arena, "%lld", (long long)config->message_timeout_ms)};
	for (uint32_t i = 0; i < config->setting_count; i++)
		all[count++] = config->settings[i];
	rd_kafka_conf_t *conf = kafka_client_conf(KAFKA_WRITER, config->brokers, all, count, err);
	arena_release(&arena);
	return conf;
}

struct kafka_producer *kafka_producer_open(
	const struct kafka_producer_config *config, struct error *err)
{
	struct kafka_producer *p = calloc(1, sizeof(*p));
	check(p != NULL);
	p->owns = true;
	p->compact = config->compact;
	rd_kafka_conf_t *conf = producer_conf(config, err);
	if (conf == NULL)
		goto fail;
	rd_kafka_conf_set_opaque(conf, &p->reports);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	p->rk = kafka_client_open(RD_KAFKA_PRODUCER, conf, err);
	if (p->rk == NULL || (config->topic.data != NULL && use_topic(p, config->topic, err) < 0) ||
		find_topic(p, config->brokers, config->timeout_ms, err) < 0)
		goto fail;
	return p;
fail:
	kafka_producer_close(p);
	return NULL;
}

bool kafka_producer_made_topic(const struct kafka_producer *p)
{
	return p->made;
}

bool kafka_producer_compacts(struct kafka_producer *p)
{
	if (p->policy == POLICY_NOT_ASKED)
		p->policy = p->compact && (p->made || is_compacted(p)) ? POLICY_COMPACT
								       : POLICY_OTHER;
	return p->policy == POLICY_COMPACT;
}

struct kafka_producer *kafka_producer_on(rd_kafka_t *client, struct str topic, struct error *err)
{
	struct kafka_producer *p = calloc(1, sizeof(*p));
	check(p != NULL);
	p->rk = client;
	if (use_topic(p, topic, err) < 0) {
		kafka_producer_close(p);
		return NULL;
	}
	return p;
}

void kafka_producer_close(struct kafka_producer *p)
{
	if (p == NULL)
		return;
	if (p->rkt != NULL)
		rd_kafka_topic_destroy(p->rkt);
	if (p->owns && p->rk != NULL) {
		rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(p->rk);
	}
	free(p);
}

/* ---- Sending ---- */

/* After a refusal: 0 when the queue was full and has had time to move. */
static int refused(struct kafka_producer *p, rd_kafka_resp_err_t why, const char *topic,
	size_t bytes, struct error *err)
{
	if (why != RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return error_set(err,
			why == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? CDCL_E_DATA
								    : CDCL_E_UNREACHABLE,
			"a message of %zu bytes to topic '%s': %s", bytes, topic,
			rd_kafka_err2str(why));
	rd_kafka_poll(p->rk, full_ms);
	return failed(p, err);
}

int kafka_producer_send(struct kafka_producer *p, int32_t partition, struct str key,
	struct str value, struct error *err)
{
	check(p->rkt != NULL);
	void *bytes = (void *)(uintptr_t)value.data; /* copied, not written to */
	while (rd_kafka_produce(p->rkt, partition < 0 ? RD_KAFKA_PARTITION_UA : partition,
		       RD_KAFKA_MSG_F_COPY, bytes, value.len, key.data, key.len, NULL) != 0) {
		int r = refused(p, rd_kafka_last_error(), p->topic, value.len, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static rd_kafka_headers_t *headers_of(const struct kafka_letter *l)
{
	rd_kafka_headers_t *out = rd_kafka_headers_new(l->header_count);
	for (uint32_t i = 0; i < l->header_count; i++) {
		struct str name = l->headers[i].name;
		struct str value = l->headers[i].value;
		rd_kafka_header_add(out, name.data, (ssize_t)name.len, value.data,
			(ssize_t)value.len);
	}
	return out;
}

int kafka_producer_send_letter(
	struct kafka_producer *p, const struct kafka_letter *l, struct error *err)
{
	char topic[256];
	snprintf(topic, sizeof(topic), STR_FMT, STR_ARG(l->topic));
	if (l->topic.data == NULL)
		snprintf(topic, sizeof(topic), "%s", p->topic);
	for (;;) {
		rd_kafka_headers_t *headers = l->header_count > 0 ? headers_of(l) : NULL;
		rd_kafka_resp_err_t why = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(topic),
			RD_KAFKA_V_PARTITION(l->partition < 0 ? RD_KAFKA_PARTITION_UA
							      : l->partition),
			RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_KEY(l->key.data, l->key.len),
			RD_KAFKA_V_VALUE((void *)(uintptr_t)l->value.data, l->value.len),
			RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
		if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		if (headers != NULL)
			rd_kafka_headers_destroy(headers);
		int r = refused(p, why, topic, l->value.len, err);
		if (r < 0)
			return r;
	}
}

int kafka_producer_flush(struct kafka_producer *p, struct error *err)
{
	for (int turn = 0; turn < flush_turns_max; turn++) {
		rd_kafka_resp_err_t why = rd_kafka_flush(p->rk, flush_ms);
		service_beat();
		int r = failed(p, err);
		if (r < 0 || why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return r;
	}
	return error_set(
		err, CDCL_E_UNREACHABLE, "topic '%s' does not take its messages", p->topic);
}
