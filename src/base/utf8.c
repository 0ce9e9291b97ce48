#include "base/utf8.h"

#include "base/check.h"

static bool continuation(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* How much of the 3-byte sequence at p is malformed, 0 for none. `n` bytes are there. */
static unsigned malformed_3(const unsigned char *p, size_t n)
{
	if (n < 2 || !continuation(p[1]) || (p[0] == 0xE0 && p[1] < 0xA0))
		return 1;
	if (n < 3 || !continuation(p[2]))
		return 2;
	return p[0] == 0xED && p[1] >= 0xA0 ? 3 : 0;
}

static unsigned malformed_4(const unsigned char *p, size_t n)
{
	if (p[0] > 0xF4 || n < 2 || !continuation(p[1]) || (p[0] == 0xF0 && p[1] < 0x90) ||
		(p[0] == 0xF4 && p[1] > 0x8F))
		return 1;
	if (n < 3 || !continuation(p[2]))
		return 2;
	return n < 4 || !continuation(p[3]) ? 3 : 0;
}

unsigned utf8_step(const char *at, const char *end, bool *malformed)
{
	const unsigned char *p = (const unsigned char *)at;
	size_t n = (size_t)(end - at);
	unsigned whole, bad;
	if (p[0] < 0x80) {
		whole = 1;
		bad = 0;
	} else if (p[0] < 0xC2) {
		whole = bad = 1;
	} else if (p[0] < 0xE0) {
		whole = 2;
		bad = n < 2 || !continuation(p[1]) ? 1 : 0;
	} else if (p[0] < 0xF0) {
		whole = 3;
		bad = malformed_3(p, n);
	} else {
		whole = 4;
		bad = malformed_4(p, n);
	}
	*malformed = bad > 0;
	return bad > 0 ? bad : whole;
}

uint32_t utf8_next(struct str s, size_t *at)
{
	check(*at < s.len);
	const unsigned char *p = (const unsigned char *)s.data + *at;
	bool malformed;
	unsigned len = utf8_step(s.data + *at, s.data + s.len, &malformed);
	*at += len;
	if (malformed) {
		return utf8_replacement;
	}
	switch (len) {
	case 1: return p[0];
	case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3fu);
	case 3:
		return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 |
			(p[2] & 0x3fu);
	default:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
			(uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3fu);
	}
}

/* p stands at an ASCII byte. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
	uint64_t word;
	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, 8);
		if ((word & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (p < end && *p < 0x80)
		p++;
	return p;
}

/*
 * Over sequences of two bytes, and of three that cannot be wrong by their second byte: nearly all
 * that is not ASCII. For any other one utf8_step tells.
 */
static const unsigned char *skip_plain(const unsigned char *p, const unsigned char *end)
{
	for (;;) {
		while (end - p >= 2 && p[0] >= 0xC2 && p[0] < 0xE0 && continuation(p[1]))
			p += 2;
		if (end - p < 3 || p[0] <= 0xE0 || p[0] >= 0xED || !continuation(p[1]) ||
			!continuation(p[2]))
			return p;
		p += 3;
	}
}

bool utf8_valid(struct str s)
{
	if (s.len == 0)
		return true; /* its address may be NULL */
	const unsigned char *p = (const unsigned char *)s.data, *end = p + s.len;
	while (p < end) {
		const unsigned char *from = p;
		p = *p < 0x80 ? skip_ascii(p, end) : skip_plain(p, end);
		if (p > from)
			continue;
		bool malformed;
		p += utf8_step((const char *)p, (const char *)end, &malformed);
		if (malformed)
			return false;
	}
	return true;
}

size_t utf8_units(struct str s)
{
	const char *p = s.data, *end = s.data + s.len;
	size_t units = 0;
	while (p < end) {
		bool malformed;
		unsigned len = utf8_step(p, end, &malformed);
		units += !malformed && len == 4 ? 2 : 1;
		p += len;
	}
	return units;
}

unsigned utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

void utf8_add_repaired(struct str s, struct strbuf *out)
{
	if (utf8_valid(s)) {
		strbuf_add(out, s);
		return;
	}
	for (const char *p = s.data, *end = s.data + s.len; p < end;) {
		bool malformed;
		unsigned len = utf8_step(p, end, &malformed);
		strbuf_add(out, malformed ? str_lit("\xef\xbf\xbd") : (struct str){p, len});
		p += len;
	}
}
