#ifndef CDCL_MULTISET_H
#define CDCL_MULTISET_H

/*
 * The values that are in a group now, in the order in which they came, for aggregates over rows
 * that can be taken back: first, last and any_value. Taking a value back removes the
 * oldest equal one.
 *
 *	list (per group)   first -> node -> node -> node <- last       in order of arrival
 *	values             (group, bytes) -> oldest -> newest          nodes with that value
 *
 * Finding and removing one value costs one lookup, however large the group.
 */

#include "state/group_table.h"

struct multiset;

/* Embedded in the group's cell; all zero is empty. Numbers of nodes, from 1. */
struct multiset_list {
	uint32_t first;
	uint32_t last;
	uint32_t count;
};

struct multiset *multiset_open(struct slab *slab);
void multiset_close(struct multiset *m);
size_t multiset_bytes_held(const struct multiset *m);

int multiset_add(struct multiset *m, struct multiset_list *list, uint32_t group, struct str bytes,
	struct error *err);
/* False when the value is not there. */
bool multiset_remove(
	struct multiset *m, struct multiset_list *list, uint32_t group, struct str bytes);

/* Walks a list: begin with list->first (or ->last), 0 is the end. */
uint32_t multiset_next(const struct multiset *m, uint32_t node);
struct str multiset_bytes(const struct multiset *m, uint32_t node);

#endif
