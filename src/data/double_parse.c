#include "data/value.h"

#include "data/pow5_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Exactly rounded, in three ways, each slower and more general than the one before:
 *
 *	a mantissa below 2^53 and a power of ten that a double holds exactly: one multiplication or
 *	division is correctly rounded (Clinger)
 *
 *	a mantissa of 19 digits: the product with the first 128 bits of the power of five is enough
 *	to round (Eisel and Lemire; Mushtak and Lemire proved that no number needs more). With more
 *	digits it is when both neighbours, the mantissa and the next, give the same
 *
 *	any other: strtod, on digits and exponent without the radix character that libc looks up in
 *	the locale
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

/* A binary format: bits of its fraction, bias of its exponent, powers of ten that can matter. */
struct binary {
	int fraction_bits;
	int bias;
	int exponent_all_ones;
	int least, most;	 /* below: zero; above: infinite */
	int tie_least, tie_most; /* where a product can lie exactly between two numbers */
};

static const struct binary binary64 = {52, 1023, 0x7ff, pow5_least, pow5_most, -4, 23};
static const struct binary binary32 = {23, 127, 0xff, -65, 38, -17, 10};

/* The first 128 bits of w * 5^q, as many as the fraction needs. */
static uint128 multiply(uint64_t w, int q, int fraction_bits)
{
	const uint64_t *power = pow5_table[q - pow5_least];
	uint128 product = (uint128)w * power[0];
	uint64_t mask = UINT64_MAX >> (fraction_bits + 3);
	if (((uint64_t)(product >> 64) & mask) == mask) { /* a carry from below could reach them */
		product += (uint128)w * power[1] >> 64;
	}
	return product;
}

/* mantissa * 10^q as bits of the format, without sign; mantissa is not 0. */
static uint64_t round_to(const struct binary *f, uint64_t mantissa, int64_t q)
{
	uint64_t infinite = (uint64_t)f->exponent_all_ones << f->fraction_bits;
	if (q < f->least || q > f->most) {
		return q < f->least ? 0 : infinite;
	}
	int zeros = __builtin_clzll(mantissa);
	uint128 product = multiply(mantissa << zeros, (int)q, f->fraction_bits);
	uint64_t high = (uint64_t)(product >> 64);
	int top = (int)(high >> 63), shift = top + 64 - f->fraction_bits - 3;
	uint64_t fraction = high >> shift;
	int exponent =
		(int)((217706 * q) >> 16) + 63 + top - zeros + f->bias; /* log2(10) * 65536 */
	if (exponent <= 0) {
		if (exponent <= -63) {
			return 0;
		}
		fraction >>= 1 - exponent;
		return (fraction + (fraction & 1)) >>
			1; /* may have become the least normal number */
	}
	if ((uint64_t)product <= 1 && q >= f->tie_least && q <= f->tie_most &&
		(fraction & 3) == 1 && fraction << shift == high) {
		fraction &= ~UINT64_C(1); /* exactly between two: to the even one */
	}
	fraction = (fraction + (fraction & 1)) >> 1;
	if (fraction >> (f->fraction_bits + 1) != 0) {
		fraction >>= 1;
		exponent++;
	}
	if (exponent >= f->exponent_all_ones) {
		return infinite;
	}
	fraction &= ~(UINT64_C(1) << f->fraction_bits);
	return (uint64_t)exponent << f->fraction_bits | fraction;
}

double double_from_parts(bool negative, uint64_t mantissa, int64_t exponent)
{
	double d = 0;
	if (mantissa <= UINT64_C(1) << 53 && exponent >= -22 && exponent <= 22) {
		d = (double)mantissa;
		d = exponent < 0 ? d / powers_of_ten[-exponent] : d * powers_of_ten[exponent];
	} else if (mantissa != 0) {
		uint64_t bits = round_to(&binary64, mantissa, exponent);
		memcpy(&d, &bits, sizeof d);
	}
	return negative ? -d : d;
}

float float_from_parts(bool negative, uint64_t mantissa, int64_t exponent)
{
	float f = 0;
	if (mantissa != 0) {
		uint32_t bits = (uint32_t)round_to(&binary32, mantissa, exponent);
		memcpy(&f, &bits, sizeof f);
	}
	return negative ? -f : f;
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
	*out = double_from_parts(n.negative, n.mantissa, n.exponent);
	if (!n.exact && *out != double_from_parts(n.negative, n.mantissa + 1, n.exponent)) {
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
	*out = float_from_parts(n.negative, n.mantissa, n.exponent);
	if (!n.exact && *out != float_from_parts(n.negative, n.mantissa + 1, n.exponent)) {
		char text[significant_digits_max + 48];
		rewrite(&n, text);
		*out = strtof(text, NULL);
	}
	return true;
}
