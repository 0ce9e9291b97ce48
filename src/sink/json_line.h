#ifndef CDCL_JSON_LINE_H
#define CDCL_JSON_LINE_H

/*
 * A row as one JSON object: the columns in their order, every NULL written. Whole numbers and
 * decimals have all their digits, dates and timestamps are as the console prints them but quoted,
 * binary is base64, json columns are their own text (made standard JSON where the input was
 * lenient). The row's kind comes first as "@kind" when it is asked for.
 *
 * One form for stdout, files and messages.
 */

#include "data/chunk.h"
#include "data/timezone.h"

struct json_line {
	const struct schema *schema;
	const struct timezone *timezone;
	struct strbuf *names;           /* one per column: ,"name": */
};

/* The schema lives longer. */
void json_line_init(struct json_line *j, const struct schema *schema,
	const struct timezone *timezone);
void json_line_release(struct json_line *j);    /* a zeroed one too */

/* Without a line's end. */
void json_line_add(const struct json_line *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out);

const char *row_kind_name(enum row_kind kind);  /* "+I" */

#endif
