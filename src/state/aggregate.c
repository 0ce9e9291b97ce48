#include "state/aggregate.h"
#include "state/aggregate_cells.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/page_array.h"
#include "state/distinct.h"
#include "state/multiset.h"
#include "state/ordered.h"

#include <stdlib.h>

enum wide aggregate_wide(struct type t)
{
	switch (type_phys(t)) {
	case PHYS_BOOL:
	case PHYS_I32:
	case PHYS_I64:
		return WIDE_INT;
	case PHYS_F32:
	case PHYS_F64:
		return WIDE_FLOAT;
	case PHYS_I128:
		return WIDE_DECIMAL;
	case PHYS_STR:
	case phys_count:
		break;
	}
	return WIDE_STR;
}

struct value aggregate_value(struct type t, union wide_value v, bool is_null)
{
	struct value out = {.type = t, .is_null = is_null};
	if (is_null)
		return out;
	switch (type_phys(t)) {
	case PHYS_BOOL:
		out.as.boolean = v.i64 != 0;
		break;
	case PHYS_I32:
		out.as.i32 = (int32_t)v.i64;
		break;
	case PHYS_I64:
		out.as.i64 = v.i64;
		break;
	case PHYS_F32:
		out.as.f32 = (float)v.f64;
		break;
	case PHYS_F64:
		out.as.f64 = v.f64;
		break;
	case PHYS_I128:
		out.as.i128 = v.i128;
		break;
	case PHYS_STR:
	case phys_count:
		out.as.str = v.str;
		break;
	}
	return out;
}

union wide_value aggregate_widen(const struct value *v)
{
	union wide_value out = {0};
	if (v->is_null)
		return out;
	switch (type_phys(v->type)) {
	case PHYS_BOOL:
		out.i64 = v->as.boolean;
		break;
	case PHYS_I32:
		out.i64 = v->as.i32;
		break;
	case PHYS_I64:
		out.i64 = v->as.i64;
		break;
	case PHYS_F32:
		out.f64 = (double)v->as.f32;
		break;
	case PHYS_F64:
		out.f64 = v->as.f64;
		break;
	case PHYS_I128:
		out.i128 = v->as.i128;
		break;
	case PHYS_STR:
	case phys_count:
		out.str = v->as.str;
		break;
	}
	return out;
}

/* ---- the arguments of a chunk ---- */

struct widened {
	union {
		int64_t i64[chunk_rows_max];
		double f64[chunk_rows_max];
	};
};

static void widen_column(
	const struct vector *v, uint32_t rows, struct widened *buffer, struct wide_column *out)
{
	*out = (struct wide_column){
		.wide = aggregate_wide(v->type), .nulls = v->column.nulls, .type = v->type};
	const void *data = v->column.data;
	switch (type_phys(v->type)) {
	case PHYS_BOOL:
		for (uint32_t i = 0; i < rows; i++)
			buffer->i64[i] = ((const uint8_t *)data)[i];
		out->i64 = buffer->i64;
		break;
	case PHYS_I32:
		for (uint32_t i = 0; i < rows; i++)
			buffer->i64[i] = ((const int32_t *)data)[i];
		out->i64 = buffer->i64;
		break;
	case PHYS_I64:
		out->i64 = data;
		break;
	case PHYS_F32:
		for (uint32_t i = 0; i < rows; i++)
			buffer->f64[i] = (double)((const float *)data)[i];
		out->f64 = buffer->f64;
		break;
	case PHYS_F64:
		out->f64 = data;
		break;
	case PHYS_I128:
		out->i128 = data;
		break;
	case PHYS_STR:
	case phys_count:
		out->str = data;
		break;
	}
}

static bool any_null(const struct column *c)
{
	uint64_t bits = 0;
	for (uint32_t w = 0; w < chunk_words; w++)
		bits |= c->nulls[w];
	return bits != 0;
}

/* Keeps the rows whose bit in `drop` (NULL: none) is clear and in `keep` (NULL: all) is set. */
static void choose(
	struct aggregate_rows *rows, uint16_t *into, const uint64_t *drop, const uint64_t *keep)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint16_t row = rows->rows[i];
		bool stays = (drop == NULL || !bit_get(drop, row)) &&
			(keep == NULL || bit_get(keep, row));
		into[count] = row;
		count += stays;
	}
	rows->rows = into;
	rows->count = count;
}

