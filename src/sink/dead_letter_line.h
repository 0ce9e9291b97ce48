#ifndef CDCL_DEAD_LETTER_LINE_H
#define CDCL_DEAD_LETTER_LINE_H

/*
 * A dead letter as a line of JSON: a record as `format = "records"` of a file source reads it
 * (source/record_line.h), with what was wrong besides:
 *
 *	{"topic":"t","partition":0,"offset":8,"ts":1795375254000,"ts_type":"CreateTime",
 *	 "headers":[["n","v"]],"key":"1","value":"{\"id\":x}",
 *	 "reason":"lua","error":"negative quantity","rule":"orders.lua:9"}
 *
 * Bytes that are no UTF-8 are "value_base64" (and "key_base64") instead. A row that comes from no
 * message has no topic and no value.
 */

#include "data/dead_letter.h"

/* Without a line break. */
void dead_letter_line(enum dead_letter_reason reason, const struct chunk *c, uint32_t row,
	const struct error *why, struct strbuf *out);

#endif
