#ifndef CDCL_CHANGE_H
#define CDCL_CHANGE_H

/*
 * What a change event says besides its row: the operation, where it stands in the order of its
 * source database, and the envelope's own fields. decode/ fills one `struct changes` (cdcl/abi.h)
 * for each chunk of an envelope (chunk->changes, by row of the chunk), a merge reads it, and
 * expressions reach it as metadata columns (@op, @source.lsn, ...).
 *
 * One message may give several rows (a Canal message with many rows; a key change, which is a
 * delete of the old key and an upsert of the new one) or none (a heartbeat): chunk->origin tells.
 *
 * A column that the message did not have is NULL in the chunk and has its bit set in chunk->absent
 * (NULL: nothing is absent, or nobody asked). The placeholder of an unchanged TOAST value is
 * absent.
 */

#include "cdcl/abi.h"

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

/* below 0, 0, above 0; check(a->known && b->known) */
int change_position_cmp(const struct change_position *a, const struct change_position *b);

#endif
