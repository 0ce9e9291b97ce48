#ifndef SIM_WORLD_H
#define SIM_WORLD_H

/*
 * What is outside of the program under test: one seed's random numbers, its clock, the broker, the
 * targets, and when the next fault comes. All of it in shared memory.
 *
 * Every call through a seam begins with world_call: there the process may die.
 */

#include "base/clock.h"
#include "broker.h"
#include "workload.h"

#include <stdbool.h>

enum { world_batches_max = 4096, world_targets_max = 8 };

/* How a life ended, as its exit status; others: world_error + the engine's error code. */
enum life_end { LIFE_DONE = 0, LIFE_CRASHED = 90, LIFE_WRONG = 91, world_error = 100 };

/* What a batch was when somebody published it: the same whenever it is run again. */
struct world_batch {
	bool known;
	int64_t time_us;
	int64_t ends[broker_partitions_max];
};

struct world {
	uint64_t seed;
	uint64_t random;
	int64_t wall_us;
	int64_t monotonic_us;
	int64_t calls;          /* through the seams, of this life */
	int64_t crash_at;       /* 0: never */
	int64_t syncs;          /* of this life */
	int64_t crash_at_sync;  /* 0: never */
	bool faults;            /* leaders away, and the like */
	bool allocation_failed;
	bool log_sync_failed;   /* of the checkpoint, in this life: nobody may end well */
	bool undelivered;       /* a message without a transaction, in this life */
	bool verbose;
	char problem[4000];     /* the first one; "": none */
	struct broker *broker;
	struct workload *workload;
	uint32_t produced;      /* of the workload */
	int64_t positions[broker_partitions_max]; /* of the source, as it stands */
	struct target *targets[world_targets_max];
	uint32_t target_count;
	int64_t confirmed;      /* the last batch of which the pipeline said that it is published */
	int64_t published;      /* the last that some target has */
	struct world_batch batches[world_batches_max];
};

extern struct world *world;
extern const struct clock world_clock;

void world_open(uint64_t seed);
uint32_t world_choose(uint32_t below);
/* Once in `n`. */
bool world_once_in(uint32_t n);
void world_call(const char *what);
/* Ends the life: a promise was broken. */
_Noreturn void world_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A target is about to show batch `id`: it must be what it was. */
void world_note_batch(int64_t id, int64_t time_us);

#endif
