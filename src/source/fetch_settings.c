#include "source/fetch_settings.h"

#include "base/bounds.h"
#include "base/check.h"
#include "source/kafka_client.h"

#include <stdio.h>
#include <string.h>

enum {
	wait_ms_default = 100,
	retry_ms_default = 100,
	timeout_ms_default = 10 * 1000,
	answer_bytes_default = 2 * 1024 * 1024,
	partition_bytes_default = 1024 * 1024,
	memory_least = 16 * 1024 * 1024
};

static const char *const followed[] = {"client.id", "group.id", "fetch.wait.max.ms",
	"fetch.min.bytes", "fetch.max.bytes", "fetch.message.max.bytes",
	"max.partition.fetch.bytes", "fetch.error.backoff.ms", "socket.timeout.ms",
	"topic.metadata.refresh.interval.ms",
	"isolation.level", "security.protocol",
	/* always so */
	"check.crcs", "socket.nagle.disable", "socket.keepalive.enable"};

static struct str name_of(const struct setting *s)
{
	struct str prefix = str_lit("kafka."); /* Spark's spelling */
	return str_starts(s->name, prefix) ? str_sub(s->name, prefix.len, s->name.len) : s->name;
}

static const struct setting *given(const struct kafka_config *config, const char *name)
{
	for (uint32_t i = config->setting_count; i-- > 0;)
		if (str_eq(name_of(&config->settings[i]), str_c(name)))
			return &config->settings[i];
	return NULL;
}

/* conf NULL: nothing was given, and librdkafka need not be there. */
static int32_t number(rd_kafka_conf_t *conf, const char *name, int64_t low, int64_t otherwise)
{
	enum { highest = message_bytes_max };
	int64_t n = conf == NULL ? otherwise : kafka_conf_int(conf, name, otherwise);
	return (int32_t)(n < low ? low : n > highest ? highest : n);
}

static void text(rd_kafka_conf_t *conf, const char *name, char *out, size_t bytes)
{
	if (conf != NULL && rd_kafka_conf_get(conf, name, out, &bytes) != RD_KAFKA_CONF_OK)
		out[0] = 0;
}

static void read_bytes(
	const struct kafka_config *config, rd_kafka_conf_t *conf, struct fetch_settings *out)
{
	int64_t memory = config->fetch_memory_bytes;
	memory = memory > 0 ? memory : (int64_t)64 * 1024 * 1024;
	out->memory_bytes = memory > memory_least ? memory : memory_least;
	out->bytes_max = answer_bytes_default;
	out->partition_max = partition_bytes_default;
	if (given(config, "fetch.max.bytes") != NULL)
		out->bytes_max = number(conf, "fetch.max.bytes", 1, answer_bytes_default);
	if (given(config, "fetch.message.max.bytes") != NULL ||
		given(config, "max.partition.fetch.bytes") != NULL)
		out->partition_max =
			number(conf, "fetch.message.max.bytes", 1, partition_bytes_default);
}

int fetch_settings_read(
	const struct kafka_config *config, struct fetch_settings *out, struct error *err)
{
	*out = (struct fetch_settings){.wait_ms = wait_ms_default, .client = "cdcl"};
	rd_kafka_conf_t *conf = NULL;
	if (config->setting_count > 0 && (conf = kafka_reader_conf(config, err)) == NULL)
		return -(int)err->code;
	if (given(config, "fetch.wait.max.ms") != NULL)
		out->wait_ms = number(conf, "fetch.wait.max.ms", 0, wait_ms_default);
	out->bytes_min = number(conf, "fetch.min.bytes", 1, 1);
	out->retry_ms = number(conf, "fetch.error.backoff.ms", 1, retry_ms_default);
	out->timeout_ms = number(conf, "socket.timeout.ms", 10, timeout_ms_default);
	out->refresh_us = conf == NULL ? kafka_refresh_us_default : kafka_refresh_us(conf);
	read_bytes(config, conf, out);
	char isolation[32] = "";
	text(conf, "isolation.level", isolation, sizeof(isolation));
	out->read_committed = strcmp(isolation, "read_uncommitted") != 0;
	text(conf, "client.id", out->client, sizeof(out->client));
	snprintf(out->group, sizeof(out->group), STR_FMT, STR_ARG(config->group));
	text(conf, "group.id", out->group, sizeof(out->group));
	if (conf != NULL)
		rd_kafka_conf_destroy(conf);
	return 0;
}

bool fetch_settings_fit(const struct kafka_config *config, char *why, size_t why_bytes)
{
	const struct setting *security = given(config, "security.protocol");
	if (security != NULL && !str_eq_fold(security->value, str_lit("plaintext"))) {
		snprintf(why, why_bytes, "security.protocol = " STR_FMT, STR_ARG(security->value));
		return false;
	}
	for (uint32_t i = 0; i < config->setting_count; i++) {
		struct str name = name_of(&config->settings[i]);
		bool follows = false;
		for (size_t k = 0; k < ARRAY_LEN(followed) && !follows; k++)
			follows = str_eq(name, str_c(followed[k]));
		if (!follows) {
			snprintf(why, why_bytes, "the setting " STR_FMT, STR_ARG(name));
			return false;
		}
	}
	return true;
}
