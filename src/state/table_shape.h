#ifndef CDCL_TABLE_SHAPE_H
#define CDCL_TABLE_SHAPE_H

/*
 * The shape of a table's part as words, and back:
 *
 *	order_id int, quantity int; hidden @sequence bigint; key order_id
 */

#include "data/row_key.h"
#include "data/schema.h"

void table_shape_text(const struct schema *s, const struct row_key *key, struct strbuf *out);
/* False: it is not one. Everything is in the arena. */
bool table_shape_parse(
	struct str shape, struct arena *arena, const struct schema **schema, struct row_key *key);

#endif
