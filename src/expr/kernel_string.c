/* Strings. Characters are code points of UTF-8; bytes that are none count one each. */

#define _GNU_SOURCE /* memmem */
#include "expr/kernels.h"

#include "base/check.h"

#include <locale.h>
#include <wctype.h>

/* Bytes of the character at s[0]; broken sequences have one. */
static size_t char_bytes(const char *s, size_t left)
{
	unsigned char c = (unsigned char)s[0];
	size_t n = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 1;
	if (n > left)
		return 1;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xC0) != 0x80)
			return 1;
	return n;
}

static uint32_t char_code(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	switch (n) {
	case 2: return (uint32_t)(u[0] & 31) << 6 | (u[1] & 63);
	case 3: return (uint32_t)(u[0] & 15) << 12 | (uint32_t)(u[1] & 63) << 6 | (u[2] & 63);
	case 4:
		return (uint32_t)(u[0] & 7) << 18 | (uint32_t)(u[1] & 63) << 12
			| (uint32_t)(u[2] & 63) << 6 | (u[3] & 63);
	default: return u[0];
	}
}

static size_t put_char(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	size_t n = code < 0x10000 ? 3 : 4;
	out[0] = (char)(n == 3 ? 0xE0 | code >> 12 : 0xF0 | code >> 18);
	for (size_t i = 1; i < n; i++)
		out[i] = (char)(0x80 | (code >> (6 * (n - 1 - i)) & 63));
	return n;
}

static size_t char_count(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++)
		n += ((unsigned char)s.data[i] & 0xC0) != 0x80;
	return n;
}

static bool is_ascii(struct str s)
{
	unsigned char all = 0;
	for (size_t i = 0; i < s.len; i++)
		all |= (unsigned char)s.data[i];
	return all < 0x80;
}

/* ---- case ---- */

static locale_t utf8_locale(void)
{
	static locale_t locale;
	if (locale == (locale_t)0)
		locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return locale;
}

static uint32_t map_char(uint32_t code, bool upper)
{
	locale_t l = utf8_locale();
	if (l == (locale_t)0) /* a system without C.UTF-8: ASCII only */
		return code;
	return (uint32_t)(upper ? towupper_l((wint_t)code, l) : towlower_l((wint_t)code, l));
}

static struct str map_ascii(struct str s, bool upper, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len + 1, 1);
	char first = upper ? 'a' : 'A';
	for (size_t i = 0; i < s.len; i++)
		out[i] = (char)(s.data[i] ^ ((unsigned char)(s.data[i] - first) < 26 ? 32 : 0));
	return (struct str){out, s.len};
}

static struct str map_unicode(struct str s, bool upper, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len * 3 + 1, 1);
	size_t n = 0;
	for (size_t i = 0; i < s.len;) {
		size_t bytes = char_bytes(s.data + i, s.len - i);
		uint32_t code = char_code(s.data + i, bytes);
		if (bytes == 1 && code >= 0x80)
			out[n++] = s.data[i];
		else if (upper && code == 0xDF) /* the one full mapping that is common: ss */
			n += put_char(out + n, 'S') + put_char(out + n + 1, 'S');
		else
			n += put_char(out + n, map_char(code, upper));
		i += bytes;
	}
	return (struct str){out, n};
}

struct str string_upper(struct str s, struct arena *arena)
{
	return is_ascii(s) ? map_ascii(s, true, arena) : map_unicode(s, true, arena);
}

static void map_case(
	const struct run *run, const struct vector *args, struct vector *out, bool upper)
{
	const struct str *a = args[0].column.data;
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = is_ascii(a[i]) ? map_ascii(a[i], upper, run->arena)
					      : map_unicode(a[i], upper, run->arena);
	}
}

void kernel_upper(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	map_case(run, args, out, true);
}

void kernel_lower(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	map_case(run, args, out, false);
}

/* Words are what spaces set apart; the rest of each is in small letters. */
static struct str capitalize(struct str s, struct arena *arena)
{
	struct str low = map_unicode(s, false, arena);
	char *out = arena_alloc(arena, low.len * 3 + 1, 1);
	size_t n = 0;
	bool first = true;
	for (size_t i = 0; i < low.len;) {
		size_t bytes = char_bytes(low.data + i, low.len - i);
		struct str c = str_sub(low, i, bytes);
		struct str put = first ? map_unicode(c, true, arena) : c;
		memcpy(out + n, put.data, put.len);
		n += put.len;
		first = c.data[0] == ' ';
		i += bytes;
	}
	return (struct str){out, n};
}

