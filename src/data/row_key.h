#ifndef CDCL_ROW_KEY_H
#define CDCL_ROW_KEY_H

/*
 * The key of a Table: which columns of its schema tell its rows apart. The columns may be hidden
 * ones (behind schema->column_count): `select` on a Table keeps its key, also when it does not name
 * it. Plan memory; known when the plan is.
 */

#include "data/chunk.h"

enum { row_key_columns_max = 32 };

struct row_key {
	uint32_t count;
	uint32_t columns[row_key_columns_max]; /* in key order */
};

/*
 * Which of `bucket_count` buckets each live row of `c` belongs to, into buckets[row]: by the key
 * alone, the same in every run and release. Neighbours share one: a key that is one integer (or
 * whose last column is) goes by blocks of row_key_block values, so that a burst of new or recent
 * rows touches few buckets.
 */
enum { row_key_block = 4096 };
void row_key_buckets(const struct row_key *k, const struct chunk *c, uint32_t bucket_count,
	uint32_t *buckets);

#endif
