#include "expr/fault.h"

#include "base/check.h"

#include <stdio.h>

/* A chunk of one row that shares the row's slots. */
static void one_row(const struct chunk *in, uint32_t row, struct arena *arena, struct chunk *out,
	uint16_t *origin)
{
	*out = *in;
	out->row_count = 1;
	memset(out->live, 0, sizeof(out->live));
	out->live[0] = 1;
	out->arena = arena;
	out->kinds = NULL;
	out->columns = ARENA_ARRAY(arena, struct column, in->column_count);
	for (uint32_t i = 0; i < in->column_count; i++) {
		size_t size = phys_bytes(type_phys(in->schema->columns[i].type));
		out->columns[i].data = (char *)in->columns[i].data + row * size;
		out->columns[i].nulls[0] = column_is_null(&in->columns[i], row);
	}
	if (in->messages != NULL) {
		*origin = (uint16_t)chunk_message(in, row);
		out->origin = origin;
	}
}

/* The deepest part that fails while its arguments do not. */
static const struct expr *culprit(const struct expr *e, const struct run *run)
{
	struct vector v;
	expr_run(e, run, &v);
	if (vector_fault(&v, 0) == EXPR_FINE)
		return NULL;
	for (uint32_t i = 0; i < e->arg_count; i++) {
		const struct expr *deeper = culprit(e->args[i], run);
		if (deeper != NULL)
			return deeper;
	}
	return e;
}

static void add_upper_type(struct type t, struct strbuf *out)
{
	size_t from = out->len;
	type_name(t, out);
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] >= 'a' && out->data[i] <= 'z')
			out->data[i] = (char)(out->data[i] - 32);
}

/* The value as Spark writes it in messages: 'x', 300L, 1.5D. */
static void add_value(const struct value *v, struct strbuf *out)
{
	bool quoted = v->type.id == TYPE_STRING || v->type.id == TYPE_JSON;
	if (quoted)
		strbuf_add_byte(out, '\'');
	size_t from = out->len;
	value_text(v, VALUE_CAST, NULL, out);
	if (out->len > from + 200) {
		out->len = from + 200;
		strbuf_add_c(out, "...");
	}
	static const char *const suffixes[type_id_count] = {[TYPE_TINYINT] = "Y",
		[TYPE_SMALLINT] = "S",
		[TYPE_BIGINT] = "L",
		[TYPE_DOUBLE] = "D",
		[TYPE_DECIMAL] = "BD"};
	if (quoted)
		strbuf_add_byte(out, '\'');
	else if (suffixes[v->type.id] != NULL)
		strbuf_add_c(out, suffixes[v->type.id]);
}

static void describe_cast(
	const struct expr *e, const struct run *run, enum expr_fault fault, struct strbuf *s)
{
	struct vector v;
	expr_run(e->args[0], run, &v);
	struct value value = value_from_column(&v.column, e->args[0]->type, 0);
	strbuf_add_c(s,
		fault == EXPR_CAST_INVALID ? "[CAST_INVALID_INPUT] The value "
					   : "[CAST_OVERFLOW] The value ");
	add_value(&value, s);
	strbuf_add_c(s, " of the type \"");
	add_upper_type(e->args[0]->type, s);
	strbuf_add_c(s, "\" cannot be cast to \"");
	add_upper_type(e->type, s);
	if (fault == EXPR_CAST_INVALID)
		strbuf_add_c(s,
			"\" because it is malformed. Correct the value as per the syntax, or "
			"change its target"
			" type. Use `try_cast` to tolerate malformed input and return NULL "
			"instead.");
	else
		strbuf_add_c(s,
			"\" due to an overflow. Use `try_cast` to tolerate overflow and return "
			"NULL instead.");
}

static void add_overflow(const struct expr *e, struct strbuf *s)
{
	enum type_id id = e->type.id;
	const char *name = id == TYPE_BIGINT ? "long"
		: id == TYPE_DECIMAL	     ? "decimal"
		: id == TYPE_TINYINT	     ? "byte"
		: id == TYPE_SMALLINT	     ? "short"
					     : "integer";
	strbuf_addf(s, "[ARITHMETIC_OVERFLOW] %s overflow.", name);
	if (e->try_name != NULL)
		strbuf_addf(
			s, " Use '%s' to tolerate overflow and return NULL instead.", e->try_name);
}

void fault_describe(const struct expr *e, const struct chunk *in, uint32_t row,
	enum expr_fault fault, struct error *why)
{
	struct arena arena;
	struct chunk one;
	uint16_t origin;
	struct strbuf s;
	arena_init(&arena, 64 * 1024);
	strbuf_init(&s);
	one_row(in, row, &arena, &one, &origin);
	struct run run = {.rows = 1, .live = one.live, .arena = &arena, .in = &one};
	const struct expr *part = culprit(e, &run);
	if (part == NULL)
		part = e;
	if ((fault == EXPR_CAST_INVALID || fault == EXPR_CAST_OVERFLOW) && part->arg_count > 0)
		describe_cast(part, &run, fault, &s);
	else if (fault == EXPR_DIVIDE_BY_ZERO)
		strbuf_add_c(&s,
			"[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor "
			"being 0 and"
			" return NULL instead.");
	else if (fault == EXPR_INVALID_ARGUMENT)
		strbuf_add_c(&s,
			"[INVALID_PARAMETER_VALUE] an argument has a value that the function "
			"cannot use,"
			" or its result is too large.");
	else
		add_overflow(part, &s);
	error_set(why, CDCL_E_EXPR, STR_FMT, STR_ARG(strbuf_str(&s)));
	sql_error_at(why, e->text, part->at, part->len);
	if (e->place.len > 0)
		error_at(why, STR_FMT, STR_ARG(e->place));
	strbuf_release(&s);
	arena_release(&arena);
}
