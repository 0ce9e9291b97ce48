#include "base/arena.h"
#include "decode/json_scan.h"
#include "base/utf8.h"

static uint32_t hex4(const char *p)
{
	uint32_t value = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];
		value = value << 4 | (c <= '9' ? c - 48u : (c | 0x20u) - 87u);
	}
	return value;
}

/* \uXXXX at p (checked by the scanner), with its low half when it is the high half of a pair. */
static unsigned put_unicode_escape(const char **p, const char *end, char *out)
{
	uint32_t c = hex4(*p + 2);
	*p += 6;
	if (c >= 0xD800 && c < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		uint32_t low = hex4(*p + 2);
		if (low >= 0xDC00 && low < 0xE000) {
			*p += 6;
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		}
	}
	/* Half a pair has no UTF-8; Java writes '?' for it, so Spark's column holds that too. */
	return utf8_put(out, c >= 0xD800 && c < 0xE000 ? '?' : c);
}

static unsigned put_escape(const char **p, const char *end, char *out)
{
	char c = (*p)[1];
	if (c == 'u')
		return put_unicode_escape(p, end, out);
	*p += 2;
	switch (c) {
	case 'b':
		*out = '\b';
		break;
	case 'f':
		*out = '\f';
		break;
	case 'n':
		*out = '\n';
		break;
	case 'r':
		*out = '\r';
		break;
	case 't':
		*out = '\t';
		break;
	default:
		*out = c;
	}
	return 1;
}

struct str json_string_value(const struct json_token *t, struct arena *arena)
{
	bool valid = !t->wide || utf8_valid(t->text);
	if (!t->escaped && valid)
		return t->text;
	/* No escape grows; a malformed byte may become the three of U+FFFD. */
	char *out = arena_alloc(arena, t->text.len * (valid ? 1 : 3), 1);
	size_t len = 0;
	const char *p = t->text.data, *end = p + t->text.len;
	while (p < end) {
		if (*p == '\\') {
			len += put_escape(&p, end, out + len);
			continue;
		}
		bool malformed = false;
		unsigned step = (unsigned char)*p < 0x80 ? 1 : utf8_step(p, end, &malformed);
		if (malformed) {
			len += utf8_put(out + len, 0xFFFD);
		} else {
			memcpy(out + len, p, step);
			len += step;
		}
		p += step;
	}
	return (struct str){out, len};
}
