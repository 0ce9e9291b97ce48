#define _GNU_SOURCE
#include "supervise.h"

#include "base/check.h"
#include "faults.h"
#include "job.h"
#include "world.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { life_seconds_max = 60 };

static int stderr_fd = -1;

int supervise_life(const struct life *l)
{
	fflush(NULL);
	if (stderr_fd < 0)
		stderr_fd = memfd_create("stderr", MFD_CLOEXEC);
	check(stderr_fd >= 0 && ftruncate(stderr_fd, 0) == 0);
	lseek(stderr_fd, 0, SEEK_SET);
	pid_t child = fork();
	check(child >= 0);
	if (child == 0) {
		if (!world->verbose)
			dup2(stderr_fd, STDERR_FILENO);
		alarm(life_seconds_max);
		life_run(l);
	}
	int status = 0;
	check(waitpid(child, &status, 0) == child);
	return status;
}

const char *supervise_stderr(void)
{
	static char text[8192];
	ssize_t n = pread(stderr_fd, text, sizeof(text) - 1, 0);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

void say_wrong(const char *what)
{
	if (faults_are_quiet())
		return;
	printf("# job %s, seed %llu: %s%s%s\n", job_chosen()->name,
		(unsigned long long)world->seed, what, world->problem[0] != '\0' ? ": " : "",
		world->problem);
	printf("# again: build/dev/sim -v --job %s %llu\n", job_chosen()->name,
		(unsigned long long)world->seed);
}

bool supervise_check(void (*look)(void), const char *when)
{
	fflush(NULL);
	pid_t child = fork();
	check(child >= 0);
	if (child == 0) {
		look();
		_exit(0);
	}
	int status = 0;
	check(waitpid(child, &status, 0) == child);
	if (status != 0)
		say_wrong(when);
	return status == 0;
}
