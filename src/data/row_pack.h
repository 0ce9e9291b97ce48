#ifndef CDCL_ROW_PACK_H
#define CDCL_ROW_PACK_H

/*
 * Whole rows of a Table as bytes (data/row_codec.h), for state that keeps rows: the key's columns
 * first, so that the key of a packed row is its beginning. Rows that are the same have the same
 * bytes. Without a key all of the row is its key.
 */

#include "data/row_key.h"

struct row_pack {
	const struct schema *schema; /* plan */
	uint32_t count;
	uint32_t key_count; /* of the columns in `order` */
	uint32_t *order; /* columns of the schema */
};

/*
 * `columns` says which columns of the schema, hidden ones too, are needed besides the key's (those
 * that are not negative); NULL: all.
 */
void row_pack_init(struct row_pack *p, const struct schema *schema, const struct row_key *key,
	const int32_t *columns);
void row_pack_release(struct row_pack *p);

void row_pack_add(
	const struct row_pack *p, const struct chunk *c, uint32_t row, struct strbuf *out);

/* The beginning of a packed row. */
struct str row_pack_key(const struct row_pack *p, struct str packed);

/*
 * The row at *at (which moves) into row `row` of `out`: column i of the schema to column
 * columns[i], when that is not negative (NULL: to column i). At the end of the bytes: NULLs.
 * Strings point into `packed`.
 */
void row_pack_read(const struct row_pack *p, struct str packed, size_t *at, struct chunk *out,
	uint32_t row, const int32_t *columns);

#endif
