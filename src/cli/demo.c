#include "cli/demo.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "runtime/peek.h"
#include "source/generator.h"
#include "source/kafka_broker.h"

#include <stdlib.h>

enum { demo_rate = 50, demo_keys = 40, demo_partitions = 2, demo_peek_messages = 100 };

struct demo {
	struct source_peek seam;
	struct peek *peek; /* at the generator */
	struct kafka_broker *broker;
	struct arena arena;
	struct str topics[kafka_broker_feeds_max];
	uint32_t topic_count;
};

/* The answer is that of the orders that the topic will be fed with. */
static int look(struct source_peek *p, const struct peek_request *request,
	struct envelope_sample *out, struct error *err)
{
	struct demo *d = container_of(p, struct demo, seam);
	struct source_config config = {.kind = SOURCE_GENERATE};
	config.generate = generate_config_default(GENERATE_ORDERS);
	config.generate.count = demo_peek_messages;
	config.generate.rate = 0;
	struct peek_request orders = *request;
	orders.source = &config;
	if (d->peek == NULL)
		d->peek = peek_open(&clock_system, -1);
	struct source_peek *seam = peek_seam(d->peek);
	return seam->look(seam, &orders, out, err);
}

struct source_peek *demo_peek(struct demo *d)
{
	return &d->seam;
}

struct demo *demo_open(struct error *err)
{
	struct demo *d = calloc(1, sizeof(*d));
	if (d == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the demo");
		return NULL;
	}
	arena_init(&d->arena, 1024);
	d->seam.look = look;
	d->broker = kafka_broker_open(0, err);
	if (d->broker == NULL) {
		demo_close(d);
		return NULL;
	}
	return d;
}

void demo_close(struct demo *d)
{
	if (d == NULL)
		return;
	kafka_broker_close(d->broker);
	arena_release(&d->arena);
	peek_close(d->peek);
	free(d);
}

struct str demo_brokers(const struct demo *d)
{
	return kafka_broker_bootstrap(d->broker);
}

static bool is_fed(const struct demo *d, struct str topic)
{
	for (uint32_t i = 0; i < d->topic_count; i++)
		if (str_eq(d->topics[i], topic))
			return true;
	return false;
}

static enum generate_kind kind_of(const struct plan_node *node)
{
	static const char *const columns[] = {"email", "name"};
	for (size_t i = 0; !node->raw && i < 2; i++)
		if (schema_find(node->json.schema, str_c(columns[i])) >= 0)
			return GENERATE_CUSTOMERS;
	return GENERATE_ORDERS;
}

static int feed_topic(
	struct demo *d, const struct plan_node *node, struct str topic, struct error *err)
{
	if (is_fed(d, topic))
		return 0;
	if (d->topic_count == kafka_broker_feeds_max)
		return error_set(err, CDCL_E_USAGE, "--demo fills at most %d topics",
			kafka_broker_feeds_max);
	int r = kafka_broker_topic(d->broker, topic, demo_partitions, err);
	if (r < 0)
		return r;
	struct generate_config config = generate_config_default(kind_of(node));
	config.rate = demo_rate;
	config.keys = demo_keys;
	d->topics[d->topic_count++] = str_dup(topic, &d->arena);
	return kafka_broker_demo(d->broker, topic, &config, err);
}

int demo_feed(struct demo *d, const struct plan *plan, struct error *err)
{
	uint32_t before = d->topic_count;
	for (uint32_t i = 0; i < plan->node_count; i++) {
		const struct plan_node *node = plan->nodes[i];
		if (node->kind != PLAN_SOURCE || node->source.kind != SOURCE_KAFKA)
			continue;
		const struct kafka_config *k = &node->source.kafka;
		for (uint32_t t = 0; t < k->topic_count; t++) {
			int r = feed_topic(d, node, k->topics[t], err);
			if (r < 0)
				return r;
		}
	}
	if (before == 0 && d->topic_count > 0)
		log_info("demo",
			"a broker of its own at " STR_FMT ", %d simulated changes a second",
			STR_ARG(demo_brokers(d)), demo_rate);
	if (d->topic_count == 0)
		return error_set(err, CDCL_E_USAGE,
			"--demo has nothing to feed: the script reads no Kafka topic by name");
	return 0;
}
