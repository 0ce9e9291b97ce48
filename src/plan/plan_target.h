#ifndef CDCL_PLAN_TARGET_H
#define CDCL_PLAN_TARGET_H

/*
 * What targets ask of the rows above them: a key that can be found again, a format that the rows
 * have, a topic that the job does not read. Fills in what the script left out (sink.h: format,
 * key_columns, remove_stale).
 */

#include "plan/plan.h"

/* After the output mode is settled. */
int plan_target_check(struct plan *p, struct plan_sink *s, struct error *err);
/* Does a source of the job read this topic of these brokers? */
bool plan_reads_topic(const struct plan *p, struct str brokers, struct str topic);
/*
 * Where dead letters go when it is a topic: on the brokers of the first Kafka source, with its
 * settings (TLS, SASL), unless the job names others.
 */
bool plan_dead_letter_target(const struct plan *p, struct kafka_sink_config *out);

#endif
