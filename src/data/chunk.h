#ifndef CDCL_CHUNK_H
#define CDCL_CHUNK_H

/* What C does with chunks; the layout is in cdcl/abi.h, the essay too. */

#include "base/arena.h"
#include "base/check.h"
#include "cdcl/abi.h"
#include "data/schema.h"

/*
 * A chunk with columns for `schema`, typed arrays allocated for chunk_rows_max rows (not zeroed),
 * row_count 0.
 */
struct chunk *chunk_alloc(struct arena *arena, const struct schema *schema);

/*
 * A chunk that shares rows (live, kinds, messages, origin) with `in` and has room for `schema`'s
 * columns, data unset.
 */
struct chunk *chunk_alloc_like(struct arena *arena, const struct chunk *in,
	const struct schema *schema);

/* Typed array for one column of chunk_rows_max slots. */
void *chunk_alloc_data(struct arena *arena, struct type type);

/* Says that rows 0..row_count-1 are all there. */
void chunk_set_rows(struct chunk *c, uint32_t row_count);

/* Slots of NULL rows become zero, so that no kernel reads what was never written. */
void chunk_zero_nulls(struct chunk *c);

uint32_t chunk_live_count(const struct chunk *c);
/* Lowest live row at or above `row`, or chunk_rows_max. */
uint32_t chunk_next_live(const struct chunk *c, uint32_t row);

static inline bool bit_get(const uint64_t *words, uint32_t i)
{
	return (words[i >> 6] >> (i & 63)) & 1;
}
static inline void bit_set(uint64_t *words, uint32_t i)
{
	words[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void bit_clear(uint64_t *words, uint32_t i)
{
	words[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}
static inline bool column_is_null(const struct column *c, uint32_t row)
{
	return bit_get(c->nulls, row);
}
const char *row_kind_name(enum row_kind kind);  /* "+I" */
static inline enum row_kind chunk_kind(const struct chunk *c, uint32_t row)
{
	return c->kinds == NULL ? ROW_INSERT : (enum row_kind)c->kinds[row];
}

/* Index of the message that row `row` came from; check(c->messages != NULL). */
static inline uint32_t chunk_message(const struct chunk *c, uint32_t row)
{
	check(c->messages != NULL);
	uint32_t message = c->origin == NULL ? row : c->origin[row];
	check(message < c->messages->count);
	return message;
}

/*
 * Copies live rows of `from` from row *next on to the end of `to` (strings into to's arena), as far
 * as there is room; *next moves behind them. Both have the same schema; `to` has kinds, no
 * messages. Returns the bytes of strings copied.
 */
size_t chunk_append(struct chunk *to, const struct chunk *from, uint32_t *next);

/* Message i of `from` becomes message `at` of `to`; its texts stay where they are. */
void message_copy(struct messages *to, uint32_t at, const struct messages *from, uint32_t i);

/* "orders_cdc/3@8812" of a row's message, or "" for a row that comes from none. */
struct str chunk_row_place(const struct chunk *c, uint32_t row, struct arena *arena);

#endif
