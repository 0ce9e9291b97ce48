#include "state/custom_state.h"

#include "base/check.h"
#include "state/record.h"

#include <stdlib.h>

struct custom_state {
	struct custom_aggregate *custom;
	struct slab *slab;
	uint32_t capacity;
	void **columns;
	uint8_t **nulls;
	struct str **owned; /* by column, then group: what we copied; NULL for other types */
};

static bool is_string(const struct custom_state *s, uint32_t column)
{
	return type_phys(s->custom->state->columns[column].type) == PHYS_STR;
}

struct custom_state *custom_state_open(struct custom_aggregate *custom, struct slab *slab)
{
	struct custom_state *s = calloc(1, sizeof(*s));
	check(s != NULL);
	s->custom = custom;
	s->slab = slab;
	uint32_t count = custom->state->column_count;
	s->columns = calloc(count + 1, sizeof(*s->columns));
	s->nulls = calloc(count + 1, sizeof(*s->nulls));
	s->owned = calloc(count + 1, sizeof(*s->owned));
	check(s->columns != NULL && s->nulls != NULL && s->owned != NULL);
	return s;
}

void custom_state_close(struct custom_state *s)
{
	if (s == NULL)
		return;
	for (uint32_t c = 0; c < s->custom->state->column_count; c++) {
		free(s->columns[c]);
		free(s->nulls[c]);
		free(s->owned[c]);
	}
	free(s->columns);
	free(s->nulls);
	free(s->owned);
	free(s);
}

static void *grow(void *array, size_t width, uint32_t from, uint32_t to)
{
	char *grown = realloc(array, width * to);
	check(grown != NULL);
	memset(grown + width * from, 0, width * (to - from));
	return grown;
}

static void set_empty(struct custom_state *s, uint32_t column, uint32_t group)
{
	((struct str *)s->columns[column])[group] = str_lit("");
	s->owned[column][group] = (struct str){NULL, 0};
}

void custom_state_reserve(struct custom_state *s, uint32_t count)
{
	if (count <= s->capacity)
		return;
	uint32_t capacity = s->capacity == 0 ? 64 : s->capacity;
	while (capacity < count)
		capacity *= 2;
	for (uint32_t c = 0; c < s->custom->state->column_count; c++) {
		size_t width = phys_bytes(type_phys(s->custom->state->columns[c].type));
		s->columns[c] = grow(s->columns[c], width, s->capacity, capacity);
		s->nulls[c] = grow(s->nulls[c], 1, s->capacity, capacity);
		if (!is_string(s, c))
			continue;
		s->owned[c] = grow(s->owned[c], sizeof(struct str), s->capacity, capacity);
		for (uint32_t g = s->capacity; g < capacity; g++)
			set_empty(s, c, g);
	}
	s->capacity = capacity;
}

/* Copies strings that are not ours yet. */
static void adopt(struct custom_state *s, uint32_t column, uint32_t group)
{
	struct str *held = &((struct str *)s->columns[column])[group];
	struct str *owned = &s->owned[column][group];
	if (s->nulls[column][group] || (held->data == owned->data && held->len == owned->len))
		return;
	if (held->len == 0 && owned->data == NULL)
		return;
	struct str copy = {slab_copy(s->slab, held->data, held->len), held->len};
	slab_free(s->slab, (void *)(uintptr_t)owned->data, owned->len);
	*owned = copy;
	*held = copy;
}

int custom_state_add(struct custom_state *s, struct chunk *in, const uint32_t *groups,
	struct dead_letters *dead, struct error *err)
{
	int r = s->custom->add(s->custom, in, groups, s->columns, s->nulls, dead, err);
	if (r < 0)
		return r;
	for (uint32_t c = 0; c < s->custom->state->column_count; c++) {
		if (!is_string(s, c))
			continue;
		for (uint32_t row = chunk_next_live(in, 0); row < in->row_count;
			row = chunk_next_live(in, row + 1))
			adopt(s, c, groups[row]);
	}
	return 0;
}

int custom_state_finish(struct custom_state *s, const uint32_t *groups, uint32_t count,
	struct column *out, struct arena *arena, struct error *err)
{
	memset(out->nulls, 0, sizeof(out->nulls));
	return s->custom->finish(s->custom, groups, count, s->columns, s->nulls, out, arena, err);
}

void custom_state_save(const struct custom_state *s, uint32_t group, struct strbuf *out)
{
	for (uint32_t c = 0; c < s->custom->state->column_count; c++) {
		size_t width = phys_bytes(type_phys(s->custom->state->columns[c].type));
		record_add_u8(out, s->nulls[c][group]);
		if (is_string(s, c))
			record_add_str(out, ((const struct str *)s->columns[c])[group]);
		else
			strbuf_add(out, (struct str){(const char *)s->columns[c] + width * group,
						width});
	}
}

bool custom_state_load(struct custom_state *s, uint32_t group, struct record_reader *r)
{
	custom_state_clear(s, group);
	for (uint32_t c = 0; c < s->custom->state->column_count && !r->bad; c++) {
		size_t width = phys_bytes(type_phys(s->custom->state->columns[c].type));
		s->nulls[c][group] = record_u8(r) != 0;
		if (!is_string(s, c)) {
			record_copy(r, (char *)s->columns[c] + width * group, width);
			continue;
		}
		struct str text = record_str(r);
		if (r->bad || text.data == NULL)
			continue;
		((struct str *)s->columns[c])[group] = text;
		adopt(s, c, group);
	}
	return !r->bad;
}

void custom_state_clear(struct custom_state *s, uint32_t group)
{
	for (uint32_t c = 0; c < s->custom->state->column_count; c++) {
		size_t width = phys_bytes(type_phys(s->custom->state->columns[c].type));
		if (is_string(s, c)) {
			struct str *owned = &s->owned[c][group];
			slab_free(s->slab, (void *)(uintptr_t)owned->data, owned->len);
			set_empty(s, c, group);
		} else {
			memset((char *)s->columns[c] + width * group, 0, width);
		}
		s->nulls[c][group] = 0;
	}
}
