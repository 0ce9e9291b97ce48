#ifndef SIM_BROKER_H
#define SIM_BROKER_H

/*
 * A model of Kafka, as far as readers and transactional writers can see it: topics of partitions,
 * records at offsets, transactions whose markers take an offset, what read_committed shows (below
 * the first open transaction, without those that were aborted), transactional ids with epochs
 * (a new start of an id ends what the one before it left open, and fences it), and retention. All
 * of it in shared memory: no process's death touches it.
 */

#include "base/str.h"

#include <stdbool.h>

enum { broker_partitions_max = 4, broker_topics_max = 12, broker_producers_max = 16 };
enum { broker_plain = 0 }; /* a transaction that is none */

struct record {
	int64_t timestamp_us;
	struct str key;         /* data NULL: none */
	struct str value;
	uint32_t txn;
	int32_t event;          /* number in the workload; -1: none */
	bool marker;
	bool compacted;         /* a later one of its key is there: nobody sees it any more */
};

struct partition_log {
	struct record *records; /* by offset; those below `start` are not read any more */
	int64_t start;
	int64_t end;
	int64_t capacity;
};

struct topic {
	char name[40];
	bool compacts;          /* keeps the last record of a key, takes none without */
	uint32_t partition_count;
	struct partition_log logs[broker_partitions_max];
};

enum txn_state { TXN_COMMITTED, TXN_OPEN, TXN_ABORTED };

/* What a group keeps for a partition of a topic. */
struct group_offset {
	char group[64];
	char topic[64];
	int32_t partition;
	int64_t offset;
	char metadata[256];
};

struct producer {
	char id[64];
	int32_t epoch;
	uint32_t txn;           /* the open one; 0: none */
	/* what its transaction would commit */
	struct group_offset *offsets;
	uint32_t offset_count;
};

struct broker {
	struct topic topics[broker_topics_max];
	uint32_t topic_count;
	struct producer producers[broker_producers_max];
	uint32_t producer_count;
	uint8_t *txns;          /* enum txn_state, by number */
	uint32_t txn_count;
	uint32_t txn_capacity;
	struct group_offset *offsets;
	uint32_t offset_count;
	int32_t deaf;           /* so many fetches get nothing: no leader */
	/* what is still on its way: offsets or (count 0) a commit; NULL: nothing */
	struct producer *late;
	int32_t late_epoch;
	struct group_offset *late_offsets;
	uint32_t late_offset_count;
};

struct broker *broker_open(void);
/* Made when it is not there and partitions > 0; else NULL. */
struct topic *broker_topic(struct broker *b, const char *name, uint32_t partitions);
int64_t broker_append(struct broker *b, struct topic *t, uint32_t partition,
	const struct record *record);

/* A transactional id starts: its epoch, one higher than before; what it had open is aborted. */
struct producer *broker_start_producer(struct broker *b, const char *id, int32_t *epoch);
/* False: fenced by a later start of the id. */
bool broker_owns(const struct producer *p, int32_t epoch);
void broker_begin(struct broker *b, struct producer *p);
void broker_add_offset(struct producer *p, const struct group_offset *offset);
void broker_end(struct broker *b, struct producer *p, bool commit);
/*
 * A commit, or offsets, come much later, when the sender may have begun another transaction: they
 * name none (Kafka before KIP-890), only the epoch protects. broker_late: time passes.
 */
void broker_delay_end(struct broker *b, struct producer *p, int32_t epoch);
void broker_delay_offsets(struct broker *b, struct producer *p, int32_t epoch,
	const struct group_offset *offsets, uint32_t count);
void broker_late(struct broker *b);
/* Now and then, topics that compact do. */
void broker_compact(struct broker *b);
const struct group_offset *broker_offset(
	const struct broker *b, const char *group, const char *topic, int32_t partition);

/* read_committed: below this offset every transaction is decided. */
int64_t broker_stable(const struct broker *b, const struct partition_log *log);
/* The first visible record from *at on, which moves behind it; NULL: *at is the stable end. */
const struct record *broker_next(
	const struct broker *b, const struct partition_log *log, int64_t *at);

#endif
