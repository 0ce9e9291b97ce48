#ifndef CDCL_FETCH_CLUSTER_H
#define CDCL_FETCH_CLUSTER_H

/*
 * The keeper's questions asked by our own requests (kafka_cluster.h), from the keeper's thread,
 * over connections of its own. Beside the answers it keeps a map for the engine: which broker leads
 * which partition, and at which addresses it is.
 *
 *	keeper's thread   look --> map (the newest wins) --> engine   fetch_cluster_map
 */

#include "base/clock.h"
#include "source/fetch_connection.h"
#include "source/fetch_settings.h"
#include "source/kafka_cluster.h"

struct fetch_map {
	struct cluster_view view;
	struct fetch_addresses *addresses; /* of view.brokers; count 0: leads nothing, or unknown */
};

/* wake_fd is written to when there is a new map. */
struct kafka_cluster *fetch_cluster_open(const struct kafka_config *config,
	const struct clock *clock, int wake_fd, struct error *err);
const struct fetch_settings *fetch_cluster_settings(const struct kafka_cluster *c);

/* The map that came since it was asked last, now the caller's; NULL: none. */
struct fetch_map *fetch_cluster_map(struct kafka_cluster *c);
void fetch_map_release(struct fetch_map *m);

#endif
