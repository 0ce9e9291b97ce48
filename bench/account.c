/*
 * Runs a program and writes to a file what it took: bench_account FILE PROGRAM [ARGUMENT...]
 *
 * Wall seconds, CPU seconds of all its threads, peak resident kB. The peak of a child begins with
 * what its parent held when it was started, so the parent must be small: this is why the runner
 * does not do it itself. Ends as the program ended.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	double began = now();
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	struct rusage used;
	int status;
	if (child < 0 || wait4(child, &status, 0, &used) != child) {
		perror("wait4");
		return 126;
	}
	FILE *out = fopen(argv[1], "w");
	if (out == NULL) {
		perror(argv[1]);
		return 126;
	}
	double cpu = seconds(used.ru_utime) + seconds(used.ru_stime);
	fprintf(out, "%.6f %.6f %ld\n", now() - began, cpu, used.ru_maxrss);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
