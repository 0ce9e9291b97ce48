/*
 * Lines of a pipe, each probe (bench_send_open) printed as it comes, nothing else. What lies before
 * and behind cdcl: the sender, two pipes, the receiver, the scheduler of the machine.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { lines_bytes = 1 << 20 };

static void take_line(const char *line, size_t len)
{
	static const char probe[] = "\"probe\":1}";
	size_t probe_len = sizeof(probe) - 1;
	if (len > probe_len && memcmp(line + len - probe_len, probe, probe_len) == 0)
		fwrite(line, 1, len + 1, stdout);
}

int main(void)
{
	static char lines[lines_bytes];
	size_t used = 0;
	ssize_t r;
	while ((r = read(STDIN_FILENO, lines + used, lines_bytes - used)) > 0) {
		used += (size_t)r;
		char *line = lines, *end;
		while ((end = memchr(line, '\n', used - (size_t)(line - lines))) != NULL) {
			take_line(line, (size_t)(end - line));
			line = end + 1;
		}
		used -= (size_t)(line - lines);
		memmove(lines, line, used);
		fflush(stdout);
	}
	return 0;
}
