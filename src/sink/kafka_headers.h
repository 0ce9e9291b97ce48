#ifndef CDCL_KAFKA_HEADERS_H
#define CDCL_KAFKA_HEADERS_H

/*
 * The text of a headers column, as @headers gives it, back to headers:
 * [{"key":"h1","value":"v"}, {"key":"h2","value":null}].
 */

#include "base/arena.h"
#include "source/kafka_producer.h"

enum { kafka_headers_max = 256 };

/* Into letter->headers (in `arena`); false: it is no such list. */
bool kafka_headers_read(struct str text, struct arena *arena, struct kafka_letter *letter);

#endif
