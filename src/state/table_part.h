#ifndef CDCL_TABLE_PART_H
#define CDCL_TABLE_PART_H

/*
 * What the files of a table share (state/table.h is what others see): table.c finds and changes
 * rows, table_batch.c knows what a batch changed, table_deleted.c what was deleted and when.
 *
 * An id is the number of a slot in `rows`. Slots by mark: free ones are chained by their bytes
 * 1..4; EMPTY ones hold the key alone, LIVE a row, DELETED key and hidden columns and a place in
 * the list of deletes, oldest first, newest last.
 */

#include "state/table.h"
#include "state/table_hash.h"
#include "state/table_index.h"
#include "state/record.h"
#include "state/state_part.h"
#include "state/table_store.h"
#include "state/table_unfit.h"

/* Marks are one more than the state: a slot of zeros is free. */
enum { mark_empty = TABLE_EMPTY + 1, mark_live = TABLE_LIVE + 1, mark_deleted = TABLE_DELETED + 1 };

struct table_ids {
	uint32_t *ids;
	uint32_t count;
	uint32_t capacity;
};

/* What resolve found last: who goes on with these ids has their slots. */
struct table_found {
	uint32_t count;
	uint32_t ids[chunk_rows_max];
	char *slots[chunk_rows_max];
};

struct table {
	struct table_config config;
	char *name;                     /* config.name's bytes */
	struct table_layout layout;
	struct table_key key;
	struct table_index index;
	struct table_store rows;
	struct slab slab;
	uint32_t free_id;               /* + 1; 0: none */
	struct table_ids fresh;         /* that resolve made since table_release_empty */
	struct table_found *found;
	char *null_slot;                /* what an EMPTY entry's row is */
	uint16_t *row_numbers;          /* 0, 1, 2 ... of a chunk */
	int64_t live;

	uint32_t oldest, newest;        /* deletes; table_none: none */
	int64_t deleted;
	int64_t newest_us;              /* when the newest was deleted */

	uint32_t *changes;              /* ids that the batch touched */
	uint32_t *befores;              /* by change: the slot in `before` */
	uint32_t change_count;
	uint32_t ended;                 /* of them, while a batch ends (table_end_slice) */
	bool trims_deleted;             /* all of them are, and remembered deletes go */
	uint32_t change_capacity;
	uint32_t change_peak;           /* beyond it nothing was written: no memory yet */
	struct table_store before;
	uint32_t before_count;          /* slots in use */
	struct slab before_slab;

	struct table_noted *noted;      /* table_state.c; NULL: no checkpoint */
	int64_t left_out_bytes;         /* slots that records left out so far */
	uint32_t entries;               /* that records made so far */
	struct table_unfit *unfit;      /* of them; NULL: none was */
};

static inline char *table_slot(const struct table *t, uint32_t id)
{
	return table_store_slot(&t->rows, id);
}

/* The slots of ids[at .. at + count - 1]; `room` for as many if they must be looked up. */
static inline char *const *table_slots(
	const struct table *t, const uint32_t *ids, uint32_t at, uint32_t count, char **room)
{
	const struct table_found *f = t->found;
	const struct table_store store = t->rows;
	if (at + count <= f->count && memcmp(f->ids + at, ids + at, count * sizeof(*ids)) == 0)
		return f->slots + at;
	for (uint32_t i = 0; i < count; i++)
		room[i] = table_store_slot(&store, ids[at + i]);
	return room;
}

static inline int table_mark(const char *slot)
{
	return slot[0] & table_mark_state;
}

static inline void table_set_mark(char *slot, int mark)
{
	slot[0] = (char)((slot[0] & ~table_mark_state) | mark);
}

/* The key is known no more, the id free. */
void table_free_id(struct table *t, uint32_t id);

/* ---- table_deleted.c: the list; counts and marks are its own business ---- */

