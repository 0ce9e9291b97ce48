#include "expr/expr.h"

#include "base/check.h"
#include "data/decimal.h"
#include "expr/expr_check.h"
#include "expr/fault.h"

#include <stdio.h>

/* ---- compile ---- */

static int compile(const struct sql_expression *source, const struct expr_scope *scope,
	struct arena *arena, struct expr **out, struct error *err)
{
	struct checker c = {.scope = scope, .text = source->text, .arena = arena, .err = err};
	return checker_expression(&c, source, out);
}

static int at_place(int rc, const struct expr_scope *scope, struct error *err)
{
	if (rc < 0 && scope->place.len > 0)
		error_at(err, STR_FMT, STR_ARG(scope->place));
	return rc;
}

int expr_compile(struct str text, const struct expr_scope *scope, struct arena *arena,
	struct expr **out, struct error *err)
{
	struct sql_expression source;
	text = str_dup(text.data == NULL ? str_lit("") : text, arena);
	int rc = sql_parse(text, arena, &source, err);
	if (rc == 0)
		rc = compile(&source, scope, arena, out, err);
	return at_place(rc, scope, err);
}

/* `*` becomes every column. */
static uint32_t list_length(
	const struct sql_expression *list, uint32_t count, const struct schema *schema)
{
	uint32_t total = 0;
	for (uint32_t i = 0; i < count; i++)
		total += list[i].node->kind == SQL_STAR ? schema->column_count : 1;
	return total;
}

int expr_compile_list(struct str text, const struct expr_scope *scope, struct arena *arena,
	struct expr ***out, uint32_t *count, struct error *err)
{
	struct sql_expression *list;
	uint32_t n;
	text = str_dup(text.data == NULL ? str_lit("") : text, arena);
	int rc = sql_parse_list(text, arena, &list, &n, err);
	if (rc < 0)
		return at_place(rc, scope, err);
	*out = ARENA_ARRAY(arena, struct expr *, list_length(list, n, scope->schema));
	*count = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (list[i].node->kind == SQL_STAR) {
			for (uint32_t k = 0; k < scope->schema->column_count; k++)
				(*out)[(*count)++] = expr_column(scope->schema, k, arena);
			continue;
		}
		rc = compile(&list[i], scope, arena, &(*out)[*count], err);
		if (rc < 0)
			return at_place(rc, scope, err);
		*count += 1;
	}
	return 0;
}

struct expr *expr_column(const struct schema *schema, uint32_t index, struct arena *arena)
{
	check(index < schema_total(schema));
	struct expr *e = ARENA_NEW(arena, struct expr);
	e->kind = EXPR_COLUMN;
	e->column = index;
	e->type = schema->columns[index].type;
	e->name = str_dup(schema->columns[index].name, arena);
	e->text = e->name;
	e->source = e->name;
	e->len = e->name.len;
	return e;
}

struct type expr_type(const struct expr *e)
{
	return e->type;
}

struct str expr_name(const struct expr *e)
{
	return e->name;
}

struct str expr_text(const struct expr *e)
{
	return e->source;
}

bool expr_changes(const struct expr *e)
{
	bool changes = e->kind == EXPR_CALL && e->changes;
	for (uint32_t i = 0; i < e->arg_count && !changes; i++)
		changes = expr_changes(e->args[i]);
	return changes;
}

int expr_as_column(const struct expr *e)
{
	return e->kind == EXPR_COLUMN ? (int)e->column : -1;
}

/* ---- evaluate ---- */

void expr_pass_fault(const struct run *run, struct vector *out, uint32_t row, enum expr_fault fault)
{
	if (out->faults == NULL)
		out->faults = arena_zalloc(run->arena, chunk_rows_max, 1);
	if (out->faults[row] == EXPR_FINE)
		out->faults[row] = (uint8_t)fault;
	bit_set(out->column.nulls, row);
}

/* The loops that find overflow do not look at NULLs: what a NULL row holds cannot fail. */
void expr_fault(const struct run *run, struct vector *out, uint32_t row, enum expr_fault fault)
{
	if (!bit_get(out->column.nulls, row))
		expr_pass_fault(run, out, row, fault);
}

void expr_pack_bits(const uint8_t *bytes, uint32_t rows, uint64_t *words)
{
	memset(words, 0, chunk_words * sizeof(*words));
	uint32_t i = 0;
	for (; i + 8 <= rows; i += 8) {
		uint64_t eight;
		memcpy(&eight, bytes + i, 8);
		/* Gathers the low bit of each byte into the top byte. */
		eight = (eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080);
		words[i >> 6] |= eight >> 56 << (i & 63);
	}
	for (; i < rows; i++)
		words[i >> 6] |= (uint64_t)(bytes[i] & 1) << (i & 63);
}