void kernel_initcap(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data;
	struct str *r = out->column.data;
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = capitalize(a[i], run->arena);
	}
}

/* ---- length, parts ---- */

void kernel_length(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data;
	int32_t *r = out->column.data;
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = (int32_t)char_count(a[i]);
	}
}

void kernel_byte_length(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data;
	int32_t *r = out->column.data;
	(void)e;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = (int32_t)a[i].len;
	}
}

/* Byte offset of character `n`, at most the length. */
static size_t char_offset(struct str s, int64_t n, bool ascii)
{
	if (n <= 0)
		return 0;
	if (ascii)
		return (uint64_t)n < s.len ? (size_t)n : s.len;
	size_t i = 0;
	while (i < s.len && n-- > 0)
		i += char_bytes(s.data + i, s.len - i);
	return i;
}

/*
 * Spark's: 1 is the first character, 0 as well, -1 the last; what lies before the start still
 * counts.
 */
static struct str substring(struct str s, int64_t from, int64_t length, bool bytes)
{
	bool ascii = bytes || is_ascii(s);
	int64_t count = (int64_t)(ascii ? s.len : char_count(s));
	int64_t start = from > 0 ? from - 1 : from < 0 ? count + from : 0;
	int64_t end = start + length;
	if (end <= start || start >= count || end <= 0)
		return (struct str){"", 0};
	size_t a = char_offset(s, start, ascii), b = char_offset(s, end, ascii);
	return str_sub(s, a, b - a);
}

void kernel_substring(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	const struct str *a = args[0].column.data;
	const int32_t *from = args[1].column.data, *length = args[2].column.data;
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);)
			r[i] = substring(a[i], from[i], length[i], e->type.id == TYPE_BINARY);
	}
}

/* ---- trim ---- */

static bool holds_char(struct str set, const char *c, size_t n)
{
	for (size_t i = 0; i < set.len; i += char_bytes(set.data + i, set.len - i))
		if (char_bytes(set.data + i, set.len - i) == n && memcmp(set.data + i, c, n) == 0)
			return true;
	return false;
}

static struct str trim_start(struct str s, struct str set)
{
	while (s.len > 0) {
		size_t n = char_bytes(s.data, s.len);
		if (!holds_char(set, s.data, n))
			break;
		s = str_sub(s, n, s.len - n);
	}
	return s;
}

static struct str trim_end(struct str s, struct str set)
{
	while (s.len > 0) {
		size_t n = 1;
		while (n < s.len && n < 4 && ((unsigned char)s.data[s.len - n] & 0xC0) == 0x80)
			n++;
		if (!holds_char(set, s.data + s.len - n, n))
			break;
		s.len -= n;
	}
	return s;
}

static void trim(
	const struct run *run, const struct vector *args, struct vector *out, bool start, bool end)
{
	const struct str *a = args[0].column.data, *set = args[1].column.data;
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			struct str s = start ? trim_start(a[i], set[i]) : a[i];
			r[i] = end ? trim_end(s, set[i]) : s;
		}
	}
}

void kernel_trim(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	trim(run, args, out, true, true);
}

void kernel_ltrim(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	trim(run, args, out, true, false);
}

void kernel_rtrim(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	(void)e;
	trim(run, args, out, false, true);
}

/* ---- concat ---- */

void kernel_concat(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	struct str *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			size_t len = 0;
			for (uint32_t k = 0; k < e->arg_count; k++)
				len += ((const struct str *)args[k].column.data)[i].len;
			if (!run_has_room(run, len)) {
				expr_fault(run, out, i, EXPR_INVALID_ARGUMENT);
				continue;
			}
			char *text = arena_alloc(run->arena, len + 1, 1);
			char *at = text;
			for (uint32_t k = 0; k < e->arg_count; k++) {
				struct str s = ((const struct str *)args[k].column.data)[i];
				if (s.len > 0)
					memcpy(at, s.data, s.len);
				at += s.len;
			}
			r[i] = (struct str){text, len};
		}
	}
}

/* ---- like ---- */

bool like_pattern_good(struct str pattern, char escape)
{
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.data[i] != escape)
			continue;
		i++;
		if (i == pattern.len
			|| (pattern.data[i] != '%' && pattern.data[i] != '_'
				&& pattern.data[i] != escape))
			return false;
	}
	return true;
}

