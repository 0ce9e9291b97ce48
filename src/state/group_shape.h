#ifndef CDCL_GROUP_SHAPE_H
#define CDCL_GROUP_SHAPE_H

/*
 * The shape of a group's part: its keys and its calls, each with the types it was computed of.
 *
 *	op string, product string; count(*); sum(quantity) int
 */

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The next piece of *shape, which becomes the rest; the first piece are the keys. False: there is
 * none. A semicolon in quotes ends nothing.
 */
bool group_shape_next(struct str *shape, struct str *piece);

bool group_shape_same_keys(struct str a, struct str b);

/* Calls behind the keys. */
uint32_t group_shape_calls(struct str shape);
/* At which turn it is among them; -1: it is not there. */
int32_t group_shape_find(struct str shape, struct str call);

#endif
