#include "base/str.h"

#include "base/arena.h"
#include "base/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct str str_c(const char *cstring)
{
	return cstring == NULL ? (struct str){NULL, 0} : (struct str){cstring, strlen(cstring)};
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_fold(struct str a, struct str b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (fold(a.data[i]) != fold(b.data[i])) {
			return false;
		}
	}
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
	if (order != 0) {
		return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
		(prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_space(s.data[0])) {
		s.data++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.data[s.len - 1])) {
		s.len--;
	}
	return s;
}

struct str str_sub(struct str s, size_t start, size_t len)
{
	if (s.data == NULL) {
		return s;
	}
	start = start > s.len ? s.len : start;
	len = len > s.len - start ? s.len - start : len;
	return (struct str){s.data + start, len};
}

enum { distance_len_max = 128 };

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned str_distance(struct str a, struct str b, unsigned limit)
{
	size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;
	if (gap > limit || a.len > distance_len_max || b.len > distance_len_max) {
		return limit + 1;
	}
	unsigned rows[3][distance_len_max + 1];
	for (unsigned j = 0; j <= b.len; j++) {
		rows[0][j] = j;
	}
	for (unsigned i = 1; i <= a.len; i++) {
		const unsigned *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
		unsigned *row = rows[i % 3];
		row[0] = i;
		unsigned lowest = i;
		for (unsigned j = 1; j <= b.len; j++) {
			unsigned cost = a.data[i - 1] != b.data[j - 1];
			unsigned d = min_of(above[j - 1] + cost, min_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
				a.data[i - 2] == b.data[j - 1]) {
				d = min_of(d, before[j - 2] + 1);
			}
			row[j] = d;
			lowest = min_of(lowest, d);
		}
		if (lowest > limit) {
			return limit + 1;
		}
	}
	return min_of(rows[a.len % 3][b.len], limit + 1);
}

struct str str_nearest(struct str wanted, const struct str *names, size_t count)
{
	unsigned limit = wanted.len >= 6 ? 2 : 1;
	struct str best = {NULL, 0};
	for (size_t i = 0; i < count; i++) {
		if (str_eq_fold(wanted, names[i])) {
			return names[i];
		}
		unsigned d = str_distance(wanted, names[i], limit);
		if (d <= limit && (best.data == NULL || d < limit)) {
			best = names[i];
			limit = d;
		}
	}
	return best;
}

struct str str_dup(struct str s, struct arena *arena)
{
	if (s.data == NULL) {
		return s;
	}
	char *copy = arena_alloc(arena, s.len + 1, 1);
	memcpy(copy, s.data, s.len);
	copy[s.len] = '\0';
	return (struct str){copy, s.len};
}

struct str str_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	struct strbuf b;
	strbuf_init(&b);
	strbuf_vaddf(&b, format, args);
	va_end(args);
	struct str out = str_dup((struct str){b.len == 0 ? "" : b.data, b.len}, arena);
	strbuf_release(&b);
	return out;
}

/* ---- strbuf ---- */

void strbuf_init(struct strbuf *b)
{
	*b = (struct strbuf){NULL, 0, 0};
}

void strbuf_release(struct strbuf *b)
{
	free(b->data);
	strbuf_init(b);
}

void strbuf_reserve(struct strbuf *b, size_t more)
{
	if (more <= b->capacity - b->len) {
		return;
	}
	check(more <= SIZE_MAX / 4 && b->len <= SIZE_MAX / 4);
	size_t capacity = b->capacity == 0 ? 64 : b->capacity;
	while (capacity < b->len + more) {
		capacity *= 2;
	}
	char *data = realloc(b->data, capacity);
	check(data != NULL); /* out of memory */
	b->data = data;
	b->capacity = capacity;
}

void strbuf_add(struct strbuf *b, struct str s)
{
	if (s.len == 0) {
		return;
	}
	strbuf_reserve(b, s.len);
	memcpy(b->data + b->len, s.data, s.len);
	b->len += s.len;
}

void strbuf_add_c(struct strbuf *b, const char *cstring)
{
	strbuf_add(b, str_c(cstring));
}

void strbuf_add_byte(struct strbuf *b, char c)
{
	strbuf_reserve(b, 1);
	b->data[b->len++] = c;
}

void strbuf_vaddf(struct strbuf *b, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	strbuf_reserve(b, 128);
	size_t room = b->capacity - b->len;
	int wanted = vsnprintf(b->data + b->len, room, format, args);
	check(wanted >= 0);
	if ((size_t)wanted >= room) {
		strbuf_reserve(b, (size_t)wanted + 1);
		vsnprintf(b->data + b->len, (size_t)wanted + 1, format, again);
	}
	va_end(again);
	b->len += (size_t)wanted;
}

void strbuf_addf(struct strbuf *b, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	strbuf_vaddf(b, format, args);
	va_end(args);
}
