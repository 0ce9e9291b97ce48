#ifndef CDCL_JSON_LINE_H
#define CDCL_JSON_LINE_H

/*
 * A row as one JSON object: its members (sink/row_json.h), every NULL written, and before them the
 * row's kind as "@kind" when it is asked for. One form for stdout and files.
 */

#include "data/chunk.h"
#include "sink/row_json.h"

/* Without a line's end. */
void json_line_add(const struct row_json *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out);

const char *row_kind_name(enum row_kind kind);  /* "+I" */

#endif
