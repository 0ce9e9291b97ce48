#ifndef CDCL_PARTITION_PLACE_H
#define CDCL_PARTITION_PLACE_H

/*
 * Where a partition of a topic stands in the order of its database. Positions order the events of
 * one history: a server's binlog, a cluster's WAL. They start anew, most often lower, when the
 * connector goes on at another server (failover, blue/green, dump and restore, RESET MASTER). So
 * they are counted in epochs, of which a later one is above all of those before it:
 *
 *	epoch 0                    | epoch 1
 *	snapshot at 100, 101, 105  | snapshot at 300, 302   or  a failover: 7, 9, 12
 *
 * An epoch is opened by a snapshot's first record, by a snapshot's record ahead of all that was
 * streamed (another table's was the first), and by any event that stands behind all before it
 * though it happened later. What a connector or producer repeats stands behind, too, but is no
 * later than what came the first time: it opens nothing, and a merge finds it stale.
 */

#include "data/change.h"

struct partition_place {
	int64_t epoch;
	int64_t lsn_max;        /* newest position; MariaDB: number of the file */
	int64_t pos_max;
	int64_t time_max_us;    /* of all events; 0: none told */
	uint64_t origin;        /* hash of the connector's name; 0: not told */
	bool seen;
	bool streamed;          /* in this epoch, not only read by a snapshot */
	bool mixed;             /* several connectors write to it: positions tell nothing of them */
};

struct partition_event {
	int64_t time_us;        /* when the database had it; not above 0: not told */
	uint64_t origin;
	bool streamed;          /* else of a snapshot */
	bool first;             /* of a snapshot: its first record */
	bool begins;            /* the topic's first message: nothing came before */
	bool grows;             /* positions grow from event to event, not of each row alone */
};

/* Gives `p`, of which parts 1 to 3 are known, its epoch. True: the place is another now. */
bool partition_place_step(struct partition_place *at, struct change_position *p,
	const struct partition_event *e);

#endif
