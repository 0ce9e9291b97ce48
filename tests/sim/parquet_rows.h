#ifndef SIM_PARQUET_ROWS_H
#define SIM_PARQUET_ROWS_H

/*
 * What a folder of Parquet files on the model disk holds: rows as JSON, sorted, and the batch that
 * its mark names (-1: none). What is no whole file ends the life. Of rows that are added, those
 * count that are published and on their way to their place.
 */

#include "base/str.h"

void parquet_rows_snapshot(const char *path, struct strbuf *out, int64_t *batch);
void parquet_rows_added(const char *path, struct strbuf *out, int64_t *batch);

#endif
