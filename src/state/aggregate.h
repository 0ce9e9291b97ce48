#ifndef CDCL_AGGREGATE_H
#define CDCL_AGGREGATE_H

/*
 * The accumulators of one aggregate call, for all groups: arrays by group id.
 *
 *	rows of a chunk -- filter, NULL, distinct --> rows that count -- one loop --> cells
 *
 * A chunk is taken in one call: first the rows that count are chosen, then a loop over them that
 * knows its types updates the cells; nothing is decided per row that is the same for all rows.
 *
 * `retract`: the input is a changelog whose -U and -D rows are taken back. count, sum and avg
 * subtract (integers and decimals exactly, in 128 bits); everything else keeps the values that are
 * there, in order, and answers from those (aggregate_retract.c).
 *
 * The cells own their strings (in the slab); results may point into them and live until the next
 * add.
 */

#include "expr/aggregate_plan.h"
#include "state/slab.h"

/* The rows of a chunk that an aggregate sees. */
struct aggregate_rows {
	uint32_t count;
	const uint16_t *rows; /* row numbers, ascending */
	const uint32_t *groups; /* group id, by row number */
	const int8_t *signs; /* +1 or -1, by row number; NULL: every row is added */
	uint32_t row_count; /* of the chunk */
};

struct aggregate;

struct aggregate *aggregate_open(
	const struct aggregate_call *call, bool retract, struct slab *slab);
void aggregate_close(struct aggregate *a);

/* Room for groups 0..count-1; new ones are empty. */
void aggregate_reserve(struct aggregate *a, uint32_t count);

/*
 * Adds rows. `args` are the call's arguments over the chunk, `filter` its condition or NULL.
 * Negative when a result can no longer be right (overflow, a bound): the job stops.
 */
int aggregate_add(struct aggregate *a, const struct aggregate_rows *rows, const struct vector *args,
	const struct vector *filter, struct error *err);

/* Fills err: a row is taken back that is not there. Always negative. */
int aggregate_never_given(struct error *err);

/* Results of the groups listed into rows 0..count-1 of `out`, whose data array is there. */
int aggregate_result(struct aggregate *a, const uint32_t *groups, uint32_t count,
	struct column *out, struct arena *arena, struct error *err);

/*
 * One group's accumulator as bytes for a checkpoint, and back (state/record.h); not with `retract`:
 * what follows from a Table is computed again. False: it cannot be. What a group has seen of
 * distinct values is apart: entries, each of which says its group, in order.
 */
struct record_reader;
void aggregate_save(const struct aggregate *a, uint32_t group, struct strbuf *out);
bool aggregate_load(struct aggregate *a, uint32_t group, struct record_reader *r);
/*
 * Rows may be added up apart, a chunk at a time, and the saved sums added here: the same to the
 * bit. Negative when a result can no longer be right.
 */
bool aggregate_adds_up(const struct aggregate_call *call);
int aggregate_add_saved(
	struct aggregate *a, uint32_t group, struct record_reader *r, struct error *err);
uint32_t aggregate_seen_count(const struct aggregate *a);
void aggregate_seen_save(const struct aggregate *a, uint32_t entry, struct strbuf *out);
int aggregate_seen_load(struct aggregate *a, struct record_reader *r, struct error *err);

size_t aggregate_bytes(const struct aggregate *a); /* of its arrays; the slab has the rest */

/* The group is gone; its id may come again, empty. */
void aggregate_clear(struct aggregate *a, uint32_t group);

#endif
