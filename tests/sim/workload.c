#include "workload.h"

#include "base/check.h"
#include "broker.h"
#include "shared.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { partitions = 3, products = 5 };

/* Noon of a day in 2023, in milliseconds and in microseconds. */
static const int64_t noon_ms = INT64_C(1700000000000), noon_us = INT64_C(1700000000000000);

static const char *const product_names[products] = {
	"apple", "plum", "a pear of some length", "", "quince \"x\""};
static const char *const product_json[products] = {
	"apple", "plum", "a pear of some length", "", "quince \\\"x\\\""};

/* ---- making ---- */

static struct event make_event(const struct workload *w, int64_t seq)
{
	if (w->count > 0 && world_once_in(8)) /* again, as it was */
		return w->events[world_choose(w->count)];
	uint32_t op = world_choose(20);
	struct event e = {.op = op < 5 ? EVENT_INSERT
			: op < 13      ? EVENT_UPDATE
			: op < 18      ? EVENT_DELETE
			: op < 19      ? EVENT_UNKNOWN
				       : EVENT_TORN,
		.id = (int32_t)world_choose(w->keys),
		.product = (int32_t)world_choose(products),
		.quantity = (int32_t)world_choose(10),
		.seq = seq};
	if (world_once_in(6)) /* late */
		e.seq -= (int64_t)world_choose(30);
	if (world_once_in(20))
		e.id = -1;
	if (w->has_envelopes)
		e.at = (world_once_in(60) ? noon_us : noon_ms) + seq;
	if (e.op == EVENT_DELETE || world_once_in(10))
		e.product = -1;
	if (e.op == EVENT_DELETE || world_once_in(10))
		e.quantity = quantity_null;
	return e;
}

struct workload *workload_make(uint32_t count, bool has_envelopes)
{
	struct workload *w = shared_zeroed(sizeof(*w));
	w->has_envelopes = has_envelopes;
	w->keys = 1 + world_choose(workload_keys_max);
	check(count <= workload_events_max);
	for (; w->count < count; w->count++)
		w->events[w->count] = make_event(w, 100 + w->count);
	broker_topic(world->broker, "orders", partitions);
	return w;
}

static void envelope_json(const struct event *e, struct strbuf *out)
{
	strbuf_add_c(out, "{\"before\":null,\"after\":{\"id\":");
	if (e->id >= 0)
		strbuf_addf(out, "%d", e->id);
	else
		strbuf_add_c(out, "null");
	strbuf_addf(out,
		",\"at\":%lld},\"source\":{\"connector\":\"postgresql\",\"name\":\"shop\","
		"\"schema\":\"public\",\"table\":\"orders\",\"lsn\":%lld},\"op\":\"u\"}",
		(long long)e->at, (long long)e->seq);
	if (e->op == EVENT_TORN)
		out->len -= out->len / 2;
}

static void event_json(const struct event *e, struct strbuf *out)
{
	static const char *const ops[] = {"insert", "update", "delete", "frobnicate", "update"};
	if (e->id >= 0)
		strbuf_addf(out, "{\"id\":%d", e->id);
	else
		strbuf_add_c(out, "{\"id\":null");
	if (e->op != EVENT_DELETE) {
		if (e->product >= 0)
			strbuf_addf(out, ",\"product\":\"%s\"", product_json[e->product]);
		else
			strbuf_add_c(out, ",\"product\":null");
		if (e->quantity != quantity_null)
			strbuf_addf(out, ",\"quantity\":%d", e->quantity);
	}
	strbuf_addf(out, ",\"seq\":%lld,\"op\":\"%s\"}", (long long)e->seq, ops[e->op]);
	if (e->op == EVENT_TORN)
		out->len -= out->len / 2;
}

static void append(const struct event *e, int32_t number, uint32_t txn)
{
	struct strbuf value;
	strbuf_init(&value);
	bool envelope = world->workload->has_envelopes;
	if (envelope)
		envelope_json(e, &value);
	else
		event_json(e, &value);
	struct topic *t = broker_topic(world->broker, "orders", 0);
	struct record r = {.timestamp_us = world->wall_us / 1000 * 1000,
		.value = strbuf_str(&value),
		.txn = txn,
		.event = number};
	uint32_t to = (uint32_t)(e->id < 0 ? e->seq : e->id) % partitions;
	broker_append(world->broker, t, envelope ? 0 : to, &r);
	strbuf_release(&value);
}

