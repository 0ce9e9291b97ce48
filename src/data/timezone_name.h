#ifndef CDCL_TIMEZONE_NAME_H
#define CDCL_TIMEZONE_NAME_H

/*
 * What a zone's name may be: Java's ZoneId.of with its short names, as Spark reads them in a
 * timestamp and in a job's setting. Z, UTC, GMT, UT, with an offset after them or an offset alone
 * ("+2", "+02", "+0200", "+02:00", "+02:00:30", "+2:00"); else a region.
 */

#include "base/str.h"

/*
 * True: a fixed offset, in *offset seconds. False: *region is the name to look for (short names
 * spelt out).
 */
bool timezone_name_parse(struct str name, int32_t *offset, struct str *region);

/*
 * Local seconds in the zone of that name to UTC; false when there is none. Zones are read once and
 * kept.
 */
bool timezone_name_to_utc(struct str name, int64_t local_seconds, int64_t *utc_seconds);

#endif
