#ifndef CDCL_FETCH_LANE_H
#define CDCL_FETCH_LANE_H

/*
 * What the direct lane knows of one partition beside its progress: where its next request begins,
 * and records that came and were not read yet.
 *
 *	position       next            end
 *	   |  part | part |             |
 *	   +-------+------+- - - - - - -+
 *	    in blocks of the broker      not asked for yet
 *
 * Records stay in the block that their answer was received into; a block is free again when no
 * part is in it and the messages that point there are dead, which is when the next chunk begins.
 */

#include "source/fetch_connection.h"
#include "source/kafka_progress.h"
#include "source/record_batch.h"

/* An answer to a fetch, and who still reads in it. */
struct fetch_block {
	struct fetch_buffer buffer;
	struct aborted_transaction *aborted; /* of all its partitions */
	uint32_t aborted_capacity;
	uint32_t aborted_count;
	uint32_t parts;
	uint64_t chunk; /* the last whose messages point here */
};

void fetch_block_release(struct fetch_block *b);

struct fetch_part {
	struct str records;
	struct aborted_transaction *aborted;
	uint32_t aborted_count;
	struct fetch_block *block;
};

enum fetch_phase {
	LANE_READS,
	LANE_ASKS_BEGIN, /* its offset is gone: where is the oldest record now? */
	LANE_ASKS_END,   /* and where the end? */
	LANE_ASKS_EPOCH  /* the leader changed: does the new one have what was read? */
};

enum { lane_parts_max = 2 };

struct fetch_lane {
	enum fetch_phase phase;
	int32_t leader; /* broker; -1: not known */
	int32_t epoch;  /* of the leader; -1: not known */
	int64_t next;
	int64_t end;      /* as a broker told last; -1: not yet */
	int64_t empty_us; /* since when nothing comes though the end is further; 0: it does */
	int64_t retry_us; /* nothing is asked before */
	int32_t asked_at; /* broker that was asked about it; -1: nothing flies */
	bool asked_first; /* that request began with it */
	bool outdated;    /* what flies was asked before the position changed */
	bool starved;     /* its next batch did not fit into the answer */
	bool reading;     /* the reader stands in parts[0] */
	struct record_batches reader;
	struct fetch_part parts[lane_parts_max];
	uint32_t part_count;
};

void fetch_lane_init(struct fetch_lane *l, const struct kafka_partition *p,
	struct record_space *space, bool headers);

/* The position was set: what came and what flies is of no use. */
void fetch_lane_reset(struct fetch_lane *l, int64_t position);
/* What came and was not read is dropped and will be asked for again. */
void fetch_lane_drop(struct fetch_lane *l);

/*
 * Takes in the records of an answer. True when there is something to read; false: nothing, or only
 * the beginning of a batch (`starved` then).
 */
bool fetch_lane_take(
	struct fetch_lane *l, const struct fetch_answer *answer, struct fetch_block *block);

/*
 * Reads on, l->reader's position moves: up to the partition's limit, or while there is a witness to
 * be judged up to its position. Answers an enum record_batches_state or a negative error.
 */
int fetch_lane_read(struct fetch_lane *l, const struct kafka_partition *p, struct messages *out,
	uint64_t chunk, struct error *err);

#endif
