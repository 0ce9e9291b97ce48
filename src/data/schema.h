#ifndef CDCL_SCHEMA_H
#define CDCL_SCHEMA_H

/*
 * An ordered list of typed columns. Names are exact for JSON fields and `row.x` in Lua; SQL folds
 * ASCII case (schema_find_fold). Two columns that differ only in case are refused where a schema is
 * declared by a user; results of select may repeat a name, as in Spark.
 */

#include "base/arena.h"
#include "data/type.h"

struct schema_column {
	struct str name;
	struct type type;
};

struct schema {
	uint32_t column_count;
	/* behind the others in `columns` and in chunks: what steps need and nobody sees */
	uint32_t hidden_count;
	struct schema_column *columns;
};

enum { SCHEMA_MISSING = -1, SCHEMA_AMBIGUOUS = -2 };

/* Index of the column, or SCHEMA_MISSING / SCHEMA_AMBIGUOUS. */
int schema_find(const struct schema *s, struct str name);
int schema_find_fold(const struct schema *s, struct str name);

struct schema *schema_alloc(struct arena *arena, uint32_t column_count);
struct schema *schema_alloc_hidden(struct arena *arena, uint32_t column_count,
	uint32_t hidden_count);

static inline uint32_t schema_total(const struct schema *s)
{
	return s->column_count + s->hidden_count;
}

/*
 * The columns of `have`, each widened to hold those of `more` too, and behind them what only `more`
 * has. True when that is not `have` itself.
 */
bool schema_widen(const struct schema *have, const struct schema *more, struct arena *arena,
	struct schema **out);

/* Names and types of its own in `arena`; the hidden columns are left out. */
struct schema *schema_copy(const struct schema *from, struct arena *arena);

/* "order_id int, product string" */
void schema_text(const struct schema *s, struct strbuf *out);

#endif
