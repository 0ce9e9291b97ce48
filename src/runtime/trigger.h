#ifndef CDCL_TRIGGER_H
#define CDCL_TRIGGER_H

/*
 * When a batch may close, as Spark's triggers say. Times are the wall clock's microseconds; the
 * caller passes them in, so nothing here looks at a clock.
 *
 *	default        at any time: as soon as what is there has been read
 *	interval       first batch at once, then at wall-clock multiples of the interval:
 *
 *	   start   10:00:10      10:00:20      10:00:30                  10:00:50
 *	     |batch 0 |             |batch 1      |batch 2 ............17 s..|batch 3, at once
 *
 *	               a tick without input makes no batch; ticks missed by a long batch are
 *	               not made up
 *	once           one batch of all that is there
 *	available-now  batches under the sources' limits until everything that was there is read
 */

#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>

struct trigger {
	enum trigger_kind kind;
	int64_t interval_us;
	int64_t started_us; /* when the batch that is closing was asked for */
	int64_t next_us; /* interval: the tick that asks for the next one */
};

void trigger_init(struct trigger *t, enum trigger_kind kind, int64_t interval_ms, int64_t now_us);

/* May the open batch be closed? */
bool trigger_due(const struct trigger *t, int64_t now_us);

/* The closing begins: the tick after this one is fixed here, as Spark fixes it. */
void trigger_start(struct trigger *t, int64_t now_us);

/* It is published. True when it took longer than the interval; *spent_ms then says how long. */
bool trigger_overran(const struct trigger *t, int64_t now_us, int64_t *spent_ms);

/* Microseconds until it is due: 0 now, -1 never by time alone. */
int64_t trigger_wait_us(const struct trigger *t, int64_t now_us);

#endif
