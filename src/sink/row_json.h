#ifndef CDCL_ROW_JSON_H
#define CDCL_ROW_JSON_H

/*
 * Rows as the members of a JSON object, in column order: "a":1,"b":null. Whole numbers and decimals
 * have all their digits, dates and timestamps are as the console prints them but quoted, binary is
 * base64, json columns are their own text, made standard JSON where the input was lenient
 * (data/value.h, VALUE_JSON).
 */

#include "data/chunk.h"
#include "data/timezone.h"
#include "data/value.h"

struct row_json {
	const struct schema *schema;
	const struct timezone *timezone;
	bool leave_nulls_out;
	struct strbuf *names;           /* one per column, with quotes and colon */
};

void row_json_init(struct row_json *j, const struct schema *schema,
	const struct timezone *timezone, bool leave_nulls_out);
void row_json_release(struct row_json *j);

/* "a":1,"b":2 without braces; answers how many members. */
uint32_t row_json_add(const struct row_json *j, const struct chunk *c, uint32_t row,
	struct strbuf *out);
/*
 * All of it as one object, without a line's end; before the members the row's kind as "@kind" when
 * it is asked for.
 */
void row_json_object(const struct row_json *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out);
/* One member, NULL or not. */
void row_json_add_column(const struct row_json *j, const struct chunk *c, uint32_t column,
	uint32_t row, struct strbuf *out);

#endif
