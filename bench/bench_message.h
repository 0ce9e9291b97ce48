#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

/*
 * Messages in memory for the decoders alone, cdcl's (core_json.c) and simdjson's
 * (simdjson_decode.cpp): the i-th of a shape is always the same.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum { message_room = 1536 };

struct shape {
	const char *name, *ddl;
	int (*write)(char *out, size_t room, unsigned i);
	bool envelope;          /* an envelope's rows, not columns of the message itself */
};

static inline unsigned mix(unsigned i)
{
	uint64_t z = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	return (unsigned)(z >> 33);
}

static const char *const ops[] = {"insert", "update", "update", "delete"};
static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "USB hub", "Desk"};

static inline int write_orders(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}",
		1000 + r % 100000, products[r / 7 % 6], r / 97 % 20, ops[r / 1009 % 4]);
}

/* Of one producer in four the names come in another order, of another there is white space. */
static inline int write_mixed(char *out, size_t room, unsigned i)
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
static inline int write_miss(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"x%u\":1,\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}", i,
		r % 100000, products[r / 7 % 6], r / 97 % 20, ops[r / 9 % 4]);
}

static inline int write_types(char *out, size_t room, unsigned i)
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
static inline int write_debezium(char *out, size_t room, unsigned i)
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

/* Seven fields, about 92 bytes. */
static inline int write_flat(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"id\":%u,\"customer\":%u,\"product\":\"%s\",\"quantity\":%u,\"price\":%u,\"at\":"
		"17053128%02u,\"op\":\"%c\"}",
		1000 + r % 90000, r / 3 % 9000, products[r / 7 % 6], r / 97 % 20, r / 5 % 10000,
		r % 100, "cuud"[r / 1009 % 4]);
}

/* A connector's envelope without schema, about 382 bytes. */
static inline int write_change(char *out, size_t room, unsigned i)
{
	unsigned r = mix(i);
	return snprintf(out, room,
		"{\"before\":{\"id\":%u,\"product\":\"%s\",\"quantity\":%u,\"price\":%u},"
		"\"after\":{"
		"\"id\":%u,\"product\":\"%s\",\"quantity\":%u,\"price\":%u},"
		"\"source\":{\"version\":"
		"\"3.0.0.Final\",\"connector\":\"mysql\",\"name\":\"shop\",\"ts_ms\":17053128%05u,"
		"\"snapshot\":\"false\",\"db\":\"shop\",\"table\":\"orders\",\"server_id\":1,"
		"\"pos\":%u,"
		"\"row\":0},\"transaction\":null,\"op\":\"u\",\"ts_ms\":"
		"17053128%05u,\"ts_us\":17053128}",
		1000 + r % 90000, products[r / 7 % 6], r / 97 % 20, r / 5 % 10000, 1000 + r % 90000,
		products[r / 7 % 6], r / 53 % 20, r / 11 % 10000, r % 100000, r, r / 3 % 100000);
}

static const struct shape shapes[] = {
	{"orders", "order_id int, product string, quantity int, op string", write_orders, false},
	{"mixed", "order_id int, product string, quantity int, op string", write_mixed, false},
	{"miss", "order_id int, product string, quantity int, op string", write_miss, false},
	{"debezium", "payload json", write_debezium, false},
	{"types",
		"id bigint, price double, amount decimal(12,2), at timestamp, paid boolean, note "
		"string, "
		"tags json, day date",
		write_types, false},
	{"flat",
		"id int, customer int, product string, quantity int, price int, at bigint, "
		"op string",
		write_flat, false},
	{"change", "id int, product string, quantity int, price int", write_change, true},
};

enum { shape_count = sizeof(shapes) / sizeof(shapes[0]) };

#endif
