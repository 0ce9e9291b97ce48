#include "data/value.h"

#include "base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Exactly rounded. Most numbers take Clinger's fast path (a mantissa below 2^53 and a power of ten
 * that a double holds exactly: one multiplication or division is correctly rounded). The others are
 * written anew as digits and exponent, without the radix character that libc looks up in the
 * locale, and go through strtod.
 */

enum { significant_digits_max = 800, exponent_max = 100000 }; /* 768 digits decide any double */

struct decimal_number {
	bool negative;
	uint64_t mantissa; /* the first 19 significant digits */
	int64_t exponent;  /* of the mantissa */
	struct str digits; /* as written, with the point */
	int64_t written_exponent;
	bool exact; /* no digit beyond the mantissa was non-zero */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [+-] digits [. digits] [e [+-] digits]; true when that is all of s. */
static bool scan(struct str s, struct decimal_number *n)
{
	*n = (struct decimal_number){.exact = true};
	size_t i = 0;
	if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) {
		n->negative = s.data[i++] == '-';
	}
	size_t start = i, digits = 0, significant = 0;
	bool point = false;
	for (; i < s.len && (is_digit(s.data[i]) || (s.data[i] == '.' && !point)); i++) {
		if (s.data[i] == '.') {
			point = true;
			continue;
		}
		digits++;
		if (significant == 0 && s.data[i] == '0') {
			n->exponent -= point ? 1 : 0;
		} else if (significant < 19) {
			significant++;
			n->mantissa = n->mantissa * 10 + (uint64_t)(s.data[i] - '0');
			n->exponent -= point ? 1 : 0;
		} else {
			n->exact = n->exact && s.data[i] == '0';
			n->exponent += point ? 0 : 1;
		}
	}
	n->digits = str_sub(s, start, i - start);
	if (digits == 0) {
		return false;
	}
	if (i < s.len && (s.data[i] == 'e' || s.data[i] == 'E')) {
		i++;
		bool negative = false;
		if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) {
			negative = s.data[i++] == '-';
		}
		size_t first = i;
		int64_t e = 0;
		for (; i < s.len && is_digit(s.data[i]); i++) {
			e = e < exponent_max ? e * 10 + (s.data[i] - '0') : e;
		}
		if (i == first) {
			return false;
		}
		n->written_exponent = negative ? -e : e;
		n->exponent += n->written_exponent;
	}
	return i == s.len;
}

static const double powers_of_ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool fast(const struct decimal_number *n, double *out)
{
	if (!n->exact || n->mantissa > UINT64_C(1) << 53 || n->exponent < -22 || n->exponent > 22) {
		return false;
	}
	double m = (double)n->mantissa;
	m = n->exponent < 0 ? m / powers_of_ten[-n->exponent] : m * powers_of_ten[n->exponent];
	*out = n->negative ? -m : m;
	return true;
}

/*
 * Digits without point and an exponent, NUL-terminated. Digits beyond those that can decide are
 * summed up in one 1, which keeps the number on its side of every halfway point.
 */
static void rewrite(const struct decimal_number *n, char out[significant_digits_max + 48])
{
	size_t len = 0;
	int64_t exponent = n->written_exponent;
	bool point = false, more = false;
	out[len++] = n->negative ? '-' : '+';
	for (size_t i = 0; i < n->digits.len; i++) {
		char c = n->digits.data[i];
		if (c == '.') {
			point = true;
		} else if (len == 1 && c == '0') {
			exponent -= point ? 1 : 0;
		} else if (len <= significant_digits_max) {
			out[len++] = c;
			exponent -= point ? 1 : 0;
		} else {
			more = more || c != '0';
			exponent += point ? 0 : 1;
		}
	}
	if (len == 1) {
		out[len++] = '0';
	}
	if (more) {
		out[len++] = '1';
		exponent--;
	}
	snprintf(out + len, 32, "e%lld", (long long)exponent);
}

/* Java's words, in any case, and "inf" with them: Spark's cast knows these besides numbers. */
static bool parse_word(struct str s, double *out)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	struct str word = s;
	if (s.len > 0 && (s.data[0] == '-' || s.data[0] == '+')) {
		word = str_sub(s, 1, s.len);
	}
	if (str_eq_fold(word, str_lit("inf")) || str_eq_fold(word, str_lit("infinity"))) {
		*out = negative ? -HUGE_VAL : HUGE_VAL;
		return true;
	}
	if (str_eq_fold(s, str_lit("nan"))) {
		*out = (double)NAN;
		return true;
	}
	return false;
}

/* Java's parseDouble takes a type letter after the number. */
static struct str without_suffix(struct str s)
{
	char last = s.len > 1 ? s.data[s.len - 1] : '\0';
	bool suffix = last == 'd' || last == 'D' || last == 'f' || last == 'F';
	if (suffix && (is_digit(s.data[s.len - 2]) || s.data[s.len - 2] == '.')) {
		s.len--;
	}
	return s;
}

bool double_parse(struct str s, double *out)
{
	s = str_trim(s);
	struct decimal_number n;
	if (!scan(s, &n) && !scan(without_suffix(s), &n)) {
		return parse_word(s, out);
	}
	if (!fast(&n, out)) {
		char text[significant_digits_max + 48];
		rewrite(&n, text);
		*out = strtod(text, NULL);
	}
	return true;
}

bool float_parse(struct str s, float *out)
{
	s = str_trim(s);
	struct decimal_number n;
	if (!scan(s, &n) && !scan(without_suffix(s), &n)) {
		double word;
		bool found = parse_word(s, &word);
		*out = found ? (float)word : 0.0f;
		return found;
	}
	/* Not by way of a double: rounding twice may give a neighbour. */
	if (n.exact && n.mantissa <= 1u << 24 && n.exponent >= -10 && n.exponent <= 10) {
		float m = (float)n.mantissa;
		float power = (float)powers_of_ten[n.exponent < 0 ? -n.exponent : n.exponent];
		m = n.exponent < 0 ? m / power : m * power;
		*out = n.negative ? -m : m;
		return true;
	}
	char text[significant_digits_max + 48];
	rewrite(&n, text);
	*out = strtof(text, NULL);
	return true;
}
