/*
 * The JSON decoder alone: messages in memory to columns, nothing else.
 *
 *	bench_core_json [SHAPE [MESSAGES [ROUNDS]]]
 *
 *	SHAPE: orders (default) mixed miss types debezium
 *
 * Prints messages, bytes and rates of the median round. For instructions per message run it under
 * callgrind with one round of N and of 2N messages and divide the difference by N
 * (bench/json_instructions does).
 */

#include "base/clock.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { message_room = 1536 };

struct shape {
	const char *name, *ddl;
	int (*write)(char *out, size_t room, unsigned i);
};

static unsigned mix(unsigned i)
{
	uint64_t z = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	return (unsigned)(z >> 33);
}

static const char *const ops[] = {"insert", "update", "update", "delete"};
static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "USB hub", "Desk"};

static int write_orders(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}",
		1000 + r % 100000, products[r / 7 % 6], r / 97 % 20, ops[r / 1009 % 4]);
}

/* Of one producer in four the names come in another order, of another there is white space. */
static int write_mixed(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	switch (r % 4) {
	case 0:
		return snprintf(out, room,
			"{\"op\":\"%s\",\"quantity\":%u,\"product\":\"%s\",\"order_id\":%u}",
			ops[r / 9 % 4], r / 97 % 20, products[r / 7 % 6], r % 100000);
	case 1:
		return snprintf(out, room,
			"{ \"order_id\": %u, \"product\": \"%s\", \"op\": \"%s\", \"quantity\": %u "
			"}",
			r % 100000, products[r / 7 % 6], ops[r / 9 % 4], r / 97 % 20);
	default:
		return write_orders(out, room, i);
	}
}

/* A new name in every message: no shape is ever seen twice. */
static int write_miss(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"x%u\":1,\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}", i,
		r % 100000, products[r / 7 % 6], r / 97 % 20, ops[r / 9 % 4]);
}

static int write_types(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"id\":%" PRIu64
		",\"price\":%u.%02u,\"amount\":\"%u.%02u\",\"at\":\"2024-01-%02uT10:%02u:%02uZ\","
		"\"paid\":%s,\"note\":\"caf\xC3\xA9 "
		"\\\"%u\\\"\",\"tags\":[1,2,{\"a\":\"b\"}],\"day\":\"2024-02-%02u\"}",
		(uint64_t)r * 1000003u, r % 10000, r / 3 % 100, r % 100000, r / 5 % 100, r % 28 + 1,
		r % 60, r / 7 % 60, r % 2 ? "true" : "false", r % 10, r % 28 + 1);
}

/* A connector's envelope with its constant schema block, the payload kept as JSON text. */
static int write_debezium(char *out, size_t room, unsigned i)
{
	static const char field[] =
		"{\"type\":\"int32\",\"optional\":false,\"field\":\"order_id\"},"
		"{\"type\":\"string\",\"optional\":true,\"field\":\"product\"},"
		"{\"type\":\"int64\",\"optional\":false,\"name\":\"io.debezium.time."
		"MicroTimestamp\","
		"\"version\":1,\"field\":\"updated_at\"}";
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"struct\",\"fields\":[%s],"
		"\"optional\":true,\"field\":\"before\"},{\"type\":\"struct\",\"fields\":[%s],"
		"\"optional\":true,\"field\":\"after\"}],\"optional\":false,\"name\":\"shop.orders."
		"Envelope\"},"
		"\"payload\":{\"before\":null,\"after\":{\"order_id\":%u,\"product\":\"%s\","
		"\"updated_at\":17053128%08u},\"source\":{\"version\":\"2.5.0.Final\","
		"\"connector\":\"postgresql\","
		"\"name\":\"shop\",\"ts_ms\":17053128%05u,\"snapshot\":\"false\",\"db\":\"shop\","
		"\"schema\":\"public\","
		"\"table\":\"orders\",\"txId\":%u,\"lsn\":%u},\"op\":\"%s\",\"ts_ms\":17053128%05u}"
		"}",
		field, field, r % 100000, products[r / 7 % 6], r % 100000000, r % 100000, r % 70000,
		r, r % 2 ? "c" : "u", r / 3 % 100000);
}

static const struct shape shapes[] = {
	{"orders", "order_id int, product string, quantity int, op string", write_orders},
	{"mixed", "order_id int, product string, quantity int, op string", write_mixed},
	{"miss", "order_id int, product string, quantity int, op string", write_miss},
	{"debezium", "payload json", write_debezium},
	{"types",
		"id bigint, price double, amount decimal(12,2), at timestamp, paid boolean, note "
		"string, "
		"tags json, day date",
		write_types},
};

/* Chunks of messages back to back, as a source's arena holds them. */
static struct messages *make_chunks(const struct shape *s, unsigned count, size_t *bytes)
{
	unsigned chunks = (count + chunk_rows_max - 1) / chunk_rows_max;
	struct messages *list = calloc(chunks, sizeof(*list));
	char *text = malloc((size_t)count * message_room);
	if (list == NULL || text == NULL)
		abort();
	char *start = text;
	for (unsigned i = 0; i < count; i++) {
		struct messages *m = &list[i / chunk_rows_max];
		int len = s->write(text, message_room, i);
		m->value[m->count++] = (struct str){text, (size_t)len};
		text += len;
	}
	*bytes = (size_t)(text - start);
	return list;
}

static int64_t decode_all(struct json_decoder *d, struct messages *list, unsigned count)
{
	int64_t began = clock_monotonic_us(&clock_system);
	struct error err;
	struct chunk *c;
	struct arena arena;
	error_init(&err);
	arena_init(&arena, 1 << 20);
	for (unsigned i = 0; i * chunk_rows_max < count; i++) {
		list[i].arena = &arena;
		if (json_decode(d, &list[i], NULL, &c, &err) < 0)
			abort();
		arena_reset(&arena);
	}
	arena_release(&arena);
	return clock_monotonic_us(&clock_system) - began;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const struct shape *s = &shapes[0];
	for (size_t i = 0; argc > 1 && i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (str_eq(str_c(argv[1]), str_c(shapes[i].name)))
			s = &shapes[i];
	unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 200000;
	int rounds = argc > 3 ? atoi(argv[3]) : 9;
	struct arena plan;
	struct schema *schema;
	struct error err;
	size_t bytes;
	int64_t us[64];
	error_init(&err);
	arena_init(&plan, 4096);
	if (count == 0 || rounds < 1 || rounds > 64 ||
		ddl_parse(str_c(s->ddl), &plan, &schema, &err) < 0)
		return 2;
	struct json_config config = {.schema = schema, .corrupt_column = -1};
	struct json_decoder *d = json_decoder_open(&config);
	struct messages *list = make_chunks(s, count, &bytes);
	for (int i = 0; i < rounds; i++)
		us[i] = decode_all(d, list, count);
	qsort(us, (size_t)rounds, sizeof(us[0]), by_value);
	double median = (double)us[rounds / 2];
	const struct json_counts *n = json_decoder_counts(d);
	printf("%-8s %u messages of %.0f bytes: %.1f ns, %.2f GB/s, %.2f M/s; templates hit %.1f "
	       "%%, bad %" PRId64 "\n",
		s->name, count, (double)bytes / count, median * 1000 / count,
		(double)bytes / median / 1000, count / median,
		100.0 * (double)n->template_hits / (double)(n->template_hits + n->template_misses),
		n->bad_fields + n->malformed);
	json_decoder_close(d);
	return 0;
}
