/*
 * -U and +U of a row stand side by side in a chunk of a changelog; what a stateless step makes of
 * them.
 */

#include "ops/operator_build.h"

static bool is_pair(const struct chunk *c, uint32_t row)
{
	return c->kinds[row] == ROW_UPDATE_BEFORE && c->kinds[row + 1] == ROW_UPDATE_AFTER;
}

void operator_mend_pairs(struct chunk *c)
{
	uint8_t *kinds = NULL;
	for (uint32_t i = 0; i + 1 < c->row_count; i++) {
		if (!is_pair(c, i) || bit_get(c->live, i) == bit_get(c->live, i + 1))
			continue;
		if (kinds == NULL) {
			/* Other heads of this chunk share the old array. */
			kinds = arena_alloc(c->arena, chunk_rows_max, 1);
			memcpy(kinds, c->kinds, c->row_count);
			c->kinds = kinds;
		}
		if (bit_get(c->live, i))
			kinds[i] = ROW_DELETE;
		else
			kinds[i + 1] = ROW_INSERT;
	}
}

static bool rows_same(const struct chunk *c, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < c->column_count; i++) {
		struct type type = c->schema->columns[i].type;
		struct value x = value_from_column(&c->columns[i], type, a);
		struct value y = value_from_column(&c->columns[i], type, b);
		if (!value_same(&x, &y))
			return false;
	}
	return true;
}

void operator_drop_same_pairs(struct chunk *c)
{
	for (uint32_t i = 0; i + 1 < c->row_count; i++) {
		bool both = bit_get(c->live, i) && bit_get(c->live, i + 1);
		if (!both || !is_pair(c, i) || !rows_same(c, i, i + 1))
			continue;
		bit_clear(c->live, i);
		bit_clear(c->live, i + 1);
	}
}
