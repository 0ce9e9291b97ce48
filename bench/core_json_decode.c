/*
 * The JSON decoder alone: bench_core_json_decode ROUNDS. Decodes the same 1,024 orders events, all
 * of them different, ROUNDS times into columns; prints what it took. Two runs of different ROUNDS
 * under callgrind give instructions per message: start-up cancels out in their difference.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/clock.h"
#include "decode/ddl.h"
#include "decode/json_decode.h"

#include <stdio.h>
#include <stdlib.h>

static const char ddl[] = "order_id int, product string, quantity int, op string";
static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "Headset"};
static const char *const ops[] = {"insert", "update", "delete"};
static char texts[chunk_rows_max][128];
static struct messages messages;

static size_t fill(struct arena *arena)
{
	size_t bytes = 0;
	for (unsigned i = 0; i < chunk_rows_max; i++) {
		int len = snprintf(texts[i], sizeof(texts[i]),
			"{\"order_id\":%u,\"product\":\"%s\",\"quantity\":%u,\"op\":\"%s\"}",
			1000 + i * 977, products[i % 5], i % 100, ops[i % 3]);
		messages.value[i] = (struct str){texts[i], (size_t)len};
		messages.topic[i] = str_lit("bench");
		messages.offset[i] = i;
		bytes += (size_t)len;
	}
	messages.count = chunk_rows_max;
	messages.arena = arena;
	return bytes;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1000;
	struct arena plan, chunk_arena;
	struct error err;
	struct schema *schema;
	struct dead_letters dead;
	arena_init(&plan, 4096);
	arena_init(&chunk_arena, 256 * 1024);
	error_init(&err);
	dead_letters_init(&dead, &clock_system);
	check(ddl_parse(str_lit(ddl), &plan, &schema, &err) == 0);
	struct json_config config = {.schema = schema,
		.corrupt_column = -1,
		.clock = &clock_system};
	struct json_decoder *decoder = json_decoder_open(&config);
	size_t bytes = fill(&chunk_arena);

	int64_t quantity = 0;
	int64_t began_us = clock_monotonic_us(&clock_system);
	for (long r = 0; r < rounds; r++) {
		struct chunk *chunk;
		check(json_decode(decoder, &messages, &dead, &chunk, &err) == 0);
		quantity += ((const int32_t *)chunk->columns[2].data)[r % chunk_rows_max];
		arena_reset(&chunk_arena);
	}
	double seconds = (double)(clock_monotonic_us(&clock_system) - began_us) / 1e6;
	double count = (double)rounds * chunk_rows_max;
	const struct json_counts *counts = json_decoder_counts(decoder);
	printf("json decode: %.1f ns a message, %.2f GB/s, %.1f M messages/s, "
		"template hits %.1f %% (checked %lld)\n",
		seconds / count * 1e9, (double)bytes * (double)rounds / seconds / 1e9,
		count / seconds / 1e6, 100.0 * (double)counts->template_hits / count,
		(long long)quantity);
	json_decoder_close(decoder);
	return 0;
}
