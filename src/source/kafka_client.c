#include "source/kafka_client.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/late.h"
#include "base/log.h"
#include "base/secret.h"
#include "source/kafka_brokers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct pin {
	const char *name;
	const char *value;
};

static const struct pin common_pins[] = {
	{"client.id", "cdcl"},
	{"allow.auto.create.topics", "false"},
	{"socket.keepalive.enable", "true"},
	{"socket.nagle.disable", "true"},
	{"reconnect.backoff.ms", "50"},
	{"reconnect.backoff.max.ms", "1000"},
	{"log.connection.close", "false"},
	{"log_level", "5"},
};

static const struct pin reader_pins[] = {
	{"enable.auto.commit", "false"},
	/* The end of a job waits so long for a broker that does not answer its last commit. */
	{"socket.timeout.ms", "10000"},
	/* We join no group: a commit whose coordinator cannot be had, which holds up the end. */
	{"session.timeout.ms", "1000"},
	{"enable.auto.offset.store", "false"},
	{"auto.offset.reset", "error"},
	{"isolation.level", "read_committed"},
	{"check.crcs", "true"},
	{"enable.partition.eof", "true"},
	{"fetch.min.bytes", "1"},
	{"fetch.wait.max.ms", "20"},
	{"fetch.error.backoff.ms", "100"},
	{"topic.metadata.refresh.interval.ms", "10000"},
	{"topic.metadata.propagation.max.ms", "1000"},
};

static const struct pin writer_pins[] = {
	{"linger.ms", "5"},
	{"queue.buffering.max.kbytes", "65536"},
	{"queue.buffering.max.messages", "500000"},
	{"batch.num.messages", "50000"},
	{"enable.idempotence", "true"},
	{"partitioner", "murmur2_random"}, /* the Java clients' */
	{"delivery.report.only.error", "true"},
};

/* Settings that cdcl lives by: refused, with what to write instead. */
static const struct pin refused[] = {
	{"bootstrap.servers", "write brokers = \"HOST:PORT\" or --brokers"},
	{"metadata.broker.list", "write brokers = \"HOST:PORT\" or --brokers"},
	{"auto.offset.reset", "write starting_offsets and on_data_loss"},
	{"enable.auto.commit", "offsets are committed when their batch is finished"},
	{"enable.auto.offset.store", "offsets are committed when their batch is finished"},
	{"enable.partition.eof", "cdcl needs it to see the end of a partition"},
	{"key.deserializer", "keys and values are bytes; a schema decodes them"},
	{"value.deserializer", "keys and values are bytes; a schema decodes them"},
	{"interceptor.classes", "there is no JVM"},
	{"group.protocol", "a job reads the partitions as they are: it joins no group"},
	{"transactional.id", "it is cdcl.JOB: name the job differently"},
};

/* What a later librdkafka has, and since when. */
static const struct pin newer[] = {
	{"client.dns.lookup", "2.2.0"},
	{"fetch.queue.backoff.ms", "2.2.0"},
	{"retry.backoff.max.ms", "2.3.0"},
	{"enable.metrics.push", "2.5.0"},
	{"group.remote.assignor", "2.4.0"},
	{"metadata.recovery.strategy", "2.10.0"},
	{"metadata.recovery.rebootstrap.trigger.ms", "2.11.0"},
	{"https.ca.location", "2.11.0"},
	{"https.ca.pem", "2.11.0"},
};

/* The Java client's names, for people who bring a Spark or Kafka Streams configuration along. */
static const struct pin java_names[] = {
	{"ssl.truststore.location", "ssl.ca.location (a PEM file)"},
	{"ssl.truststore.password", "ssl.ca.location (a PEM file, no password)"},
	{"ssl.truststore.certificates", "ssl.ca.pem"},
	{"ssl.keystore.certificate.chain", "ssl.certificate.pem"},
	{"ssl.keystore.key", "ssl.key.pem"},
	{"sasl.jaas.config", "sasl.username and sasl.password"},
	{"max.partition.fetch.bytes", "fetch.message.max.bytes"},
	{"fetch.max.wait.ms", "fetch.wait.max.ms"},
	{"max.poll.records", "nothing: chunks hold up to 1,024 rows"},
	{"metadata.max.age.ms", "topic.metadata.refresh.interval.ms"},
	{"request.timeout.ms", "socket.timeout.ms"},
	{"buffer.memory", "queue.buffering.max.kbytes"},
};

void kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char text[512];
	rd_kafka_conf_res_t r = rd_kafka_conf_set(conf, name, value, text, sizeof(text));
	if (r != RD_KAFKA_CONF_OK)
		log_error("kafka", "%s=%s: %s", name, value, text);
	check(r == RD_KAFKA_CONF_OK);
}

