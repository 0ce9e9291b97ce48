#ifndef CDCL_CSV_LINE_H
#define CDCL_CSV_LINE_H

/*
 * A row as a line of CSV (RFC 4180, but lines end in LF alone, as PostgreSQL's do): NULL is nothing
 * between two commas, an empty string is "". A field is quoted when it is empty or holds a comma,
 * a quote or a line break. Numbers, dates and timestamps are as the console prints them, binary is
 * base64, json and arrays are JSON. With `kinds` the first field is the row's kind.
 */

#include "data/chunk.h"
#include "data/timezone.h"

void csv_header_add(const struct schema *schema, bool kinds, struct strbuf *out);
void csv_line_add(const struct chunk *c, const struct schema *schema, uint32_t row, bool kinds,
	const struct timezone *timezone, struct strbuf *out);

#endif
