#ifndef CDCL_PARQUET_TEXT_H
#define CDCL_PARQUET_TEXT_H

/*
 * Texts as Parquet's readers demand them: valid UTF-8 (DuckDB refuses a file with anything else), a
 * json column as standard JSON even where the input was more than that, an array as JSON text.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "data/type.h"

enum { parquet_value_bytes_max = 1024 * 1024 * 1024 };

/*
 * texts[0..n-1] of a column of `type`, replaced in place where they must be; new ones are in
 * `arena`.
 */
int parquet_text_prepare(struct type type, struct str column, struct str *texts, uint32_t n,
	struct arena *arena, struct error *err);

#endif