void table_deleted_link(struct table *t, uint32_t id, char *slot, int64_t now_us);
void table_deleted_link_first(struct table *t, uint32_t id, char *slot);
void table_deleted_unlink(struct table *t, char *slot);
/* When it was; and of a slot that is not in the list, when it will say that it was. */
int64_t table_deleted_at(const struct table *t, const char *slot);
void table_deleted_set_at(struct table *t, char *slot, int64_t at_us);
/* What is beyond the bound, and (after a batch) what nobody wanted remembered. */
/* At most `max`; true: there may be more. */
bool table_deleted_trim(struct table *t, uint32_t max);

/* ---- table_batch.c ---- */

void table_touch_slow(struct table *t, uint32_t id, char *slot);

/* ---- table_state.c ---- */

void table_note_slow(struct table *t, uint32_t id);
/* Those of the batch, at its end: all at once, so that no row waits for it. */
/* The batch's changes from number `from` to `to`. */
void table_note_changes(struct table *t, uint32_t from, uint32_t to);
void table_state_release(struct table *t);
size_t table_state_bytes(const struct table *t);

/* The entry is not what it was when the checkpoint last asked. */
static inline void table_note(struct table *t, uint32_t id)
{
	if (t->noted != NULL)
		table_note_slow(t, id);
}

/* As a row that was not there before the batch. */
void table_touch_new(struct table *t, uint32_t id, char *slot);

/* Before any change of an entry. */
static inline void table_touch(struct table *t, uint32_t id, char *slot)
{
	if (!(slot[0] & table_mark_touched))
		table_touch_slow(t, id, slot);
}

/* Room for `more` changes without another look. */
void table_reserve_changes(struct table *t, uint32_t more);

/*
 * Before a LIVE row is overwritten: false, with nothing done, when it is not live. There is room
 * for the change.
 */
static inline bool table_touch_live(struct table *t, uint32_t id, char *slot)
{
	int mark = slot[0];
	if ((mark & table_mark_state) != mark_live)
		return false;
	if (mark & table_mark_touched)
		return true;
	if (t->config.keep_before) {
		table_touch_slow(t, id, slot);
		return true;
	}
	t->changes[t->change_count++] = id;
	slot[0] = (char)(mark | table_mark_touched);
	return true;
}

void table_batch_release(struct table *t);
size_t table_batch_bytes(const struct table *t);

/* ---- table_state.c, table_fill.c: entries as records ---- */

/*
 *	[ id 4 | state 1 | when it was deleted 8 | null bits | values that are not NULL ]
 *
 * A free one ends behind its state, a live one has no time. Before version 4 of the checkpoint it
 * had one, of zeros, and another state.
 */
enum { state_free = 0, state_live_timed = 1, state_deleted = 2, state_live = 3 };

static inline bool table_entry_is_timed(uint8_t state)
{
	return state == state_live_timed || state == state_deleted;
}

/* What the entry was goes; its slot is as a new one. */
void table_state_clear(struct table *t, char *slot);
/* A value of the column's own type. */
void table_state_take_field(
	struct table *t, char *slot, uint32_t column, struct record_reader *r);

/* What an entry takes at most without its strings. */
static inline size_t table_entry_bytes(const struct table_layout *l)
{
	return 16 + l->null_bytes + l->slot_bytes;
}

/* ---- table_fill.c ---- */

/* Records of a snapshot or a log; `how` as for table_fit_take, NULL: of the table's own shape. */
int table_fill_take(struct table *t, const struct state_fit *how, struct str records,
	struct error *err);
/* As if none had been taken: not when all were. */
void table_fill_clear(struct table *t);
/* All were taken: the index is made, and the list of deletes. */
int table_fill_ready(struct table *t, struct error *err);

/* ---- table_fit.c: entries of another shape ---- */

enum state_verdict table_fit(const struct table *t, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why);
/*
 * The rest of the record behind its state; false: it cannot be. One with a number that does not
 * fit is in t->unfit.
 */
bool table_fit_take(struct table *t, const struct state_fit *how, uint32_t id, uint8_t state,
	struct record_reader *r);

#endif
