#ifndef CDCL_CONNECT_SCHEMA_H
#define CDCL_CONNECT_SCHEMA_H

/*
 * Kafka Connect's schema blocks, as its JSON converter writes them in front of each payload, and
 * what Debezium's logical types mean:
 *
 *	{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"id"},
 *	           {"type":"bytes","name":"org.apache.kafka.connect.data.Decimal",
 *	            "parameters":{"scale":"2"},"field":"price"}]},"payload":{...}}
 *
 * A field becomes a column of the type that holds it exactly. What cdcl has no type for keeps its
 * value in one that has: a time of day or an interval is microseconds in a bigint, a decimal of
 * more than 38 digits or of no fixed scale a string, a struct or map json.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "data/schema.h"

/* How a value stands in the payload. */
enum connect_form {
	CONNECT_PLAIN,          /* as its column's type is read from JSON */
	CONNECT_DECIMAL,        /* base64 of unscaled big-endian bytes (or a number, or text) */
	CONNECT_VARIABLE,       /* {"scale": n, "value": base64}: VariableScaleDecimal */
	CONNECT_BYTES,          /* base64 */
	CONNECT_DAYS,           /* since 1970-01-01 */
	CONNECT_MILLIS,         /* of a timestamp, a time of day or a duration */
	CONNECT_MICROS,
	CONNECT_NANOS,
	CONNECT_TEXT            /* ISO 8601, or text as it is */
};

struct connect_field {
	struct str name;                /* arena */
	struct type type;               /* of the column */
	enum connect_form form;
	uint8_t scale;                  /* CONNECT_DECIMAL */
	enum connect_form element;      /* array: form of its elements */
	uint8_t element_scale;
};

struct connect_schema {
	uint32_t count;
	struct connect_field *fields;   /* arena; names as they stand, `__op` and such included */
};

/*
 * The fields of a struct's schema (a JSON text {"type":"struct","fields":[...]}). Negative when
 * it is none, or has more than schema_columns_max fields.
 */
int connect_schema_parse(struct str schema, struct arena *arena, struct connect_schema *out,
	struct error *err);

/* The schema of one field of a struct's schema ("after" of an envelope's); absent: none. */
struct str connect_schema_field(struct str schema, struct str field);

#endif