/*
 * The first argument without a value decides: a NULL before a failure is NULL, as Spark
 * evaluates.
 */
static void merge_faults(
	const struct run *run, const struct vector *args, uint32_t count, struct vector *out)
{
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = out->column.nulls[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			uint32_t k = 0;
			while (k < count && !bit_get(args[k].column.nulls, i))
				k++;
			enum expr_fault fault = k < count ? vector_fault(&args[k], i) : EXPR_FINE;
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
}

static void merge_nulls(
	const struct run *run, const struct vector *args, uint32_t count, struct vector *out)
{
	bool faults = false;
	for (uint32_t k = 0; k < count; k++) {
		for (uint32_t w = 0; w < chunk_words; w++)
			out->column.nulls[w] |= args[k].column.nulls[w];
		faults = faults || args[k].faults != NULL;
	}
	if (faults)
		merge_faults(run, args, count, out);
}

/* try_cast, try_add: what fails here is NULL; what failed in an argument still fails. */
static void run_trying(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint8_t *before = NULL;
	if (out->faults != NULL) {
		before = arena_alloc(run->arena, chunk_rows_max, 1);
		memcpy(before, out->faults, chunk_rows_max);
	}
	e->kernel(e, run, args, out);
	out->faults = before;
}

static void run_call(const struct expr *e, const struct run *run, struct vector *out)
{
	struct vector few[3];
	struct vector *args = few;
	if (e->arg_count > ARRAY_LEN(few))
		args = arena_alloc(
			run->arena, e->arg_count * sizeof(*args), _Alignof(struct vector));
	for (uint32_t k = 0; k < e->arg_count; k++)
		expr_run(e->args[k], run, &args[k]);
	out->column.data = chunk_alloc_data(run->arena, e->type);
	if (!e->own_nulls)
		merge_nulls(run, args, e->arg_count, out);
	if (e->try_cast)
		run_trying(e, run, args, out);
	else
		e->kernel(e, run, args, out);
}

/* During folding literals have not been expanded yet: one slot is enough for its one row. */
static void run_literal(const struct expr *e, const struct run *run, struct vector *out)
{
	if (e->expanded != NULL) {
		*out = *e->expanded;
		return;
	}
	check(run->rows == 1);
	out->column.data = arena_zalloc(run->arena, phys_bytes(type_phys(e->type)), 16);
	value_to_column(&e->literal, &out->column, 0);
}

void expr_run(const struct expr *e, const struct run *run, struct vector *out)
{
	memset(out, 0, sizeof(*out));
	out->type = e->type;
	switch (e->kind) {
	case EXPR_LITERAL: run_literal(e, run, out); break;
	case EXPR_COLUMN:
		check(e->column < run->in->column_count);
		out->column = run->in->columns[e->column];
		break;
	case EXPR_CALL: run_call(e, run, out); break;
	}
}

void expr_eval(
	const struct expr *e, const struct chunk *in, int64_t batch_time_us, struct vector *out)
{
	struct run run = {.rows = in->row_count,
		.live = in->live,
		.arena = in->arena,
		.time_us = batch_time_us,
		.in = in};
	expr_run(e, &run, out);
}

/* ---- what came of it ---- */

int expr_report(const struct expr *e, const struct vector *v, struct chunk *in,
	struct dead_letters *dead, struct error *err)
{
	if (v->faults == NULL)
		return 0;
	for (uint32_t i = chunk_next_live(in, 0); i < in->row_count;
		i = chunk_next_live(in, i + 1)) {
		if (v->faults[i] == EXPR_FINE)
			continue;
		struct error why;
		error_init(&why);
		fault_describe(e, in, i, (enum expr_fault)v->faults[i], &why);
		int rc = dead_letter_add(dead, DEAD_EXPRESSION, in, i, &why, err);
		if (rc < 0)
			return rc;
		bit_clear(in->live, i);
	}
	return 0;
}

void expr_filter(const struct vector *v, struct chunk *c)
{
	uint64_t pass[chunk_words];
	check(v->type.id == TYPE_BOOLEAN || v->type.id == TYPE_NULL);
	if (v->type.id == TYPE_NULL) {
		memset(c->live, 0, sizeof(c->live));
		return;
	}
	expr_pack_bits(v->column.data, c->row_count, pass);
	for (uint32_t w = 0; w < chunk_words; w++)
		c->live[w] &= pass[w] & ~v->column.nulls[w];
}
