#ifndef CDCL_FETCH_OUTAGE_H
#define CDCL_FETCH_OUTAGE_H

/*
 * Partitions whose leader does not answer, though some broker does: said after a while and then at
 * growing intervals; a run that ends gives up after its broker_timeout_ms. When no broker answers
 * at all it is the keeper that says so.
 */

#include "cdcl/error.h"
#include "source/kafka_outage.h"

struct fetch_source;

struct fetch_outage {
	struct kafka_outage outage;
	int64_t look_us; /* not before */
};

/* In every fill; looks only now and then. Negative: the run gives up. */
int fetch_outage_look(struct fetch_source *fs, struct error *err);

#endif
