#ifndef CDCL_ABI_H
#define CDCL_ABI_H

/*
 * The structs that Lua sees by FFI. C includes this file; the build strips the lines that begin
 * with '#' and hands the rest to ffi.cdef, so it holds plain C declarations only.
 *
 * A chunk is up to 1,024 rows, column by column:
 *
 *	columns[c].data   typed array, slot i belongs to row i (layout by type: see data/type.h)
 *	columns[c].nulls  one bit per row, set = NULL; the slot's bytes are then zero or stale
 *	live              one bit per row, set = the row is still there (a filter clears
 *	                  bits, nothing moves); bits at and above row_count are zero
 *	kinds             row kind per row; NULL pointer = every row is +I
 *
 * Columns behind schema->column_count are hidden: the key of a Table that `select` did not name,
 * say (data/row_key.h). Sinks and Lua see those before it.
 *
 * Row i of a chunk keeps its index through filters and projections, so columns and metadata can
 * be shared between the chunks of a chain without copying. Everything a chunk points to lives in
 * its arena (or in a chunk it was made from) and dies when the source's chunk is released.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { chunk_rows_max = 1024, chunk_words = 16 };

enum row_kind { ROW_INSERT = 0, ROW_UPDATE_BEFORE = 1, ROW_UPDATE_AFTER = 2, ROW_DELETE = 3 };

/*
 * Bytes with a length, never NUL-terminated by contract. data == NULL: absent (a NULL key, a
 * tombstone).
 */
struct str {
	const char *data;
	size_t len;
};

struct column {
	void *data;
	uint64_t nulls[chunk_words];
};

struct message_header {
	struct str name;
	struct str value;
};

/*
 * Messages as a source handed them over: slices of memory that lives in `arena` until the chunk
 * made from them is released. Row i of a decoded chunk comes from message origin[i] (i when
 * origin is NULL).
 */
struct messages {
	uint32_t count;
	uint32_t source_id;
	uint32_t spared;                             /* places that stay empty, in tests */
	struct str topic[chunk_rows_max];            /* names live as long as the source */
	int32_t partition[chunk_rows_max];
	int64_t offset[chunk_rows_max];
	int64_t timestamp_us[chunk_rows_max];        /* -1: not known */
	/* 0 create time, 1 log append time (Spark's numbers) */
	int32_t timestamp_type[chunk_rows_max];
	struct str key[chunk_rows_max];              /* data NULL: no key */
	struct str value[chunk_rows_max];            /* data NULL: tombstone */
	const struct message_header *headers[chunk_rows_max];
	uint32_t header_count[chunk_rows_max];
	struct arena *arena;
};

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
	uint8_t op[chunk_rows_max];                     /* enum change_op of data/change.h */
	/* second half of a key change: the delete of this row's old key stands just before it */
	uint8_t key_change[chunk_rows_max];
	struct change_position position[chunk_rows_max];
	/* JSON text of the source block; or absent */
	struct str source[chunk_rows_max];
	/* JSON text of `before` or `old`; or absent */
	struct str before[chunk_rows_max];
	int64_t event_time_us[chunk_rows_max];          /* of the source; -1: not known */
};

struct chunk {
	uint32_t row_count;
	uint32_t column_count;
	uint64_t live[chunk_words];
	struct column *columns;
	uint8_t *kinds;
	const struct messages *messages;             /* NULL for rows that come from no message */
	const uint16_t *origin;
	const struct schema *schema;
	struct arena *arena;
	const struct changes *changes;               /* NULL: flat rows that nobody merges */
	/* by column, one bit per row: the message did not have it; NULL: nothing is absent */
	const uint64_t (*absent)[chunk_words];
};

/* ---- the Lua border: small structs that a driver (lib-lua/rows.lua) and C both write ---- */

/* Where a row function stands; what the user calls `row` is a read-only view of this. */
struct row_cursor {
	struct column *columns;      /* NULL: no chunk now, a row kept too long is refused */
	const struct chunk *chunk;
	int32_t row;
	int32_t null_column;         /* the last one read as NULL in this row; -1: none */
};

/* Where flat_map's emit writes; `mark` is what a failing record goes back to. */
struct emit_cursor {
	struct column *columns;
	uint16_t *origin;            /* row of the input */
	struct arena *arena;
	int32_t row;                 /* next one to write */
	int32_t chunk;               /* 0: the caller's chunk, then those that overflowed it */
	int32_t mark_row;
	int32_t mark_chunk;
};

/* A group's state, as an own aggregate sees it. */
struct state_cursor {
	void *const *columns;        /* NULL: no call now */
	uint8_t *const *nulls;
	void *undo;                  /* the state before this record: 16 bytes per column */
	uint8_t *undo_nulls;
	int32_t group;
};

/* The rows of a merge's rules: expr/merge_function.h; the event's is the leaf's row_cursor. */
struct merge_cursor {
	struct row_cursor old;
	struct row_cursor next;
	struct arena *arena;         /* of what is written to `next` */
	const uint16_t *rows;
	const int16_t *link;
	const uint8_t *has_old;
	const uint8_t *action;
	const uint8_t *op;
	uint8_t *outcome;
	int32_t rule;                /* that runs: 1 on_insert, 2 on_update, 3 on_delete */
};

struct lua_decimal {
	uint64_t low;                /* of the unscaled int128 */
	uint64_t high;
	int32_t precision;
	int32_t scale;
};

/* A JSON value's text; dies with the chunk it points into (generation). */
struct lua_json {
	const char *data;
	size_t len;
	uint64_t generation;
};

#endif
