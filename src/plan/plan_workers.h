#ifndef CDCL_PLAN_WORKERS_H
#define CDCL_PLAN_WORKERS_H

/*
 * What of a plan --workers can share out (runtime/workers.h): decoding, and the steps that look at
 * each row of a stream by itself. Everything else is done in one place, in the order of arrival.
 */

#include "plan/plan.h"

enum { workers_max = 64 };

/* It holds nothing, and is fed by sources of workers through such steps alone. */
bool plan_node_in_workers(const struct plan_node *n);
/* A source whose columns may change while the job runs, so that no worker can read it. */
bool plan_source_may_widen(const struct plan_node *n);
/* Its decoder learns from message to message what they mean: one worker has them all. */
bool plan_source_in_one_worker(const struct plan_node *n);
/* Some source is read by workers. */
bool plan_uses_workers(const struct plan *p);

#endif
