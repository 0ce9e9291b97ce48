#ifndef CDCL_TABLE_STATE_H
#define CDCL_TABLE_STATE_H

/*
 * The rows of a table as a part of a checkpoint. An entry is an id: a live row, a remembered
 * delete, or free.
 *
 *	[ id 4 | state 1 ]                                      free
 *	[ id 4 | state 1 | deleted at 8 | null bits | fields ]  a field that is NULL is left out
 *
 * Ids are kept, so that the order of a scan is after a restart what it was before.
 */

#include "state/state_part.h"
#include "state/table.h"

/*
 * Makes the table note from now on which ids change. The part is the table's and goes with it;
 * called once, before its first row.
 */
struct state_part *table_state_part(struct table *t);

/*
 * After a recovery: every live row is a change of the batch that is open, from nothing. The
 * checkpoint does not see it as one.
 */
void table_state_touch_all(struct table *t);

#endif
