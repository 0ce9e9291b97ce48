/* The less hot string functions, a value at a time. Characters are code points. */

#define _GNU_SOURCE /* memmem */
#include "expr/kernel_row.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/utf8.h"
#include "data/row_codec.h"

#include <stdio.h>

enum { levenshtein_chars_max = 10000 };

void kernel_rows(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, row_fn *f)
{
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			int rc = f(e, run, args, i, out);
			if (rc == ROW_NULL)
				bit_set(out->column.nulls, i);
			else if (rc != EXPR_FINE)
				expr_fault(run, out, i, (enum expr_fault)rc);
		}
	}
}

static size_t bytes_of_char(struct str s, size_t at)
{
	size_t next = at;
	utf8_next(s, &next);
	return next - at;
}

static int64_t count_chars(struct str s)
{
	int64_t n = 0;
	for (size_t i = 0; i < s.len; i += bytes_of_char(s, i))
		n++;
	return n;
}

/* Byte offset of character n (from 0), or the length. */
static size_t offset_of_char(struct str s, int64_t n)
{
	size_t i = 0;
	while (i < s.len && n-- > 0)
		i += bytes_of_char(s, i);
	return i;
}

/* Byte offset of `part` at or after `from`, or SIZE_MAX. */
static size_t find_from(struct str s, struct str part, size_t from)
{
	if (part.len == 0)
		return from <= s.len ? from : SIZE_MAX;
	if (from >= s.len)
		return SIZE_MAX;
	const char *at = memmem(s.data + from, s.len - from, part.data, part.len);
	return at == NULL ? SIZE_MAX : (size_t)(at - s.data);
}

static struct str kept(const struct strbuf *s, struct arena *arena)
{
	return str_dup(s->data == NULL ? str_lit("") : strbuf_str(s), arena);
}

/* ---- whole strings ---- */

static int reverse_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	char *text = arena_alloc(run->arena, s.len + 1, 1);
	size_t at = s.len;
	(void)e;
	for (size_t i = 0; i < s.len;) {
		size_t n = bytes_of_char(s, i);
		at -= n;
		memcpy(text + at, s.data + i, n);
		i += n;
	}
	row_set_str(out, row, (struct str){text, s.len});
	return EXPR_FINE;
}

static int repeat_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	int64_t times = row_i32(&args[1], row);
	(void)e;
	if (times <= 0 || s.len == 0) {
		row_set_str(out, row, str_lit(""));
		return EXPR_FINE;
	}
	if ((int64_t)s.len * times > json_string_bytes_max
		|| !run_has_room(run, s.len * (size_t)times))
		return EXPR_INVALID_ARGUMENT;
	char *text = arena_alloc(run->arena, s.len * (size_t)times, 1);
	for (int64_t i = 0; i < times; i++)
		memcpy(text + (size_t)i * s.len, s.data, s.len);
	row_set_str(out, row, (struct str){text, s.len * (size_t)times});
	return EXPR_FINE;
}

static int replace_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row), from = row_str(&args[1], row);
	struct str to = e->arg_count > 2 ? row_str(&args[2], row) : str_lit("");
	size_t at = from.len == 0 ? SIZE_MAX : find_from(s, from, 0), start = 0;
	if (at == SIZE_MAX) {
		row_set_str(out, row, s);
		return EXPR_FINE;
	}
	if (!run_has_room(run, s.len / from.len * to.len + s.len))
		return EXPR_INVALID_ARGUMENT;
	struct strbuf b;
	strbuf_init(&b);
	for (; at != SIZE_MAX; at = find_from(s, from, start)) {
		strbuf_add(&b, str_sub(s, start, at - start));
		strbuf_add(&b, to);
		start = at + from.len;
	}
	strbuf_add(&b, str_sub(s, start, s.len - start));
	row_set_str(out, row, kept(&b, run->arena));
	strbuf_release(&b);
	return EXPR_FINE;
}

