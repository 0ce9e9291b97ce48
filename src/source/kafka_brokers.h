#ifndef CDCL_KAFKA_BROKERS_H
#define CDCL_KAFKA_BROKERS_H

/* A list of brokers as people write it: HOST:PORT,HOST:PORT. */

#include "cdcl/error.h"
#include "base/str.h"

enum { brokers_bytes_max = 4096 };

/*
 * What can be said of it without asking anybody. A word in place of a port would be looked up among
 * the names of services, and a port too large be cut: the wrong place would not answer.
 */
int kafka_brokers_check(struct str brokers, struct error *err);

#endif
