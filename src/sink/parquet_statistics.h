#ifndef CDCL_PARQUET_STATISTICS_H
#define CDCL_PARQUET_STATISTICS_H

/*
 * The least and the greatest value of a column of a row group, as readers use them to skip it.
 * Parquet's rules: NaN is no bound (a column of nothing else has none), a least zero is written as
 * -0.0 and a greatest one as 0.0, text and bytes compare as unsigned bytes, decimals by value. A
 * text bound of more than 1,024 bytes is cut, and then says that it is not exact.
 */

#include "sink/parquet_type.h"

enum { statistics_text_bytes_max = 1024 };

struct parquet_statistics {
	bool any;
	union {
		int64_t i64;
		double f64;
		int128 i128;
	} least, greatest;
	struct strbuf least_text;       /* FORM_BYTES */
	struct strbuf greatest_text;
};

void parquet_statistics_init(struct parquet_statistics *s);
void parquet_statistics_release(struct parquet_statistics *s);
void parquet_statistics_clear(struct parquet_statistics *s);

/* values[0..n-1], a typed array of the form; none is NULL. */
void parquet_statistics_add(struct parquet_statistics *s, enum parquet_form form,
	const void *values, uint32_t n);

/* The struct Statistics as field `id`. */
void parquet_statistics_write(const struct parquet_statistics *s, const struct parquet_type *type,
	int64_t null_count, struct thrift *t, int id);

#endif
