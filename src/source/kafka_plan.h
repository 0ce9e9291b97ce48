#ifndef CDCL_KAFKA_PLAN_H
#define CDCL_KAFKA_PLAN_H

/*
 * Decisions about offsets that need no broker: where a partition starts, and how one batch's
 * budget is shared out. Kept apart from the client so that tests can try every case.
 */

#include "cdcl/error.h"
#include "source/source_config.h"

/* What the broker says about one partition. */
struct kafka_span {
	struct str topic;
	int32_t partition;
	int64_t begin; /* oldest offset that is there */
	int64_t end; /* one past the newest (of committed transactions) */
	int64_t at_time; /* first offset at or after the starting timestamp; negative: none */
	bool late; /* found while running: everything in it is new */
};

/*
 * The offset to start at. Negative with the error filled when the partition is not named although
 * starting offsets name partitions, or when the offset named is not there (CDCL_E_DATA), unless
 * continue_on_data_loss, which moves it to the nearest end.
 */
int kafka_start(const struct kafka_config *config, const struct kafka_span *span, int64_t *start,
	struct error *err);

/*
 * Partitions that starting offsets name but that are not there: the first of them is an error.
 * spans are all partitions of the topics.
 */
int kafka_check_named(const struct starting_offsets *starting, const struct kafka_span *spans,
	uint32_t count, struct error *err);

/*
 * Spark's rule for maxOffsetsPerTrigger: in proportion to the backlog, rounded down, but at least
 * 1 for whoever has any. Answers the sum of the shares.
 */
int64_t kafka_share(int64_t budget, const int64_t *backlog, uint32_t count, int64_t *share);

#endif
