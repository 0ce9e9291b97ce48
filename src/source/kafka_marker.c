#include "source/kafka_marker.h"

#include "base/check.h"
#include "source/kafka_reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ask_ms = 1000, instance_digits = 16 };

static const char prefix[] = "cdcl 1 ";

/* ---- words ---- */

void kafka_marker_write(uint64_t instance, struct str checkpoint, char *out, size_t out_bytes)
{
	char host[64] = "";
	if (gethostname(host, sizeof(host) - 1) != 0)
		snprintf(host, sizeof(host), "unknown");
	snprintf(out, out_bytes, "%s%016" PRIx64 " " STR_FMT " host %s, pid %d", prefix, instance,
		STR_ARG(checkpoint), host, (int)getpid());
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How many hexadecimal digits there are at `at`, at most `most`. */
static size_t digits(struct str text, size_t at, size_t most)
{
	size_t n = 0;
	while (n < most && at + n < text.len && digit(text.data[at + n]) >= 0)
		n++;
	return n;
}

void kafka_marker_parse(struct str text, struct kafka_marker *m)
{
	size_t at = sizeof(prefix) - 1;
	m->instance = 0;
	m->checkpoint[0] = 0;
	m->writer[0] = 0;
	if (!str_starts(text, str_c(prefix)) ||
		digits(text, at, instance_digits) != instance_digits)
		return;
	for (size_t i = 0; i < instance_digits; i++)
		m->instance = m->instance << 4 | (uint64_t)digit(text.data[at + i]);
	at += instance_digits + 1;
	size_t n = digits(text, at, sizeof(m->checkpoint) - 1);
	memcpy(m->checkpoint, n > 0 ? text.data + at : "", n);
	m->checkpoint[n] = 0;
	at += n + 1;
	struct str words = at < text.len ? str_sub(text, at, text.len - at) : str_lit("");
	n = words.len < sizeof(m->writer) - 1 ? words.len : sizeof(m->writer) - 1;
	for (size_t i = 0; i < n; i++)
		m->writer[i] = words.data[i] < 0x20 || words.data[i] == 0x7f ? '?' : words.data[i];
	m->writer[n] = 0;
}

/* ---- reading ---- */

static rd_kafka_t *open_reader(const struct kafka_marker_group *group, struct error *err)
{
	char name[512];
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(group->name));
	rd_kafka_conf_t *conf = kafka_client_conf(
		KAFKA_READER, group->brokers, group->settings, group->setting_count, err);
	if (conf == NULL)
		return NULL;
	kafka_conf_set(conf, "group.id", name);
	rd_kafka_t *rk = kafka_client_open(RD_KAFKA_CONSUMER, conf, err);
	if (rk != NULL)
		rd_kafka_poll_set_consumer(rk); /* a coordinator that refuses is heard there */
	return rk;
}

/* That the group may not be asked for: librdkafka itself would go on looking for who may. */
static rd_kafka_resp_err_t hear(rd_kafka_t *rk, int timeout_ms)
{
	rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, timeout_ms);
	rd_kafka_resp_err_t why = m == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : m->err;
	if (m != NULL)
		rd_kafka_message_destroy(m);
	return why;
}

static void take(const rd_kafka_topic_partition_t *p, struct kafka_marker *m)
{
	m->found = p->offset >= 0;
	m->batch_id = m->found ? p->offset - 1 : -1;
	kafka_marker_parse((struct str){p->metadata, p->metadata == NULL ? 0 : p->metadata_size},
		m);
}

/* A topic that was just made is not known everywhere at once: asked again. */
static rd_kafka_resp_err_t ask(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list,
	struct patience *patience)
{
	rd_kafka_resp_err_t why = rd_kafka_committed(rk, list, patience_slice(patience, ask_ms));
	for (int i = 0; i < list->cnt && why == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		why = list->elems[i].err;
	return why;
}

int kafka_markers_read(const struct kafka_marker_group *group, struct kafka_marker *markers,
	uint32_t count, struct patience *patience, struct error *err)
{
	rd_kafka_t *rk = open_reader(group, err);
	if (rk == NULL)
		return -(int)err->code;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (uint32_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, markers[i].topic, 0);
	rd_kafka_resp_err_t why = RD_KAFKA_RESP_ERR__TIMED_OUT;
	do {
		why = ask(rk, list, patience);
		if (why == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_error_is_refusal(why))
			break;
		rd_kafka_resp_err_t said = hear(rk, patience_slice(patience, 50));
		why = kafka_error_is_refusal(said) ? said : why;
	} while (!kafka_error_is_refusal(why) && patience_left(patience));
	for (uint32_t i = 0; i < count && why == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		take(&list->elems[i], &markers[i]);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(rk);
	if (why == RD_KAFKA_RESP_ERR_NO_ERROR)
		return 0;
	error_set(err, kafka_error_is_refusal(why) ? CDCL_E_REFUSED : CDCL_E_UNREACHABLE,
		"group '" STR_FMT "' does not say which batch it holds: %s", STR_ARG(group->name),
		rd_kafka_err2str(why));
	kafka_error_advise(why, err);
	return -(int)err->code;
}
