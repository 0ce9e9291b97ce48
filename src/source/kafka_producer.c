#include "source/kafka_producer.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/patience.h"
#include "source/kafka_reports.h"
#include "source/kafka_transaction.h"

#include <stdlib.h>

enum {
	look_ms = 1000,
	forever_ms = 1000 * 1000 * 1000,
	made_looks_max = 100,
	make_ms = 10000,
	ask_ms = 3000,
	full_ms = 20, /* the queue is full: give its thread a turn */
	flush_ms = 250,
	flush_all_ms = 300 * 1000,
	message_overhead_bytes = 36,
	message_bytes_default = 1000000 /* librdkafka's */
};

struct kafka_producer {
	rd_kafka_t *rk;
	bool owns;
	bool compact;
	bool made;
	int64_t message_bytes_max;
	enum { POLICY_NOT_ASKED, POLICY_OTHER, POLICY_COMPACT } policy;
	rd_kafka_topic_t *rkt; /* NULL: each message names its own */
	char topic[256];
	struct kafka_transaction *transaction; /* NULL: none */
	struct kafka_reports reports; /* of a client of its own */
	const struct kafka_reports *said; /* they, or the transaction's */
};

/* ---- The topic ---- */

enum look { LOOK_THERE, LOOK_MISSING, LOOK_NOTHING, LOOK_REFUSED };

