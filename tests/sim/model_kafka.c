/*
 * librdkafka's producer over the model broker: what the Kafka sink and its transactions call, by
 * the same names, so that they are the ones under test. No threads; a call's answer is there at
 * once, or a fault: refused for a moment, applied with its answer lost, applied later, fenced.
 */

#include "model_kafka.h"

#include "base/check.h"
#include "world.h"

#include <librdkafka/rdkafka.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rd_kafka_conf_s {
	char id[128];
	void *opaque;
	void (*report)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
	rd_kafka_interceptor_f_on_new_t *on_new;
	void *on_new_opaque;
};

struct rd_kafka_s {
	struct rd_kafka_conf_s conf;
	struct producer *producer;      /* NULL: no transactions */
	int32_t epoch;
	bool in_transaction;
	bool must_abort;
	bool fatal;
	uint32_t txn;                   /* as the broker counts; 0: none was opened there */
	int commit_unheard;             /* so often a commit is not answered yet; applied already */
	bool commit_applied;
	rd_kafka_interceptor_f_on_response_received_t *on_response;
	void *on_response_opaque;
	int undelivered;
};

struct rd_kafka_topic_s {
	rd_kafka_t *rk;
	char name[128];
};

struct rd_kafka_error_s {
	rd_kafka_resp_err_t code;
	bool fatal;
	bool retriable;
	bool must_abort;
};

struct rd_kafka_consumer_group_metadata_s {
	char group[64];
};

enum { end_txn_request = 26, txn_offset_commit_request = 28 };

static rd_kafka_resp_err_t last_error;

/* ---- settings ---- */

rd_kafka_conf_t *rd_kafka_conf_new(void)
{
	rd_kafka_conf_t *c = calloc(1, sizeof(*c));
	check(c != NULL);
	return c;
}

void rd_kafka_conf_destroy(rd_kafka_conf_t *conf)
{
	free(conf);
}

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value,
	char *errstr, size_t errstr_size)
{
	(void)errstr, (void)errstr_size;
	if (strcmp(name, "transactional.id") == 0)
		snprintf(conf->id, sizeof(conf->id), "%s", value);
	if (strcmp(name, "group.id") == 0 && conf->id[0] == '\0')
		snprintf(conf->id, sizeof(conf->id), "%s", value);
	return RD_KAFKA_CONF_OK;
}

const rd_kafka_conf_t *rd_kafka_conf(rd_kafka_t *rk)
{
	return &rk->conf;
}

rd_kafka_conf_res_t rd_kafka_conf_get(
	const rd_kafka_conf_t *conf, const char *name, char *dest, size_t *dest_size)
{
	(void)conf, (void)name, (void)dest, (void)dest_size;
	return RD_KAFKA_CONF_UNKNOWN;
}

void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf,
	void (*report)(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque))
{
	conf->report = report;
}

void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf,
	void (*error_cb)(rd_kafka_t *rk, int err, const char *reason, void *opaque))
{
	(void)conf, (void)error_cb;
}

void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf,
	void (*log_cb)(const rd_kafka_t *rk, int level, const char *fac, const char *buf))
{
	(void)conf, (void)log_cb;
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque)
{
	conf->opaque = opaque;
}

