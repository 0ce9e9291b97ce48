#ifndef CDCL_MERGE_FUNCTION_H
#define CDCL_MERGE_FUNCTION_H

/*
 * A merge's rules in Lua (on_insert, on_update, on_delete), as the merge operator sees them:
 * script/ fills the function, one call serves a chunk (one protected call inside).
 *
 * The rows of one call, all of them events that count (stale ones are gone):
 *
 *	event   the source's chunk; row i of this call is its row rows[i]
 *	old     row i: the table's row of that key before this chunk (nothing there: has_old[i] = 0)
 *	next    row i: what will be the row; filled by C with the event's columns, but old's where
 *	        `keeps` says so; for a delete it is old. The rule may write to it.
 *	link    row i: the row of this call just before it with the same key, or -1. Then its old is
 *	        that row's outcome, which only the driver knows: before it calls the rule for such a
 *	        row it calls merge_rows_link(), which copies `old` from the outcome, fills `next`
 *	        again and sets has_old[i].
 *	action  row i: which rule it is for, by the event's op and has_old: see enum merge_action
 *	op      row i: the event's operation, which a rule reads as event["@op"]
 *	outcome row i: what the rule answered; row of `next`, delete, or as it was
 */

#include "cdcl/error.h"
#include "data/change.h"
#include "data/dead_letter.h"

enum merge_action {
	MERGE_ACTION_UPSERT,    /* on_update when has_old, else on_insert */
	MERGE_ACTION_DELETE     /* on_delete when has_old, else nothing to call */
};

enum merge_outcome {
	MERGE_OUTCOME_ROW,      /* next[i] is the row */
	MERGE_OUTCOME_DELETE,   /* cdcl.delete */
	MERGE_OUTCOME_OLD,      /* the event is ignored: the row stays as it was */
	MERGE_OUTCOME_REFUSED   /* nil, "reason", or an error: a dead letter; the row stays */
};

struct merge_rows {
	const struct chunk *event;
	struct chunk *old;
	struct chunk *next;
	uint32_t count;
	uint16_t rows[chunk_rows_max];
	int16_t link[chunk_rows_max];
	uint8_t has_old[chunk_rows_max];
	uint8_t action[chunk_rows_max];         /* enum merge_action */
	uint8_t op[chunk_rows_max];             /* enum change_op */
	/* enum merge_outcome; set by C to ROW, or DELETE for MERGE_ACTION_DELETE */
	uint8_t outcome[chunk_rows_max];
	/* for merge_rows_link, by table column: the column of `event` it comes from, or -1 */
	const int32_t *event_column;
	/* and where (bits by row of `event`) it does not overwrite what is there; NULL: nowhere */
	const uint64_t (*keeps)[chunk_words];
};

/*
 * Makes the visible columns of `next` for rows first..first+count-1: of a row that has_old, those
 * that come from no event column, that `keeps` says or that are a delete's are old's. Strings are
 * shared. Hidden columns are the caller's.
 */
void merge_rows_fill(struct merge_rows *rows, uint32_t first, uint32_t count);

/*
 * Sets old, next and has_old of a row whose link >= 0 from that row's outcome. Called by the driver
 * through FFI (and by C rules), never calls Lua. Exported for that.
 */
void merge_rows_link(struct merge_rows *rows, int32_t row);

struct merge_function {
	/*
	 * Calls the rules for all rows. A failing or refusing rule has outcome REFUSED, is reported
	 * to `dead` (reason DEAD_LUA, the rule's place in the text) and the loop goes on; negative:
	 * the job stops.
	 */
	int (*call)(struct merge_function *f, struct merge_rows *rows, struct dead_letters *dead,
		struct error *err);
	bool has_insert, has_update, has_delete;
	struct str place;       /* "orders_merge.lua:12" */
};

#endif
