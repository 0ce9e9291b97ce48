#ifndef CDCL_TABLE_ROW_H
#define CDCL_TABLE_ROW_H

/*
 * How a table lays out a row: a slot of fixed size.
 *
 *	[ mark | null bits | key and hidden columns | the other columns ]
 *	                                             \ DELETED: [ newer 4 | older 4 | when 8 ]
 *
 * Numbers are as in a chunk's columns; a string is [ len 4 | up to 12 bytes ], or
 * [ len 4 | unused 4 | pointer 8 ] into the table's slab, and belongs to the slot. A field that is
 * NULL is all zeros, so an old string is found without a look at its null bit. What a DELETED row
 * needs to be found by age lies where its other columns were: a remembered delete costs nothing
 * beyond its slot.
 */

#include "data/row_key.h"
#include "state/slab.h"

enum { table_inline_bytes = 12, table_link_bytes = 16, table_string_bytes = 16 };

struct table_field {
	enum phys phys;
	uint32_t offset;
	bool is_kept;           /* of the key, or hidden */
	bool is_key;
};

struct table_layout {
	uint32_t column_count;
	uint32_t null_bytes;
	uint32_t link_offset;   /* where kept columns end */
	uint32_t slot_bytes;
	bool has_strings;
	struct table_field *fields;     /* malloc */
};

void table_layout_init(
	struct table_layout *l, const struct schema *schema, const struct row_key *key);
void table_layout_release(struct table_layout *l);

/* slot[0]: what the entry is, whether the batch touched it, and that there was no row before. */
enum { table_mark_free = 0, table_mark_state = 3, table_mark_touched = 4, table_mark_new = 8 };

static inline bool table_row_is_null(const char *slot, uint32_t column)
{
	return (slot[1 + (column >> 3)] >> (column & 7)) & 1;
}

/* No column is NULL. */
static inline void table_row_clear_nulls(uint32_t null_bytes, char *slot)
{
	if (null_bytes <= 2)
		slot[1] = slot[null_bytes] = 0;
	else
		memset(slot + 1, 0, null_bytes);
}

/* All are. */
static inline void table_row_set_nulls(uint32_t null_bytes, char *slot)
{
	if (null_bytes <= 2)
		slot[1] = slot[null_bytes] = (char)0xff;
	else
		memset(slot + 1, 0xff, null_bytes);
}

static inline struct str table_row_str(const char *field)
{
	uint32_t len;
	memcpy(&len, field, sizeof(len));
	if (len <= table_inline_bytes)
		return (struct str){field + 4, len};
	const char *data;
	memcpy(&data, field + 8, sizeof(data));
	return (struct str){data, len};
}

/* A string into a field that holds a string or zeros; `s` may point into what was there. */
void table_row_set_str(char *field, struct str s, struct slab *slab);

/* Row `row` of a column into one field. */
void table_row_set(const struct table_layout *l, char *slot, uint32_t column,
	const struct column *from, uint32_t row, struct slab *slab);
void table_row_set_null(
	const struct table_layout *l, char *slot, uint32_t column, struct slab *slab);
/* All columns NULL, or all but the kept ones; strings are given back. The mark stays. */
void table_row_clear(const struct table_layout *l, char *slot, struct slab *slab);
void table_row_clear_rest(const struct table_layout *l, char *slot, struct slab *slab);
/* `to` becomes a copy with strings of its own; what was there is overwritten. */
void table_row_copy(const struct table_layout *l, char *to, const char *from, struct slab *slab);

/* ---- by chunk: columns of `count` slots ---- */

bool table_rows_have_nulls(const struct column *c);

/* Rows of a chunk: numbers[0..count-1], or where that is NULL `count` of them from `first` on. */
struct table_rows {
	const uint16_t *numbers;
	uint32_t first;
	uint32_t count;
};

/*
 * These of all columns into slots[0..], in order; the null bits must be clear. Key columns that
 * are there already, since the rows were found by them, are not written.
 */
void table_rows_put(const struct table_layout *l, char *const *slots, const struct column *columns,
	struct table_rows rows, struct slab *slab);
/* Into rows 0..count-1 of a column; strings point into slot or slab. */
void table_rows_get(const struct table_layout *l, const char *const *slots, uint32_t count,
	uint32_t column, struct column *to);

#endif
