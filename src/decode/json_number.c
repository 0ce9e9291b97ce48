#include "decode/json_number.h"

#include "base/check.h"
#include "data/value.h"

#include <math.h>

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
		digits += digits > 0 || value > 0; /* 20 digits may wrap to 0 */
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

double json_number_double(struct str text)
{
	bool negative;
	uint64_t mantissa;
	int exponent;
	if (!split(text, &negative, &mantissa, &exponent)) {
		double d = 0;
		check(double_parse(text, &d));
		return d;
	}
	if (mantissa == 0) {
		bool integer = memchr(text.data, '.', text.len) == NULL &&
			memchr(text.data, 'e', text.len) == NULL &&
			memchr(text.data, 'E', text.len) == NULL;
		return negative && !integer ? -0.0 : 0.0;
	}
	return double_from_parts(negative, mantissa, exponent);
}

/* An integer beyond int64 goes through a double in Jackson, and so is rounded twice. */
static bool is_huge_integer(struct str text)
{
	int64_t small;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '.' || (text.data[i] | 0x20) == 'e')
			return false;
	return !json_number_int64(text, &small);
}

float json_number_float(struct str text)
{
	bool negative;
	uint64_t mantissa;
	int exponent;
	if (is_huge_integer(text))
		return (float)json_number_double(text);
	if (!split(text, &negative, &mantissa, &exponent)) {
		float f = 0;
		check(float_parse(text, &f));
		return f;
	}
	return mantissa == 0 ? (float)json_number_double(text)
			     : float_from_parts(negative, mantissa, exponent);
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
