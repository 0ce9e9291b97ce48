/*
 * The engine under fault: the pipeline, its operators, checkpoint and sinks, between models of
 * Kafka, the disk and targets. A seed gives job, input, faults and crash points; the process under
 * test lives and dies until its input is consumed.
 *
 *	sim [-v] [--job NAME] SEED        one seed
 *	sim --seeds FROM COUNT            many; prints the ones that fail, and counts: also when a
 *	                                  signal ends it
 *	sim --sweep disk|memory EVERY [FROM]   every EVERYth call fails (sweep.h)
 *	sim --mutations SEEDS             each part of the product that can be switched off is
 *	                                  (faults.h): some seed must fail
 */

#include "base/check.h"
#include "base/log.h"
#include "faults.h"
#include "job.h"
#include "life.h"
#include "model_disk.h"
#include "model_postgres.h"
#include "model_sqlite.h"
#include "shared.h"
#include "supervise.h"
#include "sweep.h"
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { lives_max = 40, faulty_lives_max = 12, shared_megabytes = 512 };

static struct figures {
	int64_t seeds;
	int64_t lives;
	int64_t crashes;
	int64_t power_cuts;
	int64_t disk_errors;
	int64_t database_errors;
	int64_t damages;        /* and so often it was seen */
	int64_t damages_seen;
	int64_t batches;
} figures;

static int only_job = -1;

/* Who is told to end (timeout) ends behind a seed, so that what it counted is not lost. */
static volatile sig_atomic_t asked_to_end;

static void end_soon(int number)
{
	(void)number;
	asked_to_end = 1;
}

static void listen_for_end(void)
{
	struct sigaction act = {.sa_handler = end_soon, .sa_flags = SA_RESTART};
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
}

/* ---- a life ---- */

/* Of this life: crash, disk error, drain, or nothing. */
static bool choose_faults(struct life *l, int64_t calls_before)
{
	static const int numbers[] = {EIO, ENOSPC, -1, EINTR};
	model_postgres_begin_life();
	world->undelivered = world->log_sync_failed = false;
	broker_compact(world->broker);
	world->calls = 0;
	world->crash_at = world->crash_at_sync = world->syncs = 0;
	world->faults = !l->to_the_end;
	bool disk_fails = false;
	if (l->to_the_end)
		return false;
	uint32_t what = world_choose(10);
	uint32_t range = (uint32_t)(calls_before > 20 ? calls_before : 300);
	if (what < 2)
		world->crash_at_sync = 1 + world_choose(range / 5 + 2);
	else if (what < 7)
		world->crash_at = 1 + world_choose(world_once_in(4) ? 30 : range);
	else if (what == 7)
		l->drains = true;
	if (world->seed % 4 == 0) /* a job that is started again and again for a few messages */
		l->drains = l->is_short = true;
	if (what >= 8 || world_once_in(10)) {
		int number = numbers[world_choose(ARRAY_LEN(numbers))];
		model_disk_fail(1 + world_choose(world_once_in(3) ? 20 : range / 2),
			number > 0 && number != EINTR && world_once_in(2), number);
		disk_fails = true;
	}
	return disk_fails;
}

/* Was this end one that the faults explain? */
static bool explained(int status, bool disk_fails, bool damaged)
{
	if (WIFSIGNALED(status)) {
		char text[64];
		snprintf(text, sizeof(text), "ended by signal %d", WTERMSIG(status));
		say_wrong(text);
		return false;
	}
	int code = WEXITSTATUS(status);
	if (code == LIFE_CRASHED || (code == LIFE_DONE && !world->log_sync_failed))
		return true;
	if (code == world_error + CDCL_E_DISK && disk_fails && model_disk_calls() > 0) {
		figures.disk_errors++;
		return true;
	}
	if (code == world_error + CDCL_E_UNREACHABLE && world->undelivered)
		return true;
	if ((code == world_error + CDCL_E_UNREACHABLE && model_postgres_was_down()) ||
		(code == world_error + CDCL_E_FENCED && model_postgres_was_fenced())) {
		figures.database_errors++;
		return true;
	}
	if (code == world_error + CDCL_E_STATE && damaged) {
		figures.damages_seen++;
		return true;
	}
	say_wrong(code == LIFE_WRONG ? "wrong" : "an error that no fault explains");
	return false;
}

/* A start on damaged files uses what is whole, or says so and touches nothing. */
static bool damage(const struct life *l)
{
	bool damaged = !l->to_the_end && world_once_in(12) && model_disk_damage();
	figures.damages += damaged;
	return damaged;
}

/* ---- a seed ---- */

static bool one_life(uint32_t number, int64_t *calls_before, bool *ended)
{
	struct life l = {.to_the_end = number >= faulty_lives_max || world_once_in(8)};
	bool disk_fails = choose_faults(&l, *calls_before);
	world->problem[0] = '\0';
	if (world->verbose)
		fprintf(stderr, "# life %u: crash at %lld, disk %d, drain %d, end %d\n", number,
			(long long)world->crash_at, disk_fails, l.drains, l.to_the_end);
	bool damaged = damage(&l);
	int status = supervise_life(&l);
	figures.lives++;
	if (!explained(status, disk_fails, damaged))
		return false;
	if (damaged)
		model_disk_undo_damage();
	bool crashed = WEXITSTATUS(status) != LIFE_DONE;
	bool power = crashed && world_once_in(2);
	figures.crashes += WEXITSTATUS(status) == LIFE_CRASHED;
	figures.power_cuts += power;
	*calls_before = world->calls > *calls_before ? world->calls : *calls_before;
	world->crash_at = world->crash_at_sync = 0;
	model_disk_after_death(power);
	if (!supervise_check(job_check_replaced, "wrong after a death"))
		return false;
	*ended = !crashed && world->produced == world->workload->count && !l.drains;
	if (!*ended && world_once_in(15))
		job_wipe_target();
	if (l.to_the_end && !*ended) {
		say_wrong("a life without faults did not come to the end");
		return false;
	}
	return true;
}