/* Characters of the second argument become those of the third at the same place, or go. */
static int translate_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row), from = row_str(&args[1], row),
		   to = row_str(&args[2], row);
	char *text = arena_alloc(run->arena, s.len * 4 + 1, 1);
	size_t n = 0;
	(void)e;
	for (size_t i = 0; i < s.len;) {
		size_t bytes = bytes_of_char(s, i), f = 0, t = 0;
		while (f < from.len) {
			size_t width = bytes_of_char(from, f);
			if (width == bytes && memcmp(from.data + f, s.data + i, width) == 0)
				break;
			f += width;
			t += t < to.len ? bytes_of_char(to, t) : 0;
		}
		struct str put = f >= from.len ? str_sub(s, i, bytes)
			: t < to.len	       ? str_sub(to, t, bytes_of_char(to, t))
					       : (struct str){"", 0};
		memcpy(text + n, put.data, put.len);
		n += put.len;
		i += bytes;
	}
	row_set_str(out, row, (struct str){text, n});
	return EXPR_FINE;
}

/* ---- padding and ends ---- */

static int pad(const struct run *run, struct str s, int64_t width, struct str with, bool left,
	struct vector *out, uint32_t row)
{
	int64_t have = count_chars(s), filler = count_chars(with);
	if (width <= 0)
		width = 0;
	if (have >= width || filler == 0) {
		row_set_str(
			out, row, str_sub(s, 0, offset_of_char(s, width < have ? width : have)));
		return EXPR_FINE;
	}
	if ((width - have) * 4 > json_string_bytes_max || !run_has_room(run, (size_t)width * 4))
		return EXPR_INVALID_ARGUMENT;
	struct strbuf b;
	strbuf_init(&b);
	if (!left)
		strbuf_add(&b, s);
	for (int64_t more = width - have; more > 0; more -= filler)
		strbuf_add(&b,
			str_sub(with, 0, more >= filler ? with.len : offset_of_char(with, more)));
	if (left)
		strbuf_add(&b, s);
	row_set_str(out, row, kept(&b, run->arena));
	strbuf_release(&b);
	return EXPR_FINE;
}

static int lpad_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str with = e->arg_count > 2 ? row_str(&args[2], row) : str_lit(" ");
	return pad(run, row_str(&args[0], row), row_i32(&args[1], row), with, true, out, row);
}

static int rpad_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str with = e->arg_count > 2 ? row_str(&args[2], row) : str_lit(" ");
	return pad(run, row_str(&args[0], row), row_i32(&args[1], row), with, false, out, row);
}

static int left_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	(void)e;
	(void)run;
	row_set_str(out, row, str_sub(s, 0, offset_of_char(s, row_i32(&args[1], row))));
	return EXPR_FINE;
}

static int right_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	int64_t want = row_i32(&args[1], row);
	(void)e;
	(void)run;
	size_t at = want <= 0 ? s.len : offset_of_char(s, count_chars(s) - want);
	row_set_str(out, row, str_sub(s, at, s.len - at));
	return EXPR_FINE;
}

/* ---- looking for parts ---- */

static int32_t char_position(struct str s, struct str part, size_t from)
{
	size_t at = find_from(s, part, from);
	return at == SIZE_MAX ? 0 : (int32_t)count_chars(str_sub(s, 0, at)) + 1;
}

static int instr_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i32(out, row, char_position(row_str(&args[0], row), row_str(&args[1], row), 0));
	return EXPR_FINE;
}

/* locate(part, s [, from]) */
static int locate_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str part = row_str(&args[0], row), s = row_str(&args[1], row);
	int32_t from = e->arg_count > 2 ? row_i32(&args[2], row) : 1;
	(void)run;
	row_set_i32(out, row, from < 1 ? 0 : char_position(s, part, offset_of_char(s, from - 1)));
	return EXPR_FINE;
}

static int contains_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_bool(
		out, row, find_from(row_str(&args[0], row), row_str(&args[1], row), 0) != SIZE_MAX);
	return EXPR_FINE;
}

static int starts_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_bool(out, row, str_starts(row_str(&args[0], row), row_str(&args[1], row)));
	return EXPR_FINE;
}

static int ends_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row), end = row_str(&args[1], row);
	(void)e;
	(void)run;
	row_set_bool(
		out, row, s.len >= end.len && str_eq(str_sub(s, s.len - end.len, end.len), end));
	return EXPR_FINE;
}

