#ifndef BENCH_EVENT_H
#define BENCH_EVENT_H

/*
 * Change events of orders, the same ones every time: a key that has no row is inserted, else
 * updated, one in ten deleted. bench_fill_topic writes them to Kafka, in one of these dresses:
 *
 *	orders    {"order_id":1002,"product":"Keyboard","quantity":15,"op":"insert"}
 *	wide      the same and 36 more fields of several types
 *	debezium  a connector's envelope without its schema, about 400 bytes
 *	schema    the same with the constant block of its schema, about 3,000 bytes
 *
 * Of miss percent of the messages the first field has a name that no other message has, so that no
 * shape of an earlier message fits. The generator keeps the current quantity of every key, so it
 * knows what every job over the topic must answer.
 */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { event_room = 8192, event_products = 8, event_wide_fields = 36 };

enum event_op { EVENT_INSERT, EVENT_UPDATE, EVENT_DELETE, event_ops };

struct event_total {
	uint64_t count;
	int64_t sum;
};

struct event_stream {
	const char *dress;
	uint32_t keys;
	uint32_t miss_percent;
	double *below;          /* Zipf: part of the events of a rank up to this; NULL: uniform */
	int32_t *live;          /* 1 + quantity of the key's row, 0: none */
	uint64_t state;
	uint64_t number;
	struct event_total ops[event_ops];
};

struct event {
	uint64_t id;
	enum event_op op;
	int32_t quantity;
	int32_t before;         /* 1 + the quantity it had, 0: no row */
	uint64_t random;
};

static const char *const event_product[event_products] = {"Laptop", "Mouse", "Keyboard", "Monitor",
	"Headset", "Webcam", "Dock", "Cable"};
static const char *const event_op_name[event_ops] = {"insert", "update", "delete"};

static inline uint64_t event_random(struct event_stream *s)
{
	s->state ^= s->state << 13;
	s->state ^= s->state >> 7;
	s->state ^= s->state << 17;
	return s->state;
}

/* skew is the exponent of Zipf's law; 0: every key is as likely as every other. */
static inline int event_stream_init(struct event_stream *s, const char *dress, uint32_t keys,
	double skew, uint32_t miss_percent)
{
	*s = (struct event_stream){.dress = dress, .keys = keys, .miss_percent = miss_percent,
		.state = 88172645463325252u};
	s->live = calloc(keys, sizeof(*s->live));
	if (s->live == NULL || skew <= 0)
		return s->live == NULL ? -1 : 0;
	s->below = malloc(keys * sizeof(*s->below));
	if (s->below == NULL)
		return -1;
	double sum = 0;
	for (uint32_t i = 0; i < keys; i++)
		s->below[i] = sum += pow(i + 1.0, -skew);
	for (uint32_t i = 0; i < keys; i++)
		s->below[i] /= sum;
	return 0;
}

