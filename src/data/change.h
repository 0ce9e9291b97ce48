#ifndef CDCL_CHANGE_H
#define CDCL_CHANGE_H

/*
 * What a change event says besides its row: the operation, where it stands in the order of its
 * source database, and the envelope's own fields. decode/ fills one `struct changes` for each chunk
 * of an envelope (chunk->changes, by row of the chunk; NULL for flat messages), a merge reads it,
 * and expressions reach it as metadata columns (@op, @source.lsn, ...).
 *
 * One message may give several rows (a Canal message with many rows; a key change, which is a
 * delete of the old key and an upsert of the new one) or none (a heartbeat): chunk->origin tells.
 *
 * A column that the message did not have is NULL in the chunk and has its bit set in chunk->absent
 * (NULL: nothing is absent, or nobody asked). The placeholder of an unchanged TOAST value is
 * absent.
 */

#include "cdcl/abi.h"

#include <stdbool.h>

enum change_op {
	CHANGE_UNKNOWN,         /* a word that is no operation: the merge makes it a dead letter */
	CHANGE_INSERT,
	CHANGE_UPDATE,
	CHANGE_DELETE,
	CHANGE_READ,            /* of a snapshot: an upsert, never an anomaly */
	CHANGE_UPSERT,          /* flat rows without an op */
	CHANGE_TRUNCATE,        /* the row is all NULL */
	/* a NULL value (or JSON null) under a key: only key columns are there */
	CHANGE_TOMBSTONE,
	change_op_count
};

/* "insert" ...; what @op gives */
const char *change_op_name(enum change_op op);

/*
 * Words of every envelope, any case: insert i c create; update u; delete d; r read snapshot; t
 * truncate; upsert. CHANGE_UNKNOWN for others.
 */
enum change_op change_op_parse(struct str word);

/*
 * Order within a source database: parts compare in turn. Two events with equal parts compare by
 * offset when they come from one partition, and do not compare else. Unknown (an incremental
 * snapshot, an envelope that does not say): applied in arrival order.
 */
enum { change_position_parts = 4 };

struct change_position {
	bool known;
	/* epoch (a new snapshot = first begins one), then PostgreSQL: commit lsn, lsn; MariaDB:
	 * number of the binlog file, pos, row; unused ones are 0 */
	int64_t parts[change_position_parts];
};

struct changes {
	uint8_t op[chunk_rows_max];                     /* enum change_op */
	/* second half of a key change: the delete of this row's old key stands just before it */
	uint8_t key_change[chunk_rows_max];
	struct change_position position[chunk_rows_max];
	/* JSON text of the source block; or absent */
	struct str source[chunk_rows_max];
	/* JSON text of `before` or `old`; or absent */
	struct str before[chunk_rows_max];
	int64_t event_time_us[chunk_rows_max];          /* of the source; -1: not known */
};

/* below 0, 0, above 0; check(a->known && b->known) */
int change_position_cmp(const struct change_position *a, const struct change_position *b);

#endif
