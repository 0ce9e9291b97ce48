#include "data/chunk.h"

#include "base/check.h"

void *chunk_alloc_data(struct arena *arena, struct type type)
{
	/* Whole cache lines, so that column kernels may use aligned vectors. */
	return arena_alloc(arena, phys_bytes(type_phys(type)) * chunk_rows_max, 64);
}

struct chunk *chunk_alloc(struct arena *arena, const struct schema *schema)
{
	struct chunk *c = ARENA_NEW(arena, struct chunk);
	c->arena = arena;
	c->schema = schema;
	c->column_count = schema_total(schema);
	c->columns = ARENA_ARRAY(arena, struct column, c->column_count);
	for (uint32_t i = 0; i < c->column_count; i++) {
		c->columns[i].data = chunk_alloc_data(arena, schema->columns[i].type);
	}
	return c;
}

struct chunk *chunk_alloc_like(
	struct arena *arena, const struct chunk *in, const struct schema *schema)
{
	struct chunk *c = ARENA_NEW(arena, struct chunk);
	*c = *in;
	c->arena = arena;
	c->schema = schema;
	c->column_count = schema_total(schema);
	c->columns = ARENA_ARRAY(arena, struct column, c->column_count);
	/* Which columns were absent is known of the old columns only. */
	c->absent = NULL;
	return c;
}

void chunk_set_rows(struct chunk *c, uint32_t row_count)
{
	check(row_count <= chunk_rows_max);
	c->row_count = row_count;
	for (uint32_t w = 0; w < chunk_words; w++) {
		uint32_t first = w * 64;
		if (row_count >= first + 64) {
			c->live[w] = UINT64_MAX;
		} else if (row_count > first) {
			c->live[w] = (UINT64_C(1) << (row_count - first)) - 1;
		} else {
			c->live[w] = 0;
		}
	}
}

static void zero_null_slots(struct column *column, size_t bytes)
{
	for (uint32_t w = 0; w < chunk_words; w++) {
		char *slots = (char *)column->data + (size_t)w * 64 * bytes;
		uint64_t bits = column->nulls[w];
		if (bits == UINT64_MAX) {
			memset(slots, 0, 64 * bytes);
			continue;
		}
		for (; bits != 0; bits &= bits - 1)
			memset(slots + (uint32_t)__builtin_ctzll(bits) * bytes, 0, bytes);
	}
}

void chunk_zero_nulls(struct chunk *c)
{
	for (uint32_t i = 0; i < c->column_count; i++)
		zero_null_slots(&c->columns[i], phys_bytes(type_phys(c->schema->columns[i].type)));
}

uint32_t chunk_live_count(const struct chunk *c)
{
	uint32_t count = 0;
	for (uint32_t w = 0; w < chunk_words; w++) {
		count += (uint32_t)__builtin_popcountll(c->live[w]);
	}
	return count;
}

uint32_t chunk_next_live(const struct chunk *c, uint32_t row)
{
	if (row >= chunk_rows_max) {
		return chunk_rows_max;
	}
	uint32_t w = row >> 6;
	uint64_t word = c->live[w] & (UINT64_MAX << (row & 63));
	while (word == 0) {
		if (++w == chunk_words) {
			return chunk_rows_max;
		}
		word = c->live[w];
	}
	return w * 64 + (uint32_t)__builtin_ctzll(word);
}

void message_copy(struct messages *to, uint32_t at, const struct messages *from, uint32_t i)
{
	to->topic[at] = from->topic[i];
	to->partition[at] = from->partition[i];
	to->offset[at] = from->offset[i];
	to->timestamp_us[at] = from->timestamp_us[i];
	to->timestamp_type[at] = from->timestamp_type[i];
	to->key[at] = from->key[i];
	to->value[at] = from->value[i];
	to->headers[at] = from->headers[i];
	to->header_count[at] = from->header_count[i];
}

struct str chunk_row_place(const struct chunk *c, uint32_t row, struct arena *arena)
{
	if (c->messages == NULL) {
		return str_lit("");
	}
	uint32_t m = chunk_message(c, row);
	return str_printf(arena, STR_FMT "/%d@%lld", STR_ARG(c->messages->topic[m]),
		c->messages->partition[m], (long long)c->messages->offset[m]);
}

static void copy_slot(
	struct column *to, uint32_t to_row, const struct column *from, uint32_t row, size_t bytes)
{
	phys_copy((char *)to->data + to_row * bytes, (const char *)from->data + row * bytes, bytes);
}

static size_t copy_str(struct column *to, uint32_t to_row, struct arena *arena)
{
	struct str *slot = (struct str *)to->data + to_row;
	/* Not NULL even when empty: that would say absent. */
	char *copy = arena_alloc(arena, slot->len + 1, 1);
	if (slot->len > 0) {
		memcpy(copy, slot->data, slot->len);
	}
	slot->data = copy;
	return slot->len;
}

static size_t copy_row(struct chunk *to, const struct chunk *from, uint32_t row)
{
	size_t copied = 0;
	for (uint32_t i = 0; i < to->column_count; i++) {
		struct column *out = &to->columns[i];
		struct type type = to->schema->columns[i].type;
		if (type.id == TYPE_NULL || column_is_null(&from->columns[i], row)) {
			bit_set(out->nulls, to->row_count);
			continue;
		}
		bit_clear(out->nulls, to->row_count);
		enum phys phys = type_phys(type);
		copy_slot(out, to->row_count, &from->columns[i], row, phys_bytes(phys));
		if (phys == PHYS_STR) {
			copied += copy_str(out, to->row_count, to->arena);
		}
	}
	return copied;
}

const char *row_kind_name(enum row_kind kind)
{
	static const char *const names[] = {
		[ROW_INSERT] = "+I",
		[ROW_UPDATE_BEFORE] = "-U",
		[ROW_UPDATE_AFTER] = "+U",
		[ROW_DELETE] = "-D",
	};
	check(kind <= ROW_DELETE);
	return names[kind];
}

size_t chunk_append(struct chunk *to, const struct chunk *from, uint32_t *next)
{
	check(to->column_count == from->column_count);
	check(to->kinds != NULL && to->messages == NULL);
	size_t copied = 0;
	uint32_t row = chunk_next_live(from, *next);
	for (; row < chunk_rows_max && to->row_count < chunk_rows_max;
		row = chunk_next_live(from, row + 1)) {
		copied += copy_row(to, from, row);
		to->kinds[to->row_count] = (uint8_t)chunk_kind(from, row);
		bit_set(to->live, to->row_count);
		to->row_count++;
	}
	*next = row;
	return copied;
}
