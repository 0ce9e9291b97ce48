/* collect_list and collect_set; and every aggregate that must answer from what is still there. */

#include "state/aggregate_cells.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/row_codec.h"
#include "state/multiset.h"
#include "state/set_order.h"

/* ---- lists that only grow ---- */

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

static const struct aggregate_ops list_ops = {
	.cell_bytes = sizeof(struct list),
	.add = add_list,
	.result = list_result,
	.clear = clear_list,
	.skips_nulls = true,
};

const struct aggregate_ops *aggregate_collect_ops(const struct aggregate_call *call)
{
	(void)call;
	return &list_ops;
}

/* ---- answers from a multiset ---- */

/* Is this row nothing to the aggregate? */
static bool skips(const struct aggregate *a, const struct wide_column *x, uint32_t row)
{
	switch (a->call->function) {
	case AGG_FIRST:
	case AGG_LAST:
	case AGG_ANY_VALUE:
		return a->call->ignore_nulls && bit_get(x->nulls, row);
	case AGG_MIN_BY:
	case AGG_MAX_BY:
		return bit_get(x[1].nulls, row);
	default:
		return bit_get(x->nulls, row);
	}
}

static int add_multiset(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct multiset_list *lists = (struct multiset_list *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i], group = rows->groups[row];
		if (skips(a, x, row))
			continue;
		strbuf_reset(&a->scratch);
		for (uint32_t k = 0; k < a->call->argument_count; k++)
			encode(a, &x[k], row);
		struct str bytes = strbuf_str(&a->scratch);
		if (rows->signs != NULL && rows->signs[row] < 0) {
			if (!multiset_remove(a->multiset, &lists[group], group, bytes))
				return aggregate_never_given(err);
			continue;
		}
		int r = multiset_add(a->multiset, &lists[group], group, bytes, err);
		if (r < 0)
			return error_prefix(err, STR_FMT ": ", STR_ARG(a->call->text));
	}
	return 0;
}

/* The `which`-th argument of a node's value. */
static struct value argument(const struct aggregate *a, uint32_t node, uint32_t which)
{
	struct str bytes = multiset_bytes(a->multiset, node);
	size_t offset = 0;
	struct value v = row_codec_read(bytes, &offset, a->arg);
	if (which == 1)
		v = row_codec_read(bytes, &offset, expr_type(a->call->arguments[1]));
	return v;
}

/* The node with the extreme: of equals the first for min and max, the last for min_by, max_by. */
static uint32_t extreme(const struct aggregate *a, const struct multiset_list *l)
{
	enum aggregate_function f = a->call->function;
	bool max = f == AGG_MAX || f == AGG_MAX_BY || f == AGG_BOOL_OR;
	bool by = f == AGG_MIN_BY || f == AGG_MAX_BY;
	uint32_t best = l->first;
	for (uint32_t n = multiset_next(a->multiset, best); n != 0;
		n = multiset_next(a->multiset, n)) {
		struct value v = argument(a, n, by), b = argument(a, best, by);
		int c = max ? value_cmp(&v, &b) : value_cmp(&b, &v);
		if (c > 0 || (by && c == 0))
			best = n;
	}
	return best;
}

static void collect(struct aggregate *a, const struct multiset_list *l, union wide_value *out,
	struct arena *arena)
{
	size_t len = 0;
	for (uint32_t n = l->first; n != 0; n = multiset_next(a->multiset, n))
		len += multiset_bytes(a->multiset, n).len;
	char *bytes = arena_alloc(arena, sizeof(uint32_t) + len, 1);
	char *at_byte = bytes + sizeof(uint32_t);
	for (uint32_t n = l->first; n != 0; n = multiset_next(a->multiset, n)) {
		struct str value = multiset_bytes(a->multiset, n);
		memcpy(at_byte, value.data, value.len);
		at_byte += value.len;
	}
	out->str = finish_array(a, bytes, l->count, len, arena);
}

static int multiset_result(struct aggregate *a, uint32_t group, union wide_value *out,
	bool *is_null, struct arena *arena, struct error *err)
{
	(void)err;
	const struct multiset_list *l = aggregate_cell(a, group);
	enum aggregate_function f = a->call->function;
	if (f == AGG_COLLECT_LIST || f == AGG_COLLECT_SET) {
		*is_null = false;
		collect(a, l, out, arena);
		return 0;
	}
	*is_null = l->count == 0;
	if (*is_null)
		return 0;
	uint32_t node = l->first;
	if (f == AGG_LAST)
		node = l->last;
	else if (f != AGG_FIRST && f != AGG_ANY_VALUE)
		node = extreme(a, l);
	struct value v = argument(a, node, 0);
	*is_null = v.is_null;
	*out = aggregate_widen(&v);
	return 0;
}

const struct aggregate_ops aggregate_multiset_ops = {
	.cell_bytes = sizeof(struct multiset_list),
	.add = add_multiset,
	.result = multiset_result,
};
