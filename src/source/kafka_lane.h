#ifndef CDCL_KAFKA_LANE_H
#define CDCL_KAFKA_LANE_H

/*
 * Which of the two lanes reads a Kafka source: our own requests (fetch_source.c, several times
 * cheaper) or librdkafka (kafka_source.c), which reaches further: TLS, SASL, all its settings.
 * CDCL_LANE says what to try where the script leaves it open.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

#include <stddef.h>

struct kafka_lane_choice {
	enum kafka_lane lane;   /* never auto */
	char why[256];          /* why it is not the direct one, where that was wanted; or "" */
};

/* Negative with the error filled: `lane = "direct"` cannot be. */
int kafka_lane_choose(
	const struct kafka_config *config, struct kafka_lane_choice *out, struct error *err);
/* Does librdkafka take the settings, is the topic pattern one? Nothing is connected. */
int kafka_lane_check(const struct kafka_config *config, struct error *err);
const char *kafka_lane_name(enum kafka_lane lane);
/* False: there is no lane of that name. */
bool kafka_lane_parse(struct str name, enum kafka_lane *out);

#endif
