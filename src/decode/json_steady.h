#ifndef CDCL_JSON_STEADY_H
#define CDCL_JSON_STEADY_H

/*
 * The twin of a learned shape in which values that never change are literal, too:
 *
 *	"source":{"connector":"mysql","db":"shop","ts_ms":1700000000123,"pos":4711,"row":0},
 *	|-------| ^^^^^^^^^^^ |-----| ^^^^^^ |-----| ^^^^^^ the shape: six slots
 *	|-----------------------------------------|             |-----|    |-------| its twin: two
 *
 * A twin is tried before its shape and answers the same: a message that fits it has, byte for byte,
 * a value that the shape's slot took before. Of the values that become literal only those can have
 * a column that stand around a row (an envelope's notes), never the row's own; they are stored from
 * what is known of them (struct json_fix). When a message fits the shape and not the twin, the
 * values that differ are slots again for good, so that a twin is made at most once for each slot.
 */

#include "decode/json_row.h"
#include "decode/json_template.h"

/* r's message was read by t itself: it has no twin yet, or one that did not fit. */
void json_steady_learn(struct json_template *t, const struct json_row *r);

void json_steady_release(struct json_template *t);

#endif
