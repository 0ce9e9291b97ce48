#ifndef CDCL_DDL_H
#define CDCL_DDL_H

/*
 * Schemas in Spark's DDL: "order_id int, product string, price decimal(10,2)". Also `struct<a:
 * int>` at the top, NOT NULL (ignored, as in Spark), COMMENT '...', back-quoted names. Types: see
 * data/type.h, with Spark's other names (byte short integer long real numeric dec), and array<T> of
 * them. Other nested types are refused with a message until they exist.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "data/schema.h"

/* 0, or negative with err holding the text as source_line and the caret. */
int ddl_parse(struct str text, struct arena *arena, struct schema **out, struct error *err);

/* The same of columns that a table hides: several may have one name. */
int ddl_parse_hidden(
	struct str text, struct arena *arena, struct schema **out, struct error *err);

/* One type, as in cast(x as TYPE). */
int ddl_parse_type(struct str text, struct arena *arena, struct type *out, struct error *err);

#endif
