#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/broker_arguments.h"
#include "cli/interrupt.h"
#include "source/generator.h"
#include "source/kafka_producer.h"

#include <inttypes.h>

enum { print_bytes = 64 * 1024, tick_ms = 10, checks_every = 1024 };

struct generate_options {
	const char *brokers;
	const char *topic;
	struct option_list settings;
	struct generate_config config; /* its counts are int64_t, its fractions double */
	int64_t seed;
	bool with_key;
};

static const struct option_spec generate_specs[] = {
	{0, "topic", "NAME", OPTION_TEXT, offsetof(struct generate_options, topic),
		"write to this Kafka topic; without it, lines to stdout"},
	{0, "brokers", "HOST:PORT,...", OPTION_TEXT, offsetof(struct generate_options, brokers),
		"Kafka's brokers; else CDCL_BROKERS, localhost:9092"},
	{0, "rate", "N", OPTION_INTEGER, offsetof(struct generate_options, config.rate),
		"messages a second; 0: as fast as they are taken (default)"},
	{0, "count", "N", OPTION_INTEGER, offsetof(struct generate_options, config.count),
		"stop after N messages; 0: never (default)"},
	{0, "keys", "N", OPTION_INTEGER, offsetof(struct generate_options, config.keys),
		"how many keys there are (default 1000)"},
	{0, "seed", "N", OPTION_INTEGER, offsetof(struct generate_options, seed),
		"the same seed gives the same bytes (default 1)"},
	{0, "skew", "S", OPTION_REAL, offsetof(struct generate_options, config.skew),
		"Zipf exponent of the keys: 0 uniform (default), 0.99 a few hot ones"},
	{0, "malformed", "FRACTION", OPTION_REAL,
		offsetof(struct generate_options, config.malformed),
		"of the messages are a broken copy of the one that follows"},
	{0, "duplicates", "FRACTION", OPTION_REAL,
		offsetof(struct generate_options, config.duplicates),
		"of the messages repeat one of the last 64"},
	{0, "late", "FRACTION", OPTION_REAL, offsetof(struct generate_options, config.late),
		"of the messages are overtaken by newer ones of other keys"},
	{0, "with-key", NULL, OPTION_FLAG, offsetof(struct generate_options, with_key),
		"stdout: KEY, a tab, VALUE"},
	{'X', NULL, "KEY=VALUE", OPTION_LIST, offsetof(struct generate_options, settings),
		"a setting of librdkafka, such as compression.codec=lz4"},
};

static void set_defaults(void *options)
{
	struct generate_options *o = options;
	o->config = generate_config_default(GENERATE_ORDERS);
	o->seed = (int64_t)o->config.seed;
}

/* Where messages go: a topic, or lines to stdout. */
struct outlet {
	struct kafka_producer *producer;
	struct strbuf lines;
	bool with_key;
};

static int outlet_flush(struct outlet *o, struct error *err)
{
	if (o->producer != NULL || o->lines.len == 0)
		return 0;
	int r = file_write_stdout(strbuf_str(&o->lines), err);
	strbuf_reset(&o->lines);
	return r;
}

static int outlet_send(struct outlet *o, const struct generated *event, struct error *err)
{
	if (o->producer != NULL)
		return kafka_producer_send(o->producer, -1, event->key, event->value, err);
	if (o->with_key) {
		strbuf_add(&o->lines, event->key);
		strbuf_add_byte(&o->lines, '\t');
	}
	strbuf_add(&o->lines, event->value);
	strbuf_add_byte(&o->lines, '\n');
	return o->lines.len < print_bytes ? 0 : outlet_flush(o, err);
}

/* Messages that may go out by now. */
static int64_t due(const struct generate_config *config, int64_t begun_us, int64_t sent)
{
	if (config->rate == 0)
		return checks_every;
	double elapsed = (double)(clock_monotonic_us(&clock_system) - begun_us) / 1e6;
	return 1 + (int64_t)(elapsed * (double)config->rate) - sent;
}

