#include "source/kafka_reports.h"

#include <stdio.h>
#include <string.h>

/* For a message to a person: printable, cut. */
static void key_text(struct str key, char *out, size_t out_bytes)
{
	size_t n = key.len < kafka_key_text_max ? key.len : kafka_key_text_max;
	for (size_t i = 0; i < n; i++)
		out[i] = key.data[i] < 0x20 || key.data[i] == 0x7f ? '?' : key.data[i];
	snprintf(out + n, out_bytes - n, "%s", n < key.len ? "..." : "");
}

/* delivery.report.only.error: called for what was not delivered. */
static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	struct kafka_reports *r = opaque;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || r == NULL)
		return;
	rd_kafka_resp_err_t none = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (atomic_compare_exchange_strong(&r->first, &none, m->err)) {
		snprintf(r->topic, sizeof(r->topic), "%s", rd_kafka_topic_name(m->rkt));
		r->key[0] = 0;
		if (m->key != NULL)
			key_text((struct str){m->key, m->key_len}, r->key, sizeof(r->key));
		r->bytes = m->len;
	}
	atomic_fetch_add(&r->failed, 1);
}

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	(void)rk;
	struct kafka_reports *r = opaque;
	rd_kafka_resp_err_t why = (rd_kafka_resp_err_t)code;
	if (r == NULL || !kafka_error_is_reach(why) || why == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		return;
	snprintf(r->trouble, sizeof(r->trouble), "%s", reason);
}

void kafka_reports_attach(struct kafka_reports *r, rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_opaque(conf, r);
	rd_kafka_conf_set_dr_msg_cb(conf, on_report);
	rd_kafka_conf_set_error_cb(conf, on_error);
}

void kafka_reports_clear(struct kafka_reports *r)
{
	atomic_store(&r->failed, 0);
	atomic_store(&r->first, RD_KAFKA_RESP_ERR_NO_ERROR);
	r->trouble[0] = 0;
}

int kafka_reports_error(const struct kafka_reports *r, struct error *err)
{
	long long count = atomic_load(&r->failed);
	if (count == 0)
		return 0;
	rd_kafka_resp_err_t why = atomic_load(&r->first);
	if (kafka_error_is_refusal(why))
		return kafka_message_error(why, r->topic, str_c(r->key), r->bytes, err);
	return error_set(err, CDCL_E_UNREACHABLE, "%lld message%s to topic '%s' not taken: %s",
		count, count == 1 ? " was" : "s were", r->topic, rd_kafka_err2str(why));
}

int kafka_message_error(rd_kafka_resp_err_t why, const char *topic, struct str key, size_t bytes,
	struct error *err)
{
	char text[kafka_key_text_max + 8] = "";
	if (key.data != NULL)
		key_text(key, text, sizeof(text));
	error_set(err, kafka_error_is_refusal(why) ? CDCL_E_REFUSED : CDCL_E_UNREACHABLE,
		"topic '%s' does not take a message of %zu bytes%s%s: %s", topic, bytes,
		text[0] != 0 ? " with key " : "", text, rd_kafka_err2str(why));
	kafka_error_advise(why, err);
	return -(int)err->code;
}

bool kafka_error_is_refusal(rd_kafka_resp_err_t why)
{
	switch (why) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
	case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
	case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
	case RD_KAFKA_RESP_ERR__INVALID_ARG:
		return true;
	default:
		return false;
	}
}

void kafka_error_advise(rd_kafka_resp_err_t why, struct error *err)
{
	switch (why) {
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		error_help(err, "the user of the broker needs Describe, Write and (with a "
				"checkpoint) Read on this topic");
		break;
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		error_help(err, "the user of the broker needs Write on the transactional id and "
				"Read on the group, both named cdcl.JOB; or write delivery = "
				"\"at_least_once\"");
		break;
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		error_help(err, "the user of the broker needs IdempotentWrite on the cluster");
		break;
	case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
		error_help(err, "the broker's transaction.max.timeout.ms is lower than "
				"transaction.timeout.ms in kafka = {...}");
		break;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		error_help(err, "raise max.message.bytes of the topic and, above 1000000, "
				"kafka = { [\"message.max.bytes\"] = ... }");
		break;
	default:
		break;
	}
}
