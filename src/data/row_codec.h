#ifndef CDCL_ROW_CODEC_H
#define CDCL_ROW_CODEC_H

/*
 * Rows, keys and arrays as bytes, for state that outlives a chunk. Per value: one byte (0 NULL,
 * 1 present), then the slot's bytes little-endian, or for PHYS_STR a 4-byte length and the bytes.
 * An array is a 4-byte count and its values. Every NaN is written as one NaN, so the same values
 * have the same bytes; in keys (row_codec_add_key) -0.0 is written as 0.0 too, so equal keys do.
 */

#include "data/value.h"

void row_codec_add(struct strbuf *out, const struct value *v);
void row_codec_add_key(struct strbuf *out, const struct value *v);

/*
 * Reads one value of `type` at *at (advanced). Strings point into `bytes`. Bytes are the program's
 * own: malformed is a check.
 */
struct value row_codec_read(struct str bytes, size_t *at, struct type type);

uint32_t row_codec_array_count(struct str array);

#endif
