#ifndef CDCL_SET_ORDER_H
#define CDCL_SET_ORDER_H

/*
 * The order in which Spark's collect_set gives its elements: that of the Scala hash set it keeps
 * them in. Elements go by the slot of a table of 16, 32, 64 ... slots that is less than three
 * quarters full, within a slot by hash. Decimals and binary, whose hash is an object's, stay as
 * first seen.
 */

#include "base/arena.h"
#include "data/value.h"

/* Puts the elements of an array (data/row_codec.h) in order; the new array is in `arena`. */
struct str set_order(struct str array, struct type element, struct arena *arena);

#endif
