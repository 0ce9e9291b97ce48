#ifndef CDCL_JSON_REWRITE_H
#define CDCL_JSON_REWRITE_H

/*
 * A JSON value that stands where a string is wanted, as text. Spark parses it and writes it again:
 * no white space between tokens, double quotes, escapes only where needed, NaN and infinities as
 * strings. So does cdcl, except that numbers keep their digits as they came (1.50 stays 1.50, where
 * Spark goes through a double), a lone surrogate stays an escape, and -0 alone becomes 0 as in
 * Spark.
 */

#include "decode/json_scan.h"

/* Appends `value` (a token that the scanner accepted, no string and no null) to `out`. */
void json_rewrite(const struct json_token *value, struct strbuf *out);

#endif
