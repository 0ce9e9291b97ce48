#ifndef CDCL_CUSTOM_STATE_H
#define CDCL_CUSTOM_STATE_H

/*
 * The typed state of a user's own aggregate, one row per group in arrays that grow: what its Lua
 * functions read and write. Numbers begin at 0, booleans false, strings empty. Strings that a
 * function left in the state point into its own memory: they are copied here before it can move on.
 */

#include "expr/row_function.h"
#include "state/slab.h"

struct custom_state;

struct custom_state *custom_state_open(struct custom_aggregate *custom, struct slab *slab);
void custom_state_close(struct custom_state *s);
void custom_state_reserve(struct custom_state *s, uint32_t count);

/*
 * Applies the live rows of `in` (groups by row number); a row whose function fails loses its live
 * bit.
 */
int custom_state_add(struct custom_state *s, struct chunk *in, const uint32_t *groups,
	struct dead_letters *dead, struct error *err);
int custom_state_finish(struct custom_state *s, const uint32_t *groups, uint32_t count,
	struct column *out, struct arena *arena, struct error *err);
/* One group's state for a checkpoint, and back; false: it cannot be. */
struct record_reader;
void custom_state_save(const struct custom_state *s, uint32_t group, struct strbuf *out);
bool custom_state_load(struct custom_state *s, uint32_t group, struct record_reader *r);
void custom_state_clear(struct custom_state *s, uint32_t group);

#endif
