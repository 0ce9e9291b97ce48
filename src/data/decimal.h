#ifndef CDCL_DECIMAL_H
#define CDCL_DECIMAL_H

/*
 * Exact decimals: an int128 and a scale, at most 38 digits. Results follow Spark's (ANSI) rules for
 * precision and scale; every operation says when it does not fit instead of giving a wrong number.
 */

#include "data/type.h"

bool decimal_fits(int128 unscaled, unsigned precision);
int128 decimal_pow10(unsigned digits);          /* 10^digits, digits <= 38 */

/* Changes the scale, HALF_UP when digits are lost; false when it does not fit in 38 digits. */
bool decimal_rescale(int128 unscaled, unsigned from_scale, unsigned to_scale, int128 *out);

struct type decimal_add_type(struct type a, struct type b);
struct type decimal_multiply_type(struct type a, struct type b);
struct type decimal_divide_type(struct type a, struct type b);
struct type decimal_remainder_type(struct type a, struct type b);
/* int -> decimal(10,0), bigint -> decimal(20,0) */
struct type decimal_for_integer(struct type integer);

/* Each rounds HALF_UP to result.scale; false: overflow of result.precision (or a zero divisor). */
bool decimal_add(int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out);
bool decimal_subtract(int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out);
bool decimal_multiply(int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out);
bool decimal_divide(int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out);
bool decimal_remainder(int128 a, struct type at, int128 b, struct type bt, struct type result,
	int128 *out);

int decimal_cmp(int128 a, unsigned a_scale, int128 b, unsigned b_scale);
double decimal_to_double(int128 unscaled, unsigned scale);
bool decimal_from_double(double d, unsigned precision, unsigned scale, int128 *out);

#endif
