#include "sweep.h"

#include "job.h"
#include "model_disk.h"
#include "model_postgres.h"
#include "supervise.h"
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { sweep_events = 60, sweep_seed = 7 };

struct sweep_fault {
	const char *name;
	int number;     /* errno, or -1: half of a write; 0: an allocation */
	bool on;
};

static struct {
	int64_t cases;
	int64_t errors;
	int64_t aborts;
	int64_t unharmed;
} figures;

static void begin(uint32_t job)
{
	world_open(sweep_seed);
	model_disk_reset();
	model_postgres_reset();
	job_choose(job);
	world->workload = workload_make(sweep_events, job_chosen()->has_envelopes);
	job_leave_stale_rows();
}

static void say(const struct sweep_fault *f, int64_t k, const char *what)
{
	printf("not ok - %s, call %lld, %s%s: %s\n# %s\n# %.2000s\n", job_chosen()->name,
		(long long)k, f->name, f->on ? " for good" : "", what, world->problem,
		supervise_stderr());
}

/* An assertion that says what was missing, and nothing else that ends a process. */
static bool is_told_abort(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
		(strstr(supervise_stderr(), "check failed") != NULL ||
			strstr(supervise_stderr(), "Lua failed outside of a protected call: "
						   "not enough memory") != NULL);
}

/* Of the life with the fault. */
static bool ends_well(const struct sweep_fault *f, int64_t k, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	figures.cases++;
	if (code == LIFE_DONE && world->log_sync_failed) {
		say(f, k, "a sync of the log failed, and the job ended well");
		return false;
	}
	if (code == LIFE_DONE) {
		figures.unharmed++;
		return true;
	}
	/* A script that cannot be loaded for want of memory is an error of the script. */
	bool told = f->number == 0 ? strstr(world->problem, "memory") != NULL
				   : code == world_error + CDCL_E_DISK;
	if (code > world_error && told) {
		figures.errors++;
		return true;
	}
	if (f->number == 0 && is_told_abort(status)) {
		figures.aborts++;
		return true;
	}
	char text[80];
	snprintf(text, sizeof(text), code >= 0 ? "exit %d" : "signal %d",
		code >= 0 ? code : WTERMSIG(status));
	say(f, k, text);
	return false;
}

static bool recovers(const struct sweep_fault *f, int64_t k)
{
	struct life clean = {.to_the_end = true};
	world->problem[0] = '\0';
	model_disk_after_death(k % 2 == 0);
	int status = supervise_life(&clean);
	if (status == 0 && supervise_check(job_check_end, "wrong at the end"))
		return true;
	say(f, k, "the next start does not come to the right result");
	return false;
}

/* False: it went wrong. *over: there is no k-th call. */
static bool one_case(uint32_t job, const struct sweep_fault *f, int64_t k, bool *over)
{
	struct life l = {.to_the_end = true};
	begin(job);
	if (f->number == 0) {
		l.fail_allocation = k;
		l.fail_on = f->on;
	} else {
		model_disk_fail(k, f->on, f->number);
	}
	int status = supervise_life(&l);
	*over = f->number == 0 ? !world->allocation_failed : model_disk_calls() < k;
	return ends_well(f, k, status) && recovers(f, k);
}

static int sweep(
	const struct sweep_fault *faults, uint32_t count, int64_t every, int64_t from)
{
	int bad = 0;
	for (uint32_t job = 0; job < job_count() - 1; job++) /* the last writes to another disk */
		for (uint32_t i = 0; i < count; i++) {
			bool over = false;
			int64_t k = from > 0 ? from : 1 + i % every;
			for (; !over && bad < 10; k += every)
				bad += !one_case(job, &faults[i], k, &over);
			printf("%s - %s: %s%s at %s of %lld calls\n", bad == 0 ? "ok" : "not ok",
				job_at(job)->name, faults[i].name, faults[i].on ? " for good" : "",
				every == 1 ? "each" : "some", (long long)(k - every));
		}
	printf("# %lld cases: %lld errors, %lld assertions, %lld unharmed\n",
		(long long)figures.cases, (long long)figures.errors, (long long)figures.aborts,
		(long long)figures.unharmed);
	return bad > 0;
}

int sweep_disk(int64_t every, int64_t from)
{
	static const struct sweep_fault faults[] = {{"EIO", EIO, false}, {"EIO", EIO, true},
		{"ENOSPC", ENOSPC, false}, {"ENOSPC", ENOSPC, true}, {"a short write", -1, false},
		{"EINTR", EINTR, false}};
	return sweep(faults, sizeof(faults) / sizeof(faults[0]), every, from);
}

int sweep_memory(int64_t every, int64_t from)
{
	static const struct sweep_fault faults[] = {
		{"no memory", 0, false}, {"no memory", 0, true}};
	return sweep(faults, sizeof(faults) / sizeof(faults[0]), every, from);
}
