#include "base/clock.h"

#include "base/check.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	check(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t system_wall_us(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(const struct clock *c)
{
	(void)c;
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_us(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

struct clock_cpu clock_cpu_of_this_thread(void)
{
	clockid_t id;
	check(pthread_getcpuclockid(pthread_self(), &id) == 0);
	return (struct clock_cpu){id};
}

int64_t clock_cpu_us(struct clock_cpu c)
{
	struct timespec t;
	if (clock_gettime(c.id, &t) != 0)
		return -1;
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const struct clock clock_system = {.wall_us = system_wall_us, .monotonic_us = system_monotonic_us};

static int64_t held_us(const struct clock *c)
{
	return ((const struct clock_held *)(const void *)c)->now_us;
}

void clock_held_init(struct clock_held *c, int64_t now_us)
{
	*c = (struct clock_held){{.wall_us = held_us, .monotonic_us = held_us}, now_us};
}

void clock_local_time(int64_t wall_us, int *hour, int *minute, int *second)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm local;
	if (localtime_r(&seconds, &local) == NULL) {
		local = (struct tm){0};
	}
	*hour = local.tm_hour;
	*minute = local.tm_min;
	*second = local.tm_sec;
}

void clock_utc_text(int64_t wall_us, char out[clock_text_bytes])
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm utc;
	if (gmtime_r(&seconds, &utc) == NULL)
		utc = (struct tm){.tm_year = 70, .tm_mday = 1};
	size_t len = strftime(out, clock_text_bytes, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + len, clock_text_bytes - len, ".%03dZ", (int)(wall_us % 1000000 / 1000));
}
