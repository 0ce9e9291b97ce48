#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "data/value.h"
#include "source/kafka_broker.h"

#include <inttypes.h>
#include <stdio.h>

struct broker_options {
	struct option_list topics; /* NAME[:PARTITIONS] */
	struct option_list loads; /* TOPIC=FILE */
	int64_t port;
};

static const struct option_spec broker_specs[] = {
	{0, "topic", "NAME[:N]", OPTION_LIST, offsetof(struct broker_options, topics),
		"make this topic with N partitions (default 1); may be repeated"},
	{0, "load", "TOPIC=FILE", OPTION_LIST, offsetof(struct broker_options, loads),
		"put each line of FILE (.gz and .zst too) into the topic; may be repeated"},
	{0, "port", "N", OPTION_INTEGER, offsetof(struct broker_options, port),
		"answer on 127.0.0.1:N as well (default: a port that the kernel chooses)"},
};

static int make_topic(struct kafka_broker *b, const char *text, struct error *err)
{
	struct str name = str_c(text);
	const char *colon = strrchr(text, ':');
	int64_t partitions = 1;
	if (colon != NULL) {
		name.len = (size_t)(colon - text);
		if (!int64_parse(str_c(colon + 1), &partitions) || partitions > INT32_MAX)
			return error_set(err, CDCL_E_USAGE,
				"--topic takes NAME or NAME:PARTITIONS, not '%s'", text);
	}
	return kafka_broker_topic(b, name, (int32_t)partitions, err);
}

static int load(struct kafka_broker *b, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	if (equals == NULL || equals == text || equals[1] == 0)
		return error_set(err, CDCL_E_USAGE, "--load takes TOPIC=FILE, not '%s'", text);
	struct str topic = {text, (size_t)(equals - text)};
	int r = kafka_broker_topic(b, topic, 1, err); /* unless --topic made it */
	if (r < 0)
		return r;
	int64_t count = kafka_broker_load(b, topic, equals + 1, err);
	if (count < 0)
		return (int)count;
	log_info("broker", "%" PRId64 " messages from %s in topic '" STR_FMT "'", count, equals + 1,
		STR_ARG(topic));
	return 0;
}

static int prepare(struct kafka_broker *b, const struct broker_options *o, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < o->topics.count && r >= 0; i++)
		r = make_topic(b, o->topics.items[i], err);
	for (uint32_t i = 0; i < o->loads.count && r >= 0; i++)
		r = load(b, o->loads.items[i], err);
	if (r < 0)
		return r;
	char line[128];
	struct str address = kafka_broker_bootstrap(b);
	int n = snprintf(line, sizeof(line), STR_FMT "\n", STR_ARG(address));
	r = file_write_stdout((struct str){line, (size_t)n}, err);
	log_info("broker", "try: cdcl run --brokers " STR_FMT " orders.lua; Ctrl-C ends it",
		STR_ARG(address));
	return r;
}

static int run_broker(const void *options, const struct arguments *arguments)
{
	const struct broker_options *o = options;
	struct error err;
	error_init(&err);
	if (arguments->count != 0)
		return cli_usage(&command_broker, "unexpected '%s'", arguments->items[0]);
	if (o->port > 65535)
		return cli_usage(&command_broker, "--port takes 1 to 65535");
	interrupt_catch();
	struct kafka_broker *b = kafka_broker_open((int)o->port, &err);
	int r = b == NULL ? -(int)err.code : prepare(b, o, &err);
	while (r >= 0 && !interrupt_seen())
		interrupt_sleep(1000);
	kafka_broker_close(b);
	return r >= 0 || err.code == CDCL_E_CLOSED ? 0 : cli_fail(&err);
}

const struct command command_broker = {
	.name = "broker",
	.summary = "Run a development broker in memory, no Kafka needed.",
	.usage = "cdcl broker [OPTIONS]",
	.examples = "  cdcl broker --port 9092 --topic orders_cdc:2\n"
		    "  cdcl broker --load orders_cdc=orders.jsonl\n"
		    "  cdcl broker --topic orders_cdc:2 --topic customers_cdc\n",
	.details =
		"Its address is printed on stdout. It speaks Kafka's protocol to any client\n"
		"on this machine and forgets everything when it ends. For trying things out:\n"
		"  a partition holds 5 MiB or 100,000 messages, then the oldest are dropped;\n"
		"  aborted transactions stay visible; offsets cannot be found by timestamp;\n"
		"  topics that nobody made have 4 partitions; joining a consumer group takes 3 s;\n"
		"  no TLS, no passwords, no admin requests, and nothing is written to disk.\n",
	.options = broker_specs,
	.option_count = sizeof(broker_specs) / sizeof(broker_specs[0]),
	.options_bytes = sizeof(struct broker_options),
	.run = run_broker,
};
