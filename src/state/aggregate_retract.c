/*
 * Aggregates that must answer from what is still there, over rows that can be taken back.
 *
 *	first, last, any_value   by arrival: a multiset (state/multiset.h)
 *	the others               by value: a tree (state/ordered.h) of [ order | value | offset 4 ]
 *
 * `order` are sort keys: of the value; for min_by and max_by of what they are by, then of the
 * value. So results do not depend on the order in which the rows of a Table came.
 */

#include "state/aggregate_cells.h"

#include "base/check.h"
#include "data/row_codec.h"
#include "data/sort_key.h"
#include "state/multiset.h"
#include "state/ordered.h"

static bool is_by(const struct aggregate *a)
{
	return a->call->function == AGG_MIN_BY || a->call->function == AGG_MAX_BY;
}

static struct value value_at(const struct wide_column *x, uint32_t row)
{
	return aggregate_value(
		x->type, aggregate_wide_at(x, x->wide, row), bit_get(x->nulls, row));
}

/* ---- by arrival ---- */

static int add_arrival(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct multiset_list *lists = (struct multiset_list *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i], group = rows->groups[row];
		if (a->call->ignore_nulls && bit_get(x->nulls, row))
			continue;
		struct value v = value_at(x, row);
		strbuf_reset(&a->scratch);
		row_codec_add(&a->scratch, &v);
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

static int arrival_result(struct aggregate *a, uint32_t group, union wide_value *out,
	bool *is_null, struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	const struct multiset_list *l = aggregate_cell(a, group);
	*is_null = l->count == 0;
	if (*is_null)
		return 0;
	uint32_t node = a->call->function == AGG_LAST ? l->last : l->first;
	size_t at = 0;
	struct value v = row_codec_read(multiset_bytes(a->multiset, node), &at, a->arg);
	*is_null = v.is_null;
	*out = aggregate_widen(&v);
	return 0;
}

static const struct aggregate_ops arrival_ops = {
	.cell_bytes = sizeof(struct multiset_list),
	.add = add_arrival,
	.result = arrival_result,
};

/* ---- by value ---- */

static void encode(struct aggregate *a, const struct wide_column *x, uint32_t row)
{
	struct strbuf *out = &a->scratch;
	struct value v = value_at(x, row);
	strbuf_reset(out);
	if (is_by(a)) {
		struct value by = value_at(&x[1], row);
		sort_key_add(out, &by, false, false);
	}
	sort_key_add(out, &v, false, false);
	uint32_t offset = (uint32_t)out->len;
	if (a->distinct != NULL)
		row_codec_add_key(out, &v); /* any of its equals takes it back */
	else
		row_codec_add(out, &v);
	strbuf_add(out, (struct str){(const char *)&offset, sizeof(offset)});
}

static struct str value_bytes(const struct aggregate *a, uint32_t node)
{
	struct str bytes = ordered_bytes(a->ordered, node);
	uint32_t offset;
	check(bytes.len > sizeof(offset));
	memcpy(&offset, bytes.data + bytes.len - sizeof(offset), sizeof(offset));
	return str_sub(bytes, offset, bytes.len - sizeof(offset) - offset);
}

static int add_value(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	struct ordered_set *sets = (struct ordered_set *)(void *)a->cells;
	const uint64_t *nulls = is_by(a) ? x[1].nulls : x[0].nulls;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct ordered_set *set = &sets[rows->groups[row]];
		if (bit_get(nulls, row))
			continue;
		encode(a, x, row);
		struct str bytes = strbuf_str(&a->scratch);
		if (rows->signs != NULL && rows->signs[row] < 0) {
			if (!ordered_remove(a->ordered, set, bytes))
				return aggregate_never_given(err);
			continue;
		}
		int r = ordered_add(a->ordered, set, bytes, err);
		if (r < 0)
			return error_prefix(err, STR_FMT ": ", STR_ARG(a->call->text));
	}
	return 0;
}

static struct str collect(
	const struct aggregate *a, const struct ordered_set *set, struct arena *arena)
{
	struct ordered_walk walk;
	size_t len = sizeof(uint32_t);
	ordered_walk_start(&walk, a->ordered, set);
	for (uint32_t n = ordered_walk_next(&walk); n != 0; n = ordered_walk_next(&walk))
		len += value_bytes(a, n).len * ordered_count(a->ordered, n);
	char *bytes = arena_alloc(arena, len, 1), *at = bytes + sizeof(uint32_t);
	memcpy(bytes, &set->count, sizeof(uint32_t));
	ordered_walk_start(&walk, a->ordered, set);
	for (uint32_t n = ordered_walk_next(&walk); n != 0; n = ordered_walk_next(&walk)) {
		struct str value = value_bytes(a, n);
		for (uint32_t left = ordered_count(a->ordered, n); left > 0; left--) {
			memcpy(at, value.data, value.len);
			at += value.len;
		}
	}
	return (struct str){bytes, len};
}

static int value_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)err;
	const struct ordered_set *set = aggregate_cell(a, group);
	enum aggregate_function f = a->call->function;
	if (f == AGG_COLLECT_LIST || f == AGG_COLLECT_SET) {
		*is_null = false; /* of nothing: an empty list */
		out->str = collect(a, set, arena);
		return 0;
	}
	*is_null = set->count == 0;
	if (*is_null)
		return 0;
	bool max = f == AGG_MAX || f == AGG_MAX_BY || f == AGG_BOOL_OR;
	uint32_t node = max ? ordered_last(a->ordered, set) : ordered_first(a->ordered, set);
	size_t at = 0;
	struct value v = row_codec_read(value_bytes(a, node), &at, a->arg);
	*is_null = v.is_null;
	*out = aggregate_widen(&v);
	return 0;
}

static const struct aggregate_ops value_ops = {
	.cell_bytes = sizeof(struct ordered_set),
	.add = add_value,
	.result = value_result,
};

const struct aggregate_ops *aggregate_retract_ops(struct aggregate *a)
{
	switch (a->call->function) {
	case AGG_FIRST:
	case AGG_LAST:
	case AGG_ANY_VALUE:
		a->multiset = multiset_open(a->slab);
		return &arrival_ops;
	default:
		a->ordered = ordered_open(a->slab);
		return &value_ops;
	}
}