void kafka_conf_set_int(rd_kafka_conf_t *conf, const char *name, int64_t value)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRId64, value);
	kafka_conf_set(conf, name, text);
}

int64_t kafka_conf_int(rd_kafka_conf_t *conf, const char *name, int64_t otherwise)
{
	char text[64];
	size_t len = sizeof(text);
	if (rd_kafka_conf_get(conf, name, text, &len) != RD_KAFKA_CONF_OK)
		return otherwise;
	return strtoll(text, NULL, 10);
}

int64_t kafka_refresh_us(rd_kafka_conf_t *conf)
{
	int64_t us = kafka_conf_int(conf, "topic.metadata.refresh.interval.ms", 10000) * 1000;
	return us > 0 ? us : kafka_refresh_us_default;
}

static void set_pins(rd_kafka_conf_t *conf, const struct pin *pins, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kafka_conf_set(conf, pins[i].name, pins[i].value);
}

static const char *pin_find(const struct pin *pins, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, str_c(pins[i].name)))
			return pins[i].value;
	return NULL;
}

/* The nearest setting that librdkafka has, copied to `out`. */
static bool nearest_name(struct str name, char *out, size_t out_bytes)
{
	rd_kafka_conf_t *all = rd_kafka_conf_new();
	size_t count = 0;
	const char **dump = rd_kafka_conf_dump(all, &count);
	struct str best = {NULL, 0};
	unsigned best_distance = 4;
	for (size_t i = 0; i + 1 < count; i += 2) {
		unsigned d = str_distance(name, str_c(dump[i]), best_distance);
		if (d < best_distance) {
			best_distance = d;
			best = str_c(dump[i]);
		}
	}
	if (best.data != NULL)
		snprintf(out, out_bytes, STR_FMT, STR_ARG(best));
	rd_kafka_conf_dump_free(dump, count);
	rd_kafka_conf_destroy(all);
	return best.data != NULL;
}

static int fail_setting(const struct setting *s, struct str name, rd_kafka_conf_res_t why,
	const char *text, struct error *err)
{
	error_set(err, CDCL_E_SCRIPT, "Kafka setting '" STR_FMT "': %s", STR_ARG(name), text);
	char near[256];
	const char *since = pin_find(newer, ARRAY_LEN(newer), name);
	const char *java = pin_find(java_names, ARRAY_LEN(java_names), name);
	if (why == RD_KAFKA_CONF_UNKNOWN && since != NULL)
		error_help(err, "needs librdkafka %s or later, this is %s", since,
			rd_kafka_version_str());
	else if (java != NULL)
		error_help(err, "that is the Java client's name; here it is %s", java);
	else if (why == RD_KAFKA_CONF_UNKNOWN && nearest_name(name, near, sizeof(near)))
		error_help(err, "did you mean '%s'?", near);
	else if (why == RD_KAFKA_CONF_UNKNOWN)
		error_help(err, "this is librdkafka %s; a later one may know it",
			rd_kafka_version_str());
	if (s->place.len > 0)
		return error_at(err, STR_FMT, STR_ARG(s->place));
	return -(int)err->code;
}

static int set_user(rd_kafka_conf_t *conf, const struct setting *s, struct error *err)
{
	struct str name = s->name;
	if (str_starts(name, str_lit("kafka."))) /* Spark's spelling */
		name = str_sub(name, 6, name.len - 6);
	const char *instead = pin_find(refused, ARRAY_LEN(refused), name);
	if (instead != NULL) {
		error_set(err, CDCL_E_SCRIPT, "Kafka setting '" STR_FMT "' is cdcl's own",
			STR_ARG(name));
		error_help(err, "%s", instead);
		return s->place.len > 0 ? error_at(err, STR_FMT, STR_ARG(s->place))
					: -(int)err->code;
	}
	if (secret_is_name(name))
		secret_keep(s->value);
	struct arena arena;
	arena_init(&arena, 4096);
	struct str name_c = str_dup(name, &arena);
	struct str value_c = str_dup(s->value, &arena);
	char text[512];
	rd_kafka_conf_res_t r =
		rd_kafka_conf_set(conf, name_c.data, value_c.data, text, sizeof(text));
	int answer = r == RD_KAFKA_CONF_OK ? 0 : fail_setting(s, name, r, text, err);
	arena_release(&arena);
	return answer;
}

static int set_brokers(rd_kafka_conf_t *conf, struct str brokers, struct error *err)
{
	char text[512];
	char name[brokers_bytes_max];
	if (kafka_brokers_check(brokers, err) < 0)
		return -(int)err->code;
	snprintf(name, sizeof(name), STR_FMT, STR_ARG(brokers));
	if (rd_kafka_conf_set(conf, "bootstrap.servers", name, text, sizeof(text)) !=
		RD_KAFKA_CONF_OK)
		return error_set(err, CDCL_E_USAGE, "brokers '%s': %s", name, text);
	return 0;
}

