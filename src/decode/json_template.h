#ifndef CDCL_JSON_TEMPLATE_H
#define CDCL_JSON_TEMPLATE_H

/*
 * Learned shapes of messages. A producer writes the same names in the same order again and again;
 * only the values change:
 *
 *	{"order_id":1001,"product":"Laptop","quantity":2,"op":"insert"}
 *	|----------|    |----------|        |-----------|  |-----|        |     literals
 *	            ^^^^            ^^^^^^^^             ^         ^^^^^^^^      slots
 *
 * A literal runs from the end of one value to the start of the next, white space included. A
 * message fits a template when every literal is there byte for byte and every slot holds a value
 * that the generic reader would have taken; the answer is then the generic reader's, by
 * construction: names, order and punctuation are the same bytes, and values end in the same
 * json_field_store or in a fast lane that takes only what needs no decision (plain integers,
 * strings without escapes).
 *
 * An ignored value that is a container or a string is kept too: a connector that sends the same
 * schema block with every event costs one comparison.
 *
 * Learned only from messages that the generic reader accepted and in which no column comes twice.
 * After the last literal (the closing brace) lenient mode ignores what follows; strict wants white
 * space.
 */

#include "base/bounds.h"
#include "data/schema.h"

enum {
	json_templates_max = 8,
	json_slots_max = schema_columns_max,
	json_shape_columns_max = schema_columns_max + 64, /* an envelope's notes and marks */
	json_literal_bytes_max = 256 * 1024, /* of one template, in all */
	json_memo_bytes_min = 16, /* of one ignored value */
	json_memo_bytes_max = 16384,
	json_misses_before_replacing = 64, /* once all templates are taken */
	json_misses_before_sampling = 32, /* in a row: then one template is tried, not all */
};

struct json_literal {
	const char *data; /* the template's */
	uint32_t len;
	uint64_t first, last; /* 8..15 bytes: the first and last 8; 4..7: the first and last 4 */
};

enum json_slot_kind {
	/* of no width: a string column's slot begins, ends here */
	JSON_SLOT_BEGIN,
	JSON_SLOT_END,
	JSON_SLOT_INT32,
	JSON_SLOT_INT64,
	JSON_SLOT_STRING,
	JSON_SLOT_BOOLEAN,
	JSON_SLOT_DOUBLE,
	JSON_SLOT_DECIMAL,
	JSON_SLOT_DATE,
	JSON_SLOT_TIMESTAMP,
	JSON_SLOT_JSON,
	JSON_SLOT_IGNORED, /* of no column */
	JSON_SLOT_OTHER,
	JSON_SLOT_FIXES, /* of no width, a twin's */
};

/* A value that is part of the literal before, and its column. */
struct json_fix {
	enum json_slot_kind kind; /* BEGIN, END, INT64, STRING, JSON */
	int32_t column;
	uint32_t back; /* bytes from where its text begins to the literal's end */
	int64_t value; /* or the text's length */
};

struct json_slot {
	struct json_literal before;
	struct json_literal memo; /* an ignored value as it was last learned, or empty */
	struct str steady; /* a value as all messages so far had it, or empty (json_steady.h) */
	const struct json_fix *fixes; /* JSON_SLOT_FIXES */
	uint32_t fix_count;
	enum json_slot_kind kind;
	int32_t column; /* or JSON_NO_COLUMN */
	int32_t min, max; /* JSON_SLOT_INT32 */
	uint8_t precision, scale; /* JSON_SLOT_DECIMAL */
};

struct json_template {
	struct json_literal tail;
	struct json_slot *slots;
	uint32_t slot_count;
	uint32_t *missing; /* columns that these messages do not have */
	uint32_t missing_count;
	uint32_t unknown; /* fields that are no column */
	uint64_t hits;
	struct json_template *twin; /* or NULL (json_steady.h) */
	bool settled; /* it will have none */
};

/* What the generic reader notes about a message while it reads it: offsets of the values. */
struct json_shape {
	uint32_t count;
	bool learnable;
	uint64_t seen[json_shape_columns_max / 64]; /* columns so far; only while learnable */
	uint32_t end; /* just past the closing brace */
	struct {
		uint32_t start, end;
		int32_t column;
	} fields[json_slots_max];
};

struct json_templates {
	struct json_template list[json_templates_max];
	uint32_t count;
	uint32_t recent; /* hit last; tried first */
	uint32_t misses; /* since something was learned */
	uint32_t misses_in_a_row;
};

struct json_literal json_literal_make(const char *data, size_t len);

void json_shape_begin(struct json_shape *s, bool learnable);
void json_shape_add(struct json_shape *s, size_t start, size_t end, int32_t column);

/* The slot of a column, or of a field that is no column (JSON_NO_COLUMN). */
struct json_slot json_slot_for(const struct schema *schema, int32_t column);

/* Will the next shape be learned? If not, it need not be noted. */
bool json_templates_want(const struct json_templates *t);

/*
 * Learns a message's shape, perhaps in place of the template least used; its place, or NULL when it
 * cannot be learned. slots[c + 1] is the slot of column c (json_slot_for, or what its owner makes
 * of it); columns from 0 to column_count that are not in the shape are the missing ones, and those
 * above are no columns of the row.
 */
struct json_template *json_templates_learn(struct json_templates *t,
	const struct json_shape *shape, struct str message, const struct json_slot *slots,
	uint32_t column_count);

void json_templates_release(struct json_templates *t);

#endif
