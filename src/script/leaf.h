#ifndef CDCL_LEAF_H
#define CDCL_LEAF_H

/*
 * A Lua function of the plan: what operators call (expr/row_function.h, sink/sink.h) and how it
 * reaches Lua. lib-lua/rows.lua makes a driver for the schema: a Lua function that loops over the
 * rows of a chunk and calls the user's function with a view of the row, so that LuaJIT compiles
 * loop and function as one trace.
 *
 *	operator -> leaf (C) --one protected call--> driver (Lua) --per row--> the user's function
 *	                \-- error at row r: noted, row r becomes a dead letter, driver called
 *	                    again from r + 1
 *
 * The cursors are C memory that both sides see; C sets them before a call and clears them after it,
 * so that a row kept in a variable of the script is refused instead of read.
 */

#include "base/bounds.h"
#include "expr/merge_function.h"
#include "expr/row_function.h"
#include "script/bind.h"

enum leaf_kind { LEAF_FILTER, LEAF_MAP, LEAF_FLAT_MAP, LEAF_AGGREGATE, LEAF_BATCH, LEAF_MERGE };

enum { emit_chunks_max = lua_emit_rows_max / chunk_rows_max + 2 };

struct leaf_emit {
	struct emit_cursor cursor;
	struct chunk *in; /* of the call: overflow lives in its arena */
	struct chunk *chunks[emit_chunks_max]; /* 0 is the caller's */
	uint16_t *origins[emit_chunks_max];
	int32_t chunk_count; /* in use */
	int32_t chunk_made;
	int32_t pending_chunk; /* overflow to be handed out next */
	int32_t pending_row;
	int32_t pending_rows; /* rows of the last overflow chunk; 0: nothing is pending */
};

enum { leaf_rule_count = 4 };

/* The rules of a merge; `in` of the leaf is the event's schema, `out` the Table's. */
struct leaf_merge {
	struct merge_function function;
	struct leaf *leaf;
	struct merge_cursor at;
	struct merge_rows *rows; /* of the call */
	struct watch_part rules[leaf_rule_count]; /* by at.rule; 0: none of them runs */
};

struct leaf {
	struct row_function function;
	struct custom_aggregate aggregate;
	struct batch_function batch;
	enum leaf_kind kind;
	const char *what; /* "filter" */
	struct leaf *next; /* of the script */
	struct script *script;
	struct str place; /* where the function is defined */
	const struct schema *in;
	const struct schema *out;
	uint32_t keeps; /* with: columns that come from the input */
	struct watch watch;
	struct row_cursor cursor;
	struct state_cursor state;
	struct leaf_emit *emit; /* flat_map */
	struct leaf_merge *merge;
	int driver; /* registry references */
	int finish_driver;
};

void bind_leaf_open(lua_State *L);
void bind_border_open(lua_State *L);
void bind_merge_rules_open(lua_State *L);

/* The rows of `in` from now on; before each call leaf_set_row says where it begins. */
void leaf_enter(struct leaf *leaf, const struct chunk *in);

/* Atomic, because the watchdog looks at it. */
static inline void leaf_set_row(struct leaf *leaf, uint32_t row)
{
	__atomic_store_n(&leaf->cursor.row, (int32_t)row, __ATOMIC_RELAXED);
}

/* Calls the driver that is on the stack under `arguments`; why is filled as the user should read
 * it. */
int leaf_call(struct leaf *leaf, int arguments, int results, struct error *why);

/* Everything that Lua got from the chunk is dead from here on. */
void leaf_leave(struct leaf *leaf);

/* The record at the cursor failed: a dead letter, and its live bit goes; negative: the job stops.
 */
int leaf_lose_row(struct leaf *leaf, struct chunk *in, const struct error *why,
	struct dead_letters *dead, struct error *err);

/* "orders.lua:14", where the function on the stack is defined. */
struct str leaf_definition_place(lua_State *L, int function);

/*
 * The column that made an error about nil: the one the error names when it is NULL in the row, or
 * the last that was read as NULL; absent when there is none.
 */
struct str leaf_null_field(
	const struct schema *schema, const struct row_cursor *at, const struct error *why);
struct str leaf_null_last(
	const struct schema *schema, const struct row_cursor *at, const struct error *why);

/* leaf_flat.c, leaf_aggregate.c, leaf_batch.c, leaf_merge.c */
int leaf_call_flat(struct row_function *f, struct chunk *in, uint32_t *next, struct chunk *out,
	struct dead_letters *dead, struct error *err);
int32_t leaf_emit_next(struct emit_cursor *cursor);
int leaf_aggregate_add(struct custom_aggregate *a, struct chunk *in, const uint32_t *groups,
	void *const *state, uint8_t *const *state_nulls, struct dead_letters *dead,
	struct error *err);
int leaf_aggregate_finish(struct custom_aggregate *a, const uint32_t *groups, uint32_t count,
	void *const *state, uint8_t *const *state_nulls, struct column *out, struct arena *arena,
	struct error *err);
void leaf_merge_link(struct merge_cursor *at, int32_t row);
void leaf_merge_explain(struct leaf *leaf, struct error *why);
int leaf_batch_call(struct batch_function *f, struct chunk *const *chunks, uint32_t count,
	const struct batch *b, struct error *err);

#endif