rd_kafka_resp_err_t rd_kafka_conf_interceptor_add_on_new(rd_kafka_conf_t *conf,
	const char *ic_name, rd_kafka_interceptor_f_on_new_t *on_new, void *ic_opaque)
{
	(void)ic_name;
	conf->on_new = on_new;
	conf->on_new_opaque = ic_opaque;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_interceptor_add_on_response_received(rd_kafka_t *rk,
	const char *ic_name, rd_kafka_interceptor_f_on_response_received_t *on_response,
	void *ic_opaque)
{
	(void)ic_name;
	rk->on_response = on_response;
	rk->on_response_opaque = ic_opaque;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- clients ---- */

rd_kafka_t *rd_kafka_new(
	rd_kafka_type_t type, rd_kafka_conf_t *conf, char *errstr, size_t errstr_size)
{
	(void)type;
	rd_kafka_t *rk = calloc(1, sizeof(*rk));
	check(rk != NULL);
	rk->conf = *conf;
	free(conf);
	if (rk->conf.on_new != NULL)
		rk->conf.on_new(rk, &rk->conf, rk->conf.on_new_opaque, errstr, errstr_size);
	return rk;
}

void rd_kafka_destroy(rd_kafka_t *rk)
{
	free(rk);
}

/* A client that waits lets time pass. */
static void wait_ms(int ms)
{
	world->monotonic_us += (int64_t)(ms > 0 ? ms : 1) * 1000;
	broker_late(world->broker);
}

int rd_kafka_poll(rd_kafka_t *rk, int timeout_ms)
{
	(void)rk;
	wait_ms(timeout_ms);
	return 0;
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *rk, int purge_flags)
{
	(void)rk, (void)purge_flags;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *rk, char *errstr, size_t errstr_size)
{
	if (errstr != NULL)
		snprintf(errstr, errstr_size, "fenced");
	return rk->fatal ? RD_KAFKA_RESP_ERR__FENCED : RD_KAFKA_RESP_ERR_NO_ERROR;
}

char *rd_kafka_clusterid(rd_kafka_t *rk, int timeout_ms)
{
	(void)rk, (void)timeout_ms;
	return strdup("model");
}

void rd_kafka_mem_free(rd_kafka_t *rk, void *ptr)
{
	(void)rk;
	free(ptr);
}

/* ---- errors ---- */

static rd_kafka_error_t *error_of(rd_kafka_resp_err_t code, bool retriable, bool must_abort)
{
	rd_kafka_error_t *e = calloc(1, sizeof(*e));
	check(e != NULL);
	*e = (rd_kafka_error_t){code, code == RD_KAFKA_RESP_ERR__FENCED, retriable, must_abort};
	return e;
}

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *e)
{
	return e->code;
}

const char *rd_kafka_error_string(const rd_kafka_error_t *e)
{
	return e->fatal ? "fenced (model)" : "a fault (model)";
}

int rd_kafka_error_is_fatal(const rd_kafka_error_t *e)
{
	return e->fatal;
}

int rd_kafka_error_is_retriable(const rd_kafka_error_t *e)
{
	return e->retriable;
}

int rd_kafka_error_txn_requires_abort(const rd_kafka_error_t *e)
{
	return e->must_abort;
}

void rd_kafka_error_destroy(rd_kafka_error_t *e)
{
	free(e);
}

/* ---- transactions ---- */

static bool fault(uint32_t n)
{
	return world->faults && world_once_in(n);
}

static rd_kafka_error_t *fenced(rd_kafka_t *rk)
{
	rk->fatal = true;
	return error_of(RD_KAFKA_RESP_ERR__FENCED, false, false);
}

/* Before any step in a transaction: the client's own state, who owns the id, and bad luck. */
static rd_kafka_error_t *trouble(rd_kafka_t *rk, const char *call)
{
	world_call(call);
	broker_late(world->broker);
	if (rk->fatal || rk->producer == NULL || !broker_owns(rk->producer, rk->epoch))
		return fenced(rk);
	if (rk->must_abort)
		return error_of(RD_KAFKA_RESP_ERR__STATE, false, true);
	if (fault(40)) {
		wait_ms(100);
		return error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
	}
	if (fault(60)) {
		rk->must_abort = true;
		return error_of(RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, false, true);
	}
	if (fault(100)) { /* it took too long: the broker has ended it */
		if (rk->producer->txn != 0)
			broker_end(world->broker, rk->producer, false);
		rk->producer->epoch++;
		return fenced(rk);
	}
	return NULL;
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *rk, int timeout_ms)
{
	world_call("init_transactions");
	if (fault(10)) {
		wait_ms(timeout_ms);
		return error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
	}
	rk->producer = broker_start_producer(world->broker, rk->conf.id, &rk->epoch);
	return NULL;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *rk)
{
	world_call("begin_transaction");
	if (rk->fatal || rk->producer == NULL)
		return fenced(rk);
	if (rk->in_transaction)
		return error_of(RD_KAFKA_RESP_ERR__STATE, false, false);
	rk->in_transaction = true;
	rk->must_abort = rk->commit_applied = false;
	rk->txn = 0;
	rk->commit_unheard = rk->undelivered = 0;
	return NULL;
}

/* The first request of it that reaches the broker opens it there. */
static uint32_t open_there(rd_kafka_t *rk)
{
	check(rk->in_transaction);
	if (rk->producer->txn == 0)
		broker_begin(world->broker, rk->producer);
	return rk->txn = rk->producer->txn;
}

static void tell_lost(rd_kafka_t *rk, int16_t request)
{
	if (rk->on_response != NULL && !model_kafka_hides_lost_answers())
		rk->on_response(rk, 1, "model", 1, request, 1, 0, 0, 0,
			RD_KAFKA_RESP_ERR__TIMED_OUT, rk->on_response_opaque);
}

static struct group_offset *offsets_of(const rd_kafka_topic_partition_list_t *list,
	const rd_kafka_consumer_group_metadata_t *group)
{
	struct group_offset *all = calloc((size_t)list->cnt, sizeof(*all));
	check(all != NULL);
	for (int i = 0; i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *p = &list->elems[i];
		struct group_offset *to = &all[i];
		to->partition = p->partition;
		to->offset = p->offset;
		snprintf(to->group, sizeof(to->group), "%s", group->group);
		snprintf(to->topic, sizeof(to->topic), "%s", p->topic);
		check(p->metadata_size < sizeof(to->metadata));
		if (p->metadata_size > 0)
			memcpy(to->metadata, p->metadata, p->metadata_size);
	}
	return all;
}

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *rk,
	const rd_kafka_topic_partition_list_t *offsets,
	const rd_kafka_consumer_group_metadata_t *cgmetadata, int timeout_ms)
{
	(void)timeout_ms;
	rd_kafka_error_t *e = trouble(rk, "send_offsets");
	if (e != NULL)
		return e;
	open_there(rk);
	struct group_offset *all = offsets_of(offsets, cgmetadata);
	bool late = fault(12);
	if (late) {
		tell_lost(rk, txn_offset_commit_request);
		broker_delay_offsets(
			world->broker, rk->producer, rk->epoch, all, (uint32_t)offsets->cnt);
		e = error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
	}
	for (int i = 0; i < offsets->cnt && !late; i++)
		broker_add_offset(rk->producer, &all[i]);
	free(all);
	return e;
}