static void choose_true(struct aggregate_rows *rows, uint16_t *into, const struct vector *filter)
{
	uint64_t keep[chunk_words] = {0};
	const uint8_t *values = filter->column.data;
	for (uint32_t i = 0; i < rows->count; i++)
		if (values[rows->rows[i]] != 0)
			bit_set(keep, rows->rows[i]);
	choose(rows, into, filter->column.nulls, keep);
}

int aggregate_add(struct aggregate *a, const struct aggregate_rows *rows, const struct vector *args,
	const struct vector *filter, struct error *err)
{
	struct aggregate_rows chosen = *rows;
	uint16_t list[chunk_rows_max];
	if (filter != NULL)
		choose_true(&chosen, list, filter);
	uint32_t count = a->call->argument_count;
	check(count <= 2);
	for (uint32_t i = 0; i < count && a->ops->skips_nulls; i++)
		if (any_null(&args[i].column))
			choose(&chosen, list, args[i].column.nulls, NULL);
	if (chosen.count == 0)
		return 0;
	if (a->distinct != NULL) {
		int r = distinct_choose(a->distinct, &chosen, args, count, list, err);
		if (r < 0)
			return r;
	}
	struct widened buffers[2];
	struct wide_column x[2];
	for (uint32_t i = 0; i < count; i++)
		widen_column(&args[i], rows->row_count, &buffers[i], &x[i]);
	return a->ops->add(a, &chosen, x, err);
}

int aggregate_never_given(struct error *err)
{
	error_set(err, CDCL_E_DATA,
		"a row is taken back from a group_by that was never given to it: for the same row"
		" of the aggregate before it, something in between gave another value");
	error_help(err, "such as current_timestamp() or a Lua function that remembers");
	return -(int)err->code;
}

/* ---- open, reserve, result ---- */

static const struct aggregate_ops *choose_ops(struct aggregate *a)
{
	const struct aggregate_call *call = a->call;
	switch (call->function) {
	case AGG_COUNT_STAR:
	case AGG_COUNT:
		return &aggregate_count_ops;
	case AGG_SUM:
	case AGG_TRY_SUM:
	case AGG_AVG:
		return aggregate_sum_ops(call, a->arg, a->retract);
	case AGG_MIN:
	case AGG_MAX:
	case AGG_FIRST:
	case AGG_LAST:
	case AGG_MIN_BY:
	case AGG_MAX_BY:
	case AGG_ANY_VALUE:
	case AGG_BOOL_AND:
	case AGG_BOOL_OR:
		return a->retract ? aggregate_retract_ops(a) : aggregate_pick_ops(call);
	case AGG_COLLECT_LIST:
	case AGG_COLLECT_SET:
		return a->retract ? aggregate_retract_ops(a) : aggregate_collect_ops(call);
	case AGG_CUSTOM:
	case aggregate_function_count:
		break;
	}
	check(false); /* custom aggregates are the group operator's */
	return NULL;
}

/* Values that are there twice change nothing in a min; leaving them out would only cost. */
static bool needs_distinct(const struct aggregate_call *call)
{
	switch (call->function) {
	case AGG_COUNT:
	case AGG_SUM:
	case AGG_TRY_SUM:
	case AGG_AVG:
	case AGG_COLLECT_LIST:
		return call->distinct;
	case AGG_COLLECT_SET:
		return true;
	default:
		return false;
	}
}

struct aggregate *aggregate_open(const struct aggregate_call *call, bool retract, struct slab *slab)
{
	struct aggregate *a = calloc(1, sizeof(*a));
	check(a != NULL);
	a->call = call;
	a->retract = retract;
	a->slab = slab;
	if (call->argument_count > 0)
		a->arg = expr_type(call->arguments[0]);
	if (a->arg.id == TYPE_DECIMAL) {
		unsigned precision = a->arg.precision + 10u;
		a->sum = type_decimal(
			precision < decimal_digits_max ? precision : decimal_digits_max,
			a->arg.scale);
	}
	if (needs_distinct(call))
		a->distinct = distinct_open(retract, slab);
	a->ops = choose_ops(a);
	strbuf_init(&a->scratch);
	return a;
}

