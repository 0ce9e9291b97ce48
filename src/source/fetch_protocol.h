#ifndef CDCL_FETCH_PROTOCOL_H
#define CDCL_FETCH_PROTOCOL_H

/*
 * Kafka's requests that the direct lane makes, as bytes, and its answers, read in place. No
 * connection, no memory of its own but the buffer that is written to: a test can play the broker.
 *
 * Versions before the flexible ones are spoken: Fetch 4 to 11, ListOffsets 1 to 5, Metadata 1 to 8
 * (and 12, which is flexible, for the ids of topics), OffsetForLeaderEpoch 2 to 3, FindCoordinator
 * 0 to 2, OffsetCommit 2 to 7, ApiVersions 0. Every broker from 0.11 to 4.x has one of each
 * (OffsetForLeaderEpoch from 2.1 on).
 *
 *	request:  length | api, version, correlation, client id | body
 *	answer:   length | correlation | body
 *
 * An answer is a stranger's bytes: each length is checked against what is there, and a count never
 * decides how much memory is taken before its items were read. "Broken" ends the connection.
 */

#include "base/str.h"
#include "source/kafka_cluster.h"
#include "source/record_batch.h"

enum fetch_api { API_FETCH, API_OFFSETS, API_METADATA, API_COMMIT, API_COORDINATOR, API_EPOCHS };
enum { fetch_api_count = API_EPOCHS + 1 };

/* What a broker and we both speak; -1: nothing. */
struct fetch_versions {
	int16_t of[fetch_api_count];
};

/* Kafka's codes that decide something here. */
enum fetch_code {
	CODE_NONE = 0,
	CODE_OFFSET_OUT_OF_RANGE = 1,
	CODE_CORRUPT_MESSAGE = 2,
	CODE_UNKNOWN_TOPIC_OR_PARTITION = 3,
	CODE_LEADER_NOT_AVAILABLE = 5,
	CODE_NOT_LEADER = 6,
	CODE_COORDINATOR_LOADS = 14,
	CODE_COORDINATOR_NOT_AVAILABLE = 15,
	CODE_NOT_COORDINATOR = 16,
	CODE_TOPIC_AUTHORIZATION_FAILED = 29,
	CODE_UNSUPPORTED_VERSION = 35,
	CODE_FENCED_LEADER_EPOCH = 74,
	CODE_UNKNOWN_LEADER_EPOCH = 75,
	CODE_UNSUPPORTED_COMPRESSION = 76
};

/* One partition of a request; what the request does not ask for is not looked at. */
struct fetch_question {
	struct str topic;
	int32_t partition;
	int32_t leader_epoch; /* as the metadata said; -1: not known */
	int32_t record_epoch; /* of the last record read */
	int32_t bytes_max;
	int64_t offset; /* to fetch or commit from; ListOffsets: cluster_end, _begin or a time */
};

struct fetch_limits {
	int32_t wait_ms;
	int32_t bytes_min;
	int32_t bytes_max;
	bool read_committed;
};

/* ---- Requests, behind what is in `out`: begin, one of the bodies, end with where it began ---- */

void fetch_versions_request(struct strbuf *out, int32_t correlation, struct str client);
void fetch_request_begin(struct strbuf *out, enum fetch_api api, const struct fetch_versions *v,
	int32_t correlation, struct str client);
void fetch_request_end(struct strbuf *out, size_t from);

/* topics NULL: all of them. */
void fetch_put_metadata(struct strbuf *out, const struct fetch_versions *v,
	const struct str *topics, uint32_t count);
void fetch_put_offsets(struct strbuf *out, const struct fetch_versions *v, bool read_committed,
	const struct fetch_question *questions, uint32_t count);
void fetch_put_epochs(struct strbuf *out, const struct fetch_versions *v,
	const struct fetch_question *questions, uint32_t count);
void fetch_put_coordinator(struct strbuf *out, const struct fetch_versions *v, struct str group);
void fetch_put_commit(struct strbuf *out, const struct fetch_versions *v, struct str group,
	const struct fetch_question *questions, uint32_t count);
void fetch_put_fetch(struct strbuf *out, const struct fetch_versions *v,
	const struct fetch_limits *limits, const struct fetch_question *questions, uint32_t count);

/* ---- Answers: false means broken ---- */

bool fetch_read_versions(struct str body, struct fetch_versions *out);
/* Fills out, its arena too, which is the caller's also when the answer is broken. */
bool fetch_read_metadata(struct str body, const struct fetch_versions *v, struct cluster_view *out);
/* `broker` points into the body. */
bool fetch_read_coordinator(struct str body, const struct fetch_versions *v, int *error,
	struct cluster_broker *broker);

/* Partitions of an answer, one after another. */
struct fetch_answers {
	enum fetch_api api;
	int16_t version;
	const char *at;
	const char *end;
	int32_t topics_left;
	int32_t partitions_left;
	struct str topic;
	/* Of the whole answer: */
	int32_t throttle_ms;
	int error;
};

struct fetch_answer {
	struct str topic; /* points into the answer */
	int32_t partition;
	int error;
	int64_t offset; /* the one asked for; of an epoch: its end */
	int32_t leader_epoch;
	/* Fetch only: */
	int64_t high_watermark;
	int64_t last_stable;
	struct str aborted; /* as they came, for fetch_read_aborted */
	uint32_t aborted_count;
	struct str records;
};

enum fetch_next { FETCH_BROKEN = -1, FETCH_DONE, FETCH_ANSWER };

bool fetch_answers_begin(struct fetch_answers *a, enum fetch_api api,
	const struct fetch_versions *v, struct str body);
enum fetch_next fetch_answers_next(struct fetch_answers *a, struct fetch_answer *out);

/* Into out[aborted_count], sorted by first offset. */
void fetch_read_aborted(const struct fetch_answer *a, struct aborted_transaction *out);

#endif
