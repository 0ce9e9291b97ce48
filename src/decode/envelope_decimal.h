#ifndef CDCL_ENVELOPE_DECIMAL_H
#define CDCL_ENVELOPE_DECIMAL_H

/* Decimals and bit strings as Connect writes them: base64 of big-endian two's complement. */

#include "base/arena.h"
#include "base/str.h"
#include "data/type.h"

enum {
	decimal_bytes_max = 1024,               /* of one number */
	decimal_digits_of_scale_max = 38,
	decimal_text_scale_max = 4096
};

/* Up to 16 bytes; an empty text is no number. */
bool decimal_from_base64(struct str base64, int128 *out);

/* The same of a decimal with that scale, below zero too; *digits of *unscaled are a fraction. */
bool decimal_from_scaled(struct str base64, int64_t scale, int128 *unscaled, unsigned *digits);

/* Little-endian bits, as Debezium writes bit(n); up to 64. */
bool bits_from_base64(struct str base64, int64_t *out);

/* Any number of bytes up to decimal_bytes_max, as plain digits; absent: it is none. */
struct str decimal_bytes_text(struct str base64, int64_t scale, struct arena *arena);

/* {"scale":5,"value":"E34="} */
bool decimal_read_variable(struct str object, struct str *base64, int64_t *scale);

/* Digits with a sign, a point, an exponent. */
bool decimal_looks_plain(struct str text);
/* Whole groups of base64's alphabet. */
bool decimal_looks_base64(struct str text);

#endif
