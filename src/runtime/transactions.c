#include "runtime/transactions.h"

#include "base/check.h"
#include "plan/plan_target.h"

#include <stdlib.h>

enum { open_timeout_ms = 60 * 1000, stop_ms = 30 * 1000, retry_ms = 5 * 60 * 1000 };

static struct transaction_place *place_of(const struct transactions *t, struct str brokers)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (str_eq(t->places[i].config.brokers, brokers))
			return &t->places[i];
	return NULL;
}

static bool same_settings(const struct kafka_transaction_config *c, const struct setting *settings,
	uint32_t count)
{
	bool same = c->setting_count == count;
	for (uint32_t i = 0; same && i < count; i++)
		same = str_eq(c->settings[i].name, settings[i].name) &&
			str_eq(c->settings[i].value, settings[i].value);
	return same;
}

static struct transaction_place *add_place(
	struct transactions *t, const struct plan *plan, const struct sink_writer *writer,
	const struct kafka_sink_config *k)
{
	struct transaction_place *place = &t->places[t->count++];
	place->config = (struct kafka_transaction_config){.job = plan->job_name,
		.checkpoint = writer->checkpoint,
		.brokers = k->brokers,
		.settings = k->settings,
		.setting_count = k->setting_count,
		.open_timeout_ms =
			k->broker_timeout_ms > 0 ? k->broker_timeout_ms : open_timeout_ms,
		.batch_timeout_ms = stop_ms,
		.trigger_ms = plan->trigger_ms};
	place->transaction = kafka_transaction_open(&place->config);
	return place;
}

static int join(struct transactions *t, const struct plan *plan, const struct sink_writer *writer,
	struct plan_sink *s, struct error *err)
{
	struct kafka_sink_config *k = &s->config.kafka;
	struct transaction_place *place = place_of(t, k->brokers);
	if (place == NULL)
		place = add_place(t, plan, writer, k);
	if (s->config.on_error == SINK_RETRY)
		place->config.batch_timeout_ms = retry_ms;
	k->transaction = place->transaction;
	if (same_settings(&place->config, k->settings, k->setting_count))
		return 0;
	error_set(err, CDCL_E_SCRIPT, "kafka_sink: sinks of one cluster share a transaction and "
		"so a client: their settings in kafka = {...} differ");
	error_help(err, "make them equal, or write delivery = \"at_least_once\" for one");
	return error_at(err, STR_FMT, STR_ARG(s->place));
}

int transactions_open(struct transactions *t, struct plan *plan, const struct sink_writer *writer,
	struct error *err)
{
	struct kafka_sink_config dead;
	t->places = calloc((size_t)plan->sink_count + 1, sizeof(*t->places));
	check(t->places != NULL); /* out of memory */
	int r = 0;
	for (uint32_t i = 0; writer != NULL && i < plan->sink_count && r == 0; i++) {
		struct sink_config *c = &plan->sinks[i].config;
		if (c->kind == SINK_KAFKA && c->kafka.delivery == DELIVERY_EXACTLY_ONCE)
			r = join(t, plan, writer, &plan->sinks[i], err);
	}
	if (r == 0 && writer != NULL && plan_dead_letter_target(plan, &dead) &&
		place_of(t, dead.brokers) == NULL)
		add_place(t, plan, writer, &dead);
	return r;
}

void transactions_close(struct transactions *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		kafka_transaction_close(t->places[i].transaction);
	free(t->places);
	*t = (struct transactions){.places = NULL};
}

struct kafka_transaction *transactions_dead_letters(
	const struct transactions *t, const struct plan *plan)
{
	struct kafka_sink_config dead;
	struct transaction_place *place = NULL;
	if (plan_dead_letter_target(plan, &dead))
		place = place_of(t, dead.brokers);
	return place == NULL ? NULL : place->transaction;
}

int transactions_check(const struct transactions *t, struct error *err)
{
	for (uint32_t i = 0; i < t->count; i++)
		for (uint32_t k = 0; k < i; k++)
			if (kafka_transaction_same_cluster(
				    t->places[i].transaction, t->places[k].transaction))
				return error_set(err, CDCL_E_SCRIPT,
					"brokers \"" STR_FMT "\" and \"" STR_FMT
					"\" are one cluster: write it the same way everywhere, so "
					"that its sinks share a transaction",
					STR_ARG(t->places[k].config.brokers),
					STR_ARG(t->places[i].config.brokers));
	return 0;
}

void transactions_offsets(
	struct transactions *t, const struct plan *plan, const struct intake *in, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct source *s = in[i].source;
		if (in[i].node->source.kind != SOURCE_KAFKA)
			continue;
		struct transaction_place *place = place_of(t, in[i].node->source.kafka.brokers);
		for (uint32_t k = 0; place != NULL && k < s->partition_count; k++) {
			const struct source_partition *p = &s->partitions[k];
			if (p->position > p->batch_start && p->batch_start >= 0)
				kafka_transaction_offset(place->transaction, plan->job_name,
					p->topic, p->partition, p->position);
		}
	}
}

int transactions_publish(struct transactions *t, const struct batch *b, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < t->count && r == 0; i++)
		r = kafka_transaction_publish(t->places[i].transaction, b->id, err);
	return r;
}
