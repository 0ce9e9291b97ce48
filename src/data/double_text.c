#include "data/value.h"

#include "base/check.h"

/*
 * Java 17's Double.toString and Float.toString (jdk.internal.math.FloatingDecimal), which Spark's
 * boxes show. It is the algorithm of Steele and White with a symmetric stopping test, so it is not
 * always shortest: 2e23 gives 1.9999999999999998E23. Being equal to it byte for byte means doing
 * what it does, its special cases and its wrapping integers included:
 *
 *	d = B / S * 10^exponent, M = half a unit in the last place, scaled like B
 *	digits are the quotients of B by S until what remains is within M
 *
 * B, S and M are kept in 32, 64 or many bits, whichever suffices.
 */

enum {
	fraction_bits = 52, /* of a double; floats are shifted up to look like one */
	float_fraction_bits = 23,
	digits_max = 24,
	small_exponent_max = 62,
	small_exponent_min = -21,
	limbs_max = 48, /* 1,536 bits; the largest number needed has under 1,200 */
};

struct digits {
	char d[digits_max];
	int count;
	int exponent; /* of the first digit, plus one: 0.d d d * 10^exponent */
};

/* Bits of 5^n. */
static const unsigned char bits_of_5[] = {0, 3, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33,
	35, 38, 40, 42, 45, 47, 49, 52, 54, 56, 59, 61};

static uint64_t pow5(int n)
{
	uint64_t p = 1;
	for (int i = 0; i < n; i++) {
		p *= 5;
	}
	return p;
}

static int bits_of_pow5(int n)
{
	return n < (int)ARRAY_LEN(bits_of_5) ? bits_of_5[n] : n * 3;
}

/* ---- many bits ---- */

struct big {
	int count;
	uint32_t limb[limbs_max]; /* lowest first */
};

static void big_mul(struct big *b, uint32_t factor)
{
	uint64_t carry = 0;
	for (int i = 0; i < b->count; i++) {
		carry += (uint64_t)b->limb[i] * factor;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry != 0) {
		check(b->count < limbs_max);
		b->limb[b->count++] = (uint32_t)carry;
	}
}

static void big_shift(struct big *b, int bits)
{
	int limbs = bits / 32, rest = bits % 32;
	check(bits >= 0 && b->count + limbs + 1 <= limbs_max);
	if (b->count == 0) {
		return;
	}
	b->limb[b->count] = 0;
	for (int i = b->count; i >= 0; i--) {
		uint32_t high = b->limb[i] << rest;
		uint32_t low = i > 0 && rest > 0 ? b->limb[i - 1] >> (32 - rest) : 0;
		b->limb[i + limbs] = high | low;
	}
	memset(b->limb, 0, sizeof b->limb[0] * (size_t)limbs);
	b->count += limbs + 1;
	while (b->count > 0 && b->limb[b->count - 1] == 0) {
		b->count--;
	}
}

static void big_set(struct big *b, uint64_t value, int fives, int twos)
{
	b->count = 0;
	for (; value != 0; value >>= 32) {
		b->limb[b->count++] = (uint32_t)value;
	}
	for (; fives >= 13; fives -= 13) {
		big_mul(b, 1220703125u); /* 5^13 */
	}
	big_mul(b, (uint32_t)pow5(fives));
	big_shift(b, twos);
}

static int big_cmp(const struct big *a, const struct big *b)
{
	if (a->count != b->count) {
		return a->count > b->count ? 1 : -1;
	}
	for (int i = a->count - 1; i >= 0; i--) {
		if (a->limb[i] != b->limb[i]) {
			return a->limb[i] > b->limb[i] ? 1 : -1;
		}
	}
	return 0;
}

static void big_sub(struct big *a, const struct big *b)
{
	int64_t borrow = 0;
	for (int i = 0; i < a->count; i++) {
		int64_t d = (int64_t)a->limb[i] - (i < b->count ? (int64_t)b->limb[i] : 0) + borrow;
		a->limb[i] = (uint32_t)d;
		borrow = d < 0 ? -1 : 0;
	}
	while (a->count > 0 && a->limb[a->count - 1] == 0) {
		a->count--;
	}
}

