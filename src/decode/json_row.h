#ifndef CDCL_JSON_ROW_H
#define CDCL_JSON_ROW_H

/*
 * One message on its way into one row of a chunk: where it goes, how far it was read, what did not
 * fit. The generic reader (json_read.c) and the templates' kernels (json_kernel_*.c) fill it.
 */

#include "decode/json_field.h"

enum { JSON_NO_COLUMN = -1, json_bad_columns_kept = 8 };

struct json_row;

/* What a token means in `column`, when that is not what from_json makes of it (an envelope's). */
typedef enum json_fit json_store_fn(
	struct json_row *r, int32_t column, const struct json_token *t);

struct json_row {
	struct chunk *chunk;
	const struct schema *schema; /* plan */
	struct json_values *values; /* the decoder's */
	struct json_scan scan;
	uint32_t index;
	uint32_t bad_fields;
	uint32_t unknown; /* fields that are no column */
	struct str unknown_name; /* the first of them; absent when a learned shape was read */
	uint32_t news; /* those of an unknown shape that have a value, when somebody follows them */
	int32_t bad_column; /* the first that did not fit, or JSON_NO_COLUMN */
	int32_t bad_columns[json_bad_columns_kept]; /* the first bad_fields of them */
	json_store_fn *store; /* NULL: json_field_store */
	/* by column, the rows whose message did not have it; NULL: nobody asks */
	uint64_t (*absent)[chunk_words];
};

/* Stores a token under its column. False: the message is malformed (see JSON_FIT_BREAKS_ROW). */
bool json_row_store(struct json_row *r, int32_t column, const struct json_token *t);

/*
 * The slow lane of a kernel: one value at p for `column` (JSON_NO_COLUMN: checked and left),
 * exactly as the generic reader takes it. The end of the value, or NULL when it is malformed.
 */
const char *json_row_value(struct json_row *r, int32_t column, const char *p);

/* All columns NULL, nothing bad yet: the message turned out malformed or of another shape. */
void json_row_clear(struct json_row *r);

#endif
