#ifndef CDCL_RAW_DECODE_H
#define CDCL_RAW_DECODE_H

/*
 * Messages as rows without reading their values: Spark's own columns of a source without a schema
 * (key, value, topic, partition, offset, timestamp, timestampType). Nothing is copied.
 */

#include "cdcl/error.h"
#include "data/chunk.h"

/* Every column of `schema` must be one of the seven, by name; negative with the error filled
 * otherwise. */
int raw_decode(const struct schema *schema, const struct messages *in, struct chunk **out,
	struct error *err);

#endif
