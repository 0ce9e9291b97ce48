#ifndef CDCL_OPERATOR_EXIT_H
#define CDCL_OPERATOR_EXIT_H

/*
 * Where rows leave a worker (runtime/workers.h): in place of a step that holds state, or of a sink,
 * stands one that hands the chunk over, with the connection it came by.
 */

#include "ops/operator.h"

/* A step's number in the plan, and the number of one of its outs. */
struct row_edge {
	uint32_t node;
	uint32_t out;
};

struct row_exit {
	int (*give)(struct row_exit *x, struct row_edge edge, struct chunk *c, struct error *err);
};

struct operator *operator_open_exit(struct row_exit *x, struct row_edge edge);

/* Holds the place of a step that only the other process has. */
struct operator *operator_open_absent(void);

#endif
