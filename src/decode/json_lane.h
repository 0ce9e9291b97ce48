#ifndef CDCL_JSON_LANE_H
#define CDCL_JSON_LANE_H

/*
 * Fast lanes for the types that are not worth a kernel for each instruction set. Each takes the
 * plain form of its type, which nearly every producer writes, and stores what json_field_store
 * would have; for anything else, also what is malformed, it stores nothing and answers NULL: the
 * slow lane decides. On success the answer is the end of the value.
 */

#include "decode/json_row.h"
#include "decode/json_template.h"

/* A slice that JSON_SLOT_BEGIN began ends here. */
const char *json_lane_end(const struct json_slot *slot, struct json_row *r, const char *p);

/* true and false; null for any column. */
const char *json_lane_word(const struct json_slot *slot, struct json_row *r, const char *p);

/* Up to 19 digits and a point, no exponent, when one rounding suffices. */
const char *json_lane_double(const struct json_slot *slot, struct json_row *r, const char *p);

/* Up to 18 digits and a point, in quotes or not, when nothing is rounded away. */
const char *json_lane_decimal(const struct json_slot *slot, struct json_row *r, const char *p);

/* "2024-01-15" */
const char *json_lane_date(const struct json_slot *slot, struct json_row *r, const char *p);

/* "2024-01-15T10:00:00.123456Z", T or space, fraction and Z or not (without Z only in UTC). */
const char *json_lane_timestamp(const struct json_slot *slot, struct json_row *r, const char *p);

/* The rest of a string in which `p` is the first byte above 0x7F; no escapes, valid UTF-8. */
const char *json_lane_wide_string(
	const struct json_slot *slot, struct json_row *r, const char *from, const char *p);

#endif
