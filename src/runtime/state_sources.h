#ifndef CDCL_STATE_SOURCES_H
#define CDCL_STATE_SOURCES_H

/*
 * Which source of a checkpoint each source of a script is. A checkpoint knows its sources by what
 * they read ("kafka orders_cdc", "file in/"), so others may come before, behind and between them.
 * The same one:
 *
 *	reads the same; of several that do, the one at the same turn
 *	else shares a topic: orders -> orders, orders_old
 *	else is the only one left on both sides, and one of the two is a pattern
 *
 * One that nobody reads any more is refused, because its rows would silently end; one that is new
 * begins at its starting offsets.
 */

#include "plan/plan.h"
#include "state/checkpoint.h"

struct state_sources {
	struct checkpoint_source *sources;      /* of the script, in the plan's order */
	uint32_t count;
	struct checkpoint_verdict *verdicts;    /* of these, then of those that are gone */
	uint32_t verdict_count;
};

/* As a script that never ran: numbered in the plan's order. */
void state_sources_init(struct state_sources *s, const struct plan *plan, struct arena *arena);
/*
 * With the numbers that the checkpoint knows them by; one that was written before sources had names
 * numbers them in the plan's order.
 */
void state_sources_match(
	struct state_sources *s, const struct checkpoint_found *found, struct arena *arena);
/* "kafka orders_cdc", "file in/" */
void state_source_reads(const struct source_config *source, struct strbuf *out);
/* Names of topics among which one is the same. */
bool state_source_shares(struct str reads, struct str other);
/* Into the plan. */
void state_sources_number(const struct state_sources *s, struct plan *plan);

/* What the plan computes, in 32 bits: where scripts stand and what sinks do does not count. */
uint32_t state_plan_fingerprint(const struct plan *plan);

#endif
