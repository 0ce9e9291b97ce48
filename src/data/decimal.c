#include "data/decimal.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/value.h"

enum { scale_kept_min = 6 }; /* Spark gives up fraction digits for whole ones, but keeps these */

static uint128 magnitude(int128 v)
{
	return v < 0 ? -(uint128)v : (uint128)v;
}

/* The largest that a literal can say. */
#define E19 ((uint128)10000000000000000000u)

static const uint128 powers[decimal_digits_max + 1] = {
	1u,
	10u,
	100u,
	1000u,
	10000u,
	100000u,
	1000000u,
	10000000u,
	100000000u,
	1000000000u,
	10000000000u,
	100000000000u,
	1000000000000u,
	10000000000000u,
	100000000000000u,
	1000000000000000u,
	10000000000000000u,
	100000000000000000u,
	1000000000000000000u,
	10000000000000000000u,
	E19 * 10u,
	E19 * 100u,
	E19 * 1000u,
	E19 * 10000u,
	E19 * 100000u,
	E19 * 1000000u,
	E19 * 10000000u,
	E19 * 100000000u,
	E19 * 1000000000u,
	E19 * 10000000000u,
	E19 * 100000000000u,
	E19 * 1000000000000u,
	E19 * 10000000000000u,
	E19 * 100000000000000u,
	E19 * 1000000000000000u,
	E19 * 10000000000000000u,
	E19 * 100000000000000000u,
	E19 * 1000000000000000000u,
	E19 * 10000000000000000000u,
};

#undef E19

int128 decimal_pow10(unsigned digits)
{
	check(digits <= decimal_digits_max);
	return (int128)powers[digits];
}

bool decimal_fits(int128 unscaled, unsigned precision)
{
	return magnitude(unscaled) < (uint128)decimal_pow10(precision);
}

/* ---- 256 bits: what a product of two 38-digit numbers needs ---- */

struct u256 {
	uint128 high;
	uint128 low;
};

static struct u256 u256_mul(uint128 a, uint128 b)
{
	uint128 a0 = (uint64_t)a, a1 = a >> 64, b0 = (uint64_t)b, b1 = b >> 64;
	uint128 low = a0 * b0, middle = a0 * b1, other = a1 * b0;
	uint128 carry = (low >> 64) + (uint64_t)middle + (uint64_t)other;
	return (struct u256){
		.high = a1 * b1 + (middle >> 64) + (other >> 64) + (carry >> 64),
		.low = carry << 64 | (uint64_t)low,
	};
}

static int u256_cmp(struct u256 a, struct u256 b)
{
	if (a.high != b.high) {
		return a.high > b.high ? 1 : -1;
	}
	return (a.low > b.low) - (a.low < b.low);
}

static struct u256 u256_add(struct u256 a, struct u256 b)
{
	uint128 low = a.low + b.low;
	return (struct u256){a.high + b.high + (low < a.low ? 1 : 0), low};
}

static struct u256 u256_sub(struct u256 a, struct u256 b)
{
	return (struct u256){a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low};
}

/* a / b by a small divisor, a machine word at a time. */
static struct u256 u256_div_word(struct u256 a, uint64_t b, uint64_t *rest)
{
	uint64_t words[4] = {(uint64_t)(a.high >> 64), (uint64_t)a.high, (uint64_t)(a.low >> 64),
		(uint64_t)a.low};
	uint128 r = 0;
	for (int i = 0; i < 4; i++) {
		r = r << 64 | words[i];
		words[i] = (uint64_t)(r / b);
		r %= b;
	}
	*rest = (uint64_t)r;
	return (struct u256){
		(uint128)words[0] << 64 | words[1], (uint128)words[2] << 64 | words[3]};
}