/*
 * librdkafka's own lines: its errors reach us through error_cb and the answers of calls, so these
 * are for -v.
 */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	log_debug("librdkafka", "%s %s", facility, text);
}

rd_kafka_conf_t *kafka_client_conf(enum kafka_role role, struct str brokers,
	const struct setting *settings, uint32_t count, struct error *err)
{
	if (late_open(&late_rdkafka, err) < 0)
		return NULL;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set_pins(conf, common_pins, ARRAY_LEN(common_pins));
	if (role == KAFKA_READER)
		set_pins(conf, reader_pins, ARRAY_LEN(reader_pins));
	else
		set_pins(conf, writer_pins, ARRAY_LEN(writer_pins));
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (set_brokers(conf, brokers, err) < 0)
		goto fail;
	for (uint32_t i = 0; i < count; i++)
		if (set_user(conf, &settings[i], err) < 0)
			goto fail;
	return conf;
fail:
	rd_kafka_conf_destroy(conf);
	return NULL;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/*
 * A quarter of the memory for librdkafka's bookkeeping and a quarter for payload: the other half is
 * for what comes too much, because librdkafka sees an empty queue while we are draining it, and
 * one answer arrives whole after the bound was looked at (so it is kept small; its ops then stay in
 * the core's cache, too). With a queue per partition (max_offsets_per_trigger) each queue gets a
 * 16th, because librdkafka bounds them one by one.
 */
struct kafka_bounds kafka_bounds_of(int64_t fetch_memory_bytes, bool queue_per_partition)
{
	int64_t memory = fetch_memory_bytes > 0 ? fetch_memory_bytes : (int64_t)64 * 1024 * 1024;
	/* Below this one record batch of a busy producer fills the queue for good. */
	memory = clamp(memory, (int64_t)16 * 1024 * 1024, (int64_t)64 << 30);
	int64_t share = queue_per_partition ? memory / 16 : memory;
	return (struct kafka_bounds){
		.messages = clamp(share / 4 / kafka_message_overhead_bytes, 16, 10 * 1000 * 1000),
		.bytes = clamp(share / 4, 64 * 1024, (int64_t)2097151 * 1024),
		.fetch_bytes = clamp(memory / 32, 256 * 1024, 50 * 1024 * 1024),
		.partition_bytes = clamp(memory / 64, 64 * 1024, 512 * 1024),
	};
}

rd_kafka_conf_t *kafka_reader_conf(const struct kafka_config *config, struct error *err)
{
	rd_kafka_conf_t *conf = kafka_client_conf(KAFKA_READER, config->brokers, NULL, 0, err);
	if (conf == NULL)
		return NULL;
	struct kafka_bounds bounds =
		kafka_bounds_of(config->fetch_memory_bytes, config->max_offsets_per_trigger > 0);
	kafka_conf_set_int(conf, "queued.min.messages", bounds.messages);
	kafka_conf_set_int(conf, "queued.max.messages.kbytes", bounds.bytes / 1024);
	kafka_conf_set_int(conf, "fetch.message.max.bytes", bounds.partition_bytes);
	kafka_conf_set_int(conf, "fetch.max.bytes", bounds.fetch_bytes);
	kafka_conf_set_int(conf, "message.max.bytes", clamp(bounds.fetch_bytes, 1000, 1000000));
	if (config->group.len > 0) {
		char group[512];
		snprintf(group, sizeof(group), STR_FMT, STR_ARG(config->group));
		kafka_conf_set(conf, "group.id", group);
	}
	for (uint32_t i = 0; i < config->setting_count; i++)
		if (set_user(conf, &config->settings[i], err) < 0) {
			rd_kafka_conf_destroy(conf);
			return NULL;
		}
	return conf;
}

rd_kafka_t *kafka_client_open(rd_kafka_type_t type, rd_kafka_conf_t *conf, struct error *err)
{
	char text[512];
	rd_kafka_t *rk = rd_kafka_new(type, conf, text, sizeof(text));
	if (rk == NULL) {
		rd_kafka_conf_destroy(conf);
		error_set(err, CDCL_E_SCRIPT, "Kafka client: %s", text);
	}
	return rk;
}

bool kafka_error_is_reach(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
	case RD_KAFKA_RESP_ERR__WAIT_COORD:
		return true;
	default:
		return false;
	}
}

const char *kafka_error_text(int code)
{
	return rd_kafka_err2str((rd_kafka_resp_err_t)code);
}
