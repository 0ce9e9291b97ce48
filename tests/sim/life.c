#include "life.h"

#include "base/check.h"
#include "base/log.h"
#include "faults.h"
#include "job.h"
#include "model_disk.h"
#include "model_source.h"
#include "runtime/pipeline.h"
#include "target.h"
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { steps_max = 20000, goes_back = 1000 };

/*
 * No threads: whoever forks while one has a lock makes a process that waits for it for ever. A
 * watchdog nobody needs here, and without the one that makes them pages of a table are small.
 */
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_detach(pthread_t thread);

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument)
{
	(void)attr, (void)start, (void)argument;
	*thread = 0;
	return 0;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
	(void)thread, (void)result;
	return 0;
}

int __wrap_pthread_detach(pthread_t thread)
{
	(void)thread;
	return 0;
}

static int failed(const struct error *err)
{
	if (world->verbose)
		fprintf(stderr, "# ends: %s\n", err->text);
	snprintf(world->problem, sizeof(world->problem), "%s", err->text);
	return world_error + (int)err->code;
}

static void pass_time(void)
{
	world->monotonic_us += 100 + world_choose(20000);
	world->wall_us += 100 + world_choose(20000);
	if (world->faults && world_once_in(200)) /* somebody sets the clock */
		world->wall_us += ((int64_t)world_choose(7200) - 3600) * 1000000;
}

/* Keeps the messages of two batches, so that an interrupted one can be run again. */
static void forget_old(void)
{
	struct topic *t = broker_topic(world->broker, "orders", 0);
	if (world->confirmed < 2 || !world_once_in(4))
		return;
	for (uint32_t i = 0; i < t->partition_count; i++) {
		int64_t kept = world->batches[world->confirmed - 2].ends[i];
		if (kept > t->logs[i].start)
			t->logs[i].start = kept;
	}
}

static void note_published(const struct pipeline *p)
{
	faults_pause(true);
	int64_t id = pipeline_batch(p)->id;
	if (id < world->confirmed || id > world->published)
		world_wrong("batch %lld was published after %lld", (long long)id,
			(long long)world->confirmed);
	world->confirmed = id;
	job_check_files(id);
	forget_old();
	faults_pause(false);
}

static void produce(void)
{
	faults_pause(true);
	workload_produce(1 + world_choose(20));
	faults_pause(false);
}

/* Somebody starts the same job: with the same checkpoint it must not come far. */
static void start_twin(void)
{
	struct error err;
	fflush(NULL);
	pid_t twin = fork();
	check(twin >= 0);
	if (twin == 0) {
		error_init(&err);
		struct pipeline *p = pipeline_open(job_chosen()->plan, &world_clock, 0, &err);
		bool kept_out = err.code == CDCL_E_FENCED || err.code == CDCL_E_DISK;
		if (p != NULL || !kept_out)
			world_wrong("a second process with the checkpoint: %s",
				p != NULL ? "was let in" : err.text);
		_exit(LIFE_DONE);
	}
	int status = 0;
	check(waitpid(twin, &status, 0) == twin);
	if (status != 0)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : LIFE_WRONG);
}

static bool all_is_read(void)
{
	return world->produced == world->workload->count && model_source_is_at_end() &&
		world->published >= 0;
}

static int run(struct pipeline *p, const struct life *l, struct error *err)
{
	int64_t stop_at = l->drains ? (int64_t)world_choose(l->is_short ? 12 : 100) : -1;
	int64_t back_at = world->faults && world_once_in(4) ? (int64_t)world_choose(100) : -1;
	int64_t twin_at = world->faults ? (int64_t)world_choose(200) : -1;
	for (int64_t step = 0; step < steps_max; step++) {
		world_call("step");
		int r = pipeline_step(p, 1 + world_choose(3), err);
		if (r < 0 || r == PIPELINE_DONE)
			return r;
		if (r == PIPELINE_BATCH)
			note_published(p);
		if (world_once_in(3))
			produce();
		if (step == twin_at)
			start_twin();
		pass_time();
		if (step == back_at)
			return goes_back;
		if (step == stop_at || (r == PIPELINE_WAIT && all_is_read()))
			pipeline_drain(p);
	}
	world_wrong("no end after %d steps", steps_max);
}

_Noreturn void life_run(const struct life *l)
{
	struct error err;
	error_init(&err);
	log_init(&world_clock, world->verbose ? LOG_INFO : LOG_NONE, false);
	if (l->fail_allocation > 0) {
		faults_fail_allocation(l->fail_allocation, l->fail_on);
		model_disk_use(false); /* scripts lie elsewhere */
		if (job_load(job_chosen(), &err) < 0)
			_exit(failed(&err));
		model_disk_use(true);
	}
	source_stand_in(model_source_make);
	sink_stand_in(target_sink_make);
	struct pipeline *p;
	int r;
	/* As runtime/job_restart.c: the open batch is given up, and the same plan opened again. */
	do {
		p = pipeline_open(job_chosen()->plan, &world_clock, 0, &err);
		r = p == NULL ? -(int)err.code : run(p, l, &err);
		if (r == goes_back && pipeline_keep(p, &err) < 0)
			r = -(int)err.code;
		if (r == goes_back)
			pipeline_close(p);
	} while (r == goes_back);
	int status = r < 0 ? failed(&err) : LIFE_DONE;
	pipeline_close(p);
	_exit(status);
}
