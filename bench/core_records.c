/*
 * The reader of record batches alone: responses of orders events walked into blocks of messages.
 *
 *	bench_core_records [CODEC [RECORDS [ROUNDS [BATCH_BYTES]]]]
 *
 * CODEC is none, gzip, snappy, lz4, zstd. Prints CPU ns a record, of it for CRC-32C and for
 * memcpy of the same bytes. Instructions a record: under callgrind with two numbers of rounds
 * (--toggle-collect=record_batches_fill), the difference divided by RECORDS.
 */

#include "../tests/unit/record_twin.h"

#include <stdio.h>
#include <time.h>

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_response(struct strbuf *bytes, int codec, int64_t records, size_t batch_bytes)
{
	static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor"};
	static const char *const ops[] = {"insert", "update", "delete"};
	struct strbuf batch;
	strbuf_init(&batch);
	int64_t base = 0;
	for (int64_t i = 0; i < records; i++) {
		char value[200], key[20];
		uint32_t id = (uint32_t)i * UINT32_C(0x9E3779B1) >> 8;
		int len = snprintf(value, sizeof(value),
			"{\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}", id,
			products[id % 4], id / 4 % 20, ops[id % 3]);
		int key_len = snprintf(key, sizeof(key), "%u", id);
		twin_put_record(&batch, (i - base) / 50, i - base,
			(struct str){key, (size_t)key_len}, (struct str){value, (size_t)len}, NULL,
			0);
		if (batch.len < batch_bytes && i + 1 < records)
			continue;
		struct twin_head h = {.base = base,
			.last_delta = i - base,
			.attributes = codec,
			.base_timestamp = 1700000000000 + base / 50,
			.producer = -1,
			.count = i - base + 1};
		twin_put_batch(bytes, &h, 0, strbuf_str(&batch));
		strbuf_reset(&batch);
		base = i + 1;
	}
	strbuf_release(&batch);
}

static int64_t read_response(struct record_batches *r, struct str bytes, struct messages *block)
{
	struct error err;
	int state;
	r->position = 0;
	r->limit = INT64_MAX;
	record_batches_begin(r, bytes, NULL, 0);
	do {
		arena_reset(block->arena);
		block->count = 0;
		state = record_batches_fill(r, block, &err);
	} while (state == RECORD_BATCHES_FULL);
	check(state == RECORD_BATCHES_END);
	return r->position;
}

int main(int argc, char **argv)
{
	int codec = RECORD_CODEC_NONE;
	while (argc > 1 && codec < RECORD_CODEC_COUNT - 1 &&
		strcmp(argv[1], record_codec_name(codec)) != 0)
		codec++;
	int64_t records = argc > 2 ? atoll(argv[2]) : 4000;
	int64_t rounds = argc > 3 ? atoll(argv[3]) : 2000;
	size_t batch_bytes = argc > 4 ? (size_t)atoll(argv[4]) : 16 * 1024;
	struct strbuf bytes;
	strbuf_init(&bytes);
	make_response(&bytes, codec, records, batch_bytes);
	struct arena arena;
	arena_init(&arena, 64 * 1024);
	struct messages *block = calloc(1, sizeof(*block));
	char *copy = malloc(bytes.len);
	check(block != NULL && copy != NULL);
	block->arena = &arena;
	struct record_space space;
	record_space_init(&space, 32 * 1024 * 1024);
	struct record_batches r = {.topic = str_lit("orders"), .space = &space};
	double start = cpu_ns();
	for (int64_t i = 0; i < rounds; i++)
		check(read_response(&r, strbuf_str(&bytes), block) == records);
	double read = cpu_ns() - start;
	uint32_t crc = 0;
	start = cpu_ns();
	for (int64_t i = 0; i < rounds; i++)
		crc ^= crc32c(crc, strbuf_str(&bytes));
	double checked = cpu_ns() - start;
	start = cpu_ns();
	for (int64_t i = 0; i < rounds; i++) {
		memcpy(copy, bytes.data, bytes.len);
		crc ^= (unsigned char)copy[(size_t)i % bytes.len];
	}
	double copied = cpu_ns() - start;
	double n = (double)(records * rounds);
	printf("%s: %zu bytes a record, %.2f ns a record, CRC-32C %.2f, memcpy %.2f (%x)\n",
		record_codec_name(codec), bytes.len / (size_t)records, read / n, checked / n,
		copied / n, crc);
	record_space_release(&space);
	strbuf_release(&bytes);
	arena_release(&arena);
	free(block);
	free(copy);
	return 0;
}
