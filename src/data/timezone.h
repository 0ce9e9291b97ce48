#ifndef CDCL_TIMEZONE_H
#define CDCL_TIMEZONE_H

/*
 * Time zones by their IANA name ("Europe/Berlin"), a fixed offset ("+02:00") or "UTC", read from
 * the system's tzdata (TZif files, RFC 8536); never the process-global zone of libc.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/str.h"

struct timezone;

/* NULL with the error filled when there is no such zone. Lives in `arena`. */
const struct timezone *timezone_open(struct str name, struct arena *arena, struct error *err);

/* Seconds east of UTC at this instant. */
int32_t timezone_offset_at(const struct timezone *tz, int64_t utc_seconds);

/*
 * Local wall time (as if it were UTC) to UTC; a time in a gap moves on by the gap, of two the
 * earlier.
 */
int64_t timezone_to_utc(const struct timezone *tz, int64_t local_seconds);

#endif
