#ifndef CDCL_VALUE_H
#define CDCL_VALUE_H

/*
 * One typed value outside a column: a literal, a group's min, a cell to print; and a value's text.
 * The text forms are Spark's: what the console prints, what cast(x as string) gives, what
 * cast('...' as x) and JSON strings accept. One implementation serves all of them.
 */

#include "base/json_text.h"
#include "data/chunk.h"
#include "data/type.h"

struct value {
	struct type type;
	bool is_null;
	union {
		bool boolean;
		int32_t i32;
		int64_t i64;
		float f32;
		double f64;
		int128 i128;
		struct str str;
	} as;
};

struct value value_null(struct type type);
struct value value_from_column(const struct column *c, struct type type, uint32_t row);
/* also sets or clears the null bit */
void value_to_column(const struct value *v, struct column *c, uint32_t row);

/*
 * NULLs first; then by value: numbers by value (NaN greatest), strings by bytes, false < true.
 * Types must be equal.
 */
int value_cmp(const struct value *a, const struct value *b);

/*
 * The same to the byte, but any NaN is like any other: 0.0 and -0.0 compare as equal and are not
 * the same. A changelog calls a row unchanged by this: who takes it back later must find it.
 */
bool value_same(const struct value *a, const struct value *b);

/* ---- text ---- */

struct timezone;        /* data/timezone.h; NULL means UTC */

enum value_style {
	/* NULL as NULL, binary as [01 0A], arrays as [a, b] */
	VALUE_CONSOLE,
	/* cast(x as string); binary as its bytes */
	VALUE_CAST,
	/* a JSON value: strings quoted and escaped, numbers bare, NULL null, NaN quoted */
	VALUE_JSON
};

void value_text(const struct value *v, enum value_style style, const struct timezone *tz,
	struct strbuf *out);

/* Java 17's Double.toString / Float.toString, byte for byte (not shortest in its known cases). */
size_t double_text(double d, char out[32]);
size_t float_text(float f, char out[32]);
size_t int64_text(int64_t i, char out[24]);
void decimal_text(int128 unscaled, unsigned scale, struct strbuf *out);

/*
 * Parsers: true when all of `s` is one value of the type. They accept what Spark's cast accepts
 * (white space around it trimmed); what JSON accepts beyond or below that is decided in decode/.
 */
bool int64_parse(struct str s, int64_t *out);           /* decimal integer, in range */
/* exactly rounded; NaN, Infinity words too */
bool double_parse(struct str s, double *out);
bool float_parse(struct str s, float *out);             /* not by way of a double */

/* mantissa * 10^exponent, exactly rounded: what callers with a scanner of their own need. */
double double_from_parts(bool negative, uint64_t mantissa, int64_t exponent);
float float_from_parts(bool negative, uint64_t mantissa, int64_t exponent);

/* true t yes y 1 / false f no n 0, any case */
bool boolean_parse(struct str s, bool *out);
bool date_parse(struct str s, int32_t *days);           /* [+-]y[-M[-d[T ...]]] */
bool timestamp_parse(struct str s, const struct timezone *tz, int64_t now_us, int64_t *us);

enum decimal_result { DECIMAL_OK, DECIMAL_BAD, DECIMAL_OVERFLOW };

/*
 * Rounded HALF_UP to `scale`; DECIMAL_OVERFLOW when more than precision digits are needed. "1e3" is
 * fine.
 */
enum decimal_result decimal_parse(struct str s, unsigned precision, unsigned scale, int128 *out);

/* Civil calendar (proleptic Gregorian). */
int64_t date_from_civil(int64_t year, unsigned month, unsigned day);
void date_to_civil(int64_t days, int64_t *year, unsigned *month, unsigned *day);
bool date_is_leap(int64_t year);
bool date_is_valid(int64_t year, int64_t month, int64_t day);

#endif