static void big_add(struct big *a, const struct big *b)
{
	uint64_t carry = 0;
	int count = a->count > b->count ? a->count : b->count;
	for (int i = 0; i < count; i++) {
		carry +=
			(uint64_t)(i < a->count ? a->limb[i] : 0) + (i < b->count ? b->limb[i] : 0);
		a->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	a->count = count;
	if (carry != 0) {
		check(a->count < limbs_max);
		a->limb[a->count++] = (uint32_t)carry;
	}
}

/* q = b / s, a single digit; b = 10 * (b mod s). */
static int big_digit(struct big *b, const struct big *s)
{
	int q = 0;
	while (big_cmp(b, s) >= 0) {
		big_sub(b, s);
		q++;
	}
	check(q < 10);
	big_mul(b, 10);
	return q;
}

static bool sum_reaches(const struct big *b, const struct big *m, const struct big *tens)
{
	struct big sum = *b;
	big_add(&sum, m);
	return big_cmp(tens, &sum) <= 0;
}

/* ---- digits ---- */

/* What the three widths have in common: the powers of B, S and M. */
struct scaled {
	uint64_t fraction; /* odd */
	int b5, b2, s5, s2, m5, m2;
	int exponent; /* estimate of the decimal exponent; may be one too high */
};

static void round_up(struct digits *out)
{
	int i = out->count - 1;
	while (out->d[i] == '9' && i > 0) {
		out->d[i--] = '0';
	}
	if (out->d[i] == '9') {
		out->exponent++;
		out->d[0] = '1';
		return;
	}
	out->d[i]++;
}

static void round_last(struct digits *out, bool low, bool high, int64_t difference)
{
	bool odd = (out->d[out->count - 1] & 1) != 0;
	if (high && (!low || difference > 0 || (difference == 0 && odd))) {
		round_up(out);
	}
}

static void add_digit(struct digits *out, int digit)
{
	check(out->count < digits_max);
	out->d[out->count++] = (char)('0' + digit);
}

/* E-form shows at least two digits, so there the first one never ends the loop. */
static bool is_e_form(int exponent)
{
	return exponent < -3 || exponent >= 8;
}

/* Java's ints wrap; so do these. */
static void digits_in_32(const struct scaled *v, struct digits *out)
{
	int32_t b = (int32_t)((uint32_t)v->fraction * (uint32_t)pow5(v->b5) << v->b2);
	int32_t s = (int32_t)((uint32_t)pow5(v->s5) << v->s2);
	int32_t m = (int32_t)((uint32_t)pow5(v->m5) << v->m2);
	int32_t tens = (int32_t)((uint32_t)s * 10u);
	int exponent = v->exponent;
	int q = b / s;
	b = (int32_t)(10u * (uint32_t)(b % s));
	m = (int32_t)((uint32_t)m * 10u);
	bool low = b<m, high = (int32_t)((uint32_t)b + (uint32_t)m)> tens;
	if (q == 0 && !high) {
		exponent--;
	} else {
		add_digit(out, q);
	}
	if (is_e_form(exponent)) {
		low = high = false;
	}
	while (!low && !high) {
		q = b / s;
		b = (int32_t)(10u * (uint32_t)(b % s));
		m = (int32_t)((uint32_t)m * 10u);
		low = m <= 0 || b < m;
		high = m <= 0 || (int32_t)((uint32_t)b + (uint32_t)m) > tens;
		add_digit(out, q);
	}
	out->exponent = exponent + 1;
	round_last(out, low, high, (int32_t)(((uint32_t)b << 1) - (uint32_t)tens));
}

static void digits_in_64(const struct scaled *v, struct digits *out)
{
	int64_t b = (int64_t)(v->fraction * pow5(v->b5) << v->b2);
	int64_t s = (int64_t)(pow5(v->s5) << v->s2);
	int64_t m = (int64_t)(pow5(v->m5) << v->m2);
	int64_t tens = (int64_t)((uint64_t)s * 10u);
	int exponent = v->exponent;
	int q = (int)(b / s);
	b = (int64_t)(10u * (uint64_t)(b % s));
	m = (int64_t)((uint64_t)m * 10u);
	bool low = b<m, high = (int64_t)((uint64_t)b + (uint64_t)m)> tens;
	if (q == 0 && !high) {
		exponent--;
	} else {
		add_digit(out, q);
	}
	if (is_e_form(exponent)) {
		low = high = false;
	}
	while (!low && !high) {
		q = (int)(b / s);
		b = (int64_t)(10u * (uint64_t)(b % s));
		m = (int64_t)((uint64_t)m * 10u);
		low = m <= 0 || b < m;
		high = m <= 0 || (int64_t)((uint64_t)b + (uint64_t)m) > tens;
		add_digit(out, q);
	}
	out->exponent = exponent + 1;
	round_last(out, low, high, (int64_t)(((uint64_t)b << 1) - (uint64_t)tens));
}

static void digits_in_many(const struct scaled *v, struct digits *out)
{
	struct big b, s, m, tens;
	big_set(&s, 1, v->s5, v->s2);
	big_set(&b, v->fraction, v->b5, v->b2);
	big_set(&m, 1, v->m5 + 1, v->m2 + 1);
	big_set(&tens, 1, v->s5 + 1, v->s2 + 1);
	int exponent = v->exponent;
	int q = big_digit(&b, &s);
	bool low = big_cmp(&b, &m) < 0, high = sum_reaches(&b, &m, &tens);
	if (q == 0 && !high) {
		exponent--;
	} else {
		add_digit(out, q);
	}
	if (is_e_form(exponent)) {
		low = high = false;
	}
	while (!low && !high) {
		q = big_digit(&b, &s);
		big_mul(&m, 10);
		low = big_cmp(&b, &m) < 0;
		high = sum_reaches(&b, &m, &tens);
		add_digit(out, q);
	}
	out->exponent = exponent + 1;
	int64_t difference = 0;
	if (high && low) {
		big_shift(&b, 1);
		difference = big_cmp(&b, &tens);
	}
	round_last(out, low, high, difference);
}

/* Digits of a whole number, the last `insignificant` of them rounded away; zeros at the end are
 * dropped. */
static void digits_of_whole(uint64_t n, int insignificant, struct digits *out)
{
	int dropped = insignificant;
	if (insignificant != 0) {
		uint64_t unit = pow5(insignificant) << insignificant;
		uint64_t rest = n % unit;
		n = n / unit + (rest >= unit >> 1 ? 1 : 0);
	}
	while (n % 10 == 0) {
		n /= 10;
		dropped++;
	}
	char reversed[digits_max];
	int count = 0;
	for (; n != 0; n /= 10) {
		reversed[count++] = (char)('0' + n % 10);
	}
	for (int i = 0; i < count; i++) {
		out->d[i] = reversed[count - 1 - i];
	}
	out->count = count;
	out->exponent = count + dropped;
}

/* Decimal digits below the last significant bit of 2^p: floor((p - 1) * log10(2)), as Java's table
 * has it. */
static int insignificant_digits(int p)
{
	static const signed char digits[64] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5,
		5, 5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12,
		12, 13, 13, 13, 14, 14, 14, 15, 15, 15, 15, 16, 16, 16, 17, 17, 17, 18, 18, 18, 19};
	return p > 1 && p < 64 ? digits[p] : 0;
}