/* One pattern element at p matches the character at s. *used: bytes of the pattern it took. */
static bool element_matches(
	struct str pattern, size_t p, char escape, const char *s, size_t n, size_t *used)
{
	if (pattern.data[p] == escape && p + 1 < pattern.len) {
		size_t bytes = char_bytes(pattern.data + p + 1, pattern.len - p - 1);
		*used = bytes + 1;
		return bytes == n && memcmp(pattern.data + p + 1, s, n) == 0;
	}
	size_t bytes = char_bytes(pattern.data + p, pattern.len - p);
	*used = bytes;
	return pattern.data[p] == '_' || (bytes == n && memcmp(pattern.data + p, s, n) == 0);
}

/* The usual two pointers: on a mismatch, the last % takes one character more. */
static bool like(struct str s, struct str pattern, char escape)
{
	size_t i = 0, p = 0, star = SIZE_MAX, mark = 0;
	while (i < s.len) {
		size_t n = char_bytes(s.data + i, s.len - i), used;
		if (p < pattern.len && pattern.data[p] == '%' && escape != '%') {
			star = ++p;
			mark = i;
		} else if (p < pattern.len
			&& element_matches(pattern, p, escape, s.data + i, n, &used)) {
			i += n;
			p += used;
		} else if (star != SIZE_MAX) {
			mark += char_bytes(s.data + mark, s.len - mark);
			i = mark;
			p = star;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '%')
		p++;
	return p == pattern.len;
}

/* What a constant pattern comes down to: most are a piece of text with % around it. */
struct like_plan *like_prepare(struct str pattern, bool constant, char escape, struct arena *arena)
{
	struct like_plan *plan = ARENA_NEW(arena, struct like_plan);
	plan->escape = escape;
	if (!constant)
		return plan;
	bool open_start = pattern.len > 0 && pattern.data[0] == '%';
	struct str part = str_sub(pattern, open_start, pattern.len);
	bool open_end = part.len > 0 && part.data[part.len - 1] == '%';
	part.len -= open_end;
	bool plain = memchr(part.data, escape, part.len) == NULL && escape != '%';
	plain = plain && memchr(part.data, '%', part.len) == NULL;
	plain = plain && memchr(part.data, '_', part.len) == NULL;
	plan->shape = !plain ? LIKE_GENERAL
		: open_start ? (open_end ? LIKE_CONTAINS : LIKE_ENDS)
		: open_end   ? LIKE_STARTS
			     : LIKE_EXACT;
	plan->part = part;
	return plan;
}

static bool like_shape(const struct like_plan *plan, struct str s, struct str pattern)
{
	struct str part = plan->part;
	switch (plan->shape) {
	case LIKE_EXACT: return str_eq(s, part);
	case LIKE_STARTS: return str_starts(s, part);
	case LIKE_ENDS:
		return s.len >= part.len && str_eq(str_sub(s, s.len - part.len, part.len), part);
	case LIKE_CONTAINS:
		return part.len == 0 || memmem(s.data, s.len, part.data, part.len) != NULL;
	case LIKE_GENERAL: break;
	}
	return like(s, pattern, plan->escape);
}

static void like_rows(const struct expr *e, const struct run *run, const struct vector *args,
	struct vector *out, bool fold)
{
	const struct str *a = args[0].column.data, *pattern = args[1].column.data;
	const struct like_plan *plan = e->prepared;
	bool constant = expr_is_literal(e->args[1]);
	uint8_t *r = out->column.data;
	for (uint32_t w = 0; w < run_words(run); w++) {
		uint64_t bits = run_active(run, out, w);
		for (uint32_t i; next_row(&bits, w, &i);) {
			if (!constant && !like_pattern_good(pattern[i], plan->escape))
				expr_fault(run, out, i, EXPR_INVALID_ARGUMENT);
			else if (!fold)
				r[i] = like_shape(plan, a[i], pattern[i]);
			else
				r[i] = like(map_unicode(a[i], false, run->arena),
					map_unicode(pattern[i], false, run->arena), plan->escape);
		}
	}
}

void kernel_like(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	like_rows(e, run, args, out, false);
}

void kernel_ilike(
	const struct expr *e, const struct run *run, const struct vector *args, struct vector *out)
{
	like_rows(e, run, args, out, true);
}
