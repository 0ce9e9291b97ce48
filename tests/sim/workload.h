#ifndef SIM_WORKLOAD_H
#define SIM_WORKLOAD_H

/*
 * Change events, made from the seed, and what must become of them: naive folds that know the events
 * as they were made and never look at their JSON.
 */

#include "base/str.h"

#include <stdbool.h>

struct partition_log;

enum { workload_events_max = 1200, workload_keys_max = 24, quantity_null = -1 };
enum event_op { EVENT_INSERT, EVENT_UPDATE, EVENT_DELETE, EVENT_UNKNOWN, EVENT_TORN };

struct event {
	enum event_op op;       /* EVENT_TORN: no JSON */
	int32_t id;             /* -1: NULL */
	int32_t product;        /* -1: NULL */
	int32_t quantity;
	int64_t seq;
	int64_t at;             /* of envelopes: a time in milliseconds or microseconds */
	bool aborted;           /* written in a transaction that is aborted: nobody may see it */
};

struct workload {
	struct event events[workload_events_max];
	uint32_t count;
	uint32_t keys;
	/*
	 * Debezium's without a schema block, all in one partition: a time counts in microseconds
	 * once one before it was too large for milliseconds, and that is seldom said again.
	 */
	bool has_envelopes;
};

struct workload *workload_make(uint32_t count, bool has_envelopes);
/* Appends the next few events to the topic "orders", some of them in transactions. */
void workload_produce(uint32_t count);

/* Text of the rows, one a line, in the order of their bytes. `ends`: of the partitions. */
void fold_rows(const int64_t *ends, bool json, struct strbuf *out);
void fold_row_groups(const int64_t *ends, bool json, struct strbuf *out);
void fold_stream_groups(const int64_t *ends, bool json, struct strbuf *out);
/* In the order of partitions and offsets. */
void fold_events(const int64_t *ends, bool json, struct strbuf *out);
/* Of events with envelopes. */
void fold_times(const int64_t *ends, bool json, struct strbuf *out);
/* "partition@offset" of the records that cannot be used. */
void fold_merge_letters(const int64_t *ends, struct strbuf *out);
void fold_event_letters(const int64_t *ends, struct strbuf *out);
void fold_torn_letters(const int64_t *ends, struct strbuf *out);

/* Its lines (each ends with '\n') in the order of their bytes. */
void lines_sort(struct strbuf *text);

#endif
