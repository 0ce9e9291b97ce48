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

/* A column without NULLs on its way into slots. */
struct move {
	const char *data;       /* NULL: none */
	uint32_t offset;
};

/* Columns of one width, two at once: a slot is looked up for both. All but slots are constants. */
__attribute__((always_inline)) static inline void move_rows(char *const *slots, struct move a,
	struct move b, bool both, size_t bytes, struct table_rows rows, bool is_run)
{
#pragma GCC unroll 4
	for (size_t i = 0; i < rows.count; i++) {
		char *slot = slots[i];
		size_t at = (is_run ? rows.first + i : rows.numbers[i]) * bytes;
		memcpy(slot + a.offset, a.data + at, bytes);
		if (both)
			memcpy(slot + b.offset, b.data + at, bytes);
	}
}

__attribute__((always_inline)) static inline void move_wide(
	char *const *slots, struct move a, struct move b, size_t bytes, struct table_rows rows)
{
	if (b.data != NULL && rows.numbers == NULL)
		move_rows(slots, a, b, true, bytes, rows, true);
	else if (b.data != NULL)
		move_rows(slots, a, b, true, bytes, rows, false);
	else if (rows.numbers == NULL)
		move_rows(slots, a, b, false, bytes, rows, true);
	else
		move_rows(slots, a, b, false, bytes, rows, false);
}

static void move(
	char *const *slots, struct move a, struct move b, size_t bytes, struct table_rows rows)
{
	if (bytes == 8)
		move_wide(slots, a, b, 8, rows);
	else if (bytes == 4)
		move_wide(slots, a, b, 4, rows);
	else if (bytes == 1)
		move_wide(slots, a, b, 1, rows);
	else
		move_wide(slots, a, b, 16, rows);
}

static inline uint32_t row_at(struct table_rows rows, uint32_t i)
{
	return rows.numbers == NULL ? rows.first + i : rows.numbers[i];
}

/* A column with NULLs; all but the slots are constants, a width above all. */
__attribute__((always_inline)) static inline void put_nullable_wide(char *const *slots,
	uint32_t column, uint32_t offset, const struct column *from, struct table_rows rows,
	size_t bytes)
{
	const uint32_t at = 1 + (column >> 3), shift = column & 7;
	for (uint32_t i = 0; i < rows.count; i++) {
		uint32_t row = row_at(rows, i);
		bool is_null = column_is_null(from, row);
		char *slot = slots[i];
		if (is_null)
			memset(slot + offset, 0, bytes);
		else
			memcpy(slot + offset, (const char *)from->data + row * bytes, bytes);
		slot[at] = (char)((slot[at] & ~(1 << shift)) | is_null << shift);
	}
}

static void put_nullable(const struct table_layout *l, char *const *slots, uint32_t column,
	const struct column *from, struct table_rows rows, struct slab *slab)
{
	const struct table_field *f = &l->fields[column];
	if (f->phys == PHYS_STR)
		for (uint32_t i = 0; i < rows.count; i++)
			table_row_set(l, slots[i], column, from, row_at(rows, i), slab);
	else if (phys_bytes(f->phys) == 8)
		put_nullable_wide(slots, column, f->offset, from, rows, 8);
	else if (phys_bytes(f->phys) == 4)
		put_nullable_wide(slots, column, f->offset, from, rows, 4);
	else if (phys_bytes(f->phys) == 1)
		put_nullable_wide(slots, column, f->offset, from, rows, 1);
	else
		put_nullable_wide(slots, column, f->offset, from, rows, 16);
}

static void put_strings(char *const *slots, uint32_t offset, const struct str *from,
	struct table_rows rows, struct slab *slab)
{
	for (uint32_t i = 0; i < rows.count; i++)
		table_row_set_str(slots[i] + offset, from[row_at(rows, i)], slab);
}

/* Key columns, but floats, of which several are one key. */
static bool is_there(const struct table_field *f)
{
	return f->is_key && f->phys != PHYS_F32 && f->phys != PHYS_F64;
}

void table_rows_put(const struct table_layout *l, char *const *slots,
	const struct column *columns, struct table_rows rows, struct slab *slab)
{
	struct move waiting[5] = {{NULL, 0}}, none = {NULL, 0}; /* of 1 << i bytes */
	for (uint32_t column = 0; column < l->column_count; column++) {
		const struct table_field *f = &l->fields[column];
		const struct column *from = &columns[column];
		size_t bytes = phys_bytes(f->phys);
		struct move now = {from->data, f->offset}, *other = &waiting[__builtin_ctzl(bytes)];
		if (table_rows_have_nulls(from)) {
			put_nullable(l, slots, column, from, rows, slab);
		} else if (is_there(f)) {
			continue;
		} else if (f->phys == PHYS_STR) {
			put_strings(slots, f->offset, from->data, rows, slab);
		} else if (other->data == NULL) {
			*other = now;
		} else {
			move(slots, *other, now, bytes, rows);
			*other = none;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		if (waiting[i].data != NULL)
			move(slots, waiting[i], none, (size_t)1 << i, rows);
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
