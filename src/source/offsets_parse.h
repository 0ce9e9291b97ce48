#ifndef CDCL_OFFSETS_PARSE_H
#define CDCL_OFFSETS_PARSE_H

/*
 * Where reading starts, as a text (--from, starting_offsets):
 *
 *	latest, earliest
 *	2024-01-01 00:00:00             the first message at or after that time
 *	orders_cdc:0=5,1=earliest       per partition; several topics are separated by ';'
 *	{"orders_cdc":{"0":5,"1":-2}}   Spark's form; -1 is latest, -2 earliest
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/clock.h"
#include "data/timezone.h"
#include "source/source_config.h"

int starting_offsets_parse(struct str text, const struct timezone *tz, const struct clock *clock,
	struct arena *arena, struct starting_offsets *out, struct error *err);

#endif
