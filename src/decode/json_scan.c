#include "decode/json_scan.h"

#include "base/bounds.h"
#include "base/utf8.h"

bool json_scan_fail(struct json_scan *s, const char *expected)
{
	s->expected = expected;
	return false;
}

const char *json_string_stop(const char *begin, const char *p, const char *end)
{
	(void)begin;
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
			break;
	}
	return p;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- strings ---- */

static bool scan_escape(struct json_scan *s)
{
	if (s->end - s->at < 2) {
		s->at = s->end;
		return json_scan_fail(s, "the string's end");
	}
	char c = s->at[1];
	if (c == 'u') {
		for (int i = 2; i < 6; i++) {
			if (s->end - s->at <= i || !json_is_hex(s->at[i])) {
				s->at = s->end - s->at <= i ? s->end : s->at + i;
				return json_scan_fail(s, "four hexadecimal digits after \\u");
			}
		}
		s->at += 6;
		return true;
	}
	if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
		if (c != '\'' || s->strict)
			return json_scan_fail(s, "one of \" \\ / b f n r t u after the backslash");
	}
	s->at += 2;
	return true;
}

/* To the closing `quote`, which is left unread; `at` stands after the opening one. */
static bool scan_string_body(struct json_scan *s, char quote, struct json_token *t)
{
	t->escaped = t->wide = false;
	const char *from = s->at;
	for (;;) {
		if (quote == '"')
			s->at = s->string_stop(s->begin, s->at, s->end);
		if (s->at == s->end)
			return json_scan_fail(s, "the string's end");
		unsigned char c = (unsigned char)*s->at;
		if (c == (unsigned char)quote)
			break;
		if (c < 0x20)
			return json_scan_fail(
				s, "an escape: control characters are not allowed in strings");
		if (c == '\\') {
			t->escaped = true;
			if (!scan_escape(s))
				return false;
			continue;
		}
		t->wide |= c >= 0x80;
		s->at++;
	}
	t->text = (struct str){from, (size_t)(s->at - from)};
	if (s->strict && t->wide && !utf8_valid(t->text)) {
		s->at = from;
		return json_scan_fail(s, "valid UTF-8 in the string");
	}
	return true;
}

static bool scan_string(struct json_scan *s, struct json_token *t)
{
	char quote = *s->at++;
	t->kind = JSON_KIND_STRING;
	if (!scan_string_body(s, quote, t))
		return false;
	s->at++;
	return true;
}

static bool opens_string(const struct json_scan *s, char c)
{
	return c == '"' || (c == '\'' && !s->strict);
}

/* Characters after decoding, for Jackson's bounds; only asked for texts long enough to matter. */
static size_t decoded_units(const struct json_token *t)
{
	size_t units = utf8_units(t->text);
	for (size_t i = 0; t->escaped && i < t->text.len; i++) {
		if (t->text.data[i] != '\\')
			continue;
		units -= t->text.data[i + 1] == 'u' ? 5 : 1;
		i++;
	}
	return units;
}

bool json_scan_name(struct json_scan *s, struct json_token *t)
{
	if (!opens_string(s, s->at < s->end ? *s->at : '\0'))
		return json_scan_fail(s, "a field name in double quotes");
	if (!scan_string(s, t))
		return false;
	if (t->text.len > json_name_bytes_max && decoded_units(t) > json_name_bytes_max)
		return json_scan_fail(s, "a field name of at most 50,000 characters");
	if (json_peek(s) != ':')
		return json_scan_fail(s, "':' after the field name");
	s->at++;
	return true;
}

/* ---- numbers ---- */

/* Moves over digits; at least one is wanted. */
static bool scan_digits(struct json_scan *s, size_t *digits)
{
	const char *from = s->at;
	while (s->at < s->end && is_digit(*s->at))
		s->at++;
	*digits += (size_t)(s->at - from);
	return s->at > from || json_scan_fail(s, "a digit");
}

/* NaN, Infinity and what Jackson takes besides: +INF -INF +Infinity -Infinity, but no bare INF. */
static bool scan_special(struct json_scan *s, struct json_token *t)
{
	static const char *const words[] = {
		"NaN", "Infinity", "-Infinity", "+Infinity", "-INF", "+INF"};
	for (size_t i = 0; !s->strict && i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);
		if ((size_t)(s->end - s->at) < len || memcmp(s->at, words[i], len) != 0)
			continue;
		t->kind = JSON_KIND_NUMBER;
		t->special = true;
		t->integer = false;
		t->text = (struct str){s->at, len};
		s->at += len;
		return true;
	}
	return json_scan_fail(s, "a value");
}

static bool scan_number(struct json_scan *s, struct json_token *t)
{
	const char *from = s->at;
	size_t digits = 0;
	if (*s->at == '-')
		s->at++;
	if (s->at < s->end && *s->at == '0') {
		s->at++;
		digits = 1;
		if (s->at < s->end && is_digit(*s->at))
			return json_scan_fail(s, "no digit after a leading zero");
	} else if (s->at < s->end && *s->at == 'I') {
		s->at = from;
		return scan_special(s, t);
	} else if (!scan_digits(s, &digits)) {
		return false;
	}
	t->integer = true;
	if (s->at < s->end && *s->at == '.') {
		t->integer = false;
		s->at++;
		if (!scan_digits(s, &digits))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		t->integer = false;
		s->at++;
		if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
			s->at++;
		if (!scan_digits(s, &digits))
			return false;
	}
	if (digits > json_number_bytes_max) {
		s->at = from;
		return json_scan_fail(s, "a number of at most 1,000 digits");
	}
	t->kind = JSON_KIND_NUMBER;
	t->special = false;
	t->text = (struct str){from, (size_t)(s->at - from)};
	return true;
}

