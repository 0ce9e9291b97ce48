#ifndef CDCL_KAFKA_MARKER_H
#define CDCL_KAFKA_MARKER_H

/*
 * What a topic holds of a job: the number of the last batch whose transaction was committed, and
 * the process that did it. A marker is a committed offset of a consumer group named as the
 * transactional id (cdcl.JOB): partition 0 of the topic, offset = batch id + 1, and words of the
 * writer as metadata. It is part of the transaction that it speaks of, so it is there when the
 * batch is, and only then.
 */

#include "base/patience.h"
#include "source/kafka_client.h"

enum { kafka_marker_text_max = 200 };

struct kafka_marker {
	char topic[256];
	int64_t batch_id;               /* -1: none */
	bool found;
	uint64_t instance;              /* of the writer; 0: somebody else's words */
	char checkpoint[33];            /* the writer's */
	bool others;                    /* a batch of another checkpoint was there */
	char writer[kafka_marker_text_max];     /* "host db1, pid 17" */
};

struct kafka_marker_group {
	struct str name;
	struct str brokers;
	const struct setting *settings;
	uint32_t setting_count;
};

/*
 * All of them by one question to the broker. Only after init_transactions: by then no transaction
 * of the id is pending.
 */
int kafka_markers_read(const struct kafka_marker_group *group, struct kafka_marker *markers,
	uint32_t count, struct patience *patience, struct error *err);

/* The words of this process. */
void kafka_marker_write(
	uint64_t instance, struct str checkpoint, char *out, size_t out_bytes);
/* What is found in a marker: from outside, so anything. */
void kafka_marker_parse(struct str text, struct kafka_marker *m);

#endif