/* A multiplier prime to every number of keys that is not a multiple of it: hot keys lie apart. */
static inline uint32_t event_key(struct event_stream *s)
{
	uint64_t random = event_random(s);
	if (s->below == NULL)
		return (uint32_t)(random % s->keys);
	double at = (double)(random >> 11) / 9007199254740992.0;
	uint32_t low = 0, high = s->keys - 1;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (s->below[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)(low * UINT64_C(2654435761) % s->keys);
}

static inline struct event event_next(struct event_stream *s)
{
	uint32_t key = event_key(s);
	struct event e = {.id = 1000 + (uint64_t)key, .before = s->live[key]};
	e.op = e.before == 0 ? EVENT_INSERT
		: event_random(s) % 10 == 0 ? EVENT_DELETE : EVENT_UPDATE;
	e.random = event_random(s);
	e.quantity = (int32_t)(e.random % 100);
	s->live[key] = e.op == EVENT_DELETE ? 0 : 1 + e.quantity;
	s->ops[e.op].count++;
	s->ops[e.op].sum += e.quantity;
	s->number++;
	return e;
}

static inline int event_write_row(char *out, size_t room, uint64_t id, int32_t quantity)
{
	return snprintf(out, room,
		"{\"order_id\":%llu,\"product\":\"%s\",\"quantity\":%d,\"price\":%llu.%02llu}",
		(unsigned long long)id, event_product[id % event_products], quantity,
		(unsigned long long)(id % 900), (unsigned long long)(id % 100));
}

static inline int event_write_wide(char *out, size_t room, const struct event *e)
{
	int len = snprintf(out, room,
		"{\"order_id\":%llu,\"product\":\"%s\",\"quantity\":%d,\"op\":\"%s\"",
		(unsigned long long)e->id, event_product[e->id % event_products], e->quantity,
		event_op_name[e->op]);
	for (int i = 0; i < event_wide_fields; i++) {
		char *at = out + len;
		size_t left = room - (size_t)len;
		uint64_t v = e->random >> (i % 24);
		unsigned large = (unsigned)(v % 1000000), small = (unsigned)(v % 8);
		if (i % 4 == 0)
			len += snprintf(at, left, ",\"i%02d\":%u", i, large);
		else if (i % 4 == 1)
			len += snprintf(at, left, ",\"s%02d\":\"text %x\"", i, large);
		else if (i % 4 == 2)
			len += snprintf(at, left, ",\"d%02d\":%u.%u", i, large, small);
		else
			len += snprintf(at, left, ",\"b%02d\":%s", i, v & 1 ? "true" : "false");
	}
	return len + snprintf(out + len, room - (size_t)len, "}");
}

/* One side of an envelope in the block of its schema, as JsonConverter writes it. */
static inline int event_write_fields(char *out, size_t room, const char *side)
{
	static const char *const types[] = {"int32", "string", "int32", "double"};
	static const char *const names[] = {"order_id", "product", "quantity", "price"};
	int len = snprintf(out, room, "{\"type\":\"struct\",\"fields\":[");
	for (int i = 0; i < 4; i++)
		len += snprintf(out + len, room - (size_t)len,
			"%s{\"type\":\"%s\",\"optional\":%s,\"field\":\"%s\"}", i ? "," : "",
			types[i], i ? "true" : "false", names[i]);
	return len + snprintf(out + len, room - (size_t)len,
		"],\"optional\":true,\"name\":\"shop.shop.orders.Value\",\"field\":\"%s\"},", side);
}

static inline int event_write_schema(char *out, size_t room)
{
	enum { source_fields = 20 };
	static const char *const types[source_fields] = {"string", "string", "string", "int64",
		"string", "string", "string", "int64", "int64", "int64", "string", "int64", "int32",
		"int64", "string", "string", "string", "int64", "string", "int64"};
	static const char *const names[source_fields] = {"version", "connector", "name", "ts_ms",
		"snapshot", "db", "sequence", "ts_us", "ts_ns", "server_id", "table", "pos", "row",
		"thread", "query", "gtid", "file", "transaction_id", "schema", "lsn"};
	static const char snapshot[] = ",\"name\":\"io.debezium.data.Enum\",\"version\":1,"
		"\"parameters\":{\"allowed\":\"true,last,false,incremental\"},"
		"\"default\":\"false\"";
	int len = snprintf(out, room, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
	len += event_write_fields(out + len, room - (size_t)len, "before");
	len += event_write_fields(out + len, room - (size_t)len, "after");
	len += snprintf(out + len, room - (size_t)len, "{\"type\":\"struct\",\"fields\":[");
	for (int i = 0; i < source_fields; i++)
		len += snprintf(out + len, room - (size_t)len,
			"%s{\"type\":\"%s\",\"optional\":%s,\"field\":\"%s\"%s}", i ? "," : "",
			types[i], i % 2 ? "true" : "false", names[i], i == 4 ? snapshot : "");
	return len + snprintf(out + len, room - (size_t)len,
		"],\"optional\":false,\"name\":\"io.debezium.connector.mysql.Source\",\"field\":"
		"\"source\"},{\"type\":\"struct\",\"fields\":[{\"type\":\"string\","
		"\"optional\":false,"
		"\"field\":\"id\"},{\"type\":\"int64\",\"optional\":false,"
		"\"field\":\"total_order\"},{"
		"\"type\":\"int64\",\"optional\":false,\"field\":\"data_collection_order\"}],"
		"\"optional\":true,\"name\":\"event.block\",\"version\":1,"
		"\"field\":\"transaction\"},{"
		"\"type\":\"string\",\"optional\":false,\"field\":\"op\"},{\"type\":\"int64\","
		"\"optional\":true,\"field\":\"ts_ms\"},{\"type\":\"int64\",\"optional\":true,"
		"\"field\":"
		"\"ts_us\"},{\"type\":\"int64\",\"optional\":true,\"field\":\"ts_ns\"}],"
		"\"optional\":"
		"false,\"name\":\"shop.shop.orders.Envelope\",\"version\":2},\"payload\":");
}

static inline int event_write_envelope(char *out, size_t room, const struct event *e)
{
	static const char *const codes[event_ops] = {"c", "u", "d"};
	int len = snprintf(out, room, "{\"before\":");
	len += e->before ? event_write_row(out + len, room - (size_t)len, e->id, e->before - 1)
		: snprintf(out + len, room - (size_t)len, "null");
	len += snprintf(out + len, room - (size_t)len, ",\"after\":");
	len += e->op != EVENT_DELETE
		? event_write_row(out + len, room - (size_t)len, e->id, e->quantity)
		: snprintf(out + len, room - (size_t)len, "null");
	return len + snprintf(out + len, room - (size_t)len,
		",\"source\":{\"version\":\"3.0.0.Final\",\"connector\":\"mysql\","
		"\"name\":\"shop\","
		"\"ts_ms\":17053128%05u,\"snapshot\":\"false\",\"db\":\"shop\","
		"\"table\":\"orders\","
		"\"server_id\":1,\"pos\":%u,\"row\":0},\"transaction\":null,\"op\":\"%s\","
		"\"ts_ms\":"
		"17053128%05u}",
		(unsigned)(e->random >> 8) % 100000, (unsigned)(e->random >> 24) % 100000000,
		codes[e->op], (unsigned)(e->random >> 8) % 100000);
}

/* Answers the length of the message. */
static inline int event_write(const struct event_stream *s, const struct event *e, char *out,
	size_t room)
{
	if (strcmp(s->dress, "wide") == 0)
		return event_write_wide(out, room, e);
	if (strcmp(s->dress, "debezium") == 0)
		return event_write_envelope(out, room, e);
	if (strcmp(s->dress, "schema") == 0) {
		static char block[event_room];
		static size_t block_len;
		if (block_len == 0)
			block_len = (size_t)event_write_schema(block, sizeof(block));
		memcpy(out, block, block_len);
		size_t len = block_len;
		len += (size_t)event_write_envelope(out + len, room - len, e);
		out[len] = '}';
		return (int)len + 1;
	}
	int len = 0;
	if ((e->random >> 32) % 100 < s->miss_percent)
		len = snprintf(out, room, "{\"x%llu\":1,", (unsigned long long)s->number);
	len += snprintf(out + len, room - (size_t)len,
		"%s\"order_id\":%llu,\"product\":\"%s\",\"quantity\":%d,"
		"\"op\":\"%s\"}",
		len ? "" : "{",
		(unsigned long long)e->id, event_product[e->id % event_products], e->quantity,
		event_op_name[e->op]);
	return len;
}

/* What every job over these events must answer, as lines "total NAME COUNT SUM". */
static inline void event_print_totals(const struct event_stream *s)
{
	struct event_total rows = {0}, products[event_products] = {{0}};
	for (uint32_t key = 0; key < s->keys; key++) {
		if (s->live[key] == 0)
			continue;
		struct event_total *product = &products[(1000 + key) % event_products];
		rows.count++;
		product->count++;
		rows.sum += s->live[key] - 1;
		product->sum += s->live[key] - 1;
	}
	for (int op = 0; op < event_ops; op++)
		if (s->ops[op].count > 0)
			printf("total %s %llu %lld\n", event_op_name[op],
				(unsigned long long)s->ops[op].count, (long long)s->ops[op].sum);
	printf("total rows %llu %lld\n", (unsigned long long)rows.count, (long long)rows.sum);
	for (int i = 0; i < event_products; i++)
		if (products[i].count > 0)
			printf("total %s %llu %lld\n", event_product[i],
				(unsigned long long)products[i].count, (long long)products[i].sum);
}

#endif
