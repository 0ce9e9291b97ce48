#include "base/utf8.h"

#include "base/check.h"

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

static uint32_t broken(size_t *at, size_t bytes)
{
	*at += bytes;
	return utf8_replacement;
}

static uint32_t next_of_three(const unsigned char *p, size_t left, size_t *at)
{
	if (left >= 2 && ((p[0] == 0xe0 && (p[1] & 0xe0) == 0x80) || !is_tail(p[1]))) {
		return broken(at, 1);
	}
	if (left < 3) {
		return broken(at, left); /* cut off: the whole rest is one */
	}
	if (!is_tail(p[2])) {
		return broken(at, 2);
	}
	uint32_t c =
		((uint32_t)(p[0] & 0x0f) << 12) | ((uint32_t)(p[1] & 0x3f) << 6) | (p[2] & 0x3fu);
	*at += 3;
	return c >= 0xd800 && c <= 0xdfff ? utf8_replacement : c;
}

static uint32_t next_of_four(const unsigned char *p, size_t left, size_t *at)
{
	if (p[0] > 0xf4) {
		return broken(at, 1);
	}
	if (left >= 2 &&
		((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ||
			!is_tail(p[1]))) {
		return broken(at, 1);
	}
	if (left >= 3 && !is_tail(p[2])) {
		return broken(at, 2);
	}
	if (left < 4) {
		return broken(at, left);
	}
	if (!is_tail(p[3])) {
		return broken(at, 3);
	}
	*at += 4;
	return ((uint32_t)(p[0] & 0x07) << 18) | ((uint32_t)(p[1] & 0x3f) << 12) |
		((uint32_t)(p[2] & 0x3f) << 6) | (p[3] & 0x3fu);
}

uint32_t utf8_next(struct str s, size_t *at)
{
	check(*at < s.len);
	const unsigned char *p = (const unsigned char *)s.data + *at;
	size_t left = s.len - *at;
	if (p[0] < 0x80) {
		*at += 1;
		return p[0];
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		if (left < 2 || !is_tail(p[1])) {
			return broken(at, 1);
		}
		*at += 2;
		return ((uint32_t)(p[0] & 0x1f) << 6) | (p[1] & 0x3fu);
	}
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		return next_of_three(p, left, at);
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf7) {
		return next_of_four(p, left, at);
	}
	return broken(at, 1);
}

size_t utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | (c >> 6));
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | (c >> 12));
		out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	check(c <= 0x10ffff);
	out[0] = (char)(0xf0 | (c >> 18));
	out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_valid(struct str s)
{
	for (size_t at = 0; at < s.len;) {
		size_t start = at;
		/* A real U+FFFD is three bytes that begin with EF; a replaced surrogate begins with
		 * ED. */
		if (utf8_next(s, &at) == utf8_replacement &&
			(at - start != 3 || (unsigned char)s.data[start] != 0xef)) {
			return false;
		}
	}
	return true;
}