/* Bit by bit; only numbers that do not fit 128 bits come here. */
static struct u256 u256_div(struct u256 a, struct u256 b, struct u256 *rest)
{
	struct u256 q = {0, 0}, r = {0, 0};
	if (a.high == 0 && b.high == 0) {
		*rest = (struct u256){0, a.low % b.low};
		return (struct u256){0, a.low / b.low};
	}
	for (int bit = 255; bit >= 0; bit--) {
		uint128 top = bit >= 128 ? a.high >> (bit - 128) : a.low >> bit;
		r = (struct u256){r.high << 1 | r.low >> 127, r.low << 1 | (top & 1)};
		q = (struct u256){q.high << 1 | q.low >> 127, q.low << 1};
		if (u256_cmp(r, b) >= 0) {
			r = u256_sub(r, b);
			q.low |= 1;
		}
	}
	*rest = r;
	return q;
}

/* v * 10^digits; false when it passes 256 bits. */
static bool u256_scale_up(struct u256 *v, unsigned digits)
{
	while (digits > 0) {
		unsigned step = digits > 19 ? 19 : digits;
		uint128 factor = (uint128)decimal_pow10(step);
		struct u256 high = u256_mul(v->high, factor);
		struct u256 low = u256_mul(v->low, factor);
		if (high.high != 0 || __builtin_add_overflow(high.low, low.high, &low.high)) {
			return false;
		}
		*v = low;
		digits -= step;
	}
	return true;
}

/* v / 10^digits, HALF_UP: the first digit that falls decides. */
static struct u256 u256_scale_down(struct u256 v, unsigned digits)
{
	uint64_t rest = 0;
	while (digits > 1) {
		unsigned step = digits - 1 > 19 ? 19 : digits - 1;
		v = u256_div_word(v, (uint64_t)decimal_pow10(step), &rest);
		digits -= step;
	}
	if (digits == 1) {
		v = u256_div_word(v, 10, &rest);
		v = rest >= 5 ? u256_add(v, (struct u256){0, 1}) : v;
	}
	return v;
}

/* From `from` to `to` digits after the point, the sign put back; false when it does not fit. */
static bool finish(
	struct u256 v, bool negative, unsigned from, unsigned to, unsigned precision, int128 *out)
{
	if (to >= from) {
		if (!u256_scale_up(&v, to - from)) {
			return false;
		}
	} else {
		v = u256_scale_down(v, from - to);
	}
	if (v.high != 0 || v.low >= (uint128)decimal_pow10(precision)) {
		return false;
	}
	*out = negative ? -(int128)v.low : (int128)v.low;
	return true;
}

bool decimal_rescale(int128 unscaled, unsigned from_scale, unsigned to_scale, int128 *out)
{
	return finish((struct u256){0, magnitude(unscaled)}, unscaled < 0, from_scale, to_scale,
		decimal_digits_max, out);
}

/* ---- types ---- */