static int send_all(
	struct outlet *o, const struct generate_config *config, int64_t *sent, struct error *err)
{
	struct generator *g = generator_open(config);
	struct generated event;
	int64_t begun_us = clock_monotonic_us(&clock_system);
	bool more = true;
	int r = 0;
	while (r == 0 && more && !interrupt_seen()) {
		int64_t wanted = due(config, begun_us, *sent);
		int64_t i = 0;
		for (; i < wanted && r == 0 && (more = generator_next(g, &event)); i++)
			r = outlet_send(o, &event, err);
		*sent += i;
		if (r == 0 && config->rate > 0) {
			r = outlet_flush(o, err);
			if (more)
				interrupt_sleep(tick_ms);
		}
	}
	generator_close(g);
	return r < 0 ? r : outlet_flush(o, err);
}

static int check_config(const struct generate_config *c)
{
	const double fractions[] = {c->malformed, c->duplicates, c->late};
	const char *const names[] = {"malformed", "duplicates", "late"};
	for (int i = 0; i < 3; i++)
		if (fractions[i] > 0.9)
			return cli_usage(&command_generate,
				"--%s is a fraction of the messages, 0 to 0.9, not %g", names[i],
				fractions[i]);
	if (c->keys < 1 || c->keys > generator_keys_max)
		return cli_usage(
			&command_generate, "--keys takes 1 to %d", (int)generator_keys_max);
	if (c->skew > 5)
		return cli_usage(&command_generate, "--skew takes 0 to 5, not %g", c->skew);
	return 0;
}

static int generate_to(const struct generate_options *o, const struct generate_config *config)
{
	static struct setting settings[option_list_max];
	struct error err;
	error_init(&err);
	struct outlet outlet = {.with_key = o->with_key};
	strbuf_init(&outlet.lines);
	int64_t sent = 0;
	int r = broker_settings(&o->settings, settings, &err);
	if (r == 0 && o->topic != NULL) {
		struct kafka_producer_config target = {.brokers = broker_address(o->brokers),
			.topic = str_c(o->topic),
			.settings = settings,
			.setting_count = o->settings.count,
			.timeout_ms = 30000};
		outlet.producer = kafka_producer_open(&target, &err);
		r = outlet.producer == NULL ? -(int)err.code : 0;
	}
	if (r == 0)
		r = send_all(&outlet, config, &sent, &err);
	if (r == 0 && outlet.producer != NULL)
		r = kafka_producer_flush(outlet.producer, &err);
	if (r == 0 && outlet.producer != NULL)
		log_info("generate", "%" PRId64 " messages to topic '%s'", sent, o->topic);
	kafka_producer_close(outlet.producer);
	strbuf_release(&outlet.lines);
	return r == 0 || err.code == CDCL_E_CLOSED ? 0 : cli_fail(&err);
}

static int run_generate(const void *options, const struct arguments *arguments)
{
	const struct generate_options *o = options;
	struct generate_config config = o->config;
	config.seed = (uint64_t)o->seed;
	if (arguments->count != 1)
		return cli_usage(&command_generate, "say what to generate: orders or customers");
	if (strcmp(arguments->items[0], "customers") == 0)
		config.kind = GENERATE_CUSTOMERS;
	else if (strcmp(arguments->items[0], "orders") != 0)
		return cli_usage(&command_generate,
			"'%s' cannot be generated: orders and customers can", arguments->items[0]);
	int wrong = check_config(&config);
	if (wrong != 0)
		return wrong;
	interrupt_catch();
	return generate_to(o, &config);
}

const struct command command_generate = {
	.name = "generate",
	.summary = "Make simulated change events, to a Kafka topic or stdout.",
	.usage = "cdcl generate [OPTIONS] orders|customers",
	.examples = "  cdcl generate orders --topic orders_cdc --rate 100\n"
		    "  cdcl generate customers --count 20\n"
		    "  cdcl generate orders --count 1000 --malformed 0.01 | "
		    "cdcl run --input - orders.lua\n",
	.details = "Every key has a life: an insert, updates, a delete, sometimes an insert "
		   "again; the\nmessage's key is the id. Faults leave the final state as it would "
		   "be without them, but for\nduplicates, which repeat older events.\n",
	.options = generate_specs,
	.option_count = sizeof(generate_specs) / sizeof(generate_specs[0]),
	.options_bytes = sizeof(struct generate_options),
	.defaults = set_defaults,
	.run = run_generate,
};
