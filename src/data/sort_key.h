#ifndef CDCL_SORT_KEY_H
#define CDCL_SORT_KEY_H

/*
 * Values as bytes whose memcmp order is their order (value_cmp's: NaN greatest, -0.0 like 0.0,
 * strings by bytes), so that what is sorted by several keys, each with its own direction, compares
 * in one call. Keys of the same columns are never a prefix of each other.
 *
 *	NULL      0 (nulls_last: 2)
 *	a value   1, then: numbers big-endian with the sign turned; strings with 0 as 0 ff, ended by
 *	          0 0; arrays as 1 and a key per element, ended by 0. Descending: these bits turned.
 */

#include "data/value.h"

void sort_key_add(struct strbuf *out, const struct value *v, bool descending, bool nulls_last);

#endif
