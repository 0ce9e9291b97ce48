#include "decode/json_number.h"

#include "base/bounds.h"

#include <math.h>
#include <stdlib.h>

bool json_number_int64(struct str text, int64_t *out)
{
	bool negative = text.data[0] == '-';
	uint64_t value = 0;
	size_t i = negative ? 1 : 0;
	if (text.len - i > 19)
		return false;
	for (; i < text.len; i++)
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	if (value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return false;
	*out = (int64_t)(negative ? 0 - value : value);
	return true;
}

/*
 * A mantissa of at most 19 digits and a power of ten. False: more digits than that, or an exponent
 * so long that it needs the slow way.
 */
static bool split(struct str text, bool *negative, uint64_t *mantissa, int *exponent)
{
	size_t i = 0, digits = 0;
	int exp10 = 0;
	uint64_t value = 0;
	*negative = text.data[0] == '-';
	if (*negative)
		i++;
	for (bool fraction = false; i < text.len && (text.data[i] | 0x20) != 'e'; i++) {
		if (text.data[i] == '.') {
			fraction = true;
			continue;
		}
		value = value * 10 + (uint64_t)(text.data[i] - '0');
		digits += value > 0;
		exp10 -= fraction;
	}
	if (digits > 19)
		return false;
	if (i < text.len) {
		i++;
		bool minus = text.data[i] == '-';
		if (minus || text.data[i] == '+')
			i++;
		if (text.len - i > 4)
			return false;
		int written = 0;
		for (; i < text.len; i++)
			written = written * 10 + (text.data[i] - '0');
		exp10 += minus ? -written : written;
	}
	*mantissa = value;
	*exponent = exp10;
	return true;
}

/* strtod wants a NUL; a token has at most json_number_bytes_max digits and a few signs. */
static const char *with_nul(struct str text, char *buffer, size_t room)
{
	size_t len = text.len < room ? text.len : room - 1;
	memcpy(buffer, text.data, len);
	buffer[len] = '\0';
	return buffer;
}

static const double pow10_exact[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Clinger: both factors are exact doubles, so that one multiplication or division rounds once. */
double json_number_double(struct str text)
{
	bool negative;
	uint64_t mantissa;
	int exponent;
	if (split(text, &negative, &mantissa, &exponent)) {
		if (mantissa == 0) {
			bool integer = memchr(text.data, '.', text.len) == NULL &&
				memchr(text.data, 'e', text.len) == NULL &&
				memchr(text.data, 'E', text.len) == NULL;
			return negative && !integer ? -0.0 : 0.0;
		}
		if (mantissa <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22) {
			double d = (double)mantissa;
			d = exponent < 0 ? d / pow10_exact[-exponent] : d * pow10_exact[exponent];
			return negative ? -d : d;
		}
	}
	char buffer[json_number_bytes_max + 64];
	return strtod(with_nul(text, buffer, sizeof(buffer)), NULL);
}

float json_number_float(struct str text)
{
	bool negative;
	uint64_t mantissa;
	int exponent;
	if (split(text, &negative, &mantissa, &exponent)) {
		if (mantissa == 0)
			return (float)json_number_double(text);
		if (mantissa <= UINT64_C(1) << 24 && exponent >= -10 && exponent <= 10) {
			float f = (float)mantissa, p = (float)pow10_exact[abs(exponent)];
			f = exponent < 0 ? f / p : f * p;
			return negative ? -f : f;
		}
	}
	char buffer[json_number_bytes_max + 64];
	return strtof(with_nul(text, buffer, sizeof(buffer)), NULL);
}

bool json_number_special(struct str text, double *out)
{
	bool negative = text.len > 0 && text.data[0] == '-';
	bool sign = negative || (text.len > 0 && text.data[0] == '+');
	struct str word = str_sub(text, sign ? 1 : 0, text.len);
	if (str_eq(word, str_lit("NaN")) && !sign)
		*out = (double)NAN;
	else if (str_eq(word, str_lit("Infinity")) || (sign && str_eq(word, str_lit("INF"))))
		*out = negative ? -(double)INFINITY : (double)INFINITY;
	else
		return false;
	return true;
}
