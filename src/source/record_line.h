#ifndef CDCL_RECORD_LINE_H
#define CDCL_RECORD_LINE_H

/*
 * format = "records": whole messages as text, one JSON object a line, as tools write that capture
 * topics:
 *
 *	{"topic": "t", "partition": 0, "offset": 8, "ts": 1795375254000, "ts_type": "CreateTime",
 *	 "headers": [["name", "value"], ...], "key": "...", "value": "..."}
 *
 * key and value are strings or null (a tombstone); a value that is itself an object is taken as its
 * text. Bytes that are no text stand as "key_base64" and "value_base64" instead, as dead letters
 * have them. Only the value must be there. Unknown fields are ignored.
 */

#include "cdcl/error.h"
#include "base/str.h"

/* Appends the message, unless it is of none of `topics` (count 0: all). Copies into out->arena. */
int record_line_add(struct str line, const struct str *topics, uint32_t topic_count,
	struct messages *out, struct error *err);

#endif
