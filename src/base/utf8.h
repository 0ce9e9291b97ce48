#ifndef CDCL_UTF8_H
#define CDCL_UTF8_H

/*
 * Reading UTF-8 that may be broken, as Java's decoder reads it (Spark prints what that gives): every
 * malformed sequence becomes one U+FFFD, and how many bytes one sequence takes is Java's rule.
 */

#include "base/str.h"

#include <stdint.h>

enum { utf8_replacement = 0xfffd };

/* The code point at *at (which must be below s.len); *at moves behind it. */
uint32_t utf8_next(struct str s, size_t *at);

/* Writes a code point (no surrogate) into out; returns the bytes used. */
size_t utf8_put(uint32_t code_point, char out[4]);

/* True when all of `s` is well-formed. */
bool utf8_valid(struct str s);

#endif
