#ifndef CDCL_CLOCK_H
#define CDCL_CLOCK_H

/*
 * The clock seam: the only door to the system's time. Everything that needs the time takes a
 * `const struct clock *`, so that tests can hold it.
 */

#include <stdint.h>

struct clock {
	int64_t (*wall_us)(const struct clock *c);      /* microseconds since 1970 UTC */
	int64_t (*monotonic_us)(const struct clock *c); /* never goes back; zero is arbitrary */
};

extern const struct clock clock_system;

/* A clock that moves only when told; `clock` is its first member. */
struct clock_held {
	struct clock clock;
	int64_t now_us;
};

/* Since the machine started; what /proc counts in. */
int64_t clock_boot_us(void);

/* CPU that one thread of this process used; anybody in the process may ask. */
struct clock_cpu {
	int id;
};

struct clock_cpu clock_cpu_of_this_thread(void);
int64_t clock_cpu_us(struct clock_cpu c); /* -1: the thread is no more */

/* Hour, minute and second on this machine's own clock face, for people. */
void clock_local_time(int64_t wall_us, int *hour, int *minute, int *second);

enum { clock_text_bytes = 32 };

/* "2026-11-29T06:14:46.123Z", for machines. */
void clock_utc_text(int64_t wall_us, char out[clock_text_bytes]);

void clock_held_init(struct clock_held *c, int64_t now_us);

static inline int64_t clock_wall_us(const struct clock *c) { return c->wall_us(c); }
static inline int64_t clock_monotonic_us(const struct clock *c) { return c->monotonic_us(c); }

#endif