/* Rows that nobody may ever see. */
static void produce_aborted(struct producer *p)
{
	broker_begin(world->broker, p);
	for (uint32_t i = world_choose(4) + 1; i > 0; i--) {
		struct event e = {EVENT_UPDATE, (int32_t)world_choose(workload_keys_max), 1, 999,
			1000000, noon_us, true};
		append(&e, -1, p->txn);
	}
	broker_end(world->broker, p, false);
}

void workload_produce(uint32_t count)
{
	int32_t epoch;
	struct workload *w = world->workload;
	struct producer *p = &world->broker->producers[0];
	if (world->broker->producer_count == 0)
		p = broker_start_producer(world->broker, "upstream", &epoch);
	for (uint32_t i = 0; i < count && world->produced < w->count; i++) {
		if (p->txn == 0 && world_once_in(20))
			produce_aborted(p);
		if (p->txn == 0 && world_once_in(10))
			broker_begin(world->broker, p);
		append(&w->events[world->produced], (int32_t)world->produced, p->txn);
		world->produced++;
		if (p->txn != 0 && world_once_in(5))
			broker_end(world->broker, p, true);
	}
	if (p->txn != 0 && (world->produced == w->count || world_once_in(4)))
		broker_end(world->broker, p, true);
}

/* ---- the order of lines ---- */

static int compare_lines(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

void lines_sort(struct strbuf *text)
{
	struct str *lines = calloc(text->len + 1, sizeof(*lines));
	char *copy = malloc(text->len + 1);
	check(lines != NULL && copy != NULL);
	if (text->len > 0)
		memcpy(copy, text->data, text->len);
	size_t count = 0;
	for (size_t at = 0; at < text->len; count++) {
		const char *end = memchr(copy + at, '\n', text->len - at);
		size_t len = end == NULL ? text->len - at : (size_t)(end - copy) + 1 - at;
		lines[count] = (struct str){copy + at, len};
		at += len;
	}
	qsort(lines, count, sizeof(*lines), compare_lines);
	strbuf_reset(text);
	for (size_t i = 0; i < count; i++)
		strbuf_add(text, lines[i]);
	free(lines);
	free(copy);
}

/* ---- folds ---- */

/* What was written at offset `at`, if a reader may see it. */
static const struct event *event_at(uint32_t partition, int64_t at)
{
	const struct topic *t = broker_topic(world->broker, "orders", 0);
	const struct record *r = &t->logs[partition].records[at];
	if (r->marker || r->event < 0 || world->broker->txns[r->txn] != TXN_COMMITTED)
		return NULL;
	return &world->workload->events[r->event];
}

struct row {
	bool known;
	bool live;
	struct event last;
};

static bool is_merge_letter(const struct event *e)
{
	return e->op == EVENT_TORN || e->op == EVENT_UNKNOWN || e->id < 0;
}

static void fold_table(const int64_t *ends, struct row *rows)
{
	memset(rows, 0, workload_keys_max * sizeof(*rows));
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			if (e == NULL || is_merge_letter(e))
				continue;
			struct row *r = &rows[e->id];
			if (r->known && e->seq <= r->last.seq)
				continue;
			*r = (struct row){true, e->op != EVENT_DELETE, *e};
		}
}

static void add_product(int32_t product, bool json, struct strbuf *out)
{
	if (product < 0)
		strbuf_add_c(out, json ? "null" : "NULL");
	else
		strbuf_addf(out, json ? "\"%s\"" : "%s",
			json ? product_json[product] : product_names[product]);
}

static void add_number(bool is_null, int64_t number, bool json, struct strbuf *out)
{
	if (is_null)
		strbuf_add_c(out, json ? "null" : "NULL");
	else
		strbuf_addf(out, "%lld", (long long)number);
}