/* floor of Java's estimate of log10(d); volatile keeps the products apart (a fused one rounds
 * differently). */
static int estimate_exponent(uint64_t fraction, int binary_exponent)
{
	uint64_t bits =
		UINT64_C(0x3ff0000000000000) | (fraction & ((UINT64_C(1) << fraction_bits) - 1));
	double d2;
	memcpy(&d2, &bits, sizeof d2);
	volatile double a = (d2 - 1.5) * 0.289529654;
	volatile double b = (double)binary_exponent * 0.301029995663981;
	volatile double sum = a + 0.176091259;
	double d = sum + b;
	int floor = (int)d;
	return (double)floor > d ? floor - 1 : floor;
}

/* `fraction` has bit 52 set; `significant` bits of it are the number's own. */
static void find_digits(uint64_t fraction, int binary_exponent, int significant, struct digits *out)
{
	int zeros = __builtin_ctzll(fraction);
	int used = fraction_bits + 1 - zeros;
	int tiny = used - binary_exponent - 1 > 0 ? used - binary_exponent - 1 : 0;
	out->count = 0;
	if (binary_exponent <= small_exponent_max && binary_exponent >= small_exponent_min &&
		tiny == 0) {
		int insignificant = binary_exponent > significant
			? insignificant_digits(binary_exponent - significant - 1)
			: 0;
		uint64_t whole = binary_exponent >= fraction_bits
			? fraction << (binary_exponent - fraction_bits)
			: fraction >> (fraction_bits - binary_exponent);
		digits_of_whole(whole, insignificant, out);
		return;
	}
	int exponent = estimate_exponent(fraction, binary_exponent);
	struct scaled v = {.exponent = exponent, .fraction = fraction >> zeros};
	v.b5 = exponent < 0 ? -exponent : 0;
	v.b2 = v.b5 + tiny + binary_exponent;
	v.s5 = exponent > 0 ? exponent : 0;
	v.s2 = v.s5 + tiny;
	v.m5 = v.b5;
	v.m2 = v.b2 - significant;
	v.b2 -= used - 1;
	int common = v.b2 < v.s2 ? v.b2 : v.s2;
	v.b2 -= common;
	v.s2 -= common;
	v.m2 -= common;
	if (used == 1) {
		v.m2 -= 1; /* below a power of two the neighbour is half as far */
	}
	if (v.m2 < 0) {
		v.b2 -= v.m2;
		v.s2 -= v.m2;
		v.m2 = 0;
	}
	int b_bits = used + v.b2 + bits_of_pow5(v.b5);
	int tens_bits = v.s2 + 1 + bits_of_pow5(v.s5 + 1);
	if (b_bits < 32 && tens_bits < 32) {
		digits_in_32(&v, out);
	} else if (b_bits < 64 && tens_bits < 64) {
		digits_in_64(&v, out);
	} else {
		digits_in_many(&v, out);
	}
}