static void end_there(rd_kafka_t *rk, bool commit)
{
	if (rk->producer->txn != 0)
		broker_end(world->broker, rk->producer, commit);
}

/*
 * An EndTxn whose answer is lost: applied, or still on its way and maybe applied much later, when
 * the transaction was ended another way.
 */
static rd_kafka_error_t *lose_answer(rd_kafka_t *rk)
{
	tell_lost(rk, end_txn_request);
	if (world_once_in(2)) {
		end_there(rk, true);
		rk->commit_applied = true;
	} else {
		broker_delay_end(world->broker, rk->producer, rk->epoch);
		rk->must_abort = world_once_in(3);
	}
	rk->commit_unheard = (int)world_choose(4);
	wait_ms(250);
	return error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *rk, int timeout_ms)
{
	(void)timeout_ms;
	world_call("commit_transaction");
	broker_late(world->broker);
	if (rk->undelivered > 0)
		rk->must_abort = true;
	if (rk->commit_unheard > 0) {
		rk->commit_unheard--;
		wait_ms(250);
		if (fault(8)) { /* the client gives up: nobody knows */
			rk->fatal = true;
			return error_of(RD_KAFKA_RESP_ERR__FENCED, false, false);
		}
		return error_of(RD_KAFKA_RESP_ERR__TIMED_OUT, true, false);
	}
	if (!rk->commit_applied) {
		rd_kafka_error_t *e = trouble(rk, "commit");
		if (e != NULL)
			return e;
		if (fault(6))
			return lose_answer(rk);
		end_there(rk, true);
	}
	rk->in_transaction = rk->commit_applied = false;
	world_call("committed");
	return NULL;
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *rk, int timeout_ms)
{
	(void)timeout_ms;
	world_call("abort_transaction");
	if (rk->fatal || rk->producer == NULL || !broker_owns(rk->producer, rk->epoch))
		return fenced(rk);
	if (rk->txn != 0 && world->broker->txns[rk->txn] == TXN_COMMITTED)
		return fenced(rk); /* INVALID_TXN_STATE: a commit that was thought lost came */
	end_there(rk, false);
	rk->in_transaction = rk->must_abort = false;
	rk->undelivered = 0;
	return NULL;
}

/* ---- messages ---- */

