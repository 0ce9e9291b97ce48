#ifndef CDCL_ENVELOPE_LORE_H
#define CDCL_ENVELOPE_LORE_H

/*
 * What a decoder has learned of a topic and the rows to come depend on: which envelope it has, how
 * its columns' values are written (decode/column_lore.h), where its partitions stand in the
 * database's order. It follows from the messages so far alone, so a decoder that is told all of it
 * goes on as the one that learned it:
 *
 *	decoder --envelope_news--> topic_lore, after each batch ... envelope_recall--> decoder
 */

#include "decode/column_lore.h"
#include "decode/envelope.h"
#include "decode/partition_place.h"

struct named_lore {
	struct str name;
	struct column_lore lore;
};

struct partition_lore {
	int32_t partition;
	struct partition_place place;   /* epochs are counted from 0 by each process */
};

struct topic_lore {
	struct str topic;
	enum envelope_kind kind;        /* AUTO: nothing came that told */
	bool unwrapped;
	bool seen_rows;
	bool has_others;                /* rows of other tables than the wanted one */
	const struct named_lore *columns;       /* those of which something is known */
	uint32_t column_count;
	const struct partition_lore *partitions; /* those that stand somewhere */
	uint32_t partition_count;
};

enum { lore_partitions_max = 65536 };   /* their numbers are below */

/*
 * The next topic (from *at on, 0 first) of which this was not told yet, or is another now: all of
 * its columns, and the partitions that are others. Names are the decoder's, lists in the arena.
 * False: that was all.
 */
bool envelope_news(struct envelope_decoder *d, uint32_t *at, struct arena *arena,
	struct topic_lore *out);

/* Columns that the decoder has not are left out; an envelope that was asked for stays. */
void envelope_recall(struct envelope_decoder *d, const struct topic_lore *lore);

#endif