void aggregate_close(struct aggregate *a)
{
	if (a == NULL)
		return;
	/* Strings and lists of the cells go with the slab. */
	distinct_close(a->distinct);
	multiset_close(a->multiset);
	ordered_close(a->ordered);
	strbuf_release(&a->scratch);
	page_array_release(a->cells, a->capacity * a->ops->cell_bytes);
	free(a);
}

void aggregate_reserve(struct aggregate *a, uint32_t count)
{
	if (count <= a->capacity)
		return;
	uint64_t capacity = a->capacity == 0 ? 64 : a->capacity;
	while (capacity < count)
		capacity *= 2;
	size_t cell = a->ops->cell_bytes;
	a->cells = page_array_grow(a->cells, a->capacity * cell, capacity * cell);
	a->capacity = (uint32_t)capacity;
}

int aggregate_result(struct aggregate *a, const uint32_t *groups, uint32_t count,
	struct column *out, struct arena *arena, struct error *err)
{
	memset(out->nulls, 0, sizeof(out->nulls));
	for (uint32_t i = 0; i < count; i++) {
		union wide_value v = {0};
		bool is_null = false;
		int r = a->ops->result(a, groups[i], &v, &is_null, arena, err);
		if (r < 0)
			return r;
		struct value value = aggregate_value(a->call->type, v, is_null);
		value_to_column(&value, out, i);
	}
	return 0;
}

void aggregate_clear(struct aggregate *a, uint32_t group)
{
	void *cell = aggregate_cell(a, group);
	if (a->ops->clear != NULL)
		a->ops->clear(a, cell);
	memset(cell, 0, a->ops->cell_bytes);
}

void aggregate_save(const struct aggregate *a, uint32_t group, struct strbuf *out)
{
	check(!a->retract);
	const void *cell = aggregate_cell(a, group);
	if (a->ops->save != NULL)
		a->ops->save(a, cell, out);
	else
		strbuf_add(out, (struct str){cell, a->ops->cell_bytes});
}

bool aggregate_load(struct aggregate *a, uint32_t group, struct record_reader *r)
{
	aggregate_clear(a, group);
	void *cell = aggregate_cell(a, group);
	if (a->ops->load != NULL)
		return a->ops->load(a, cell, r) && !r->bad;
	record_copy(r, cell, a->ops->cell_bytes);
	return !r->bad;
}

/* Integers of 32 bits: a chunk of them never overflows, so it cannot hide that all do. */
bool aggregate_adds_up(const struct aggregate_call *call)
{
	if (call->distinct)
		return false;
	switch (call->function) {
	case AGG_COUNT_STAR:
	case AGG_COUNT:
		return true;
	case AGG_SUM:
	case AGG_TRY_SUM:
		return type_phys(expr_type(call->arguments[0])) == PHYS_I32;
	default:
		return false;
	}
}

int aggregate_add_saved(
	struct aggregate *a, uint32_t group, struct record_reader *r, struct error *err)
{
	union {
		int64_t align;
		char bytes[64];
	} saved;
	check(a->ops->add_cell != NULL && a->ops->cell_bytes <= sizeof(saved));
	record_copy(r, saved.bytes, a->ops->cell_bytes);
	check(!r->bad);
	return a->ops->add_cell(a, aggregate_cell(a, group), &saved, err);
}

uint32_t aggregate_seen_count(const struct aggregate *a)
{
	return a->distinct == NULL ? 0 : distinct_count(a->distinct);
}

void aggregate_seen_save(const struct aggregate *a, uint32_t entry, struct strbuf *out)
{
	record_add_str(out, distinct_entry(a->distinct, entry));
}

int aggregate_seen_load(struct aggregate *a, struct record_reader *r, struct error *err)
{
	struct str entry = record_str(r);
	if (r->bad || entry.data == NULL || a->distinct == NULL)
		return error_set(err, CDCL_E_STATE, "a distinct value that cannot be");
	return distinct_add_entry(a->distinct, entry, err);
}

size_t aggregate_bytes(const struct aggregate *a)
{
	size_t bytes = (size_t)a->capacity * a->ops->cell_bytes;
	if (a->distinct != NULL)
		bytes += distinct_bytes(a->distinct);
	if (a->multiset != NULL)
		bytes += multiset_bytes_held(a->multiset);
	if (a->ordered != NULL)
		bytes += ordered_bytes_held(a->ordered);
	return bytes;
}
