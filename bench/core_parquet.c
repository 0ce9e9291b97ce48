/*
 * The Parquet writer alone: a million rows in chunks, written again and again.
 *
 *	bench_core_parquet FILE zstd|snappy|none [ROWS [ROUNDS]]
 *
 * Orders as a shop has them: order_id bigint, product string (of few), quantity int, price
 * decimal(10,2), placed_at timestamp, note string (mostly NULL, else its own text). Prints the CPU
 * seconds of each round; nothing is synced. bench/parquet has pyarrow write the same columns.
 */

#include "base/arena.h"
#include "sink/parquet_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { columns = 6 };

static const char *const products[] = {"Laptop", "Mouse", "Keyboard", "Monitor", "USB hub", "Desk"};

static struct schema *make_schema(struct arena *arena)
{
	static const char *const names[columns] = {
		"order_id", "product", "quantity", "price", "placed_at", "note"};
	struct type types[columns] = {type_of(TYPE_BIGINT), type_of(TYPE_STRING), type_of(TYPE_INT),
		type_decimal(10, 2), type_of(TYPE_TIMESTAMP), type_of(TYPE_STRING)};
	struct schema *s = schema_alloc(arena, columns);
	for (uint32_t i = 0; i < columns; i++)
		s->columns[i] = (struct schema_column){str_c(names[i]), types[i]};
	return s;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct chunk *make_chunk(struct arena *arena, const struct schema *schema, int64_t first,
	uint32_t rows, uint64_t *state)
{
	struct chunk *c = chunk_alloc(arena, schema);
	for (uint32_t i = 0; i < columns; i++)
		memset(c->columns[i].nulls, 0, sizeof(c->columns[i].nulls));
	for (uint32_t row = 0; row < rows; row++) {
		uint64_t r = next_random(state);
		((int64_t *)c->columns[0].data)[row] = first + row;
		((struct str *)c->columns[1].data)[row] = str_c(products[r % 6]);
		((int32_t *)c->columns[2].data)[row] = (int32_t)(r >> 8 & 63);
		((int128 *)c->columns[3].data)[row] = (int128)(r >> 16 & 0xfffff);
		((int64_t *)c->columns[4].data)[row] = INT64_C(1700000000000000) +
			(first + row) * 1000 + (int64_t)(r >> 40 & 1023);
		if ((r >> 60) != 0)
			bit_set(c->columns[5].nulls, row);
		else
			((struct str *)c->columns[5].data)[row] =
				str_printf(arena, "note %llx", (unsigned long long)r);
	}
	chunk_set_rows(c, rows);
	return c;
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int write_file(struct parquet_writer *w, const char *path, struct chunk **chunks,
	uint32_t count, struct error *err)
{
	int r = parquet_writer_begin(w, path, err);
	for (uint32_t i = 0; i < count && r >= 0; i++)
		r = parquet_writer_add(w, chunks[i], err);
	return r < 0 ? r : parquet_writer_end(w, false, err);
}

int main(int argc, char **argv)
{
	struct error err;
	struct arena arena;
	struct parquet_options options = {.compression = PARQUET_ZSTD};
	int64_t rows = argc > 3 ? atoll(argv[3]) : 1000000;
	int rounds = argc > 4 ? atoi(argv[4]) : 5;
	if (argc < 3)
		return 2;
	for (int c = 0; c < (int)parquet_compression_count; c++)
		if (strcmp(argv[2], parquet_compression_name((enum parquet_compression)c)) == 0)
			options.compression = (enum parquet_compression)c;
	error_init(&err);
	arena_init(&arena, 1 << 20);
	struct schema *schema = make_schema(&arena);
	uint32_t count = (uint32_t)((rows + chunk_rows_max - 1) / chunk_rows_max);
	struct chunk **chunks = ARENA_ARRAY(&arena, struct chunk *, count);
	uint64_t state = 88172645463325252;
	for (uint32_t i = 0; i < count; i++) {
		int64_t first = (int64_t)i * chunk_rows_max, left = rows - first;
		chunks[i] = make_chunk(&arena, schema, first,
			left < chunk_rows_max ? (uint32_t)left : chunk_rows_max, &state);
	}
	struct parquet_writer *w = parquet_writer_open(schema, &options, &err);
	for (int round = 0; w != NULL && round < rounds; round++) {
		double start = cpu_seconds();
		if (write_file(w, argv[1], chunks, count, &err) < 0)
			break;
		printf("%.4f\n", cpu_seconds() - start);
	}
	if (err.code != CDCL_OK)
		fprintf(stderr, "%s\n", err.text);
	parquet_writer_close(w);
	arena_release(&arena);
	return err.code != CDCL_OK;
}
