/* collect_list and collect_set of rows that only come. */

#include "state/aggregate_cells.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/row_codec.h"
#include "state/set_order.h"

struct list {
	char *bytes; /* slab: the values, by row codec */
	uint32_t count;
	uint32_t len;
	uint32_t capacity;
};

static void encode(struct aggregate *a, const struct wide_column *x, uint32_t row)
{
	struct value v = aggregate_value(
		x->type, aggregate_wide_at(x, x->wide, row), bit_get(x->nulls, row));
	if (a->distinct != NULL)
		row_codec_add_key(&a->scratch, &v); /* any of its equals takes it back */
	else
		row_codec_add(&a->scratch, &v);
}

static int append(struct aggregate *a, struct list *l, struct str bytes, struct error *err)
{
	uint64_t needed = (uint64_t)l->len + bytes.len;
	if (l->count >= collect_elements_max || needed > message_bytes_max)
		return error_set(err, CDCL_E_DATA,
			STR_FMT ": a group's list has more than %d values or %d bytes: the state "
				"is bounded",
			STR_ARG(a->call->text), (int)collect_elements_max, (int)message_bytes_max);
	if (needed > l->capacity) {
		uint64_t capacity = l->capacity == 0 ? 32 : (uint64_t)l->capacity * 2;
		while (capacity < needed)
			capacity *= 2;
		char *grown = slab_alloc(a->slab, capacity);
		if (l->len > 0)
			memcpy(grown, l->bytes, l->len);
		slab_free(a->slab, l->bytes, l->capacity);
		l->bytes = grown;
		l->capacity = (uint32_t)capacity;
	}
	memcpy(l->bytes + l->len, bytes.data, bytes.len);
	l->len = (uint32_t)needed;
	l->count++;
	return 0;
}

static int add_list(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct list *lists = (struct list *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		strbuf_reset(&a->scratch);
		encode(a, x, row);
		int r = append(a, &lists[rows->groups[row]], strbuf_str(&a->scratch), err);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct str finish_array(
	const struct aggregate *a, char *into, uint32_t count, size_t len, struct arena *arena)
{
	memcpy(into, &count, sizeof(count));
	struct str array = {into, sizeof(count) + len};
	bool set = a->call->function == AGG_COLLECT_SET;
	return set ? set_order(array, a->arg, arena) : array;
}

static int list_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)err;
	const struct list *l = aggregate_cell(a, group);
	*is_null = false; /* of nothing: an empty list */
	char *bytes = arena_alloc(arena, sizeof(uint32_t) + l->len, 1);
	if (l->len > 0)
		memcpy(bytes + sizeof(uint32_t), l->bytes, l->len);
	out->str = finish_array(a, bytes, l->count, l->len, arena);
	return 0;
}

static void clear_list(struct aggregate *a, void *cell)
{
	struct list *l = cell;
	slab_free(a->slab, l->bytes, l->capacity);
}

static void save_list(const struct aggregate *a, const void *cell, struct strbuf *out)
{
	const struct list *l = cell;
	(void)a;
	record_add_u32(out, l->count);
	record_add_str(out, (struct str){l->len == 0 ? "" : l->bytes, l->len});
}

static bool load_list(struct aggregate *a, void *cell, struct record_reader *r)
{
	struct list *l = cell;
	uint32_t count = record_u32(r);
	struct str bytes = record_str(r);
	if (r->bad || bytes.data == NULL || bytes.len < count)
		return false;
	*l = (struct list){.count = count, .len = (uint32_t)bytes.len};
	if (bytes.len == 0)
		return count == 0;
	l->capacity = l->len;
	l->bytes = slab_copy(a->slab, bytes.data, bytes.len);
	return true;
}

static const struct aggregate_ops list_ops = {
	.cell_bytes = sizeof(struct list),
	.add = add_list,
	.result = list_result,
	.clear = clear_list,
	.save = save_list,
	.load = load_list,
	.skips_nulls = true,
};

const struct aggregate_ops *aggregate_collect_ops(const struct aggregate_call *call)
{
	(void)call;
	return &list_ops;
}
