#ifndef CDCL_ORDERED_H
#define CDCL_ORDERED_H

/*
 * Bytes in order, per group: what is first or last stays known while values come and go. A treap:
 * a search tree by bytes that is a heap by random priority, so that a change costs the logarithm of
 * its group, and no order of arrival makes it slow. Equal bytes are one node with a count.
 *
 *	struct ordered_set (in the group's cell)     root -> node
 *	nodes (of all groups, by number)             left, right, priority, count, bytes in the slab
 *
 * Priorities come from a generator with a fixed seed: the same input gives the same tree.
 */

#include "cdcl/error.h"
#include "base/str.h"
#include "state/slab.h"

struct ordered;

/* All zero is empty. Numbers of nodes, from 1. */
struct ordered_set {
	uint32_t root;
	uint32_t count; /* values, equal ones too */
};

struct ordered *ordered_open(struct slab *slab);
void ordered_close(struct ordered *o);
size_t ordered_bytes_held(const struct ordered *o);

int ordered_add(struct ordered *o, struct ordered_set *set, struct str bytes, struct error *err);
/* False when the bytes are not there. */
bool ordered_remove(struct ordered *o, struct ordered_set *set, struct str bytes);
void ordered_clear(struct ordered *o, struct ordered_set *set);

uint32_t ordered_first(const struct ordered *o, const struct ordered_set *set); /* 0: empty */
uint32_t ordered_last(const struct ordered *o, const struct ordered_set *set);
struct str ordered_bytes(const struct ordered *o, uint32_t node);
uint32_t ordered_count(const struct ordered *o, uint32_t node);

/* A walk in order, of a set that does not change meanwhile: node after node, 0 at the end. */
enum { ordered_depth_max = 256 };
struct ordered_walk {
	const struct ordered *ordered;
	uint32_t depth;
	uint32_t path[ordered_depth_max];
};
void ordered_walk_start(struct ordered_walk *w, const struct ordered *o,
	const struct ordered_set *set);
uint32_t ordered_walk_next(struct ordered_walk *w);

#endif
