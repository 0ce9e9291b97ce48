#ifndef CDCL_PARQUET_SINK_H
#define CDCL_PARQUET_SINK_H

/*
 * Rows as a folder of plain Parquet files (sink/parquet_writer.h), that any reader opens at its
 * path. Two sinks under one name, by output mode: snapshots of a Table's current rows
 * (parquet_snapshot.c) and files that are added (parquet_append.c).
 */

#include "sink/sink.h"

enum { parquet_partition_columns_max = 8 };

struct parquet_partition {
	bool by_day;                    /* of the batch; a column "day" goes first */
	uint32_t count;
	uint32_t columns[parquet_partition_columns_max];
};

/* "region, day": checked at load and read by the sink. An absent list is none. */
int parquet_partition_read(struct str list, const struct schema *schema,
	struct parquet_partition *out, struct error *err);

struct sink *parquet_snapshot_open(const struct sink_config *config);
struct sink *parquet_append_open(const struct sink_config *config);

#endif
