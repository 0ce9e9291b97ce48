#ifndef CDCL_UTF8_H
#define CDCL_UTF8_H

/*
 * UTF-8 as Java's decoder sees it, because that is what decides how many U+FFFD a malformed string
 * shows: E0 80 80 is three, F5 80 80 80 four, ED A0 80 (a surrogate) one, F0 9F 98 cut off one.
 */

#include "base/str.h"

bool utf8_valid(struct str s);

/* Appends it, each malformed sequence as U+FFFD. */
void utf8_add_repaired(struct str s, struct strbuf *out);

/*
 * One sequence at p (< end). Returns its length in bytes and sets *malformed: a malformed one is
 * replaced as a whole by one U+FFFD.
 */
unsigned utf8_step(const char *p, const char *end, bool *malformed);

enum { utf8_replacement = 0xfffd };

/* The code point at *at (which must be below s.len), or utf8_replacement; *at moves behind it. */
uint32_t utf8_next(struct str s, size_t *at);

/* Length in UTF-16 units, malformed sequences counting as the U+FFFD they become. */
size_t utf8_units(struct str s);

/*
 * Writes one code point at `out`, returns the bytes written (1 to 4). A surrogate gets three bytes.
 */
unsigned utf8_put(char *out, uint32_t code_point);

#endif
