#ifndef CDCL_AGAINST_H
#define CDCL_AGAINST_H

/*
 * What would become of a checkpoint's state if this plan went on from it: nothing is opened but
 * what the steps keep, and nothing is locked or written. Sinks are not asked.
 */

#include "plan/plan.h"
#include "state/checkpoint.h"

struct against {
	/* sources, then what steps keep, then what is rebuilt */
	struct checkpoint_verdict *verdicts;
	uint32_t count;
	uint32_t source_count;
	bool refused;
};

/* Everything is in the arena. */
int against_checkpoint(struct plan *plan, const char *folder, struct arena *arena,
	struct against *out, struct error *err);

#endif
