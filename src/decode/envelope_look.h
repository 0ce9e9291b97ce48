#ifndef CDCL_ENVELOPE_LOOK_H
#define CDCL_ENVELOPE_LOOK_H

/*
 * One look at a message's value: what envelope it has, by the names of its fields, and where the
 * parts stand. Nothing is copied; the parts are slices of the value.
 *
 *	{"schema": {...}, "payload": X}         Connect's wrapper, taken off first: X is looked at
 *	op and before/after; op t, m and source Debezium; its heartbeats, transaction marks and DDL
 *	__op __deleted __table __lsn ...        Debezium, unwrapped (ExtractNewRecordState)
 *	database/table/type/ts/data             Maxwell, `type` being a word of Maxwell's
 *	database/type and isDdl, pkNames, ...   Canal; or a list in `data` and a `type` of rows
 *	op_type and before/after                OGG; without them a truncate
 *	op_type and op_ts, no image             OGG's row-modelled formatter: not read
 *	type/commitTs/buildTs                   TiCDC's simple protocol: not read
 *	any other object                        flat
 *
 * Names alone do not make an envelope, since a flat row may have them too: what has no row must say
 * by a word what it is, or it is a flat row.
 *
 * An unwrapped row without any field of Debezium's own is flat by its looks; inside of a wrapper
 * it counts as Debezium's.
 */

#include "decode/connect_schema.h"
#include "decode/envelope.h"

/* Fields of the event object. */
enum look_field {
	LOOK_BEFORE,
	LOOK_AFTER,
	LOOK_OP,
	LOOK_SOURCE,
	LOOK_TYPE,
	LOOK_DATA,
	LOOK_OLD,
	LOOK_DATABASE,
	LOOK_TABLE,
	LOOK_TS,
	LOOK_IS_DDL,
	LOOK_PK_NAMES,
	LOOK_MYSQL_TYPE,
	LOOK_SQL_TYPE,
	LOOK_PRIMARY_KEY_COLUMNS,
	LOOK_PRIMARY_KEYS,
	LOOK_OP_TYPE,
	LOOK_OP_TS,
	LOOK_TS_MS,
	LOOK_STATUS,
	LOOK_EVENT_COUNT,
	LOOK_DDL,
	LOOK_MESSAGE,
	LOOK_DELETED,                   /* __deleted */
	LOOK_UNWRAPPED_OP,              /* __op */
	LOOK_COMMIT_TS,
	LOOK_BUILD_TS,
	LOOK_DATABASE_NAME,
	LOOK_DATA_COLLECTIONS,
	look_field_count
};

enum look_content {
	LOOK_ROWS,                      /* or a truncate, which has an op and no row */
	LOOK_CONTROL,                   /* of the envelope, but about no row */
	LOOK_TOMBSTONE,                 /* a NULL value, JSON null, or a wrapper around null */
	LOOK_NOT_READ,                  /* events of a kind that is not read; kind is AUTO */
	LOOK_UNREADABLE                 /* no JSON object; kind is ENVELOPE_AUTO */
};

struct envelope_look {
	enum envelope_kind kind;        /* ENVELOPE_AUTO: a tombstone tells nothing */
	enum look_content content;
	bool unwrapped;                 /* the row is the event itself */
	bool by_word;                   /* the names alone could be those of a flat row */
	struct str schema;              /* Connect's schema block; absent: not wrapped */
	struct str event;               /* the event object */
	/* LOOK_NOT_READ: what it is, and what can be done */
	const char *what, *help;
	struct str fields[look_field_count];    /* texts of values; absent: not there */
};

void envelope_look(struct str value, struct envelope_look *out);

/* "debezium" and such; false: none of them. */
bool envelope_kind_parse(struct str name, enum envelope_kind *out);

/* A message key without Connect's wrapper: the payload's text, and its schema or absent. */
struct str envelope_key_payload(struct str key, struct str *schema);

/* A row's field that is Debezium's own and no column: begins with two underscores. */
static inline bool envelope_own_field(struct str name)
{
	return name.len > 2 && name.data[0] == '_' && name.data[1] == '_';
}

/*
 * The columns that a message's schema block gives its rows, without fields of Debezium's own; of
 * two names that differ only in case the first. NULL: the block says nothing about rows.
 */
struct schema *envelope_block_columns(const struct envelope_look *l, struct arena *arena);

#endif
