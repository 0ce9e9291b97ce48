#include "expr/merge_function.h"

#include "base/check.h"
#include "data/chunk.h"

#include <string.h>

/* Inlined, so that `bytes` is known and a slot is one move. */
static inline __attribute__((always_inline)) void copy_slot(
	const struct column *from, uint32_t row, struct column *to, uint32_t at, size_t bytes)
{
	memcpy((char *)to->data + at * bytes, (const char *)from->data + row * bytes, bytes);
	uint64_t null = bit_get(from->nulls, row);
	to->nulls[at >> 6] = (to->nulls[at >> 6] & ~(UINT64_C(1) << (at & 63))) | null << (at & 63);
}

/* Does a row that has an old one keep that one's column c? `source` is the event's column. */
static bool is_kept(const struct merge_rows *rows, uint32_t i, uint32_t c, int32_t source)
{
	if (source < 0 || rows->action[i] == MERGE_ACTION_DELETE)
		return true;
	return rows->keeps != NULL && bit_get(rows->keeps[c], rows->rows[i]);
}

static inline __attribute__((always_inline)) void fill_slots(
	struct merge_rows *rows, uint32_t c, uint32_t first, uint32_t count, size_t bytes)
{
	int32_t source = rows->event_column[c];
	struct column *to = &rows->next->columns[c];
	const struct column *old = &rows->old->columns[c];
	const struct column *event = source < 0 ? NULL : &rows->event->columns[source];
	for (uint32_t i = first; i < first + count; i++) {
		if (rows->has_old[i] && is_kept(rows, i, c, source))
			copy_slot(old, i, to, i, bytes);
		else if (event != NULL)
			copy_slot(event, rows->rows[i], to, i, bytes);
		else
			bit_set(to->nulls, i);
	}
}

static void fill_column(struct merge_rows *rows, uint32_t c, uint32_t first, uint32_t count)
{
	size_t bytes = phys_bytes(type_phys(rows->next->schema->columns[c].type));
	switch (bytes) {
	case 1:
		fill_slots(rows, c, first, count, 1);
		break;
	case 4:
		fill_slots(rows, c, first, count, 4);
		break;
	case 8:
		fill_slots(rows, c, first, count, 8);
		break;
	default:
		check(bytes == 16);
		fill_slots(rows, c, first, count, 16);
	}
}

void merge_rows_fill(struct merge_rows *rows, uint32_t first, uint32_t count)
{
	check(first + count <= rows->count);
	for (uint32_t c = 0; c < rows->next->schema->column_count; c++)
		fill_column(rows, c, first, count);
}

void merge_rows_link(struct merge_rows *rows, int32_t row)
{
	check(row >= 0 && (uint32_t)row < rows->count);
	int32_t before = rows->link[row];
	check(before >= 0 && before < row);
	uint32_t at = (uint32_t)row;
	uint32_t link = (uint32_t)before;
	const struct chunk *from = rows->old;
	switch ((enum merge_outcome)rows->outcome[link]) {
	case MERGE_OUTCOME_ROW:
		from = rows->next;
		rows->has_old[at] = 1;
		break;
	case MERGE_OUTCOME_DELETE:
		rows->has_old[at] = 0;
		break;
	case MERGE_OUTCOME_OLD:
	case MERGE_OUTCOME_REFUSED:
		rows->has_old[at] = rows->has_old[link];
		break;
	}
	for (uint32_t c = 0; c < schema_total(from->schema); c++) {
		size_t bytes = phys_bytes(type_phys(from->schema->columns[c].type));
		copy_slot(&from->columns[c], link, &rows->old->columns[c], at, bytes);
	}
	merge_rows_fill(rows, at, 1);
}
