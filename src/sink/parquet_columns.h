#ifndef CDCL_PARQUET_COLUMNS_H
#define CDCL_PARQUET_COLUMNS_H

/*
 * The columns that a folder of added files has, each with its type in the newest of them: a line of
 * DDL with its checksum (base/checked_line.h) in a file that readers leave out.
 *
 *	_cdcl_columns   5d0a9c11 id bigint, n double, color string
 *
 * Files with other types of one column are read whole only by who unites them, and some readers
 * cast without a word; so it is told when it begins. A column that came or went is no such thing.
 */

#include "cdcl/error.h"
#include "data/schema.h"

extern const char parquet_columns_name[];

/*
 * What the file at `path` has to say when files of `own` come into the folder, in *out: empty when
 * it says that already. What has another type now is told in the log.
 */
int parquet_columns_follow(const char *path, struct str folder, const struct schema *own,
	struct strbuf *out, struct error *err);

#endif
