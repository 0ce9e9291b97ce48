#include "decode/base64.h"

enum { PAD = -2, NOT_IN_ALPHABET = -1 };

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return c == '=' ? PAD : NOT_IN_ALPHABET;
}

/* The group of four at p; writes its bytes at out. */
static enum base64_result decode_group(const char *p, size_t n, char *out, size_t *len)
{
	int a = digit_of(p[0]);
	if (a < 0)
		return BASE64_BAD;
	if (n < 2)
		return BASE64_CUT;
	int b = digit_of(p[1]);
	if (b < 0 || n < 3)
		return BASE64_BAD;
	int c = digit_of(p[2]);
	if (c == NOT_IN_ALPHABET)
		return BASE64_BAD;
	if (n < 4)
		return c == PAD ? BASE64_CUT : BASE64_BAD;
	int d = digit_of(p[3]);
	if (d == NOT_IN_ALPHABET || (c == PAD && d != PAD))
		return BASE64_BAD;
	out[(*len)++] = (char)(a << 2 | b >> 4);
	if (c != PAD)
		out[(*len)++] = (char)((b & 15) << 4 | c >> 2);
	if (d != PAD)
		out[(*len)++] = (char)((c & 3) << 6 | d);
	return BASE64_OK;
}

enum base64_result base64_decode(struct str text, char *out, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len;) {
		if ((unsigned char)text.data[i] <= ' ') {
			i++;
			continue;
		}
		enum base64_result result = decode_group(text.data + i, text.len - i, out, len);
		if (result != BASE64_OK)
			return result;
		i += 4;
	}
	return BASE64_OK;
}

static char standard_of(char c)
{
	return (char)(c == '-' ? '+' : c == '_' ? '/' : c == '+' || c == '/' ? '\0' : c);
}

enum base64_result base64_decode_url(struct str text, char *out, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len; i += 4) {
		char group[4] = {'=', '=', '=', '='};
		for (size_t j = 0; j < 4 && i + j < text.len; j++)
			group[j] = standard_of(text.data[i + j]);
		if (*len < i / 4 * 3) /* behind one with padding */
			return BASE64_BAD;
		enum base64_result result = decode_group(group, 4, out, len);
		if (result != BASE64_OK)
			return result;
	}
	return BASE64_OK;
}