void fold_rows(const int64_t *ends, bool json, struct strbuf *out)
{
	struct row rows[workload_keys_max];
	fold_table(ends, rows);
	for (int32_t id = 0; id < workload_keys_max; id++) {
		const struct event *e = &rows[id].last;
		if (!rows[id].live)
			continue;
		strbuf_addf(out, json ? "{\"id\":%d,\"product\":" : "%d|", id);
		add_product(e->product, json, out);
		strbuf_add_c(out, json ? ",\"quantity\":" : "|");
		add_number(e->quantity == quantity_null, e->quantity, json, out);
		strbuf_addf(out, json ? ",\"seq\":%lld}\n" : "|%lld\n", (long long)e->seq);
	}
	lines_sort(out);
}

struct group {
	int64_t n;
	int64_t units;
	bool any_units;
};

static void add_groups(const struct group *groups, bool json, struct strbuf *out)
{
	for (int32_t i = 0; i <= products; i++) {
		const struct group *g = &groups[i];
		if (g->n == 0)
			continue;
		strbuf_add_c(out, json ? "{\"product\":" : "");
		add_product(i - 1, json, out);
		strbuf_add_c(out, json ? ",\"units\":" : "|");
		add_number(!g->any_units, g->units, json, out);
		strbuf_addf(out, json ? ",\"n\":%lld}\n" : "|%lld\n", (long long)g->n);
	}
	lines_sort(out);
}

static void group_add(struct group *groups, int32_t product, int32_t quantity)
{
	struct group *g = &groups[product + 1];
	g->n++;
	g->units += quantity == quantity_null ? 0 : quantity;
	g->any_units |= quantity != quantity_null;
}

void fold_row_groups(const int64_t *ends, bool json, struct strbuf *out)
{
	struct row rows[workload_keys_max];
	struct group groups[products + 1] = {{0}};
	fold_table(ends, rows);
	for (int32_t id = 0; id < workload_keys_max; id++)
		if (rows[id].live)
			group_add(groups, rows[id].last.product, rows[id].last.quantity);
	add_groups(groups, json, out);
}

void fold_stream_groups(const int64_t *ends, bool json, struct strbuf *out)
{
	struct group groups[products + 1] = {{0}};
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			bool torn = e != NULL && e->op == EVENT_TORN;
			if (e != NULL)
				group_add(groups, torn ? -1 : e->product,
					torn ? quantity_null : e->quantity);
		}
	add_groups(groups, json, out);
}

void fold_events(const int64_t *ends, bool json, struct strbuf *out)
{
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			if (e == NULL || e->op == EVENT_TORN || e->quantity <= 0)
				continue;
			strbuf_addf(out, json ? "{\"p\":%u,\"o\":%lld,\"id\":" : "%u|%lld|", p,
				(long long)at);
			add_number(e->id < 0, e->id, json, out);
			strbuf_addf(out, json ? ",\"share\":%d}\n" : "|%d\n", 100 / e->quantity);
		}
}

void fold_times(const int64_t *ends, bool json, struct strbuf *out)
{
	bool in_micros = false;
	for (int64_t at = 0; at < ends[0]; at++) {
		const struct event *e = event_at(0, at);
		if (e == NULL || e->op == EVENT_TORN)
			continue;
		in_micros |= e->at >= noon_us;
		strbuf_addf(out, json ? "{\"p\":0,\"o\":%lld,\"id\":" : "0|%lld|", (long long)at);
		add_number(e->id < 0, e->id, json, out);
		strbuf_addf(out, json ? ",\"us\":%lld}\n" : "|%lld\n",
			(long long)(in_micros ? e->at : e->at * 1000));
	}
}

void fold_merge_letters(const int64_t *ends, struct strbuf *out)
{
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			if (e != NULL && is_merge_letter(e))
				strbuf_addf(out, "%u@%lld\n", p, (long long)at);
		}
	lines_sort(out);
}

void fold_event_letters(const int64_t *ends, struct strbuf *out)
{
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			if (e != NULL && e->op != EVENT_TORN && e->quantity == 0)
				strbuf_addf(out, "%u@%lld\n", p, (long long)at);
		}
	lines_sort(out);
}

void fold_torn_letters(const int64_t *ends, struct strbuf *out)
{
	for (uint32_t p = 0; p < partitions; p++)
		for (int64_t at = 0; at < ends[p]; at++) {
			const struct event *e = event_at(p, at);
			if (e != NULL && e->op == EVENT_TORN)
				strbuf_addf(out, "%u@%lld\n", p, (long long)at);
		}
	lines_sort(out);
}
