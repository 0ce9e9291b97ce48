#ifndef CDCL_LOOKED_COLUMNS_H
#define CDCL_LOOKED_COLUMNS_H

/*
 * Columns that messages said (plan->looked) to and from a checkpoint (state/kept_columns.h).
 *
 *	script loads -> peek -> kept? else the messages -> plan->looked
 *	job opens    -> lock, state fits -> kept, before the first batch
 */

#include "plan/plan.h"
#include "script/source_peek.h"

/*
 * What a checkpoint kept of this source, in `arena`: 1, *out is filled; 0: nothing. By what it
 * reads, else by a topic that both have.
 */
int looked_columns_find(const struct peek_request *request, struct str folder,
	struct arena *arena, struct envelope_sample *out, struct error *err);

/* The plan's, and no others; the folder is locked. */
int looked_columns_keep(const struct plan *plan, struct error *err);

#endif
