#ifndef CDCL_DISTINCT_H
#define CDCL_DISTINCT_H

/*
 * Which values a group has seen: count(distinct x), sum(distinct x), collect_set. Lets the first
 * row of every value through; with `retract` it counts them, and lets the row through that takes
 * the last one back. Equal as group keys are: 0.0 and -0.0 are one value, and so are all NaNs.
 */

#include "state/aggregate.h"

struct distinct;

struct distinct *distinct_open(bool retract, struct slab *slab);
void distinct_close(struct distinct *d);
size_t distinct_bytes(const struct distinct *d);

/* What was seen, for a checkpoint: entries by number, which never go (without `retract`). */
uint32_t distinct_count(const struct distinct *d);
struct str distinct_entry(const struct distinct *d, uint32_t entry);
int distinct_add_entry(struct distinct *d, struct str entry, struct error *err);

/* Keeps in `rows` those that bring or take away a value; their numbers go to `list`. */
int distinct_choose(struct distinct *d, struct aggregate_rows *rows, const struct vector *args,
	uint32_t arg_count, uint16_t *list, struct error *err);

#endif