/* Last place of `part` that begins at or before `from`, or -1. */
static int64_t find_back(struct str s, struct str part, int64_t from)
{
	for (; from >= 0; from--)
		if (from + (int64_t)part.len <= (int64_t)s.len
			&& memcmp(s.data + from, part.data, part.len) == 0)
			return from;
	return -1;
}

/*
 * substring_index(s, part, n): what is before the n-th part; behind the n-th from the end when n
 * < 0.
 */
static struct str substring_index(struct str s, struct str part, int64_t want)
{
	if (s.len == 0 || part.len == 0 || want == 0)
		return str_lit("");
	if (want > 0) {
		size_t at = find_from(s, part, 0);
		while (at != SIZE_MAX && --want > 0)
			at = find_from(s, part, at + 1);
		return at == SIZE_MAX ? s : str_sub(s, 0, at);
	}
	int64_t at = (int64_t)s.len;
	for (; want < 0; want++) {
		at = find_back(s, part, at - 1);
		if (at < 0)
			return s;
	}
	return str_sub(s, (size_t)at + part.len, s.len);
}

static int substring_index_row(const struct expr *e, const struct run *run,
	const struct vector *args, uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_str(out, row,
		substring_index(
			row_str(&args[0], row), row_str(&args[1], row), row_i32(&args[2], row)));
	return EXPR_FINE;
}

static int split_part_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row), part = row_str(&args[1], row);
	int32_t want = row_i32(&args[2], row), total = 1;
	size_t start = 0, at;
	(void)e;
	(void)run;
	if (want == 0)
		return EXPR_INVALID_ARGUMENT;
	for (size_t i = 0; part.len > 0 && (i = find_from(s, part, i)) != SIZE_MAX; i += part.len)
		total++;
	if (want < 0)
		want += total + 1;
	if (want < 1 || want > total) {
		row_set_str(out, row, str_lit(""));
		return EXPR_FINE;
	}
	while ((at = part.len == 0 ? SIZE_MAX : find_from(s, part, start)) != SIZE_MAX
		&& --want > 0)
		start = at + part.len;
	row_set_str(out, row, str_sub(s, start, (at == SIZE_MAX ? s.len : at) - start));
	return EXPR_FINE;
}

/* ---- characters ---- */

static int ascii_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str s = row_str(&args[0], row);
	size_t at = 0;
	(void)e;
	(void)run;
	row_set_i32(out, row, s.len == 0 ? 0 : (int32_t)utf8_next(s, &at));
	return EXPR_FINE;
}

/* chr(n): n modulo 256, as Latin-1. */
static int chr_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int64_t code = row_i64(&args[0], row);
	char *text = arena_alloc(run->arena, 4, 1);
	(void)e;
	size_t n = code < 0 ? 0 : utf8_put(text, (uint32_t)(code & 0xFF));
	row_set_str(out, row, (struct str){text, n});
	return EXPR_FINE;
}

static int space_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	int32_t n = row_i32(&args[0], row);
	(void)e;
	return pad(run, str_lit(""), n, str_lit(" "), true, out, row);
}

static int octets_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i32(out, row, (int32_t)row_str(&args[0], row).len);
	return EXPR_FINE;
}

static int bits_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	(void)run;
	row_set_i32(out, row, (int32_t)row_str(&args[0], row).len * 8);
	return EXPR_FINE;
}

static int hex_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	static const char digits[] = "0123456789ABCDEF";
	struct str s = row_str(&args[0], row);
	char *text = arena_alloc(run->arena, s.len * 2 + 1, 1);
	(void)e;
	for (size_t i = 0; i < s.len; i++) {
		text[2 * i] = digits[(unsigned char)s.data[i] >> 4];
		text[2 * i + 1] = digits[s.data[i] & 15];
	}
	row_set_str(out, row, (struct str){text, s.len * 2});
	return EXPR_FINE;
}

static int hex_number_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	(void)e;
	row_set_str(out, row,
		str_printf(run->arena, "%llX", (unsigned long long)row_i64(&args[0], row)));
	return EXPR_FINE;
}