/* ---- values ---- */

static bool scan_word(
	struct json_scan *s, const char *word, enum json_kind kind, struct json_token *t)
{
	size_t len = strlen(word);
	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return json_scan_fail(s, "a value");
	t->kind = kind;
	t->text = (struct str){s->at, len};
	s->at += len;
	return true;
}

/* Anything but an object or array, `c` being its first byte. */
static bool scan_scalar(struct json_scan *s, char c, struct json_token *t)
{
	if (c == '-' || is_digit(c))
		return scan_number(s, t);
	if (opens_string(s, c))
		return scan_string(s, t);
	switch (c) {
	case 't':
		return scan_word(s, "true", JSON_KIND_BOOLEAN, t);
	case 'f':
		return scan_word(s, "false", JSON_KIND_BOOLEAN, t);
	case 'n':
		return scan_word(s, "null", JSON_KIND_NULL, t);
	default:
		return scan_special(s, t);
	}
}

/* Which of the open containers are objects: one bit for each level. */
struct levels {
	uint64_t object[json_depth_max / 64 + 1];
	unsigned depth;
};

static bool push(struct json_scan *s, struct levels *l, bool object)
{
	if (l->depth >= json_depth_max)
		return json_scan_fail(s, "at most 1,000 levels of nesting");
	uint64_t bit = UINT64_C(1) << (l->depth & 63);
	uint64_t *word = &l->object[l->depth / 64];
	*word = object ? *word | bit : *word & ~bit;
	l->depth++;
	s->at++;
	return true;
}

static bool in_object(const struct levels *l)
{
	return (l->object[(l->depth - 1) / 64] >> ((l->depth - 1) & 63)) & 1;
}

/* Closes containers and moves over the comma; leaves `at` before the next name or value. */
static bool scan_separator(struct json_scan *s, struct levels *l, unsigned base)
{
	while (l->depth > base) {
		bool object = in_object(l);
		char c = json_peek(s);
		if (c == ',') {
			s->at++;
			json_skip_space(s);
			return true;
		}
		if (c != (object ? '}' : ']'))
			return json_scan_fail(s, object ? "',' or '}'" : "',' or ']'");
		s->at++;
		l->depth--;
	}
	return true;
}

/* Over a string that nobody wants, from its opening quote. */
static bool skip_string(struct json_scan *s)
{
	struct json_token t;
	if (*s->at == '"') {
		const char *p = s->string_stop(s->begin, s->at + 1, s->end);
		if (p < s->end && *p == '"') {
			s->at = p + 1;
			return true;
		}
	}
	return scan_string(s, &t);
}

/* Over a name and its colon. */
static bool skip_name(struct json_scan *s)
{
	struct json_token t;
	const char *from = s->at;
	if (from < s->end && *from == '"') {
		const char *p = s->string_stop(s->begin, from + 1, s->end);
		if (s->end - p >= 2 && p[0] == '"' && p[1] == ':' &&
			p - from <= json_name_bytes_max) {
			s->at = p + 2;
			return true;
		}
	}
	return json_scan_name(s, &t);
}

/* A value's beginning: all of a scalar, the opening bracket of a container (an empty one whole). */
static bool skip_element(struct json_scan *s, struct levels *l, bool *opened)
{
	struct json_token t;
	char c = json_peek(s);
	*opened = false;
	if (c == '"')
		return skip_string(s);
	if (c != '{' && c != '[')
		return scan_scalar(s, c, &t);
	if (!push(s, l, c == '{'))
		return false;
	*opened = json_peek(s) != (c == '{' ? '}' : ']');
	if (!*opened) {
		s->at++;
		l->depth--;
	}
	return true;
}

static bool scan_container(struct json_scan *s, unsigned base, struct json_token *t)
{
	struct levels l;
	l.depth = base;
	bool opened;
	const char *from = s->at;
	t->kind = *from == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
	do {
		if (l.depth > base && in_object(&l) && !skip_name(s))
			return false;
		if (!skip_element(s, &l, &opened))
			return false;
		if (!opened && !scan_separator(s, &l, base))
			return false;
	} while (l.depth > base);
	t->text = (struct str){from, (size_t)(s->at - from)};
	return true;
}

bool json_scan_value(struct json_scan *s, unsigned depth, struct json_token *t)
{
	char c = json_peek(s);
	if (c == '{' || c == '[')
		return scan_container(s, depth, t);
	return scan_scalar(s, c, t);
}

bool json_validate(struct str text, bool strict, size_t *error_at)
{
	struct json_scan s;
	struct json_token t;
	json_scan_init(&s, text, strict);
	bool good = json_scan_value(&s, 0, &t);
	if (good && (strict || t.kind != JSON_KIND_OBJECT)) {
		json_skip_space(&s);
		good = s.at == s.end;
	}
	*error_at = good ? text.len : (size_t)(s.at - s.begin);
	return good;
}
