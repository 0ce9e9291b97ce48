#include "decode/envelope_decimal.h"

#include "data/decimal.h"
#include "data/value.h"
#include "decode/base64.h"
#include "decode/json_path.h"

/* The bytes, at most `max` of them; 0: no base64, or too many. */
static size_t decode(struct str base64, char *bytes, size_t max)
{
	size_t len;
	if (base64.len == 0 || base64.len / 4 * 3 > max + 2)
		return 0;
	if (base64_decode(base64, bytes, &len) != BASE64_OK || len > max)
		return 0;
	return len;
}

bool decimal_from_base64(struct str base64, int128 *out)
{
	char bytes[24];
	size_t len = decode(base64, bytes, 16);
	if (len == 0)
		return false;
	uint128 v = (bytes[0] & 0x80) != 0 ? ~(uint128)0 : 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | (unsigned char)bytes[i];
	*out = (int128)v;
	return true;
}

bool decimal_from_scaled(struct str base64, int64_t scale, int128 *unscaled, unsigned *digits)
{
	const int64_t max = decimal_digits_of_scale_max;
	if (scale > max || !decimal_from_base64(base64, unscaled))
		return false;
	*digits = scale > 0 ? (unsigned)scale : 0;
	if (scale >= 0 || *unscaled == 0)
		return true;
	return scale >= -max &&
		!__builtin_mul_overflow(*unscaled, decimal_pow10((unsigned)-scale), unscaled);
}

bool bits_from_base64(struct str base64, int64_t *out)
{
	char bytes[16];
	uint64_t v = 0;
	if (base64.len == 0) {
		*out = 0;
		return true;
	}
	size_t len = decode(base64, bytes, 8);
	for (size_t i = len; i > 0; i--)
		v = v << 8 | (unsigned char)bytes[i - 1];
	*out = (int64_t)v;
	return len > 0 && v <= INT64_MAX;
}

/* ---- numbers of any size ---- */

/* Divides big-endian bytes by ten in place; the remainder. */
static unsigned divide(unsigned char *bytes, size_t len)
{
	unsigned rest = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned part = rest << 8 | bytes[i];
		bytes[i] = (unsigned char)(part / 10);
		rest = part % 10;
	}
	return rest;
}

static void negate(unsigned char *bytes, size_t len)
{
	unsigned carry = 1;
	for (size_t i = len; i > 0; i--) {
		unsigned v = (unsigned char)~bytes[i - 1] + carry;
		bytes[i - 1] = (unsigned char)v;
		carry = v >> 8;
	}
}

/* Digits from the last on, into a text that is turned round at its end. */
static void reverse(char *text, size_t len)
{
	for (size_t i = 0; i < len / 2; i++) {
		char c = text[i];
		text[i] = text[len - 1 - i];
		text[len - 1 - i] = c;
	}
}

struct str decimal_bytes_text(struct str base64, int64_t scale, struct arena *arena)
{
	char raw[decimal_bytes_max + 8];
	unsigned char *bytes = (unsigned char *)raw;
	size_t len = decode(base64, raw, decimal_bytes_max), n = 0;
	if (len == 0 || scale > decimal_text_scale_max || scale < -decimal_text_scale_max)
		return (struct str){NULL, 0};
	bool negative = (bytes[0] & 0x80) != 0;
	if (negative)
		negate(bytes, len);
	size_t room = len * 3 + (size_t)(scale < 0 ? -scale : scale) + 4;
	char *text = arena_alloc(arena, room, 1);
	for (int64_t i = scale; i < 0; i++)
		text[n++] = '0';
	size_t first = 0, digits = 0;
	while (first < len || (int64_t)digits <= scale) {
		text[n++] = (char)('0' + divide(bytes + first, len - first));
		digits++;
		if (scale > 0 && (int64_t)digits == scale)
			text[n++] = '.';
		while (first < len && bytes[first] == 0)
			first++;
	}
	if (negative)
		text[n++] = '-';
	reverse(text, n);
	return (struct str){text, n};
}

bool decimal_read_variable(struct str object, struct str *base64, int64_t *scale)
{
	struct str name, value, number = {NULL, 0};
	*base64 = (struct str){NULL, 0};
	for (size_t at = 0; json_next(object, &at, &name, &value);) {
		if (str_eq(name, str_lit("scale")))
			number = value;
		else if (str_eq(name, str_lit("value")) && value.len >= 2 && value.data[0] == '"')
			*base64 = str_sub(value, 1, value.len - 2);
	}
	return base64->data != NULL && number.data != NULL && int64_parse(number, scale);
}

/* ---- what a text looks like ---- */

bool decimal_looks_plain(struct str text)
{
	int128 v;
	return decimal_parse(text, 38, 0, &v) != DECIMAL_BAD;
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '+' || c == '/';
}

bool decimal_looks_base64(struct str text)
{
	size_t len = text.len;
	if (len == 0 || len % 4 != 0)
		return false;
	for (size_t pads = 0; pads < 2 && text.data[len - 1] == '='; pads++)
		len--;
	for (size_t i = 0; i < len; i++)
		if (!is_base64(text.data[i]))
			return false;
	return true;
}
