#ifndef CDCL_PEEK_H
#define CDCL_PEEK_H

/*
 * Looks at a source's first messages before the job starts (script/source_peek.h). What it found is
 * kept: a script is loaded twice (rehearsal) and again by --watch, and must see the same.
 *
 * The look begins where the job will begin; under `latest`, or when nothing is there yet, at the
 * newest messages that are there. Nothing at all: it waits for the first one, with a word in the
 * log; a finite job gives up after the timeout, as for a topic that is missing.
 */

#include "base/clock.h"
#include "script/source_peek.h"

struct peek;

/* timeout_ms: for all jobs; negative: none but a finite job's, half a minute. */
struct peek *peek_open(const struct clock *clock, int64_t timeout_ms);
void peek_close(struct peek *p);
struct source_peek *peek_seam(struct peek *p);

/* From now on this source's answer has these columns: its messages have grown. */
void peek_widen(struct source_peek *seam, const struct peek_request *request,
	const struct schema *columns);

#endif