static enum look look(struct kafka_producer *p, int timeout_ms, rd_kafka_resp_err_t *why)
{
	const rd_kafka_metadata_t *m = NULL;
	rd_kafka_resp_err_t r = rd_kafka_metadata(p->rk, 0, p->rkt, &m, timeout_ms);
	enum look answer = LOOK_NOTHING;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && p->rkt == NULL)
		answer = LOOK_THERE;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1)
		r = m->topics[0].err;
	if (r == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1 && m->topics[0].partition_cnt > 0)
		answer = LOOK_THERE;
	else if (r == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
		answer = LOOK_MISSING;
	else if (kafka_error_is_refusal(r))
		answer = LOOK_REFUSED;
	*why = r;
	if (m != NULL)
		rd_kafka_metadata_destroy(m);
	rd_kafka_poll(p->rk, 0); /* the reason, if there is one, comes to the reports */
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

static int no_broker(const struct kafka_producer *p, struct str brokers, rd_kafka_resp_err_t why,
	const struct patience *patience, struct error *err)
{
	const char *trouble = p->said->trouble;
	error_set(err, CDCL_E_UNREACHABLE, "no Kafka broker answers at " STR_FMT " (%s)",
		STR_ARG(brokers), trouble[0] != 0 ? trouble : rd_kafka_err2str(why));
	return patience_cut(patience) ? error_prefix(err, "stopped while it waited: ")
				      : -(int)err->code;
}

static int refused_topic(
	const struct kafka_producer *p, rd_kafka_resp_err_t why, struct error *err)
{
	error_set(err, CDCL_E_REFUSED, "topic '%s': %s", p->topic, rd_kafka_err2str(why));
	kafka_error_advise(why, err);
	return -(int)err->code;
}

/* Waits for a broker, and makes the topic when it is missing. */
static int find_topic(
	struct kafka_producer *p, struct str brokers, int64_t timeout_ms, struct error *err)
{
	int missing = 0;
	bool told = false;
	struct patience patience;
	patience_init(&patience, &clock_system, timeout_ms > 0 ? timeout_ms : forever_ms);
	for (;;) {
		rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR_NO_ERROR;
		enum look answer = look(p, patience_slice(&patience, look_ms), &why);
		if (answer == LOOK_THERE)
			return 0;
		if (answer == LOOK_REFUSED)
			return refused_topic(p, why, err);
		if (answer == LOOK_MISSING && missing++ == 0) {
			int r = make_topic(p, err);
			if (r < 0)
				return r;
		}
		if (answer == LOOK_NOTHING && !told)
			log_warn("kafka", "no broker answers at " STR_FMT " (%s); trying again",
				STR_ARG(brokers), rd_kafka_err2str(why));
		told = told || answer == LOOK_NOTHING;
		if (!patience_left(&patience) || missing > made_looks_max)
			return no_broker(p, brokers, why, &patience, err);
		/* its leaders take a moment */
		rd_kafka_poll(p->rk, patience_slice(&patience, full_ms));
	}
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

static int open_client(
	struct kafka_producer *p, const struct kafka_producer_config *config, struct error *err)
{
	if (config->transaction != NULL) {
		p->said = kafka_transaction_reports(config->transaction);
		p->rk = kafka_transaction_client(config->transaction, err);
		if (p->rk == NULL || kafka_transaction_join(config->transaction, p, err) < 0)
			return -(int)err->code;
		p->transaction = config->transaction;
		return 0;
	}
	rd_kafka_conf_t *conf = producer_conf(config, err);
	if (conf == NULL)
		return -(int)err->code;
	kafka_reports_attach(&p->reports, conf);
	p->owns = true;
	p->rk = kafka_client_open(RD_KAFKA_PRODUCER, conf, err);
	return p->rk == NULL ? -(int)err->code : 0;
}

static int64_t message_bytes_max(rd_kafka_t *rk)
{
	rd_kafka_conf_t *conf = (rd_kafka_conf_t *)(uintptr_t)rd_kafka_conf(rk); /* only read */
	return kafka_conf_int(conf, "message.max.bytes", message_bytes_default);
}

struct kafka_producer *kafka_producer_open(
	const struct kafka_producer_config *config, struct error *err)
{
	struct kafka_producer *p = calloc(1, sizeof(*p));
	check(p != NULL);
	p->compact = config->compact;
	p->said = &p->reports;
	if (open_client(p, config, err) < 0 ||
		(config->topic.data != NULL && use_topic(p, config->topic, err) < 0) ||
		find_topic(p, config->brokers, config->timeout_ms, err) < 0)
		goto fail;
	p->message_bytes_max = message_bytes_max(p->rk);
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
	p->said = &p->reports;
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
	if (p->transaction != NULL)
		kafka_transaction_leave(p->transaction, p);
	if (p->rkt != NULL)
		rd_kafka_topic_destroy(p->rkt);
	if (p->owns && p->rk != NULL) {
		rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_destroy(p->rk);
	}
	free(p);
}

/* ---- In a transaction ---- */

const char *kafka_producer_topic(const struct kafka_producer *p)
{
	return p->topic;
}

void kafka_producer_bind(struct kafka_producer *p, rd_kafka_t *client)
{
	if (p->rk == client && client != NULL)
		return;
	if (p->rkt != NULL)
		rd_kafka_topic_destroy(p->rkt);
	p->rk = client;
	p->rkt = client == NULL ? NULL : rd_kafka_topic_new(client, p->topic, NULL);
	rd_kafka_resp_err_t why;
	/* Without, the first message waits a second for it. */
	if (p->rkt != NULL)
		look(p, look_ms, &why);
}

/* ---- Sending ---- */

/* Into `topic` of 256 bytes. */
static void topic_of(const struct kafka_producer *p, const struct kafka_letter *l, char *topic)
{
	snprintf(topic, 256, STR_FMT, STR_ARG(l->topic));
	if (l->topic.data == NULL)
		snprintf(topic, 256, "%s", p->topic);
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

static rd_kafka_resp_err_t put_named(const struct kafka_producer *p, const struct kafka_letter *l)
{
	char topic[256];
	topic_of(p, l, topic);
	rd_kafka_headers_t *headers = l->header_count > 0 ? headers_of(l) : NULL;
	rd_kafka_resp_err_t why = rd_kafka_producev(p->rk, RD_KAFKA_V_TOPIC(topic),
		RD_KAFKA_V_PARTITION(l->partition < 0 ? RD_KAFKA_PARTITION_UA : l->partition),
		RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(l->key.data, l->key.len),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)l->value.data, l->value.len),
		RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
	if (why != RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
		rd_kafka_headers_destroy(headers);
	return why;
}

int kafka_producer_put(struct kafka_producer *p, const struct kafka_letter *l)
{
	if (l->topic.data != NULL || l->header_count > 0 || p->rkt == NULL)
		return put_named(p, l);
	int r = rd_kafka_produce(p->rkt, l->partition < 0 ? RD_KAFKA_PARTITION_UA : l->partition,
		RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)l->value.data, /* copied, not written to */
		l->value.len, l->key.data, l->key.len, NULL);
	return r == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

int kafka_producer_send_letter(
	struct kafka_producer *p, const struct kafka_letter *l, struct error *err)
{
	if (p->transaction != NULL)
		return kafka_transaction_send(p->transaction, p, l, err);
	for (;;) {
		rd_kafka_resp_err_t why = kafka_producer_put(p, l);
		if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return 0;
		char topic[256];
		topic_of(p, l, topic);
		if (why != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return kafka_message_error(why, topic, l->key, l->value.len, err);
		rd_kafka_poll(p->rk, full_ms);
		int r = kafka_reports_error(&p->reports, err);
		if (r < 0)
			return r;
	}
}

/* Of a length as record batches have it: zigzag, seven bits a byte. */
static size_t length_bytes(size_t len)
{
	size_t bytes = 1;
	for (size_t n = len * 2; n >= 128; n >>= 7)
		bytes++;
	return bytes;
}

/* As librdkafka counts (2.0.2: rd_kafka_msg_max_wire_size). */
bool kafka_producer_takes(const struct kafka_producer *p, const struct kafka_letter *l)
{
	size_t bytes = message_overhead_bytes + l->key.len + l->value.len;
	for (uint32_t i = 0; i < l->header_count; i++)
		bytes += length_bytes(l->headers[i].name.len) + l->headers[i].name.len +
			length_bytes(l->headers[i].value.len) + l->headers[i].value.len;
	return bytes <= (size_t)p->message_bytes_max;
}

int kafka_producer_refuse(
	const struct kafka_producer *p, const struct kafka_letter *l, struct error *err)
{
	char topic[256];
	topic_of(p, l, topic);
	return kafka_message_error(
		RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, topic, l->key, l->value.len, err);
}

int kafka_producer_send(struct kafka_producer *p, int32_t partition, struct str key,
	struct str value, struct error *err)
{
	check(p->rkt != NULL || p->transaction != NULL);
	struct kafka_letter l = {.partition = partition, .key = key, .value = value};
	return kafka_producer_send_letter(p, &l, err);
}

int kafka_producer_flush(struct kafka_producer *p, struct error *err)
{
	if (p->transaction != NULL)
		return kafka_transaction_prepare(p->transaction, err);
	struct patience patience;
	patience_init(&patience, &clock_system, flush_all_ms);
	do {
		rd_kafka_resp_err_t why =
			rd_kafka_flush(p->rk, patience_slice(&patience, flush_ms));
		int r = kafka_reports_error(&p->reports, err);
		if (r < 0 || why == RD_KAFKA_RESP_ERR_NO_ERROR)
			return r;
	} while (patience_left(&patience));
	return error_set(err, CDCL_E_UNREACHABLE, "topic '%s' does not take its messages%s%s%s",
		p->topic, p->said->trouble[0] != 0 ? " (" : "", p->said->trouble,
		p->said->trouble[0] != 0 ? ")" : "");
}
