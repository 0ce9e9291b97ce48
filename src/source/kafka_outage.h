#ifndef CDCL_KAFKA_OUTAGE_H
#define CDCL_KAFKA_OUTAGE_H

/*
 * Something of Kafka does not answer, and it is tried again: when it is to be said (at first, or
 * after a while, then at growing intervals), and when a run that ends gives up.
 */

#include <stdbool.h>
#include <stdint.h>

/* A leader that moves is away for seconds: nobody is told of less. */
enum { kafka_leader_quiet_us = 5 * 1000 * 1000 };

struct kafka_outage {
	int64_t since_us; /* 0: all is well */
	int64_t notice_us;
	int64_t pause_us;
	bool told;
};

enum kafka_outage_step {
	OUTAGE_QUIET,
	OUTAGE_TELL,
	OUTAGE_GIVE_UP
};

/* It does not answer now. first_us: how long it is kept quiet; timeout_ms 0: never give up. */
enum kafka_outage_step kafka_outage_goes_on(
	struct kafka_outage *o, int64_t now_us, int64_t first_us, int64_t timeout_ms);
/* It answers. True: the outage had been told. */
bool kafka_outage_ends(struct kafka_outage *o);

#endif
