#include "state/table_row.h"

#include "base/check.h"

#include <stdlib.h>

static uint32_t place_fields(
	struct table_layout *l, const struct schema *schema, bool kept, uint32_t at)
{
	for (uint32_t i = 0; i < l->column_count; i++) {
		struct table_field *f = &l->fields[i];
		if (f->is_kept != kept)
			continue;
		f->phys = type_phys(schema->columns[i].type);
		f->offset = at;
		at += f->phys == PHYS_STR ? table_string_bytes : (uint32_t)phys_bytes(f->phys);
		l->has_strings = l->has_strings || f->phys == PHYS_STR;
	}
	return at;
}

void table_layout_init(
	struct table_layout *l, const struct schema *schema, const struct row_key *key)
{
	uint32_t count = schema_total(schema);
	*l = (struct table_layout){.column_count = count, .null_bytes = (count + 7) / 8};
	l->fields = calloc(count + 1, sizeof(*l->fields));
	check(l->fields != NULL);
	for (uint32_t i = schema->column_count; i < count; i++)
		l->fields[i].is_kept = true;
	for (uint32_t i = 0; i < key->count; i++) {
		check(key->columns[i] < count);
		l->fields[key->columns[i]].is_kept = l->fields[key->columns[i]].is_key = true;
	}
	l->link_offset = place_fields(l, schema, true, 1 + l->null_bytes);
	l->slot_bytes = place_fields(l, schema, false, l->link_offset);
	if (l->slot_bytes < l->link_offset + table_link_bytes)
		l->slot_bytes = l->link_offset + table_link_bytes;
}

void table_layout_release(struct table_layout *l)
{
	free(l->fields);
	l->fields = NULL;
}

static char *far_data(const char *field)
{
	char *data;
	memcpy(&data, field + 8, sizeof(data));
	return data;
}

static uint32_t len_of(const char *field)
{
	uint32_t len;
	memcpy(&len, field, sizeof(len));
	return len;
}

static void free_str(char *field, struct slab *slab)
{
	if (len_of(field) > table_inline_bytes)
		slab_free(slab, far_data(field), len_of(field));
	memset(field, 0, table_string_bytes);
}

/* Loads before stores: `s` may lie in the field. No byte beyond the string is read. */
static void put_inline(char *field, const char *s, uint32_t len)
{
	uint64_t low = 0, high = 0;
	if (len >= 8) {
		memcpy(&low, s, 8);
		uint64_t last;
		memcpy(&last, s + len - 8, 8);
		high = len == 8 ? 0 : last >> (8 * (16 - len));
	} else if (len >= 4) {
		uint32_t first, last;
		memcpy(&first, s, 4);
		memcpy(&last, s + len - 4, 4);
		low = first | (uint64_t)last << (8 * (len - 4));
	} else if (len > 0) {
		low = (unsigned char)s[0] | (uint64_t)(unsigned char)s[len / 2] << (8 * (len / 2)) |
			(uint64_t)(unsigned char)s[len - 1] << (8 * (len - 1));
	}
	uint32_t rest = (uint32_t)high;
	memcpy(field, &len, 4);
	memcpy(field + 4, &low, 8);
	memcpy(field + 12, &rest, 4);
}

static void put_far(char *field, const char *data, uint32_t len)
{
	memcpy(field, &len, sizeof(len));
	memset(field + 4, 0, 4);
	memcpy(field + 8, &data, sizeof(data));
}

static void set_far(char *field, struct str s, struct slab *slab)
{
	check(s.len <= UINT32_MAX);
	uint32_t old = len_of(field);
	uint32_t len = (uint32_t)s.len;
	if (old > table_inline_bytes && len > table_inline_bytes && slab_same_size(old, len)) {
		memmove(far_data(field), s.data, len);
		memcpy(field, &len, sizeof(len));
		return;
	}
	/* The new one may be a part of the old one's memory (a gathered row): free it last. */
	char *freed = old > table_inline_bytes ? far_data(field) : NULL;
	if (len > table_inline_bytes)
		put_far(field, slab_copy(slab, s.data, len), len);
	else
		put_inline(field, s.data, len);
	if (freed != NULL)
		slab_free(slab, freed, old);
}

void table_row_set_str(char *field, struct str s, struct slab *slab)
{
	if (s.len <= table_inline_bytes && len_of(field) <= table_inline_bytes)
		put_inline(field, s.data, (uint32_t)s.len);
	else
		set_far(field, s, slab);
}

static void set_null_bit(char *slot, uint32_t column)
{
	slot[1 + (column >> 3)] = (char)(slot[1 + (column >> 3)] | 1 << (column & 7));
}

void table_row_set_null(
	const struct table_layout *l, char *slot, uint32_t column, struct slab *slab)
{
	static const char zeros[16];
	const struct table_field *f = &l->fields[column];
	if (f->phys == PHYS_STR)
		free_str(slot + f->offset, slab);
	else
		phys_copy(slot + f->offset, zeros, phys_bytes(f->phys));
	set_null_bit(slot, column);
}

void table_row_set(const struct table_layout *l, char *slot, uint32_t column,
	const struct column *from, uint32_t row, struct slab *slab)
{
	if (column_is_null(from, row)) {
		table_row_set_null(l, slot, column, slab);
		return;
	}
	const struct table_field *f = &l->fields[column];
	slot[1 + (column >> 3)] = (char)(slot[1 + (column >> 3)] & ~(1 << (column & 7)));
	size_t bytes = phys_bytes(f->phys);
	if (f->phys == PHYS_STR)
		table_row_set_str(slot + f->offset, ((const struct str *)from->data)[row], slab);
	else
		phys_copy(slot + f->offset, (const char *)from->data + row * bytes, bytes);
}

void table_row_copy(const struct table_layout *l, char *to, const char *from, struct slab *slab)
{
	memcpy(to, from, l->slot_bytes);
	for (uint32_t i = 0; l->has_strings && i < l->column_count; i++) {
		const struct table_field *f = &l->fields[i];
		if (f->phys != PHYS_STR)
			continue;
		struct str s = table_row_str(from + f->offset);
		if (s.len > table_inline_bytes)
			put_far(to + f->offset, slab_copy(slab, s.data, s.len), (uint32_t)s.len);
	}
}

void table_row_clear(const struct table_layout *l, char *slot, struct slab *slab)
{
	for (uint32_t i = 0; l->has_strings && i < l->column_count; i++)
		if (l->fields[i].phys == PHYS_STR)
			free_str(slot + l->fields[i].offset, slab);
	memset(slot + 1, 0xff, l->null_bytes);
	memset(slot + 1 + l->null_bytes, 0, l->slot_bytes - 1 - l->null_bytes);
}

void table_row_clear_rest(const struct table_layout *l, char *slot, struct slab *slab)
{
	for (uint32_t i = 0; i < l->column_count; i++) {
		if (l->fields[i].is_kept)
			continue;
		if (l->fields[i].phys == PHYS_STR)
			free_str(slot + l->fields[i].offset, slab);
		set_null_bit(slot, i);
	}
	memset(slot + l->link_offset, 0, l->slot_bytes - l->link_offset);
}
