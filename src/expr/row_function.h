#ifndef CDCL_ROW_FUNCTION_H
#define CDCL_ROW_FUNCTION_H

/*
 * A Lua leaf, as operators see it: structs of functions that script/ fills, so that nothing here
 * knows Lua. One call serves a whole chunk (one protected call inside). An error in a row becomes a
 * dead letter and clears that row's live bit; negative answers stop the job.
 */

#include "cdcl/error.h"
#include "data/dead_letter.h"

struct row_function {
	/*
	 * filter: clears live bits of `in`; `out` is NULL.
	 * map, with: fills `out` (chunk_alloc_like of `in`, data arrays allocated), row i from
	 * row i.
	 */
	int (*call)(struct row_function *f, struct chunk *in, struct chunk *out,
		struct dead_letters *dead, struct error *err);
	/*
	 * flat_map: appends rows to `out` from in's row *next on, sets out->origin; returns 1 when
	 * `out` is full (the caller pushes it and calls again with a new one), 0 when `in` is done.
	 */
	int (*call_flat)(struct row_function *f, struct chunk *in, uint32_t *next,
		struct chunk *out, struct dead_letters *dead, struct error *err);
	struct str place;       /* "orders.lua:14" */
};

/*
 * A user's own aggregate: a typed state per group, held by C as one row of `state` per group
 * (columns of arrays that the group operator grows), so that it can be checkpointed.
 */
struct custom_aggregate {
	const struct schema *state;
	struct str name;                        /* of the result column */
	struct type type;
	bool has_retract;
	/*
	 * Applies every live row of `in` to the state row groups[row]; rows whose kind is -U or -D
	 * are retracted. state[c] points to the typed array of column c and state_nulls[c] to a
	 * byte per group.
	 */
	int (*add)(struct custom_aggregate *a, struct chunk *in, const uint32_t *groups,
		void *const *state, uint8_t *const *state_nulls, struct dead_letters *dead,
		struct error *err);
	/* Results of the groups listed, into `out` rows 0..count-1. */
	int (*finish)(struct custom_aggregate *a, const uint32_t *groups, uint32_t count,
		void *const *state, uint8_t *const *state_nulls, struct column *out,
		struct arena *arena, struct error *err);
	struct str place;
};

#endif
