#ifndef CDCL_PARQUET_WRITER_H
#define CDCL_PARQUET_WRITER_H

/*
 * Chunks into a Parquet file, straight from their typed arrays.
 *
 *	PAR1 | row group: column, column, ... | row group ... | footer | its length | PAR1
 *	                  \_ [dictionary page] data page, data page ...
 *
 * Data pages are v1, definition levels RLE, values PLAIN or RLE_DICTIONARY (parquet_column.h says
 * when), types as parquet_type.h says, statistics per row group. What is held in memory is one row
 * group, compressed, and a page per column. A writer is used for one file after the other and keeps
 * its buffers; between begin and end (or abandon) it has a file.
 *
 * Nothing is allocated per row.
 */

#include "cdcl/error.h"
#include "data/chunk.h"
#include "sink/full_disk.h"
#include "sink/parquet_codec.h"

struct parquet_options {
	enum parquet_compression compression;
	uint32_t page_rows;             /* 0: the default, likewise below */
	size_t page_bytes;              /* before compression; a larger value has its own page */
	uint32_t row_group_rows;
	size_t row_group_bytes;         /* as they are in the file */
	struct full_disk *full;         /* whether a full disk is waited for; NULL: it is not */
};

enum {
	parquet_page_rows = 128 * 1024,
	parquet_page_bytes = 1024 * 1024,
	parquet_row_group_rows = 1024 * 1024,
	parquet_row_group_bytes = 128 * 1024 * 1024,
};

struct parquet_writer;

/*
 * NULL with the error filled when the schema has no columns, or two whose names differ in case
 * only (Spark could not read them). The schema lives longer than the writer.
 */
struct parquet_writer *parquet_writer_open(
	const struct schema *schema, const struct parquet_options *options, struct error *err);
void parquet_writer_close(struct parquet_writer *w);    /* abandons a file begun; accepts NULL */

int parquet_writer_begin(struct parquet_writer *w, const char *path, struct error *err);

/* The chunk's live rows; kinds are not looked at. */
int parquet_writer_add(struct parquet_writer *w, const struct chunk *c, struct error *err);

/* Rows index[0..rows-1] of the chunk, rising. */
int parquet_writer_add_rows(struct parquet_writer *w, const struct chunk *c,
	const uint16_t *index, uint32_t rows, struct error *err);

/* Rows, footer, and the file is closed; `durable`: on the disk when it returns. */
int parquet_writer_end(struct parquet_writer *w, bool durable, struct error *err);

/* The file is closed as it is; who gave the path removes it. */
void parquet_writer_abandon(struct parquet_writer *w);

/*
 * Of the file being written, or the last one. Bytes: written so far; held: in memory beyond them.
 */
int64_t parquet_writer_rows(const struct parquet_writer *w);
int64_t parquet_writer_bytes(const struct parquet_writer *w);
size_t parquet_writer_held(const struct parquet_writer *w);

#endif
