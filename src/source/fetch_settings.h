#ifndef CDCL_FETCH_SETTINGS_H
#define CDCL_FETCH_SETTINGS_H

/*
 * What of librdkafka's settings the direct lane follows, under librdkafka's names and checked by
 * it, so that a script may change its lane and nothing else.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

struct fetch_settings {
	int32_t wait_ms;
	int32_t bytes_min;
	int32_t bytes_max;     /* of one answer */
	int32_t partition_max; /* one partition's part of it */
	int32_t retry_ms;      /* after an error of a partition */
	int timeout_ms;
	int64_t refresh_us;
	int64_t memory_bytes; /* half for answers, half for what is unpacked */
	bool read_committed;
	char client[64];
	char group[512]; /* offsets are committed to it */
};

int fetch_settings_read(
	const struct kafka_config *config, struct fetch_settings *out, struct error *err);

/*
 * Whether the direct lane can do what is asked for: no TLS, no SASL, only settings that it follows.
 * False: `why` says what it cannot.
 */
bool fetch_settings_fit(const struct kafka_config *config, char *why, size_t why_bytes);

#endif
