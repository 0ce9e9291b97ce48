#ifndef CDCL_EXPR_H
#define CDCL_EXPR_H

/*
 * SQL expressions over a chunk: text is parsed (expr/sql_parse.h), typed against a scope and
 * compiled to a tree of column kernels; evaluation runs whole columns, never a row at a time.
 *
 * A result has three states per row: a value, NULL, or an error (division by zero, overflow, a bad
 * cast: Spark's ANSI mode). Errors travel with the column, so that `case`, `if`, `coalesce`, `and`
 * and `or` drop those of branches that were not taken; what is left at the top costs that record
 * (expr_report). Rows that are not live are computed too and their errors ignored.
 */

#include "cdcl/error.h"
#include "data/dead_letter.h"
#include "data/schema.h"
#include "data/timezone.h"
#include "data/value.h"

struct expr;

struct expr_scope {
	const struct schema *schema;
	/* @topic @partition @offset @timestamp @key @value @headers are known */
	bool metadata;
	bool *reads_headers;                    /* set by one that reads @headers; may be NULL */
	const struct timezone *timezone;        /* of the job; NULL: UTC */
	struct str place;                       /* "orders.lua:14", for messages */
};

enum expr_fault {
	EXPR_FINE = 0,
	EXPR_DIVIDE_BY_ZERO,
	EXPR_OVERFLOW,
	EXPR_CAST_INVALID,
	EXPR_CAST_OVERFLOW,
	EXPR_INVALID_ARGUMENT,  /* a like pattern or regular expression that is none */
	expr_fault_count
};

/* One column of results. `faults` is NULL when no row failed, else an enum expr_fault per row. */
struct vector {
	struct column column;
	struct type type;
	uint8_t *faults;
};

/*
 * Compiles one expression, with an optional name ("price * quantity as total", "quantity q").
 * Negative: err holds place, source line and caret, and a suggestion for unknown names. Lives in
 * `arena`.
 */
int expr_compile(struct str text, const struct expr_scope *scope, struct arena *arena,
	struct expr **out, struct error *err);

/*
 * Splits "a, b + 1 as c" at top-level commas and compiles each; `*` stands for all columns of the
 * scope.
 */
int expr_compile_list(struct str text, const struct expr_scope *scope, struct arena *arena,
	struct expr ***out, uint32_t *count, struct error *err);

/* A plain reference to column `index` of the scope's schema. */
struct expr *expr_column(const struct schema *schema, uint32_t index, struct arena *arena);

struct type expr_type(const struct expr *e);
/* the alias, or Spark's name for it: "(quantity + 1)" */
struct str expr_name(const struct expr *e);
struct str expr_text(const struct expr *e);     /* as written, for plan output */

/* Column index when the expression is nothing but a column of the schema, else -1. */
int expr_as_column(const struct expr *e);

/* The same row may give another value in another batch: current_timestamp() and such. */
bool expr_changes(const struct expr *e);

/*
 * Evaluates over all rows of `in`; results live in in->arena (a plain column is shared, not
 * copied).
 */
void expr_eval(const struct expr *e, const struct chunk *in, int64_t batch_time_us,
	struct vector *out);

/*
 * Every live row with a fault becomes a dead letter and loses its live bit; negative: the job
 * stops.
 */
int expr_report(const struct expr *e, const struct vector *v, struct chunk *in,
	struct dead_letters *dead, struct error *err);

/* Clears the live bit of rows where `v` (boolean) is false or NULL. */
void expr_filter(const struct vector *v, struct chunk *c);

#endif
