#ifndef CDCL_JSON_INFER_H
#define CDCL_JSON_INFER_H

/*
 * The type of a column from values that were seen, as Spark infers it: bigint, double, boolean,
 * string; integers beyond bigint a decimal; objects and arrays json, numbers mixed with other
 * values string. Strings that all look like ISO 8601 days or instants are date and timestamp.
 */

#include "data/type.h"

struct json_infer {
	int64_t nulls;
	int64_t booleans;
	int64_t integers;
	int64_t fractions;      /* numbers with a point or an exponent */
	int64_t strings;
	int64_t days;           /* of the strings */
	int64_t instants;
	int64_t op_words;       /* of the strings: insert, u, D ... */
	int64_t objects;
	int64_t arrays;
	uint32_t digits_max;    /* of an integer */
	bool beyond_bigint;
};

/* `value` is the text of one JSON value. */
void json_infer_add(struct json_infer *f, struct str value);

/* Anything but NULLs. */
bool json_infer_has_value(const struct json_infer *f);

/* string when nothing but NULLs came. */
struct type json_infer_type(const struct json_infer *f);

#endif
