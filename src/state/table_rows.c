/* Columns of many slots at once (state/table_row.h). */

#include "state/table_row.h"

#include "base/check.h"

bool table_rows_have_nulls(const struct column *c)
{
	uint64_t any = 0;
	for (uint32_t w = 0; w < chunk_words; w++)
		any |= c->nulls[w];
	return any != 0;
}

/* `bytes` is a constant where it is called, so that each copy is one move. */
static inline void set_fixed(char *const *slots, uint32_t offset, size_t bytes, const char *data,
	struct table_rows rows)
{
	const char *from = data + (size_t)rows.first * bytes;
	if (rows.numbers == NULL) {
#pragma GCC unroll 4
		for (size_t i = 0; i < rows.count; i++)
			memcpy(slots[i] + offset, from + i * bytes, bytes);
		return;
	}
#pragma GCC unroll 4
	for (size_t i = 0; i < rows.count; i++)
		memcpy(slots[i] + offset, data + rows.numbers[i] * bytes, bytes);
}

static uint32_t row_at(const struct table_rows *rows, uint32_t i)
{
	return rows->numbers == NULL ? rows->first + i : rows->numbers[i];
}

static void set_all(char *const *slots, uint32_t offset, enum phys phys, const void *data,
	struct table_rows rows, struct slab *slab)
{
	switch (phys) {
	case PHYS_BOOL:
		set_fixed(slots, offset, 1, data, rows);
		return;
	case PHYS_I32:
	case PHYS_F32:
		set_fixed(slots, offset, 4, data, rows);
		return;
	case PHYS_I64:
	case PHYS_F64:
		set_fixed(slots, offset, 8, data, rows);
		return;
	case PHYS_I128:
		set_fixed(slots, offset, 16, data, rows);
		return;
	case PHYS_STR:
	case phys_count:
		break;
	}
	for (uint32_t i = 0; i < rows.count; i++)
		table_row_set_str(slots[i] + offset,
			((const struct str *)data)[row_at(&rows, i)], slab);
}

void table_rows_set(const struct table_layout *l, char *const *slots, uint32_t column,
	const struct column *from, struct table_rows rows, struct slab *slab)
{
	const struct table_field *f = &l->fields[column];
	if (!table_rows_have_nulls(from)) {
		set_all(slots, f->offset, f->phys, from->data, rows, slab);
		return;
	}
	for (uint32_t i = 0; i < rows.count; i++)
		table_row_set(l, slots[i], column, from, row_at(&rows, i), slab);
}

static void get_nulls(
	const char *const *slots, uint32_t count, uint32_t column, struct column *to)
{
	uint32_t byte = 1 + (column >> 3), shift = column & 7;
	for (uint32_t w = 0; w * 64 < count; w++) {
		uint32_t rows = count - w * 64 < 64 ? count - w * 64 : 64;
		uint64_t word = 0;
		for (uint32_t i = 0; i < rows; i++)
			word |= ((uint64_t)(unsigned char)slots[w * 64 + i][byte] >> shift & 1)
				<< i;
		to->nulls[w] = word;
	}
}

#define GET_LOOP(bytes)                                                                            \
	for (uint32_t i = 0; i < count; i++)                                                       \
	memcpy((char *)to->data + (size_t)i * (bytes), slots[i] + offset, (bytes))

void table_rows_get(const struct table_layout *l, const char *const *slots, uint32_t count,
	uint32_t column, struct column *to)
{
	uint32_t offset = l->fields[column].offset;
	get_nulls(slots, count, column, to);
	switch (l->fields[column].phys) {
	case PHYS_BOOL:
		GET_LOOP(1);
		return;
	case PHYS_I32:
	case PHYS_F32:
		GET_LOOP(4);
		return;
	case PHYS_I64:
	case PHYS_F64:
		GET_LOOP(8);
		return;
	case PHYS_I128:
		GET_LOOP(16);
		return;
	case PHYS_STR:
	case phys_count:
		break;
	}
	for (uint32_t i = 0; i < count; i++)
		((struct str *)to->data)[i] = table_row_str(slots[i] + offset);
}
