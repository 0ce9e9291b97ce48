#ifndef CDCL_JSON_PATH_H
#define CDCL_JSON_PATH_H

/*
 * Looking into JSON text: paths `a.b[0].c` for json columns, from SQL and from Lua's lazy view.
 * Nothing is built; the text is walked.
 */

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct json_step {
	struct str field;       /* data NULL: an index */
	int64_t index;
};

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_BOOLEAN,
	JSON_KIND_NUMBER,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT
};

/*
 * Found: true and the exact text of the value (string with its quotes). The last of duplicate names
 * wins.
 */
bool json_path_find(struct str json, const struct json_step *steps, uint32_t count,
	struct str *value);

/* Kind of a JSON value's text, by its first byte. */
enum json_kind json_kind_of(struct str value);

/*
 * The text of a JSON string without quotes and escapes; points into `value` when nothing was
 * escaped. What is no string, or has half an escape, as it stands.
 */
struct str json_unquote(struct str value, struct arena *arena);

/*
 * Walks an object's or array's elements: *at starts at 0. False at the end. `name` is what stands
 * between the quotes (absent for arrays); with escapes in it, json_unquote of it and the byte on
 * each side gives its characters.
 */
bool json_next(struct str container, size_t *at, struct str *name, struct str *value);

#endif
