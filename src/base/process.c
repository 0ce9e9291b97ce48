#include "base/process.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { stat_bytes_max = 4096, stat_fields_max = 24 };

/* Numbers of /proc/self/stat behind the program's name, the state first as 0. */
enum stat_field {
	STAT_THREADS = 17,
	STAT_START_TICKS = 19,
	STAT_VIRTUAL_BYTES = 20,
	STAT_RESIDENT_PAGES = 21,
};

static void read_stat(int64_t fields[stat_fields_max])
{
	struct strbuf text;
	strbuf_init(&text);
	if (file_read_all("/proc/self/stat", stat_bytes_max, &text, NULL) == 0) {
		strbuf_add_byte(&text, '\0');
		const char *at = strrchr(text.data, ')'); /* the name may hold blanks */
		at = at == NULL ? "" : at + 1;
		for (int i = 0; i < stat_fields_max && *at != '\0'; i++) {
			fields[i] = strtoll(at + 1, NULL, 10);
			const char *next = strchr(at + 1, ' ');
			at = next == NULL ? "" : next;
		}
	}
	strbuf_release(&text);
}

int64_t process_resident_bytes(void)
{
	int64_t fields[stat_fields_max] = {0};
	read_stat(fields);
	return fields[STAT_RESIDENT_PAGES] * sysconf(_SC_PAGESIZE);
}

static int64_t count_fds(void)
{
	struct arena arena;
	struct str *names;
	arena_init(&arena, 4096);
	int count = file_list("/proc/self/fd", &arena, &names, NULL);
	arena_release(&arena);
	return count > 0 ? count - 1 : 0; /* one is the listing's own */
}

/* Ticks since the machine started: two clocks, read at once, tell when that was. */
static double start_of(int64_t ticks, double ticks_a_second)
{
	int64_t boot_us = clock_wall_us(&clock_system) - clock_boot_us();
	return (double)boot_us / 1e6 + (double)ticks / ticks_a_second;
}

/* Not by ticks: a process that has just started used less than one. */
static double cpu_s(void)
{
	struct rusage used = {0};
	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void process_look(struct process_figures *out)
{
	int64_t fields[stat_fields_max] = {0};
	read_stat(fields);
	double ticks_a_second = (double)sysconf(_SC_CLK_TCK);
	struct rlimit limit = {0};
	bool unlimited = getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY;
	*out = (struct process_figures){
		.resident_bytes = fields[STAT_RESIDENT_PAGES] * sysconf(_SC_PAGESIZE),
		.virtual_bytes = fields[STAT_VIRTUAL_BYTES],
		.threads = fields[STAT_THREADS],
		.open_fds = count_fds(),
		.max_fds = unlimited ? 0 : (int64_t)limit.rlim_cur,
		.cpu_s = cpu_s(),
		.start_s = start_of(fields[STAT_START_TICKS], ticks_a_second),
	};
}
