/* min, max, first, last, any_value, bool_and, bool_or, min_by, max_by: one value of those seen. */

#include "state/aggregate_cells.h"

#include "base/check.h"

enum pick_state { PICK_NONE, PICK_NULL, PICK_VALUE };

struct pick {
	union wide_value value;
	union wide_value order; /* min_by, max_by */
	uint8_t state;
};

/* NaN is greatest and equal to itself; 0.0 and -0.0 are equal. */
static inline __attribute__((always_inline)) bool float_less(double a, double b)
{
	return a < b || (b != b && a == a);
}

static inline __attribute__((always_inline)) bool less(
	enum wide wide, union wide_value a, union wide_value b)
{
	switch (wide) {
	case WIDE_INT:
		return a.i64 < b.i64;
	case WIDE_FLOAT:
		return float_less(a.f64, b.f64);
	case WIDE_DECIMAL:
		return a.i128 < b.i128;
	case WIDE_STR:
		break;
	}
	return str_cmp(a.str, b.str) < 0;
}

static void keep_str(struct aggregate *a, struct str *held, bool holds, struct str s)
{
	if (holds && slab_same_size(held->len, s.len)) {
		if (s.len > 0)
			memcpy((char *)(uintptr_t)held->data, s.data, s.len);
		held->len = s.len;
		return;
	}
	if (holds)
		slab_free(a->slab, (void *)(uintptr_t)held->data, held->len);
	*held = (struct str){slab_copy(a->slab, s.data, s.len), s.len};
}

static inline __attribute__((always_inline)) void keep(
	struct aggregate *a, enum wide wide, struct pick *p, union wide_value v)
{
	if (wide == WIDE_STR)
		keep_str(a, &p->value.str, p->state == PICK_VALUE, v.str);
	else
		p->value = v;
	p->state = PICK_VALUE;
}

/* ---- min, max ---- */

static inline __attribute__((always_inline)) int add_extreme(struct aggregate *a,
	const struct aggregate_rows *rows, const struct wide_column *x, enum wide wide, bool max)
{
	struct pick *picks = (struct pick *)(void *)a->cells;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct pick *p = &picks[rows->groups[row]];
		union wide_value v = aggregate_wide_at(x, wide, row);
		if (p->state == PICK_NONE ||
			(max ? less(wide, p->value, v) : less(wide, v, p->value)))
			keep(a, wide, p, v);
	}
	return 0;
}

static int add_min(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	switch (x->wide) {
	case WIDE_INT:
		return add_extreme(a, rows, x, WIDE_INT, false);
	case WIDE_FLOAT:
		return add_extreme(a, rows, x, WIDE_FLOAT, false);
	case WIDE_DECIMAL:
		return add_extreme(a, rows, x, WIDE_DECIMAL, false);
	case WIDE_STR:
		break;
	}
	return add_extreme(a, rows, x, WIDE_STR, false);
}

static int add_max(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	switch (x->wide) {
	case WIDE_INT:
		return add_extreme(a, rows, x, WIDE_INT, true);
	case WIDE_FLOAT:
		return add_extreme(a, rows, x, WIDE_FLOAT, true);
	case WIDE_DECIMAL:
		return add_extreme(a, rows, x, WIDE_DECIMAL, true);
	case WIDE_STR:
		break;
	}
	return add_extreme(a, rows, x, WIDE_STR, true);
}

/* ---- first, last ---- */

static int add_end(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	struct pick *picks = (struct pick *)(void *)a->cells;
	bool last = a->call->function == AGG_LAST;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		struct pick *p = &picks[rows->groups[row]];
		if (!last && p->state != PICK_NONE)
			continue;
		bool null = bit_get(x->nulls, row);
		if (null && a->call->ignore_nulls)
			continue;
		if (!null) {
			keep(a, x->wide, p, aggregate_wide_at(x, x->wide, row));
			continue;
		}
		if (p->state == PICK_VALUE && x->wide == WIDE_STR)
			slab_free(a->slab, (void *)(uintptr_t)p->value.str.data, p->value.str.len);
		p->state = PICK_NULL;
	}
	return 0;
}

/* ---- min_by, max_by ---- */

static void keep_by(struct aggregate *a, struct pick *p, const struct wide_column *x, uint32_t row)
{
	union wide_value order = aggregate_wide_at(&x[1], x[1].wide, row);
	if (x[1].wide == WIDE_STR)
		keep_str(a, &p->order.str, p->state != PICK_NONE, order.str);
	else
		p->order = order;
	if (!bit_get(x[0].nulls, row)) {
		keep(a, x[0].wide, p, aggregate_wide_at(&x[0], x[0].wide, row));
		return;
	}
	if (p->state == PICK_VALUE && x[0].wide == WIDE_STR)
		slab_free(a->slab, (void *)(uintptr_t)p->value.str.data, p->value.str.len);
	p->state = PICK_NULL;
}

