#ifndef CDCL_FETCH_BROKER_H
#define CDCL_FETCH_BROKER_H

/*
 * One broker that leads partitions we read: its connection, and two blocks of memory for answers to
 * fetches. While records of one block are read, the next answer is received into the other.
 */

#include "source/fetch_cluster.h"
#include "source/fetch_lane.h"

enum { broker_blocks = 2 };

struct fetch_broker {
	int32_t id;
	struct fetch_connection connection;
	struct fetch_block blocks[broker_blocks];
	struct fetch_block *block;  /* what flies is a fetch into it; NULL: another question */
	struct fetch_buffer small;  /* for answers to other questions */
	enum fetch_phase asked;     /* which question flies, when it is no fetch */
	int64_t rest_until_us;      /* the broker asked us to leave it alone */
	uint32_t failures;          /* of the connection, as far as they were told */
	bool lost;                  /* it failed, and no question was answered since */
	uint32_t first;             /* partition with which the next request begins */
};

struct fetch_broker *fetch_broker_open(int32_t id, const struct fetch_settings *settings,
	const struct clock *clock, int epoll_fd);
void fetch_broker_close(struct fetch_broker *b);

/* Nobody reads in its blocks, also not the messages of this chunk. */
bool fetch_broker_idle(const struct fetch_broker *b, uint64_t chunk);
/* A block that nobody reads in, also not the messages of this chunk; NULL: none. */
struct fetch_block *fetch_broker_block(struct fetch_broker *b, uint64_t chunk);

#endif