static int levenshtein_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct str a = row_str(&args[0], row), b = row_str(&args[1], row);
	size_t width = (size_t)count_chars(b) + 1;
	(void)e;
	if (width > levenshtein_chars_max || a.len > levenshtein_chars_max)
		return EXPR_INVALID_ARGUMENT;
	uint32_t *line = ARENA_ARRAY(run->arena, uint32_t, width);
	for (size_t j = 0; j < width; j++)
		line[j] = (uint32_t)j;
	uint32_t count = 0;
	for (size_t i = 0; i < a.len;) {
		uint32_t ca = utf8_next(a, &i), diagonal = line[0];
		line[0] = ++count;
		size_t at = 0;
		for (size_t j = 1; j < width; j++) {
			uint32_t best = diagonal + (utf8_next(b, &at) != ca);
			diagonal = line[j];
			best = best < line[j] + 1 ? best : line[j] + 1;
			line[j] = best < line[j - 1] + 1 ? best : line[j - 1] + 1;
		}
	}
	row_set_i32(out, row, (int32_t)line[width - 1]);
	return EXPR_FINE;
}

/*
 * ---- concat_ws(separator, ...): NULLs are passed over; arrays of strings give their elements
 * ----
 */

static void add_part(struct str part, struct str separator, bool *first, struct strbuf *b)
{
	if (!*first)
		strbuf_add(b, separator);
	*first = false;
	strbuf_add(b, part);
}

static void add_array(
	struct str array, struct type element, struct str separator, bool *first, struct strbuf *b)
{
	size_t at = 4;
	for (uint32_t i = 0; i < row_codec_array_count(array); i++) {
		struct value v = row_codec_read(array, &at, element);
		if (!v.is_null)
			add_part(v.as.str, separator, first, b);
	}
}

void kernel_concat_ws(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct strbuf b;
	strbuf_init(&b);
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run->live[w];
		out->column.nulls[w] = args[0].column.nulls[w];
		for (uint32_t i; next_row(&bits, w, &i);) {
			bool first = true;
			enum expr_fault fault = vector_fault(&args[0], i);
			strbuf_reset(&b);
			for (uint32_t k = 1; k < e->arg_count && !bit_get(out->column.nulls, i);
				k++) {
				if (fault == EXPR_FINE)
					fault = vector_fault(&args[k], i);
				if (column_is_null(&args[k].column, i))
					continue;
				if (e->args[k]->type.id == TYPE_ARRAY)
					add_array(row_str(&args[k], i), *e->args[k]->type.element,
						row_str(&args[0], i), &first, &b);
				else
					add_part(row_str(&args[k], i), row_str(&args[0], i), &first,
						&b);
			}
			row_set_str(out, i, kept(&b, run->arena));
			if (fault != EXPR_FINE)
				expr_pass_fault(run, out, i, fault);
		}
	}
	strbuf_release(&b);
}

KERNEL_OF_ROWS(kernel_reverse, reverse_row)
KERNEL_OF_ROWS(kernel_repeat, repeat_row)
KERNEL_OF_ROWS(kernel_replace, replace_row)
KERNEL_OF_ROWS(kernel_translate, translate_row)
KERNEL_OF_ROWS(kernel_lpad, lpad_row)
KERNEL_OF_ROWS(kernel_rpad, rpad_row)
KERNEL_OF_ROWS(kernel_left, left_row)
KERNEL_OF_ROWS(kernel_right, right_row)
KERNEL_OF_ROWS(kernel_instr, instr_row)
KERNEL_OF_ROWS(kernel_locate, locate_row)
KERNEL_OF_ROWS(kernel_contains, contains_row)
KERNEL_OF_ROWS(kernel_starts, starts_row)
KERNEL_OF_ROWS(kernel_ends, ends_row)
KERNEL_OF_ROWS(kernel_substring_index, substring_index_row)
KERNEL_OF_ROWS(kernel_split_part, split_part_row)
KERNEL_OF_ROWS(kernel_ascii, ascii_row)
KERNEL_OF_ROWS(kernel_chr, chr_row)
KERNEL_OF_ROWS(kernel_space, space_row)
KERNEL_OF_ROWS(kernel_octets, octets_row)
KERNEL_OF_ROWS(kernel_bits, bits_row)
KERNEL_OF_ROWS(kernel_hex, hex_row)
KERNEL_OF_ROWS(kernel_hex_number, hex_number_row)
KERNEL_OF_ROWS(kernel_levenshtein, levenshtein_row)
