#ifndef CDCL_RECORD_BATCH_H
#define CDCL_RECORD_BATCH_H

/*
 * The record batches (format v2) of one partition as a Fetch response carries them, walked in
 * place: no copy and no malloc a record. The reader is plain data, begun over the bytes of each
 * response and filled from until they are used up.
 *
 *	begin -> { fill -> RECORD_BATCHES_FULL | _LIMIT }* -> fill -> RECORD_BATCHES_END
 *
 *	bytes   | batch | batch | control batch | gap | batch | a batch that is cut off |
 *	                              ^ position
 *
 * A reader may be begun anew at any time, say when a leader moved; begun over no bytes it holds
 * nothing of the space. A zeroed one with topic, partition, position, limit and space set is ready.
 *
 * Position is the next offset wanted. It moves with each record, over the rest of each batch
 * (base offset + last offset delta + 1: compaction leaves gaps), over control batches and over
 * batches of aborted transactions; never back. Records below it are passed over: a broker answers
 * with the whole batch that holds the wanted offset.
 *
 * Keys, values and headers are slices of `bytes`, or of the record_space when the batch is
 * compressed. Both must live until the block of messages is emptied: the space sees that by
 * itself (record_space.h), the receive buffer is the caller's. Arrays of headers are in the
 * block's arena.
 *
 * The bytes are a stranger's. Every length is checked, each batch's CRC-32C once, and damage is
 * CDCL_E_DATA with topic, partition and offset, as the librdkafka lane says it: it ends the run.
 * Nothing of a batch whose CRC is wrong is given out.
 */

#include "cdcl/error.h"
#include "base/str.h"
#include "source/record_space.h"

enum {
	record_batch_header_bytes = 61,
	record_batch_length_bytes = 12  /* base offset and length, which does not count them */
};

/* Of a Fetch response. Without them (read uncommitted) nothing counts as aborted. */
struct aborted_transaction {
	int64_t producer_id;
	int64_t first_offset;
	bool ended;                     /* its marker was passed; record_batch.c's */
};

enum record_batches_state {
	RECORD_BATCHES_END,             /* the bytes are used up, but for what `cut_bytes` says */
	RECORD_BATCHES_FULL,            /* no room in the block or in the space; more is here */
	RECORD_BATCHES_LIMIT,           /* position stands at the limit */
	RECORD_BATCHES_OLD              /* magic 0 or 1: only librdkafka reads that */
};

struct record_batches {
	/* Set before begin. */
	struct str topic;               /* lives as long as the source */
	int32_t partition;
	bool headers;                   /* somebody reads them */
	struct record_space *space;     /* one for all partitions of a source */

	/* May be set before each fill: records from it on wait. INT64_MAX: no limit. */
	int64_t limit;

	/* To be read after each fill. */
	int64_t position;               /* next offset wanted */
	int32_t leader_epoch;           /* of the batch begun last; -1: not known */
	int64_t messages;               /* given out, since the struct was zeroed */
	int64_t message_bytes;          /* of their keys and values */
	/* A batch at the end of the bytes is cut off: how long it is. 0: none. */
	size_t cut_bytes;

	/* The rest is record_batch.c's. */
	const char *next;               /* behind the batch begun last */
	const char *end;
	struct aborted_transaction *aborted;
	uint32_t aborted_count;
	struct record_batch {
		struct str records;             /* as they came */
		int64_t base_offset;
		int64_t end_offset;             /* behind its last one */
		int64_t base_timestamp;
		int64_t max_timestamp;
		int64_t producer_id;
		int32_t count;
		uint16_t attributes;
	} batch;
	bool in_batch;
	const char *record;             /* next one; NULL: to be unpacked */
	const char *records_end;
	int32_t records_left;
	int64_t delta_next;             /* offset deltas rise: lowest that may come */
	struct record_lease lease;      /* of unpacked records */
};

/*
 * Begins with the records of a response. `aborted` lives as long as the bytes, and is sorted.
 * Position, limit and what is counted stay.
 */
void record_batches_begin(struct record_batches *r, struct str bytes,
	struct aborted_transaction *aborted, uint32_t aborted_count);

/*
 * Appends to `out`; answers an enum record_batches_state or a negative error. After an error the
 * reader must be begun anew.
 */
int record_batches_fill(struct record_batches *r, struct messages *out, struct error *err);

#endif
