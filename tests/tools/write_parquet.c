/*
 * Rows to a Parquet file: the door through which tests/parquet sees the writer.
 *
 *	write_parquet "a int, b string" FILE zstd|snappy|none
 *		PAGE_ROWS PAGE_BYTES GROUP_ROWS GROUP_BYTES < rows
 *
 * stdin: for each row a byte (bit 0: live, else it must not be written; bit 1: the chunk ends with
 * it), then its values as data/row_codec.h writes them.
 */
#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "data/row_codec.h"
#include "decode/ddl.h"
#include "sink/parquet_writer.h"

#include <stdlib.h>

enum { input_bytes_max = 1 << 30 };

static struct arena plan_arena, chunk_arena;

static int failed(const struct error *err)
{
	log_print_error(err);
	return error_exit_code(err->code);
}

static struct parquet_options options_of(char **argv)
{
	struct parquet_options o = {.page_rows = (uint32_t)atoll(argv[1]),
		.page_bytes = (size_t)atoll(argv[2]),
		.row_group_rows = (uint32_t)atoll(argv[3]),
		.row_group_bytes = (size_t)atoll(argv[4])};
	for (int c = 0; c < (int)parquet_compression_count; c++) {
		if (strcmp(argv[0], parquet_compression_name((enum parquet_compression)c)) == 0)
			o.compression = (enum parquet_compression)c;
	}
	return o;
}

/* Fills a chunk from `rows`; *at moves. */
static struct chunk *read_chunk(struct str rows, size_t *at, const struct schema *schema)
{
	arena_reset(&chunk_arena);
	struct chunk *c = chunk_alloc(&chunk_arena, schema);
	uint64_t live[chunk_words] = {0};
	uint32_t n = 0;
	for (bool more = true; more && *at < rows.len && n < chunk_rows_max; n++) {
		unsigned char flags = (unsigned char)rows.data[(*at)++];
		more = (flags & 2) == 0;
		if (flags & 1)
			bit_set(live, n);
		for (uint32_t i = 0; i < schema->column_count; i++) {
			struct value v = row_codec_read(rows, at, schema->columns[i].type);
			value_to_column(&v, &c->columns[i], n);
		}
	}
	chunk_set_rows(c, n);
	memcpy(c->live, live, sizeof live);
	return c;
}

static int write_all(struct parquet_writer *w, struct str rows, const struct schema *schema,
	const char *path, struct error *err)
{
	int answer = parquet_writer_begin(w, path, err);
	for (size_t at = 0; at < rows.len && answer == 0;)
		answer = parquet_writer_add(w, read_chunk(rows, &at, schema), err);
	return answer < 0 ? answer : parquet_writer_end(w, false, err);
}

int main(int argc, char **argv)
{
	struct error err;
	struct schema *schema;
	struct strbuf rows;
	error_init(&err);
	strbuf_init(&rows);
	arena_init(&plan_arena, 4096);
	arena_init(&chunk_arena, 1 << 20);
	if (argc != 8)
		return 2;
	if (ddl_parse(str_c(argv[1]), &plan_arena, &schema, &err) < 0 ||
		file_read_all("/dev/stdin", input_bytes_max, &rows, &err) < 0)
		return failed(&err);
	struct parquet_options options = options_of(argv + 3);
	struct parquet_writer *w = parquet_writer_open(schema, &options, &err);
	int answer = w == NULL ? -1 : write_all(w, strbuf_str(&rows), schema, argv[2], &err);
	parquet_writer_close(w);
	strbuf_release(&rows);
	arena_release(&plan_arena);
	arena_release(&chunk_arena);
	return answer < 0 ? failed(&err) : 0;
}
