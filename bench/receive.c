/*
 * How late lines come: bench_receive SKIP_US <LINES. A line that holds "at":TIME is late by what
 * the clock says when it could be read, less TIME; those of the first SKIP_US are left out (warming
 * up). At the end of its input it prints how many there were and percentiles in microseconds.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { lines_bytes = 1 << 20, late_max = 10000000 };

static int32_t late[late_max];
static size_t late_count;
static int64_t first_at, skip_us;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void take_line(const char *line, int64_t now)
{
	const char *found = strstr(line, "\"at\":");
	if (found == NULL)
		return;
	int64_t at = strtoll(found + 5, NULL, 10);
	first_at = first_at == 0 ? at : first_at;
	if (at >= first_at + skip_us && late_count < late_max)
		late[late_count++] = (int32_t)(now - at);
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

static int percentile(double part)
{
	size_t at = (size_t)((double)late_count * part);
	return late_count == 0 ? 0 : late[at < late_count ? at : late_count - 1];
}

int main(int argc, char **argv)
{
	static char lines[lines_bytes + 1];
	size_t used = 0;
	ssize_t r;
	skip_us = argc > 1 ? atoll(argv[1]) : 0;
	while ((r = read(STDIN_FILENO, lines + used, lines_bytes - used)) > 0) {
		int64_t now = now_us();
		used += (size_t)r;
		char *line = lines, *end;
		while ((end = memchr(line, '\n', used - (size_t)(line - lines))) != NULL) {
			*end = '\0';
			take_line(line, now);
			line = end + 1;
		}
		used -= (size_t)(line - lines);
		memmove(lines, line, used);
		if (used == lines_bytes) {
			fprintf(stderr, "a line is too long\n");
			return 1;
		}
	}
	qsort(late, late_count, sizeof(late[0]), by_value);
	printf("count=%zu p50=%d p99=%d p99.9=%d max=%d\n", late_count, percentile(0.5),
		percentile(0.99), percentile(0.999), percentile(1));
	return 0;
}
