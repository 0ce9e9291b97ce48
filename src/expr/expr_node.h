#ifndef CDCL_EXPR_NODE_H
#define CDCL_EXPR_NODE_H

/*
 * The compiled tree, for the files of this folder only.
 *
 *	text --sql_parse--> sql_node --expr_check--> expr --expr_eval--> vector
 *
 * A kernel computes one node over all rows of a chunk from the vectors of its arguments. Before it
 * runs, the evaluator has allocated out's data and, unless the function keeps its own NULLs, set
 * out's null bits and faults from the arguments. Rules of every vector in here:
 *
 * - a row that failed has its null bit set and its fault in `faults`; so "not NULL" means "has a
 *   value"
 * - the slots of NULL rows and of rows that are not live hold anything, also wild pointers: kernels
 *   over strings look at a slot only when it is active (live, not NULL)
 * - a literal is expanded to a full column once, at compile
 */

#include "base/bounds.h"
#include "expr/expr.h"
#include "expr/sql_parse.h"

struct function;

struct run {
	uint32_t rows;
	const uint64_t *live;
	struct arena *arena; /* of the chunk */
	int64_t time_us; /* of the batch */
	const struct chunk *in;
};

typedef void kernel_fn(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out);

enum expr_kind { EXPR_LITERAL, EXPR_COLUMN, EXPR_CALL };

struct expr {
	enum expr_kind kind;
	struct type type;
	uint32_t column; /* EXPR_COLUMN */
	struct value literal; /* EXPR_LITERAL */
	struct vector *expanded; /* EXPR_LITERAL: chunk_rows_max equal slots */
	kernel_fn *kernel; /* EXPR_CALL */
	bool own_nulls; /* the kernel sets NULLs and passes faults itself */
	bool changes; /* not folded: depends on the batch or the message */
	bool try_cast;
	bool written; /* EXPR_LITERAL: it is one in the text, not folded to one */
	struct expr **args;
	uint32_t arg_count;
	const void *prepared; /* what the kernel made of constant arguments at compile */
	const char *try_name; /* arithmetic: the function that gives NULL instead of failing */
	const struct timezone *timezone;
	struct str name;
	struct str source; /* of a whole expression: as written, with its name */
	struct str text; /* the whole text; at and len are this node's part of it */
	struct str place;
	size_t at;
	size_t len;
};

/* ---- for kernels ---- */

/* A row that has a value failed: notes why and makes it NULL. */
void expr_fault(const struct run *run, struct vector *out, uint32_t row, enum expr_fault fault);

/* An argument's failure becomes the row's, whatever it holds; the first reason stays. */
void expr_pass_fault(
	const struct run *run, struct vector *out, uint32_t row, enum expr_fault fault);

static inline enum expr_fault vector_fault(const struct vector *v, uint32_t row)
{
	return v->faults == NULL ? EXPR_FINE : (enum expr_fault)v->faults[row];
}

static inline uint32_t run_words(const struct run *run)
{
	return (run->rows + 63) / 64;
}

/* Rows of word `w` that are there and have a value. */
static inline uint64_t run_active(const struct run *run, const struct vector *v, uint32_t w)
{
	return run->live[w] & ~v->column.nulls[w];
}

/* for (ROWS): visits each set bit of `bits`, lowest first. */
static inline bool next_row(uint64_t *bits, uint32_t word, uint32_t *row)
{
	if (*bits == 0)
		return false;
	*row = word * 64 + (uint32_t)__builtin_ctzll(*bits);
	*bits &= *bits - 1;
	return true;
}

/* Functions that make strings longer than their arguments ask first. */
static inline bool run_has_room(const struct run *run, size_t bytes)
{
	return bytes <= expr_chunk_bytes_max
		&& run->arena->bytes_held <= expr_chunk_bytes_max - bytes;
}

static inline bool expr_is_literal(const struct expr *e)
{
	return e->kind == EXPR_LITERAL;
}

/* Evaluates any node into `out`. */
void expr_run(const struct expr *e, const struct run *run, struct vector *out);

/* Bytes 0/1 to bits. */
void expr_pack_bits(const uint8_t *bytes, uint32_t rows, uint64_t *words);

#endif
