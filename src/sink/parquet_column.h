#ifndef CDCL_PARQUET_COLUMN_H
#define CDCL_PARQUET_COLUMN_H

/*
 * One column of the row group that is being written: values come as slices of chunks and go into
 * pages, the finished pages (headers included) wait in `pages` for the end of the row group.
 *
 *	slice of a chunk -> values that are there, in a row -> numbers of a dictionary   page 1
 *	                                                    or PLAIN bytes               page 2 ...
 *	                 -> a bit per row: there or NULL
 *
 * A row group's column begins on trial: with a dictionary. After column_trial_values values (or at
 * its first page, or end) it is asked whether it saves anything; if not, its numbers become values
 * again and the rest of the column is PLAIN, without a dictionary page. A dictionary that is full
 * later ends likewise, but the pages before stand as they are. A column whose trial failed is not
 * tried again for some row groups.
 */

#include "data/chunk.h"
#include "sink/parquet_codec.h"
#include "sink/parquet_dictionary.h"
#include "sink/parquet_statistics.h"

enum {
	column_trial_values = 16 * 1024,
	column_trials_left_out_max = 32,
};

/* Rows of a chunk: first..first+count-1, or index[0..count-1]. */
struct parquet_slice {
	uint32_t first;
	uint32_t count;
	const uint16_t *index;
};

struct parquet_page_limits {
	uint32_t rows;
	size_t bytes;
};

enum column_mode { COLUMN_TRIAL, COLUMN_DICTIONARY, COLUMN_PLAIN };

struct parquet_column {
	struct parquet_type type;
	struct str name;
	struct parquet_page_limits limits;
	enum column_mode mode;
	unsigned trials_failed;
	unsigned trials_left_out;

	/* the page */
	struct strbuf values;           /* PLAIN */
	unsigned boolean_bits;          /* used in the last byte of values */
	struct strbuf numbers;          /* uint32_t each */
	struct strbuf levels;           /* uint64_t words, bit set = not NULL */
	uint32_t page_rows;
	uint32_t page_values;

	/* the row group */
	struct parquet_dictionary dictionary;
	struct parquet_statistics statistics;
	struct strbuf pages;
	uint32_t plain_pages;
	uint32_t dictionary_pages;      /* pages of numbers */
	uint64_t plain_bytes;           /* of the values of the trial */
	uint64_t raw_bytes;             /* pages before compression, headers included */
	int64_t rows;
	int64_t values_written;

	struct arena *texts;            /* texts made for a chunk; the writer resets it */
};

void parquet_column_init(struct parquet_column *c, struct type type, struct str name,
	struct parquet_page_limits limits, struct arena *texts);
void parquet_column_release(struct parquet_column *c);

int parquet_column_add(struct parquet_column *c, const struct column *in,
	const struct parquet_slice *slice, struct parquet_codec *codec, struct error *err);

/*
 * Ends the row group: `dictionary_page` (empty when there is none) comes before c->pages in the
 * file.
 */
int parquet_column_end(struct parquet_column *c, struct parquet_codec *codec,
	struct strbuf *dictionary_page, struct error *err);

/* The ColumnChunk of it, an element of the list just begun; `offset` is where its pages begin. */
void parquet_column_write(const struct parquet_column *c, const struct parquet_codec *codec,
	int64_t offset, size_t dictionary_page_bytes, struct thrift *t);

/* After the row group was written. */
void parquet_column_clear(struct parquet_column *c);

/* What it holds in memory. */
size_t parquet_column_bytes(const struct parquet_column *c);

#endif
