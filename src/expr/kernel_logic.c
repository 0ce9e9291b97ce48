/*
 * Three-valued logic and choice, on whole words of null bits. These kernels keep their own NULLs
 * and faults: a failed argument matters only in rows where its value is asked for.
 */

#include "expr/kernels.h"

#include "base/check.h"

/* Passes on the faults of `v` in the rows of `where`. */
static void take_faults(
	const struct run *run, const struct vector *v, const uint64_t *where, struct vector *out)
{
	if (v->faults == NULL)
		return;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = where[w] & v->column.nulls[w];
		for (uint32_t i; next_row(&bits, w, &i);)
			if (vector_fault(v, i) != EXPR_FINE)
				expr_pass_fault(run, out, i, vector_fault(v, i));
	}
}

/* Rows where the boolean is known to be `truth`. */
static void known(const struct run *run, const struct vector *v, bool truth, uint64_t *words)
{
	expr_pack_bits(v->column.data, run->rows, words);
	for (uint32_t w = 0; w < run_words(run); w++)
		words[w] = (truth ? words[w] : ~words[w]) & ~v->column.nulls[w];
}

/* Both and & or: `decides` is the value that settles the answer alone. */
static void logic(
	const struct run *run, const struct vector *args, struct vector *out, bool decides)
{
	uint64_t left[chunk_words], right[chunk_words], asked[chunk_words];
	known(run, &args[0], decides, left);
	known(run, &args[1], decides, right);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t null = args[0].column.nulls[w] | args[1].column.nulls[w];
		out->column.nulls[w] = null & ~left[w] & ~right[w];
		asked[w] = ~left[w];
	}
	/*
	 * What a NULL's byte holds never shows: 0 decides `and`, 1 decides `or`, else the row is
	 * NULL.
	 */
	const uint8_t *a = args[0].column.data, *b = args[1].column.data;
	uint8_t *r = out->column.data;
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = (uint8_t)((decides ? a[i] | b[i] : a[i] & b[i]) & 1);
	const uint64_t all[chunk_words] = {[0 ... chunk_words - 1] = ~UINT64_C(0)};
	take_faults(run, &args[0], all, out);
	take_faults(run, &args[1], asked, out);
}

void kernel_and(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	logic(run, args, out, false);
}

void kernel_or(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	logic(run, args, out, true);
}

void kernel_not(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const uint8_t *a = args[0].column.data;
	uint8_t *r = out->column.data;
	(void)e;
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = a[i] ^ 1;
}

static void null_test(
	const struct run *run, const struct vector *args, struct vector *out, bool is_null)
{
	uint8_t *r = out->column.data;
	const uint64_t all[chunk_words] = {[0 ... chunk_words - 1] = ~UINT64_C(0)};
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = bit_get(args[0].column.nulls, i) == is_null;
	take_faults(run, &args[0], all, out);
}

void kernel_is_null(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	null_test(run, args, out, true);
}

void kernel_is_not_null(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	null_test(run, args, out, false);
}

/* One word's rows, by the size of a slot: memcpy of a size not known is a call per row. */
static void copy_rows(char *target, const char *source, size_t size, uint32_t word, uint64_t bits)
{
	if (bits == ~UINT64_C(0)) {
		memcpy(target + word * 64 * size, source + word * 64 * size, 64 * size);
		return;
	}
	uint32_t i;
	switch (size) {
	case 1:
		while (next_row(&bits, word, &i))
			target[i] = source[i];
		break;
	case 4:
		while (next_row(&bits, word, &i))
			((uint32_t *)(void *)target)[i] =
				((const uint32_t *)(const void *)source)[i];
		break;
	case 8:
		while (next_row(&bits, word, &i))
			((uint64_t *)(void *)target)[i] =
				((const uint64_t *)(const void *)source)[i];
		break;
	default:
		check(size == 16);
		while (next_row(&bits, word, &i))
			memcpy(target + i * 16, source + i * 16, 16);
		break;
	}
}

/* Copies slots of rows in `where` (values, NULLs and faults). */
static void choose(const struct expr *e, const struct run *run, const struct vector *from,
	const uint64_t *where, struct vector *out)
{
	size_t size = phys_bytes(type_phys(e->type));
	for (uint32_t w = 0; w < run_words(run); w++) {
		copy_rows(out->column.data, from->column.data, size, w,
			where[w] & ~from->column.nulls[w]);
		out->column.nulls[w] =
			(out->column.nulls[w] & ~where[w]) | (from->column.nulls[w] & where[w]);
	}
	take_faults(run, from, where, out);
}

static void rows_of(const struct run *run, uint64_t *words)
{
	for (uint32_t w = 0; w < chunk_words; w++) {
		uint32_t first = w * 64;
		words[w] = run->rows >= first + 64 ? ~UINT64_C(0)
			: run->rows > first	   ? (UINT64_C(1) << (run->rows - first)) - 1
						   : 0;
	}
}

void kernel_coalesce(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint64_t open[chunk_words];
	rows_of(run, open);
	for (uint32_t k = 0; k < e->arg_count; k++) {
		choose(e, run, &args[k], open, out);
		/* A failed row is decided too. */
		for (uint32_t w = 0; w < run_words(run); w++) {
			uint64_t bits = open[w] & args[k].column.nulls[w];
			open[w] = bits;
			for (uint32_t i; args[k].faults != NULL && next_row(&bits, w, &i);)
				if (vector_fault(&args[k], i) != EXPR_FINE)
					bit_clear(open, i);
		}
	}
}

/* when, then, when, then ..., else */
void kernel_case(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	uint64_t open[chunk_words], taken[chunk_words];
	rows_of(run, open);
	for (uint32_t w = 0; w < run_words(run); w++)
		out->column.nulls[w] = open[w];
	for (uint32_t k = 0; k + 1 < e->arg_count; k += 2) {
		take_faults(run, &args[k], open, out);
		known(run, &args[k], true, taken);
		for (uint32_t w = 0; w < run_words(run); w++) {
			uint64_t bits = open[w] & args[k].column.nulls[w];
			taken[w] &= open[w];
			open[w] &= ~taken[w];
			for (uint32_t i; args[k].faults != NULL && next_row(&bits, w, &i);)
				if (vector_fault(&args[k], i) != EXPR_FINE)
					bit_clear(open, i);
		}
		choose(e, run, &args[k + 1], taken, out);
	}
	if (e->arg_count % 2 == 1)
		choose(e, run, &args[e->arg_count - 1], open, out);
}

void kernel_now(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int64_t *r = out->column.data;
	(void)e;
	(void)args;
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = run->time_us;
}

void kernel_today(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	int32_t *r = out->column.data;
	int64_t seconds = run->time_us / 1000000;
	(void)args;
	if (e->timezone != NULL)
		seconds += timezone_offset_at(e->timezone, seconds);
	for (uint32_t i = 0; i < run->rows; i++)
		r[i] = (int32_t)(seconds / 86400);
}