static bool one_seed(uint64_t seed)
{
	world_open(seed);
	model_disk_reset();
	model_sqlite_reset();
	model_postgres_reset();
	uint32_t job = world_choose(job_count());
	job_choose(only_job >= 0 ? (uint32_t)only_job : job);
	struct plan *plan = job_chosen()->plan;
	plan->snapshot_log_bytes_min = 200 + world_choose(20000);
	plan->snapshot_slice_bytes = 1 + world_choose(600);
	plan->snapshot_turn_steps = world_choose(4);
	world->workload = workload_make(
		20 + world_choose(world_once_in(4) ? 1000 : 250), job_chosen()->has_envelopes);
	job_leave_stale_rows();
	figures.seeds++;
	int64_t calls_before = 0;
	bool ended = false;
	for (uint32_t i = 0; i < lives_max && !ended; i++)
		if (!one_life(i, &calls_before, &ended))
			return false;
	figures.batches += world->confirmed + 1;
	if (!ended) {
		say_wrong("no end");
		return false;
	}
	return supervise_check(job_check_end, "wrong at the end");
}

static void print_figures(void)
{
	printf("# %lld seeds, %lld lives, %lld crashes, %lld power cuts, %lld disk errors, "
		"%lld of the database, %lld bits turned over (%lld seen), %lld batches\n",
		(long long)figures.seeds, (long long)figures.lives, (long long)figures.crashes,
		(long long)figures.power_cuts, (long long)figures.disk_errors,
		(long long)figures.database_errors, (long long)figures.damages,
		(long long)figures.damages_seen, (long long)figures.batches);
}

static int many(uint64_t from, uint64_t count)
{
	int bad = 0;
	listen_for_end();
	for (uint64_t i = 0; i < count && bad < 10 && !asked_to_end; i++)
		if (!one_seed(from + i)) {
			printf("not ok - seed %llu\n", (unsigned long long)(from + i));
			bad++;
		}
	print_figures();
	if (asked_to_end)
		printf("not ok - ended by a signal\n");
	else if (bad == 0)
		printf("ok - %lld seeds\n", (long long)figures.seeds);
	return bad > 0 || asked_to_end;
}

/* NULL: each seed says which. */
static void choose_job(const char *name)
{
	only_job = -1;
	for (uint32_t i = 0; i < job_count() && name != NULL; i++)
		if (strcmp(job_at(i)->name, name) == 0)
			only_job = (int)i;
	check((only_job >= 0) == (name != NULL));
}

/* Switched off: the suite must see it. */
static int mutate_all(uint64_t seeds)
{
	int bad = 0;
	for (const struct mutation *m = faults_mutations(); m->name != NULL; m++) {
		check(faults_mutate(m->name)); /* and nobody tells the failing seeds */
		choose_job(m->job);
		uint64_t seed = 1;
		while (seed <= seeds && one_seed(seed))
			seed++;
		bool caught = seed <= seeds;
		bad += !caught;
		printf("%s - without %s: %s\n", caught ? "ok" : "not ok", m->name, m->what);
	}
	return bad > 0;
}

static int load(void)
{
	struct error err;
	error_init(&err);
	int r = job_load_all(&err);
	if (r < 0)
		log_print_error(&err);
	return r;
}

static int run(int count, char **words)
{
	bool sweep = count >= 3 && strcmp(words[0], "--sweep") == 0;
	int64_t every = sweep ? strtoll(words[2], NULL, 10) : 1;
	int64_t from = sweep && count == 4 ? strtoll(words[3], NULL, 10) : 0;
	if (load() < 0)
		return 2;
	if (sweep && every > 0 && strcmp(words[1], "memory") == 0)
		return sweep_memory(every, from);
	if (sweep && every > 0 && strcmp(words[1], "disk") == 0)
		return sweep_disk(every, from);
	if (count == 3 && strcmp(words[0], "--seeds") == 0)
		return many(strtoull(words[1], NULL, 10), strtoull(words[2], NULL, 10));
	if (count == 2 && strcmp(words[0], "--mutations") == 0)
		return mutate_all(strtoull(words[1], NULL, 10));
	if (count == 1 && words[0][0] != '-')
		return many(strtoull(words[0], NULL, 10), 1);
	fprintf(stderr, "usage: sim [-v] [--job NAME] [--mutate NAME] SEED | --seeds FROM COUNT | "
		"--sweep disk|memory EVERY [FROM] | --mutations SEEDS\n");
	return 2;
}

int main(int argc, char **argv)
{
	bool verbose = false;
	int at = 1;
	shared_open((size_t)shared_megabytes * 1024 * 1024);
	log_init(&clock_system, LOG_NONE, false);
	model_sqlite_open();
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (strcmp(argv[at], "-v") == 0)
			verbose = true;
		else if (strcmp(argv[at], "--job") == 0 && at + 1 < argc)
			choose_job(argv[++at]);
		else if (strcmp(argv[at], "--mutate") == 0 && at + 1 < argc)
			check(faults_mutate(argv[++at]));
		else
			break;
	}
	world_open(0);
	world->verbose = verbose;
	return run(argc - at, argv + at);
}
