#ifndef CDCL_BASE64_H
#define CDCL_BASE64_H

/*
 * Base64 with padding, white space allowed between groups of four, as Jackson reads it; and that
 * with the URL-safe alphabet, - and _ for + and /, where padding may be left out, and no white
 * space is allowed.
 */

#include "base/str.h"

enum base64_result {
	BASE64_OK,
	BASE64_BAD,             /* a byte that does not belong there */
	BASE64_CUT,             /* the text ends where a character had to follow */
};

/* `out` has room for text.len bytes. */
enum base64_result base64_decode(struct str text, char *out, size_t *len);
enum base64_result base64_decode_url(struct str text, char *out, size_t *len);

#endif
