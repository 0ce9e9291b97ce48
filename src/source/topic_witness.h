#ifndef CDCL_TOPIC_WITNESS_H
#define CDCL_TOPIC_WITNESS_H

/*
 * Is a topic still the one that was read? One that was deleted and made again while the job was
 * down, and has grown beyond the position that was kept, looks alike from its offsets. So the
 * last message that was read of each partition is kept as a hash with the position, and reading
 * begins with that message instead of the one after it:
 *
 *	the same hash              the topic is the one that was read; the message is dropped
 *	another                    it was made again: CDCL_E_DATA, or read from its beginning
 *	a later message comes      it is gone (compaction, retention, isolation): nobody can tell
 *
 * Where offsets without messages (control records, aborted messages) lie between the two, they are
 * read again as well, up to a bound. Whoever reads a topic calls note for the last message of each
 * run of a partition, and judge for messages below the position that a checkpoint gave.
 */

#include "cdcl/abi.h"
#include "cdcl/error.h"
#include "source/source_config.h"

/* A read that was asked for in vain costs this much at most. */
enum { topic_witness_gap_max = 10000 };

enum topic_verdict { TOPIC_UNKNOWN, TOPIC_SAME, TOPIC_OTHER };

/* Of message `row`: into what a source shows of the partition. */
void topic_witness_note(struct topic_witness *w, const struct messages *m, uint32_t row);

/*
 * What a checkpoint kept of a partition that holds offsets from `begin` on and is read from
 * `start`: `until` is 0 when there is nothing to compare with.
 */
struct topic_witness topic_witness_kept(const struct source_resume *resume, struct str topic,
	int32_t partition, int64_t begin, int64_t start);

/* The offset to read from so that it comes first. */
static inline int64_t topic_witness_from(struct topic_witness w, int64_t start)
{
	return w.until > 0 ? w.until - 1 : start;
}

/* A message came that is below the position: TOPIC_UNKNOWN when it is not the one. */
enum topic_verdict topic_witness_judge(struct topic_witness w, int64_t offset,
	int64_t timestamp_us, struct str key, struct str value);

/* CDCL_E_DATA: TOPIC_OTHER, in words. */
int topic_witness_refuse(
	struct topic_witness w, struct str topic, int32_t partition, struct error *err);

#endif
