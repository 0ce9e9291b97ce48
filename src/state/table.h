#ifndef CDCL_TABLE_H
#define CDCL_TABLE_H

/*
 * The rows of a Table: keyed, current, changed in place.
 *
 *	index     segments of open addressing by key hash (state/table_index.h); a full segment
 *	          splits alone, so that no insert ever waits for all rows to be hashed again
 *	entries   by id: state, and the row in a dense store (fixed slots; strings in a slab)
 *
 *	EMPTY --put--> LIVE --delete--> DELETED --put--> LIVE
 *	                                   \--forget (tombstone_ttl, bound)--> id is free again
 *
 * An id stands for a key, dense from 0; it is given by table_resolve and kept while the key is live
 * or remembered as deleted. A whole chunk is resolved at once (hash, prefetch, compare); rows of
 * the chunk with equal keys get equal ids, so the caller sees which rows follow each other. Ids
 * that are still EMPTY when the chunk is done go back at table_release_empty.
 *
 * Layout of a row: config->schema, its hidden columns too (a merge keeps its sequence there). A
 * DELETED entry keeps its key and the hidden columns and lets the rest go.
 *
 * All mutation goes through table_put and table_delete, so that what a batch changed, and what each
 * changed row was before it, is complete by construction (and the durable log can be).
 *
 * Memory: the table's own. A gathered row's strings point into the table until its next mutation.
 */

#include "cdcl/error.h"
#include "data/row_key.h"

struct table;

struct table_config {
	const struct schema *schema;    /* plan */
	const struct row_key *key;      /* plan; columns of `schema` */
	/* live rows; reaching it is an error that names the table */
	int64_t rows_max;
	int64_t deleted_max;            /* remembered deletes; beyond it the oldest are forgotten */
	struct str name;                /* for errors */
	bool keep_before;               /* somebody wants to know what rows were before the batch */
	/* slots that records may leave out in all; 0: as many as the other bounds allow */
	int64_t left_out_bytes_max;
	uint32_t segment_lines_max;     /* of the index; 0: as fits; tests make splits likely */
};

enum table_state { TABLE_EMPTY, TABLE_LIVE, TABLE_DELETED };

struct table *table_open(const struct table_config *config, struct error *err);
void table_close(struct table *t);

/* ---- a chunk ---- */

/*
 * The ids of the keys of `count` rows of `c` (laid out by config->schema; only the key columns are
 * read), into ids[0..count-1]. Unknown keys get an EMPTY entry. Negative when there is no room for
 * more keys.
 */
int table_resolve(struct table *t, const struct chunk *c, const uint16_t *rows, uint32_t count,
	uint32_t *ids, struct error *err);
void table_release_empty(struct table *t);

/* The id of one key (the key columns of `row`), or table_none. */
enum { table_none = UINT32_MAX };
uint32_t table_find(const struct table *t, const struct chunk *c, uint32_t row);

enum table_state table_state(const struct table *t, uint32_t id);
/* Also of an id that was given once and is free again: false. */
bool table_is_live(const struct table *t, uint32_t id);
/* Of ids of this chunk. */
void table_are_live(const struct table *t, const uint32_t *ids, uint32_t count, bool *live);

/*
 * The stored rows of `count` ids into rows 0..count-1 of `out` (made by chunk_alloc for
 * config->schema). EMPTY: all NULL; DELETED: key and hidden columns, the rest NULL.
 */
void table_gather(const struct table *t, const uint32_t *ids, uint32_t count, struct chunk *out);
/* The same for one column, without a copy of the others: for comparing sequences. */
void table_gather_column(const struct table *t, const uint32_t *ids, uint32_t count,
	uint32_t column, struct column *out);

/*
 * Rows rows[i] of `c` become the rows of ids[i], whose keys they have, in order; what is copied is
 * the table's own. A string may be the one gathered from the same field.
 */
int table_put(struct table *t, const uint32_t *ids, const struct chunk *c, const uint16_t *rows,
	uint32_t count, struct error *err);
/*
 * Live or not, the entry becomes DELETED and takes its hidden columns from rows[i] of `c`;
 * now_us is when the memory of the delete begins to age (event time).
 */
int table_delete(struct table *t, const uint32_t *ids, const struct chunk *c, const uint16_t *rows,
	uint32_t count, int64_t now_us, struct error *err);
/* Both at once, in order; an id that is deleted is there once. */
struct table_write {
	uint32_t id;
	uint16_t row;
	bool deletes;
};
int table_apply(struct table *t, const struct table_write *writes, uint32_t count,
	const struct chunk *c, int64_t now_us, struct error *err);
/*
 * Every live row goes, and is remembered as deleted when `remember`; else it is DELETED with hidden
 * columns of NULL until the batch ends, because the batch's changes still name its key.
 */
int table_clear(struct table *t, bool remember, int64_t now_us, struct error *err);

/* ---- a batch ---- */

/* What one key is after the batch, against what it was before. */
struct table_change {
	uint32_t id;
	bool was;       /* there was a row before */
	bool is;        /* there is one now */
};

/*
 * The keys that the batch touched, in the order of first touch; those that did not change too. Up
 * to `count` of them from number `first` on; answers how many, 0 at the end.
 */
uint32_t table_changes(
	const struct table *t, uint32_t first, uint32_t count, struct table_change *out);
/* The old rows of these changes (each `was`) into rows 0.. of out; with keep_before only. */
void table_gather_before(
	const struct table *t, const uint32_t *change_indexes, uint32_t count, struct chunk *out);
/* Forgets what the batch changed. Not within a chunk (ids of forgotten deletes become free). */
void table_end_batch(struct table *t);
/* The same, some `max` changes a call: true while there is more, and nothing else is called. */
bool table_end_slice(struct table *t, uint32_t max);

/* ---- time ---- */

/*
 * Forgets at most `max` deletes remembered since before `before_us`, but those of this batch;
 * returns how many.
 * Not within a chunk. A delete never counts as older than the one before it. After a table_clear
 * that does not remember, nothing is forgotten until the batch ends.
 */
int64_t table_forget_deleted(struct table *t, int64_t before_us, int64_t max);

/* ---- all rows ---- */

/*
 * Up to chunk_rows_max live ids from *at on (which moves), in store order; 0 at the end. The order
 * depends on the order of events only.
 */
uint32_t table_scan(const struct table *t, uint32_t *at, uint32_t *ids);

/*
 * The same for remembered deletes, oldest first, with the time from which each ages; *at begins at
 * 0.
 */
uint32_t table_scan_deleted(
	const struct table *t, uint32_t *at, uint32_t *ids, int64_t *deleted_us);

int64_t table_rows(const struct table *t);
int64_t table_deleted(const struct table *t);   /* remembered */
int64_t table_bytes(const struct table *t);     /* memory held */

#endif
