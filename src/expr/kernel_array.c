/* Arrays: row-codec bytes, a 4-byte count and the elements. */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "data/row_codec.h"
#include "expr/resolve.h"

#include <stdlib.h>

static struct type element_of(const struct expr *e, uint32_t arg)
{
	return *e->args[arg]->type.element;
}

static struct value *read_elements(
	struct str array, struct type element, struct arena *arena, uint32_t *count)
{
	*count = row_codec_array_count(array);
	struct value *values = ARENA_ARRAY(arena, struct value, *count + 1);
	size_t at = 4;
	for (uint32_t i = 0; i < *count; i++)
		values[i] = row_codec_read(array, &at, element);
	return values;
}

static int size_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i32(out, row, (int32_t)row_codec_array_count(row_str(&args[0], row)));
	return EXPR_FINE;
}

/* element_at(a, i): from 1, from the end when negative; outside is a failure. */
static int element_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t count;
	struct value *values =
		read_elements(row_str(&args[0], row), element_of(e, 0), run->arena, &count);
	int64_t at = row_i32(&args[1], row);
	if (at == 0 || at > (int64_t)count || -at > (int64_t)count)
		return EXPR_INVALID_ARGUMENT;
	struct value v = values[at > 0 ? at - 1 : (int64_t)count + at];
	if (v.is_null)
		return ROW_NULL;
	value_to_column(&v, &out->column, row);
	return EXPR_FINE;
}

static int item_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t count;
	struct value *values =
		read_elements(row_str(&args[0], row), element_of(e, 0), run->arena, &count);
	int32_t at = row_i32(&args[1], row);
	if (at < 0 || at >= (int64_t)count)
		return EXPR_INVALID_ARGUMENT;
	if (values[at].is_null)
		return ROW_NULL;
	value_to_column(&values[at], &out->column, row);
	return EXPR_FINE;
}

/* True when it is there; NULL when it is not but a NULL is. */
static int contains_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t count;
	bool null = false;
	struct value *values =
		read_elements(row_str(&args[0], row), element_of(e, 0), run->arena, &count);
	struct value want = value_from_column(&args[1].column, element_of(e, 0), row);
	for (uint32_t i = 0; i < count; i++) {
		null = null || values[i].is_null;
		if (values[i].is_null || value_cmp(&values[i], &want) != 0)
			continue;
		row_set_bool(out, row, true);
		return EXPR_FINE;
	}
	row_set_bool(out, row, false);
	return null ? ROW_NULL : EXPR_FINE;
}

static int ascending(const void *a, const void *b)
{
	return value_cmp(a, b);
}

static int descending(const void *a, const void *b)
{
	return value_cmp(b, a);
}

static int sort_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t count;
	struct value *values =
		read_elements(row_str(&args[0], row), element_of(e, 0), run->arena, &count);
	bool down = e->arg_count > 1 && ((const uint8_t *)args[1].column.data)[row] == 0;
	qsort(values, count, sizeof(*values), down ? descending : ascending);
	struct strbuf b;
	strbuf_init(&b);
	strbuf_add(&b, (struct str){(const char *)&count, 4});
	for (uint32_t i = 0; i < count; i++)
		row_codec_add(&b, &values[i]);
	row_set_str(out, row, str_dup(strbuf_str(&b), run->arena));
	strbuf_release(&b);
	return EXPR_FINE;
}

/* array_join(a, separator [, for_null]): without for_null, NULLs are passed over. */
static int join_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	uint32_t count, added = 0;
	struct value *values =
		read_elements(row_str(&args[0], row), element_of(e, 0), run->arena, &count);
	struct strbuf b;
	strbuf_init(&b);
	for (uint32_t i = 0; i < count; i++) {
		if (values[i].is_null && e->arg_count < 3)
			continue;
		if (added++ > 0)
			strbuf_add(&b, row_str(&args[1], row));
		if (values[i].is_null)
			strbuf_add(&b, row_str(&args[2], row));
		else
			value_text(&values[i], VALUE_CAST, e->timezone, &b);
	}
	row_set_str(out, row, str_dup(b.data == NULL ? str_lit("") : strbuf_str(&b), run->arena));
	strbuf_release(&b);
	return EXPR_FINE;
}

KERNEL_OF_ROWS(kernel_size, size_row)
KERNEL_OF_ROWS(kernel_element, element_row)
KERNEL_OF_ROWS(kernel_item, item_row)
KERNEL_OF_ROWS(kernel_array_contains, contains_row)
KERNEL_OF_ROWS(kernel_sort_array, sort_row)
KERNEL_OF_ROWS(kernel_array_join, join_row)

/*
 * Rows whose first argument is an array; what the others are cast to is in params, TYPE_ARRAY:
 * the element.
 */
int resolve_array(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	if (args[0]->type.id != TYPE_ARRAY)
		return checker_fail(c, node, "[DATATYPE_MISMATCH] %s wants an array", f->name);
	struct type element = *args[0]->type.element;
	for (uint32_t i = 1; i < count; i++) {
		struct type want = f->params[i] == TYPE_ARRAY ? element : type_of(f->params[i]);
		int rc = checker_cast(c, node, args[i], want, &args[i]);
		if (rc < 0)
			return rc;
	}
	struct type gives = f->gives == TYPE_NULL ? element
		: f->gives == TYPE_ARRAY	  ? args[0]->type
						  : type_of(f->gives);
	*out = checker_call(c, node, f->kernel, f->flags, gives, args, count);
	return 0;
}
