#ifndef CDCL_DEMO_H
#define CDCL_DEMO_H

/*
 * `run --demo`: a Kafka broker inside the process and simulated changes in the script's topics, so
 * that a job can be tried with nothing installed. Orders, or customers when the source's schema has
 * a column of theirs.
 */

#include "cdcl/error.h"
#include "plan/plan.h"
#include "script/source_peek.h"

struct demo;

struct demo *demo_open(struct error *err);
void demo_close(struct demo *d);

/* What --brokers would be; lives as long as the demo. */
struct str demo_brokers(const struct demo *d);

/*
 * What a look at its topics would show: there is nothing in them before the script is loaded. A
 * source of the demo whose columns the script does not say has orders.
 */
struct source_peek *demo_peek(struct demo *d);

/* Makes the topics that the plan reads and starts to fill them, those that are new to it. */
int demo_feed(struct demo *d, const struct plan *plan, struct error *err);

#endif
