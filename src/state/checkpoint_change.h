#ifndef CDCL_CHECKPOINT_CHANGE_H
#define CDCL_CHECKPOINT_CHANGE_H

/*
 * An operator's changes to a checkpoint that no process has open (CDCL_E_FENCED when one has). A
 * crash in between leaves it as it was, or at some batch in between: never unusable.
 */

#include "state/checkpoint.h"

enum { checkpoint_names_max = 64 };

/*
 * Lets go of parts and sources by their names ("table orders", "source kafka orders_cdc"); with a
 * table goes what its merge remembers. CDCL_E_USAGE with the names there are when one is not there.
 */
int checkpoint_forget(
	const char *folder, const struct str *names, uint32_t count, struct error *err);

/*
 * Back to the state after batch `to`, which must be one that the logs still hold:
 *
 *	no snapshot yet, or only one      any batch
 *	two                               those since the newer one began: a snapshot alone is no
 *	                                  state, only with the log from there on
 *
 * to -1: the oldest of these. *was and *now are the last batches before and after. The last one,
 * when the one behind it was interrupted, is CDCL_E_USAGE: a run finishes it, while without it all
 * targets that have it would be newer than the checkpoint.
 */
int checkpoint_rewind(
	const char *folder, int64_t to, int64_t *was, int64_t *now, struct error *err);

#endif
