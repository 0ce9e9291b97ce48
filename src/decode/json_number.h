#ifndef CDCL_JSON_NUMBER_H
#define CDCL_JSON_NUMBER_H

/*
 * The text of a JSON number token to a value. Texts are well-formed (json_scan saw to it), so these
 * check ranges only.
 */

#include "base/str.h"

/* False: beyond int64. The text is of an integer. */
bool json_number_int64(struct str text, int64_t *out);

/*
 * Rounded once, half to even (a float from an integer beyond int64 twice, as in Spark); overflow is
 * infinity. An integer -0 is 0.0, as in Spark; -0.0 is -0.0.
 */
double json_number_double(struct str text);
float json_number_float(struct str text);

/* "NaN", "Infinity", "-Infinity", "+Infinity", "+INF", "-INF", and no other text. */
bool json_number_special(struct str text, double *out);

#endif