static rd_kafka_resp_err_t put(rd_kafka_t *rk, const char *topic, const void *value, size_t len,
	const void *key, size_t key_len)
{
	world_call("produce");
	if (rk->fatal || (rk->producer != NULL && !broker_owns(rk->producer, rk->epoch))) {
		rk->fatal = true;
		return RD_KAFKA_RESP_ERR__FENCED;
	}
	if (fault(50))
		return RD_KAFKA_RESP_ERR__QUEUE_FULL;
	if (fault(150)) { /* it is told to the reports, sooner or later */
		struct rd_kafka_topic_s t = {.rk = rk};
		snprintf(t.name, sizeof(t.name), "%s", topic);
		rd_kafka_message_t m = {.err = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, .rkt = &t};
		rk->undelivered++;
		world->undelivered |= rk->producer == NULL;
		if (rk->conf.report != NULL)
			rk->conf.report(rk, &m, rk->conf.opaque);
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	}
	struct record r = {.timestamp_us = world->wall_us,
		.key = {key, key_len},
		.value = {value, len},
		.event = -1};
	if (broker_topic(world->broker, topic, 1)->compacts && key == NULL)
		world_wrong("%s is compacted and gets a message without a key", topic);
	r.txn = rk->producer != NULL ? open_there(rk) : broker_plain;
	broker_append(world->broker, broker_topic(world->broker, topic, 1), 0, &r);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

int rd_kafka_produce(rd_kafka_topic_t *rkt, int32_t partition, int msgflags, void *payload,
	size_t len, const void *key, size_t keylen, void *msg_opaque)
{
	(void)partition, (void)msgflags, (void)msg_opaque;
	last_error = put(rkt->rk, rkt->name, payload, len, key, keylen);
	return last_error == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

rd_kafka_resp_err_t rd_kafka_last_error(void)
{
	return last_error;
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *rk, ...)
{
	const char *topic = NULL;
	struct str key = {NULL, 0}, value = {NULL, 0};
	rd_kafka_headers_t *headers = NULL;
	va_list a;
	va_start(a, rk);
	for (int tag = va_arg(a, int); tag != RD_KAFKA_VTYPE_END; tag = va_arg(a, int)) {
		if (tag == RD_KAFKA_VTYPE_TOPIC) {
			topic = va_arg(a, const char *);
		} else if (tag == RD_KAFKA_VTYPE_PARTITION) {
			(void)va_arg(a, int32_t);
		} else if (tag == RD_KAFKA_VTYPE_MSGFLAGS) {
			(void)va_arg(a, int);
		} else if (tag == RD_KAFKA_VTYPE_KEY || tag == RD_KAFKA_VTYPE_VALUE) {
			struct str *to = tag == RD_KAFKA_VTYPE_KEY ? &key : &value;
			to->data = va_arg(a, void *);
			to->len = va_arg(a, size_t);
		} else {
			check(tag == RD_KAFKA_VTYPE_HEADERS);
			headers = va_arg(a, rd_kafka_headers_t *);
		}
	}
	va_end(a);
	rd_kafka_resp_err_t why = put(rk, topic, value.data, value.len, key.data, key.len);
	if (why == RD_KAFKA_RESP_ERR_NO_ERROR && headers != NULL)
		rd_kafka_headers_destroy(headers);
	return why;
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *rk, int timeout_ms)
{
	(void)rk;
	world_call("flush");
	if (!fault(30))
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	wait_ms(timeout_ms);
	return RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* ---- topics ---- */

rd_kafka_topic_t *rd_kafka_topic_new(
	rd_kafka_t *rk, const char *topic, rd_kafka_topic_conf_t *conf)
{
	(void)conf;
	rd_kafka_topic_t *t = calloc(1, sizeof(*t));
	check(t != NULL);
	t->rk = rk;
	snprintf(t->name, sizeof(t->name), "%s", topic);
	return t;
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *t)
{
	free(t);
}

const char *rd_kafka_topic_name(const rd_kafka_topic_t *t)
{
	return t->name;
}

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *rk, int all_topics, rd_kafka_topic_t *only_rkt,
	const struct rd_kafka_metadata **metadatap, int timeout_ms)
{
	static rd_kafka_metadata_topic_t topic;
	static struct rd_kafka_metadata found = {.topics = &topic};
	(void)rk, (void)all_topics;
	if (fault(20)) {
		wait_ms(timeout_ms);
		return RD_KAFKA_RESP_ERR__TIMED_OUT;
	}
	found.topic_cnt = only_rkt != NULL;
	topic.partition_cnt = 1;
	*metadatap = &found;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata)
{
	(void)metadata;
}

/* ---- what a group keeps ---- */

rd_kafka_consumer_group_metadata_t *rd_kafka_consumer_group_metadata_new(const char *group_id)
{
	rd_kafka_consumer_group_metadata_t *g = calloc(1, sizeof(*g));
	check(g != NULL);
	snprintf(g->group, sizeof(g->group), "%s", group_id);
	return g;
}

void rd_kafka_consumer_group_metadata_destroy(rd_kafka_consumer_group_metadata_t *g)
{
	free(g);
}

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *rk)
{
	(void)rk;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Nothing is consumed, and no coordinator refuses. */
rd_kafka_message_t *rd_kafka_consumer_poll(rd_kafka_t *rk, int timeout_ms)
{
	rd_kafka_poll(rk, timeout_ms);
	return NULL;
}

void rd_kafka_message_destroy(rd_kafka_message_t *m)
{
	check(m == NULL);
}

rd_kafka_resp_err_t rd_kafka_committed(
	rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms)
{
	world_call("committed offsets");
	if (fault(10)) {
		wait_ms(timeout_ms);
		return RD_KAFKA_RESP_ERR__TIMED_OUT;
	}
	for (int i = 0; i < partitions->cnt; i++) {
		rd_kafka_topic_partition_t *p = &partitions->elems[i];
		const struct group_offset *o =
			broker_offset(world->broker, rk->conf.id, p->topic, p->partition);
		p->offset = o == NULL ? RD_KAFKA_OFFSET_INVALID : o->offset;
		if (o == NULL || o->metadata[0] == '\0')
			continue;
		p->metadata = strdup(o->metadata); /* the list's */
		p->metadata_size = strlen(o->metadata);
	}
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- a topic's settings: whether it compacts ---- */

struct rd_kafka_ConfigEntry_s {
	bool compacts;
};

struct rd_kafka_ConfigResource_s {
	char topic[64];
	rd_kafka_ConfigEntry_t entry;
	const rd_kafka_ConfigEntry_t *entries;
};

/* Of one request at a time: queue, event and result are one thing. */
struct rd_kafka_op_s {
	rd_kafka_ConfigResource_t *asked;
};
static struct rd_kafka_op_s question;

rd_kafka_ConfigResource_t *rd_kafka_ConfigResource_new(
	rd_kafka_ResourceType_t restype, const char *resname)
{
	check(restype == RD_KAFKA_RESOURCE_TOPIC);
	rd_kafka_ConfigResource_t *r = calloc(1, sizeof(*r));
	check(r != NULL);
	snprintf(r->topic, sizeof(r->topic), "%s", resname);
	return r;
}

void rd_kafka_ConfigResource_destroy(rd_kafka_ConfigResource_t *config)
{
	free(config);
}

const rd_kafka_ConfigEntry_t **rd_kafka_ConfigResource_configs(
	const rd_kafka_ConfigResource_t *config, size_t *cntp)
{
	*cntp = 1;
	return (const rd_kafka_ConfigEntry_t **)(uintptr_t)&config->entries;
}

const char *rd_kafka_ConfigEntry_name(const rd_kafka_ConfigEntry_t *entry)
{
	(void)entry;
	return "cleanup.policy";
}

const char *rd_kafka_ConfigEntry_value(const rd_kafka_ConfigEntry_t *entry)
{
	return entry->compacts ? "compact" : "delete";
}

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *rk)
{
	(void)rk;
	return NULL;
}

void rd_kafka_queue_destroy(rd_kafka_queue_t *queue)
{
	(void)queue;
}

rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *queue, int timeout_ms)
{
	(void)queue, (void)timeout_ms;
	wait_ms(1);
	return question.asked == NULL ? NULL : &question;
}

rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *e)
{
	(void)e;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_event_destroy(rd_kafka_event_t *e)
{
	e->asked = NULL;
}

const rd_kafka_DescribeConfigs_result_t *rd_kafka_event_DescribeConfigs_result(
	rd_kafka_event_t *e)
{
	return (const rd_kafka_DescribeConfigs_result_t *)(void *)e;
}

const rd_kafka_ConfigResource_t **rd_kafka_DescribeConfigs_result_resources(
	const rd_kafka_DescribeConfigs_result_t *result, size_t *cntp)
{
	(void)result;
	*cntp = 1;
	return (const rd_kafka_ConfigResource_t **)(uintptr_t)&question.asked;
}

rd_kafka_AdminOptions_t *rd_kafka_AdminOptions_new(rd_kafka_t *rk, rd_kafka_admin_op_t for_api)
{
	(void)rk, (void)for_api;
	return NULL;
}

void rd_kafka_AdminOptions_destroy(rd_kafka_AdminOptions_t *options)
{
	(void)options;
}

rd_kafka_resp_err_t rd_kafka_AdminOptions_set_request_timeout(
	rd_kafka_AdminOptions_t *options, int timeout_ms, char *errstr, size_t errstr_size)
{
	(void)options, (void)timeout_ms, (void)errstr, (void)errstr_size;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

void rd_kafka_DescribeConfigs(rd_kafka_t *rk, rd_kafka_ConfigResource_t **configs,
	size_t config_cnt, const rd_kafka_AdminOptions_t *options, rd_kafka_queue_t *rkqu)
{
	(void)rk, (void)options, (void)rkqu;
	check(config_cnt == 1);
	question.asked = configs[0];
	const struct topic *t = broker_topic(world->broker, configs[0]->topic, 0);
	configs[0]->entry.compacts = t != NULL && t->compacts;
	configs[0]->entries = &configs[0]->entry;
}
