#ifndef CDCL_NET_CHANGES_H
#define CDCL_NET_CHANGES_H

/*
 * What a batch changed in all. Steps over Tables add rows and take rows back in whatever order
 * their inputs have; what comes and goes within the batch cancels out here, and what is left of a
 * key is one change: a row that was, a row that is.
 *
 *	keys      key bytes -> entries of that key, in order of first touch
 *	entries   [ weight, packed row ]; equal rows are one entry, weight 0 is nothing
 */

#include "cdcl/error.h"
#include "base/str.h"

struct net_changes;

struct net_change {
	struct str was; /* data NULL: no row */
	struct str is;
};

struct net_changes *net_changes_open(void);
void net_changes_close(struct net_changes *n);

/* `weight` is +1 or -1. The bytes are copied. */
int net_changes_add(struct net_changes *n, struct str key, struct str row, int weight,
	struct error *err);

/* A walk over the changes; zero to begin. */
struct net_walk {
	uint32_t key;
	uint32_t was; /* entry + 1 */
	uint32_t is;
	uint32_t was_given;
	uint32_t is_given;
};
bool net_changes_next(const struct net_changes *n, struct net_walk *walk, struct net_change *out);

void net_changes_reset(struct net_changes *n);
size_t net_changes_bytes(const struct net_changes *n);

#endif
