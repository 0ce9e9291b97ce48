#ifndef CDCL_PLACEHOLDER_H
#define CDCL_PLACEHOLDER_H

/*
 * What Debezium writes for a value that PostgreSQL did not send, an unchanged TOAST value: the text
 * of its option unavailable.value.placeholder (at its default), made into the type of the column.
 *
 *	text, json, xml ...     the text
 *	bytea                   base64 of its bytes, hex of them
 *	hstore                  {"TEXT":"TEXT"}, as an object or in a string
 *	arrays of text, bytea   a list of one of these
 *	uuid[]                  a list of one UUID, that of its bytes (version 3)
 *	arrays of numbers       a list of its bytes: 95, 95.0, as decimals "Xw==" or with a scale
 *	geometry, point ...     {"wkb":...} of a place where nothing is
 *
 * boolean[] would be a list of trues, which data may be too: that one is data.
 */

#include "decode/json_path.h"

/* Nothing shorter or longer can be one: callers look at this first, for it is all that most pay. */
enum {
	placeholder_bytes_min = 28,
	placeholder_text_bytes_max = 67,
	placeholder_bytes_max = 1024
};

/* The characters of a string. */
bool placeholder_is_text(struct str s);
/* A value of this kind; `text` is all of it, of a string what stands between the quotes. */
bool placeholder_is_value(enum json_kind kind, struct str text);

#endif
