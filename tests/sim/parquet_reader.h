#ifndef SIM_PARQUET_READER_H
#define SIM_PARQUET_READER_H

/*
 * Reads Parquet files back, by the format's words and none of the writer's code: what the jobs here
 * write (int, bigint and string columns, pages of version 1 that are not compressed).
 */

#include "base/str.h"

#include <stdbool.h>

/*
 * The file's rows as JSON objects, a line each; `first` ("\"p\":0,") goes before their columns.
 * False: it is no whole Parquet file.
 */
bool parquet_reader_rows(struct str file, const char *first, struct strbuf *out);

#endif