static unsigned max_of(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* DecimalType.adjustPrecisionScale */
static struct type adjusted(unsigned precision, unsigned scale)
{
	if (precision <= decimal_digits_max) {
		return type_decimal(precision, scale);
	}
	unsigned whole = precision - scale, kept = min_of(scale, scale_kept_min);
	unsigned room = whole < decimal_digits_max ? decimal_digits_max - whole : 0;
	return type_decimal(decimal_digits_max, max_of(room, kept));
}

struct type decimal_add_type(struct type a, struct type b)
{
	unsigned scale = max_of(a.scale, b.scale);
	unsigned whole = max_of((unsigned)a.precision - a.scale, (unsigned)b.precision - b.scale);
	return adjusted(whole + scale + 1, scale);
}

struct type decimal_multiply_type(struct type a, struct type b)
{
	return adjusted((unsigned)a.precision + b.precision + 1, (unsigned)a.scale + b.scale);
}

struct type decimal_divide_type(struct type a, struct type b)
{
	unsigned scale = max_of(scale_kept_min, (unsigned)a.scale + b.precision + 1);
	return adjusted((unsigned)a.precision - a.scale + b.scale + scale, scale);
}

struct type decimal_remainder_type(struct type a, struct type b)
{
	unsigned scale = max_of(a.scale, b.scale);
	unsigned whole = min_of((unsigned)a.precision - a.scale, (unsigned)b.precision - b.scale);
	return adjusted(max_of(whole + scale, 1), scale);
}

struct type decimal_for_integer(struct type integer)
{
	switch (integer.id) {
	case TYPE_TINYINT: return type_decimal(3, 0);
	case TYPE_SMALLINT: return type_decimal(5, 0);
	case TYPE_INT: return type_decimal(10, 0);
	case TYPE_BIGINT: return type_decimal(20, 0);
	default: check_failed("not an integer type", __FILE__, __LINE__);
	}
}

/* ---- arithmetic ---- */

/* |v| at `scale` digits; two 38-digit factors fit 256 bits. */
static struct u256 widened(int128 v, unsigned from_scale, unsigned scale)
{
	return u256_mul(magnitude(v), (uint128)decimal_pow10(scale - from_scale));
}

bool decimal_add(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	int128 sum;
	if (at.scale == bt.scale && at.scale == result.scale &&
		!__builtin_add_overflow(a, b, &sum)) {
		*out = sum;
		return decimal_fits(sum, result.precision);
	}
	unsigned scale = max_of(at.scale, bt.scale);
	struct u256 x = widened(a, at.scale, scale), y = widened(b, bt.scale, scale);
	bool negative = a < 0;
	if ((a < 0) == (b < 0)) {
		x = u256_add(x, y);
	} else if (u256_cmp(x, y) >= 0) {
		x = u256_sub(x, y);
	} else {
		x = u256_sub(y, x);
		negative = b < 0;
	}
	return finish(x, negative, scale, result.scale, result.precision, out);
}

bool decimal_subtract(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	return decimal_add(a, at, -b, bt, result, out);
}

bool decimal_multiply(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	return finish(u256_mul(magnitude(a), magnitude(b)), (a < 0) != (b < 0),
		(unsigned)at.scale + bt.scale, result.scale, result.precision, out);
}

bool decimal_divide(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	if (b == 0) {
		return false;
	}
	struct u256 n = {0, magnitude(a)}, d = {0, magnitude(b)}, rest;
	int shift = (int)result.scale + bt.scale - at.scale;
	/* A numerator past 256 bits over a divisor of 38 digits has more than 38: it would not fit
	 * anyway. */
	if (!u256_scale_up(shift >= 0 ? &n : &d, (unsigned)(shift >= 0 ? shift : -shift))) {
		return false;
	}
	struct u256 q = u256_div(n, d, &rest);
	if (u256_cmp(u256_sub(d, rest), rest) <= 0) { /* rest >= d / 2 */
		q = u256_add(q, (struct u256){0, 1});
	}
	return finish(q, (a < 0) != (b < 0), result.scale, result.scale, result.precision, out);
}

bool decimal_remainder(
	int128 a, struct type at, int128 b, struct type bt, struct type result, int128 *out)
{
	if (b == 0) {
		return false;
	}
	unsigned scale = max_of(at.scale, bt.scale);
	struct u256 rest;
	u256_div(widened(a, at.scale, scale), widened(b, bt.scale, scale), &rest);
	return finish(rest, a < 0, scale, result.scale, result.precision, out);
}

int decimal_cmp(int128 a, unsigned a_scale, int128 b, unsigned b_scale)
{
	if (a_scale == b_scale || (a < 0) != (b < 0)) {
		return (a > b) - (a < b);
	}
	unsigned scale = max_of(a_scale, b_scale);
	int order = u256_cmp(widened(a, a_scale, scale), widened(b, b_scale, scale));
	return a < 0 ? -order : order;
}

double decimal_to_double(int128 unscaled, unsigned scale)
{
	if (magnitude(unscaled) <= UINT64_MAX) {
		return double_from_parts(
			unscaled < 0, (uint64_t)magnitude(unscaled), -(int64_t)scale);
	}
	struct strbuf text;
	strbuf_init(&text);
	decimal_text(unscaled, scale, &text);
	double d = 0;
	check(double_parse(strbuf_str(&text), &d));
	strbuf_release(&text);
	return d;
}

/* By way of its text, as Spark does: 0.1 is 0.1 and not the 55 digits of the nearest double. */
bool decimal_from_double(double d, unsigned precision, unsigned scale, int128 *out)
{
	char text[32];
	if (d - d != 0) {
		return false;
	}
	size_t len = double_text(d, text);
	return decimal_parse((struct str){text, len}, precision, scale, out) == DECIMAL_OK;
}