/* ---- layout ---- */

static size_t put_exponent(int e, char *out)
{
	size_t n = 0;
	out[n++] = 'E';
	if (e < 0) {
		out[n++] = '-';
		e = -e;
	}
	if (e >= 100) {
		out[n++] = (char)('0' + e / 100);
	}
	if (e >= 10) {
		out[n++] = (char)('0' + e / 10 % 10);
	}
	out[n++] = (char)('0' + e % 10);
	return n;
}

static size_t lay_out(const struct digits *v, bool negative, char out[32])
{
	size_t n = 0;
	if (negative) {
		out[n++] = '-';
	}
	if (v->exponent > 0 && v->exponent < 8) {
		for (int i = 0; i < v->exponent; i++) {
			out[n++] = i < v->count ? v->d[i] : '0';
		}
		out[n++] = '.';
		if (v->count <= v->exponent) {
			out[n++] = '0';
		}
		for (int i = v->exponent; i < v->count; i++) {
			out[n++] = v->d[i];
		}
		return n;
	}
	if (v->exponent <= 0 && v->exponent > -3) {
		out[n++] = '0';
		out[n++] = '.';
		for (int i = v->exponent; i < 0; i++) {
			out[n++] = '0';
		}
		memcpy(out + n, v->d, (size_t)v->count);
		return n + (size_t)v->count;
	}
	out[n++] = v->d[0];
	out[n++] = '.';
	if (v->count == 1) {
		out[n++] = '0';
	}
	memcpy(out + n, v->d + 1, (size_t)v->count - 1);
	n += (size_t)v->count - 1;
	return n + put_exponent(v->exponent - 1, out + n);
}

static size_t put_word(const char *word, bool negative, char out[32])
{
	size_t len = strlen(word);
	out[0] = '-';
	memcpy(out + (negative ? 1 : 0), word, len);
	return len + (negative ? 1 : 0);
}

size_t double_text(double d, char out[32])
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof bits);
	bool negative = (bits >> 63) != 0;
	int exponent = (int)(bits >> fraction_bits & 0x7ff);
	uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
	int significant = fraction_bits + 1;
	if (exponent == 0x7ff) {
		return fraction != 0 ? put_word("NaN", false, out)
				     : put_word("Infinity", negative, out);
	}
	if (exponent == 0 && fraction == 0) {
		return put_word("0.0", negative, out);
	}
	if (exponent == 0) {
		int shift = __builtin_clzll(fraction) - (63 - fraction_bits);
		fraction <<= shift;
		exponent = 1 - shift;
		significant = fraction_bits + 1 - shift;
	} else {
		fraction |= UINT64_C(1) << fraction_bits;
	}
	struct digits digits;
	find_digits(fraction, exponent - 1023, significant, &digits);
	return lay_out(&digits, negative, out);
}

size_t float_text(float f, char out[32])
{
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	bool negative = (bits >> 31) != 0;
	int exponent = (int)(bits >> float_fraction_bits & 0xff);
	uint32_t fraction = bits & ((1u << float_fraction_bits) - 1);
	int significant = float_fraction_bits + 1;
	if (exponent == 0xff) {
		return fraction != 0 ? put_word("NaN", false, out)
				     : put_word("Infinity", negative, out);
	}
	if (exponent == 0 && fraction == 0) {
		return put_word("0.0", negative, out);
	}
	if (exponent == 0) {
		int shift = __builtin_clz(fraction) - (31 - float_fraction_bits);
		fraction <<= shift;
		exponent = 1 - shift;
		significant = float_fraction_bits + 1 - shift;
	} else {
		fraction |= 1u << float_fraction_bits;
	}
	struct digits digits;
	find_digits((uint64_t)fraction << (fraction_bits - float_fraction_bits), exponent - 127,
		significant, &digits);
	return lay_out(&digits, negative, out);
}