/* Of equals the later one, as Spark; a row without an order does not count. */
static int add_by(struct aggregate *a, const struct aggregate_rows *rows,
	const struct wide_column *x, struct error *err)
{
	(void)err;
	struct pick *picks = (struct pick *)(void *)a->cells;
	bool max = a->call->function == AGG_MAX_BY;
	for (uint32_t i = 0; i < rows->count; i++) {
		uint32_t row = rows->rows[i];
		if (bit_get(x[1].nulls, row))
			continue;
		struct pick *p = &picks[rows->groups[row]];
		union wide_value order = aggregate_wide_at(&x[1], x[1].wide, row);
		bool worse = p->state != PICK_NONE &&
			(max ? less(x[1].wide, order, p->order) : less(x[1].wide, p->order, order));
		if (!worse)
			keep_by(a, p, x, row);
	}
	return 0;
}

/* ---- results ---- */

static int pick_result(struct aggregate *a, uint32_t group, union wide_value *out, bool *is_null,
	struct arena *arena, struct error *err)
{
	(void)arena;
	(void)err;
	const struct pick *p = aggregate_cell(a, group);
	*is_null = p->state != PICK_VALUE;
	*out = p->value;
	return 0;
}

static void clear(struct aggregate *a, void *cell)
{
	struct pick *p = cell;
	if (p->state == PICK_VALUE && aggregate_wide(a->arg) == WIDE_STR)
		slab_free(a->slab, (void *)(uintptr_t)p->value.str.data, p->value.str.len);
	if (p->state != PICK_NONE && a->call->argument_count > 1 &&
		aggregate_wide(expr_type(a->call->arguments[1])) == WIDE_STR)
		slab_free(a->slab, (void *)(uintptr_t)p->order.str.data, p->order.str.len);
}

/* ---- for a checkpoint ---- */

static enum wide order_wide(const struct aggregate *a)
{
	return aggregate_wide(expr_type(a->call->arguments[1]));
}

static void save_value(union wide_value v, enum wide wide, struct strbuf *out)
{
	if (wide == WIDE_STR)
		record_add_str(out, v.str);
	else
		strbuf_add(out, (struct str){(const char *)&v, sizeof(v)});
}

static bool load_value(
	struct aggregate *a, union wide_value *v, enum wide wide, struct record_reader *r)
{
	if (wide != WIDE_STR) {
		record_copy(r, v, sizeof(*v));
		return !r->bad;
	}
	struct str s = record_str(r);
	if (r->bad || s.data == NULL)
		return false;
	v->str = (struct str){slab_copy(a->slab, s.data, s.len), s.len};
	return true;
}

static void save(const struct aggregate *a, const void *cell, struct strbuf *out)
{
	const struct pick *p = cell;
	record_add_u8(out, p->state);
	if (p->state == PICK_VALUE)
		save_value(p->value, aggregate_wide(a->arg), out);
	if (p->state != PICK_NONE && a->call->argument_count > 1)
		save_value(p->order, order_wide(a), out);
}

static bool load(struct aggregate *a, void *cell, struct record_reader *r)
{
	struct pick *p = cell;
	struct pick loaded = {.state = record_u8(r)};
	if (loaded.state > PICK_VALUE)
		return false;
	if (loaded.state == PICK_VALUE &&
		!load_value(a, &loaded.value, aggregate_wide(a->arg), r))
		return false;
	if (loaded.state != PICK_NONE && a->call->argument_count > 1 &&
		!load_value(a, &loaded.order, order_wide(a), r))
		return false;
	*p = loaded;
	return true;
}

static const struct aggregate_ops min_ops = {.cell_bytes = sizeof(struct pick),
	.add = add_min,
	.result = pick_result,
	.clear = clear,
	.save = save,
	.load = load,
	.skips_nulls = true};
static const struct aggregate_ops max_ops = {.cell_bytes = sizeof(struct pick),
	.add = add_max,
	.result = pick_result,
	.clear = clear,
	.save = save,
	.load = load,
	.skips_nulls = true};
static const struct aggregate_ops end_ops = {
	.cell_bytes = sizeof(struct pick),
	.add = add_end,
	.result = pick_result,
	.clear = clear,
	.save = save,
	.load = load};
static const struct aggregate_ops by_ops = {
	.cell_bytes = sizeof(struct pick),
	.add = add_by,
	.result = pick_result,
	.clear = clear,
	.save = save,
	.load = load};

const struct aggregate_ops *aggregate_pick_ops(const struct aggregate_call *call)
{
	switch (call->function) {
	case AGG_MIN:
	case AGG_BOOL_AND:
		return &min_ops;
	case AGG_MAX:
	case AGG_BOOL_OR:
		return &max_ops;
	case AGG_MIN_BY:
	case AGG_MAX_BY:
		return &by_ops;
	default:
		return &end_ops;
	}
}
