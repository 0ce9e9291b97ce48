#ifndef CDCL_JSON_FIELD_H
#define CDCL_JSON_FIELD_H

/*
 * One JSON value into one slot of a column: what from_json makes of a token, by the column's type.
 * The templates and the generic reader both end here, so a value means the same on both ways.
 */

#include "data/chunk.h"
#include "data/timezone.h"
#include "decode/json_scan.h"

enum json_fit {
	JSON_FIT_VALUE,         /* stored */
	JSON_FIT_NULL,          /* a JSON null: stored as NULL */
	JSON_FIT_BAD,           /* does not fit the type: the slot is as it was */
	/* Spark loses its place here: the whole message counts as malformed */
	JSON_FIT_BREAKS_ROW,
};

/* What values need besides their text. One for each decoder. */
struct json_values {
	const struct timezone *timezone;        /* plan; NULL: UTC */
	int64_t now_us;                         /* of the chunk */
	struct arena *arena;                    /* of the chunk */
	struct strbuf scratch;                  /* the decoder's */
};

enum json_fit json_field_store(struct json_values *v, struct type type, const struct json_token *t,
	struct column *column, uint32_t row);

#endif
