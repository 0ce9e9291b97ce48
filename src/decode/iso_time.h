#ifndef CDCL_ISO_TIME_H
#define CDCL_ISO_TIME_H

/*
 * Times of day and intervals as ISO 8601 text, in microseconds: what a bigint column holds. And a
 * day's text that is nearly ISO 8601.
 */

#include "base/str.h"

/* "12:34:56.789Z", "10:34:56"; nine digits of a second at most, those behind the sixth are cut. */
bool iso_time_micros(struct str text, int64_t *us);

/* "P1Y2M3DT4H5M6.789S", each part with a sign of its own; a month is 365.25 / 12 days, as Debezium
 * counts. */
bool iso_interval_micros(struct str text, int64_t *us);

enum { iso_colon_day_max = 48 };

/* OGG's "2017-12-06:17:27:04.493411000" with a T after the day, in `with_t`; absent: no such. */
struct str iso_colon_day(struct str text, char with_t[iso_colon_day_max]);

#endif
