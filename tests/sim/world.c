#include "world.h"

#include "base/check.h"
#include "shared.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct world *world;

static int64_t wall_us(const struct clock *c)
{
	(void)c;
	return world->wall_us;
}

static int64_t monotonic_us(const struct clock *c)
{
	(void)c;
	return world->monotonic_us;
}

const struct clock world_clock = {.wall_us = wall_us, .monotonic_us = monotonic_us};
/* Whoever waits for a broker by the system's time waits by the world's. */
extern const struct clock __wrap_clock_system;
const struct clock __wrap_clock_system = {.wall_us = wall_us, .monotonic_us = monotonic_us};

/* A wait for nothing but time. */
int __real_poll(struct pollfd *fds, nfds_t count, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms);

int __wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
	if (count > 0 && fds[0].fd >= 0)
		return __real_poll(fds, count, ms);
	world->monotonic_us += (int64_t)(ms > 0 ? ms : 1) * 1000;
	return 0;
}

void world_open(uint64_t seed)
{
	bool verbose = world != NULL && world->verbose;
	shared_reset();
	world = shared_zeroed(sizeof(*world));
	world->seed = seed;
	world->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	world->wall_us = INT64_C(1700000000) * 1000000;
	world->monotonic_us = 5000000;
	world->verbose = verbose;
	world->confirmed = world->published = -1;
	world->broker = broker_open();
}

uint32_t world_choose(uint32_t below)
{
	check(below > 0);
	uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}

bool world_once_in(uint32_t n)
{
	return world_choose(n) == 0;
}

void world_call(const char *what)
{
	bool at_sync = strcmp(what, "sync") == 0 && ++world->syncs == world->crash_at_sync;
	if (++world->calls != world->crash_at && !at_sync)
		return;
	if (world->verbose)
		fprintf(stderr, "# dies at call %lld: %s\n", (long long)world->calls, what);
	_exit(LIFE_CRASHED);
}

_Noreturn void world_wrong(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(world->problem, sizeof(world->problem), format, arguments);
	va_end(arguments);
	_exit(LIFE_WRONG);
}

void world_note_batch(int64_t id, int64_t time_us)
{
	check(id >= 0 && id < world_batches_max);
	struct world_batch *b = &world->batches[id];
	if (id > world->published + 1)
		world_wrong("batch %lld is published, the one before it was not", (long long)id);
	if (!b->known) {
		*b = (struct world_batch){.known = true, .time_us = time_us};
		memcpy(b->ends, world->positions, sizeof(b->ends));
		world->published = id;
		return;
	}
	if (b->time_us != time_us)
		world_wrong("batch %lld has the time %lld, and had %lld", (long long)id,
			(long long)time_us, (long long)b->time_us);
	for (uint32_t i = 0; i < broker_partitions_max; i++)
		if (b->ends[i] != world->positions[i])
			world_wrong("batch %lld ends at %lld in partition %u, and did at %lld",
				(long long)id, (long long)world->positions[i], i,
				(long long)b->ends[i]);
}
