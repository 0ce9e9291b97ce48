#ifndef CDCL_AGGREGATE_CELLS_H
#define CDCL_AGGREGATE_CELLS_H

/* What the files of the accumulators share; nobody outside state/ includes it. */

#include "state/aggregate.h"
#include "state/group_table.h"
#include "state/record.h"

/* Values come in four widths; narrower types are widened once per chunk. */
enum wide { WIDE_INT, WIDE_FLOAT, WIDE_DECIMAL, WIDE_STR };

union wide_value {
	int64_t i64;
	double f64;
	int128 i128;
	struct str str;
};

/* One argument over the rows of a chunk, widened: the array that `wide` names is valid. */
struct wide_column {
	enum wide wide;
	const int64_t *i64;
	const double *f64;
	const int128 *i128;
	const struct str *str;
	const uint64_t *nulls;
	struct type type;
};

struct aggregate_ops {
	size_t cell_bytes;
	/* `x` are the arguments; rows with a NULL argument are gone if skips_nulls. */
	int (*add)(struct aggregate *a, const struct aggregate_rows *rows,
		const struct wide_column *x, struct error *err);
	/* Writes the result of one cell; *is_null says that there is none. */
	int (*result)(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
		struct arena *arena, struct error *err);
	void (*clear)(struct aggregate *a, void *cell);
	/* NULL: the cell's bytes are all of it */
	void (*save)(const struct aggregate *a, const void *cell, struct strbuf *out);
	bool (*load)(struct aggregate *a, void *cell, struct record_reader *r);
	/* of calls that aggregate_adds_up */
	int (*add_cell)(struct aggregate *a, void *to, const void *saved, struct error *err);
	bool skips_nulls;
};

struct aggregate {
	const struct aggregate_ops *ops;
	const struct aggregate_call *call;
	struct type arg; /* of the first argument */
	struct type sum; /* decimal sum and avg: type of the running sum */
	bool retract;
	struct slab *slab;
	char *cells;
	uint32_t capacity;
	struct distinct *distinct; /* NULL: every value counts */
	/* with retract: what is there, by arrival or by value; NULL: not kept */
	struct multiset *multiset;
	struct ordered *ordered;
	struct strbuf scratch;
};

static inline void *aggregate_cell(const struct aggregate *a, uint32_t group)
{
	return a->cells + (size_t)group * a->ops->cell_bytes;
}

/*
 * One value of a widened column. `wide` is x->wide; a caller that names it as a constant gets a
 * loop for that width alone.
 */
static inline __attribute__((always_inline)) union wide_value aggregate_wide_at(
	const struct wide_column *x, enum wide wide, uint32_t row)
{
	union wide_value v = {.i128 = 0};
	switch (wide) {
	case WIDE_INT:
		v.i64 = x->i64[row];
		break;
	case WIDE_FLOAT:
		v.f64 = x->f64[row];
		break;
	case WIDE_DECIMAL:
		v.i128 = x->i128[row];
		break;
	case WIDE_STR:
		v.str = x->str[row];
		break;
	}
	return v;
}

enum wide aggregate_wide(struct type t);

/* One value of a widened column, or of a cell, as a struct value of its type. */
struct value aggregate_value(struct type t, union wide_value v, bool is_null);
union wide_value aggregate_widen(const struct value *v);

extern const struct aggregate_ops aggregate_count_ops;
const struct aggregate_ops *aggregate_sum_ops(
	const struct aggregate_call *call, struct type arg, bool retract);
const struct aggregate_ops *aggregate_pick_ops(const struct aggregate_call *call);
const struct aggregate_ops *aggregate_collect_ops(const struct aggregate_call *call);
/* Opens a->multiset or a->ordered. */
const struct aggregate_ops *aggregate_retract_ops(struct aggregate *a);

#endif
