#ifndef CDCL_ISO_TIME_H
#define CDCL_ISO_TIME_H

/* Times of day and intervals as ISO 8601 text, in microseconds: what a bigint column holds. */

#include "base/str.h"

/* "12:34:56.789Z", "10:34:56"; nine digits of a second at most, those behind the sixth are cut. */
bool iso_time_micros(struct str text, int64_t *us);

/* "P1Y2M3DT4H5M6.789S", each part with a sign of its own; a month is 365.25 / 12 days, as Debezium
 * counts. */
bool iso_interval_micros(struct str text, int64_t *us);

#endif
