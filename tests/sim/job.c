#include "job.h"

#include "base/check.h"
#include "model_disk.h"
#include "model_postgres.h"
#include "model_sqlite.h"
#include "parquet_rows.h"
#include "script/script.h"
#include "target.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sim_job jobs[] = {
	{.name = "merge",
		.script = "tests/sim/jobs/merge.lua",
		.sinks = {{"ledger_rows", SIM_LEDGER, fold_rows, NULL},
			{"out/rows.jsonl", SIM_REPLACED, fold_rows, NULL},
			{"ledger_groups", SIM_LEDGER, fold_row_groups, NULL},
			{"out/groups.jsonl", SIM_REPLACED, fold_row_groups, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_merge_letters}}},
	{.name = "stream",
		.script = "tests/sim/jobs/stream.lua",
		.sinks = {{"ledger_events", SIM_LEDGER, fold_events, NULL},
			{"plain_events", SIM_PLAIN, fold_events, NULL},
			{"out/events.jsonl", SIM_APPENDED, fold_events, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_event_letters}}},
	{.name = "topic",
		.script = "tests/sim/jobs/topic.lua",
		.sinks = {{"ledger_events", SIM_LEDGER, fold_events, NULL},
			{"txn_events", SIM_TOPIC, fold_events, NULL},
			{"txn_dead", SIM_TOPIC_LETTERS, NULL, fold_event_letters}}},
	{.name = "groups",
		.script = "tests/sim/jobs/groups.lua",
		.sinks = {{"ledger_groups", SIM_LEDGER, fold_stream_groups, NULL},
			{"out/groups.jsonl", SIM_REPLACED, fold_stream_groups, NULL}}},
	{.name = "tables",
		.script = "tests/sim/jobs/tables.lua",
		.sinks = {{"ledger_rows", SIM_LEDGER, fold_rows, NULL},
			{"txn_rows", SIM_TABLE, fold_rows, NULL},
			{"loose_rows", SIM_LOOSE_TABLE, fold_rows, NULL},
			{"txn_groups", SIM_TABLE, fold_row_groups, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_merge_letters}}},
	{.name = "kept",
		.script = "tests/sim/jobs/kept.lua",
		.sinks = {{"ledger_rows", SIM_LEDGER, fold_rows, NULL},
			{"out/rows", SIM_SNAPSHOT, fold_rows, NULL},
			{"orders", SIM_POSTGRES, fold_rows, NULL},
			{"out/groups", SIM_SNAPSHOT, fold_row_groups, NULL},
			{"units", SIM_POSTGRES, fold_row_groups, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_merge_letters}}},
	{.name = "added",
		.script = "tests/sim/jobs/added.lua",
		.sinks = {{"ledger_events", SIM_LEDGER, fold_events, NULL},
			{"events", SIM_POSTGRES, fold_events, NULL},
			{"out/parts", SIM_ADDED, fold_events, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_event_letters}}},
	{.name = "learned",
		.script = "tests/sim/jobs/learned.lua",
		.has_envelopes = true,
		.sinks = {{"ledger_times", SIM_LEDGER, fold_times, NULL},
			{"out/times.jsonl", SIM_APPENDED, fold_times, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_torn_letters}}},
	{.name = "sqlite",
		.script = "tests/sim/jobs/sqlite.lua",
		.sinks = {{"ledger_rows", SIM_LEDGER, fold_rows, NULL},
			{"orders", SIM_SQLITE, fold_rows, NULL},
			{"units", SIM_SQLITE, fold_row_groups, NULL},
			{"dead.jsonl", SIM_LETTERS, NULL, fold_merge_letters}}},
};

static struct sim_job *chosen;

uint32_t job_count(void)
{
	return ARRAY_LEN(jobs);
}

struct sim_job *job_at(uint32_t index)
{
	check(index < ARRAY_LEN(jobs));
	return &jobs[index];
}

int job_load(struct sim_job *job, struct error *err)
{
	struct script_options options = {
		.path = job->script, .jit = true, .clock = &clock_system};
	struct script *s = script_open(&options, err);
	if (s == NULL)
		return -(int)err->code;
	job->plan = script_plan(s); /* until the process ends */
	job->plan->snapshot_log_bytes_min = 2000;
	job->plan->snapshot_slice_bytes = 100;
	job->plan->snapshot_turn_steps = 1;
	return 0;
}

int job_load_all(struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < ARRAY_LEN(jobs) && r == 0; i++)
		r = job_load(&jobs[i], err);
	return r;
}

void job_choose(uint32_t index)
{
	chosen = job_at(index);
}

struct sim_job *job_chosen(void)
{
	return chosen;
}

const struct sim_sink *job_sink(struct str name)
{
	for (uint32_t i = 0; i < sim_sinks_max && name.data != NULL; i++) {
		const struct sim_sink *s = &chosen->sinks[i];
		bool is_target = s->kind == SIM_LEDGER || s->kind == SIM_PLAIN;
		if (s->name != NULL && is_target && str_eq(str_c(s->name), name))
			return s;
	}
	return NULL;
}

void job_wipe_target(void)
{
	struct target *t = world->target_count == 0
		? NULL
		: world->targets[world_choose(world->target_count)];
	if (t != NULL && t->is_table)
		target_wipe(t);
}

/* ---- checks ---- */

static void fold(const struct sim_sink *s, int64_t batch, bool json, struct strbuf *out)
{
	strbuf_init(out);
	check(world->batches[batch].known);
	s->fold(world->batches[batch].ends, json, out);
	lines_sort(out);
}

static void wrong_text(const char *name, int64_t batch, const char *when, struct str has,
	struct str wanted)
{
	world_wrong("%s is not what it must be %s batch %lld\n--- it has\n" STR_FMT
		"--- it must have\n" STR_FMT,
		name, when, (long long)batch, (int)(has.len > 1500 ? 1500 : has.len), has.data,
		(int)(wanted.len > 1500 ? 1500 : wanted.len), wanted.data);
}

void job_check_target(const struct sim_sink *s, const struct target *t, int64_t batch)
{
	struct strbuf has, wanted;
	strbuf_init(&has);
	target_text(t, &has);
	lines_sort(&has);
	fold(s, batch, false, &wanted);
	if (!str_eq(strbuf_str(&has), strbuf_str(&wanted)))
		wrong_text(s->name, batch, "after", strbuf_str(&has), strbuf_str(&wanted));
	strbuf_release(&has);
	strbuf_release(&wanted);
}

/* "partition@offset" of each letter. */
static void letter_places(struct str file, struct strbuf *out)
{
	strbuf_init(out);
	while (file.len > 0) {
		const char *end = memchr(file.data, '\n', file.len);
		size_t len = end == NULL ? file.len : (size_t)(end + 1 - file.data);
		long partition = -1;
		long long offset = -1;
		if (sscanf(file.data, "{\"topic\":\"orders\",\"partition\":%ld,\"offset\":%lld,",
			    &partition, &offset) != 2 || end == NULL)
			world_wrong("dead letters: no letter: " STR_FMT, STR_ARG(file));
		strbuf_addf(out, "%ld@%lld\n", partition, offset);
		file = str_sub(file, len, file.len - len);
	}
	lines_sort(out);
}

static void check_letters(const struct sim_sink *s, int64_t batch)
{
	struct strbuf has, wanted;
	letter_places(model_disk_file(s->name), &has);
	strbuf_init(&wanted);
	s->letters(world->batches[batch].ends, &wanted);
	if (!str_eq(strbuf_str(&has), strbuf_str(&wanted)))
		wrong_text(s->name, batch, "after", strbuf_str(&has), strbuf_str(&wanted));
	strbuf_release(&has);
	strbuf_release(&wanted);
}

/* Rows of a file or of a table, sorted; *batch: of which it says that it holds it, or -1. */
static void rows_of(const struct sim_sink *s, struct strbuf *out, int64_t *batch)
{
	*batch = -1;
	switch (s->kind) {
	case SIM_SQLITE: model_sqlite_text(s->name, out); return;
	case SIM_POSTGRES: model_postgres_text(s->name, out, batch); return;
	case SIM_SNAPSHOT: parquet_rows_snapshot(s->name, out, batch); return;
	case SIM_ADDED: parquet_rows_added(s->name, out, batch); return;
	default: break;
	}
	strbuf_init(out);
	strbuf_add(out, model_disk_file(s->name));
	lines_sort(out);
}

static bool tells_its_batch(const struct sim_sink *s)
{
	return s->kind == SIM_SNAPSHOT || s->kind == SIM_ADDED || s->kind == SIM_POSTGRES;
}

static void check_file(const struct sim_sink *s, int64_t batch)
{
	struct strbuf has, wanted;
	int64_t told;
	rows_of(s, &has, &told);
	fold(s, batch, true, &wanted);
	if (!str_eq(strbuf_str(&has), strbuf_str(&wanted)))
		wrong_text(s->name, batch, "after", strbuf_str(&has), strbuf_str(&wanted));
	if (tells_its_batch(s) && told != batch)
		world_wrong("%s says that it holds batch %lld, after batch %lld", s->name,
			(long long)told, (long long)batch);
	strbuf_release(&has);
	strbuf_release(&wanted);
}

/* ---- topics ---- */

/* The value that stands for its key in a topic of a Table. */
static bool is_current(const struct partition_log *log, int64_t next, const struct record *r,
	bool stale)
{
	const struct record *later;
	bool current = r->value.data != NULL;
	while (current && (later = broker_next(world->broker, log, &next)) != NULL)
		current = (stale && later->txn != broker_plain) || !str_eq(later->key, r->key);
	return current;
}

static bool is_table(const struct sim_sink *s)
{
	return s->kind == SIM_TABLE || s->kind == SIM_LOOSE_TABLE;
}

/*
 * What a reader with read_committed sees, a line each; letters: how many. Stale: only what is of
 * no transaction.
 */
static void topic_text(const struct sim_sink *s, bool stale, struct strbuf *out)
{
	const struct topic *t = broker_topic(world->broker, s->name, 1);
	const struct record *r;
	int64_t at = 0;
	strbuf_init(out);
	while ((r = broker_next(world->broker, &t->logs[0], &at)) != NULL) {
		if (is_table(s) && ((stale && r->txn != broker_plain) ||
					   !is_current(&t->logs[0], at, r, stale)))
			continue;
		strbuf_add(out, s->kind == SIM_TOPIC_LETTERS ? str_lit("a letter") : r->value);
		strbuf_add_byte(out, '\n');
	}
	lines_sort(out);
}

static void topic_wanted(const struct sim_sink *s, int64_t batch, struct strbuf *out)
{
	struct strbuf letters;
	if (batch < 0 && s->kind == SIM_TABLE) {
		topic_text(s, true, out);
		return;
	}
	strbuf_init(out);
	if (batch < 0)
		return;
	if (s->kind != SIM_TOPIC_LETTERS) {
		s->fold(world->batches[batch].ends, true, out);
		lines_sort(out);
		return;
	}
	strbuf_init(&letters);
	s->letters(world->batches[batch].ends, &letters);
	for (size_t i = 0; i < letters.len; i++)
		if (letters.data[i] == '\n')
			strbuf_add_c(out, "a letter\n");
	strbuf_release(&letters);
}

static bool topic_is_as_after(const struct sim_sink *s, int64_t batch)
{
	struct strbuf has, wanted;
	topic_text(s, false, &has);
	topic_wanted(s, batch, &wanted);
	bool same = str_eq(strbuf_str(&has), strbuf_str(&wanted));
	strbuf_release(&has);
	strbuf_release(&wanted);
	return same;
}

static bool is_topic(const struct sim_sink *s)
{
	return s->kind == SIM_TOPIC || s->kind == SIM_TOPIC_LETTERS || s->kind == SIM_TABLE;
}

/* The offsets of the group are for people, and may stay behind; they are never ahead. */
static bool group_is_as_after(int64_t batch)
{
	for (int32_t i = 0; batch >= 0 && i < broker_partitions_max; i++) {
		const struct group_offset *o =
			broker_offset(world->broker, chosen->name, "orders", i);
		if (o != NULL && o->offset > world->batches[batch].ends[i])
			return false;
	}
	return true;
}

/* All topics hold the same batch, one of first..last. */
static void check_topics(int64_t first, int64_t last)
{
	for (int64_t id = first; id <= last; id++) {
		bool same = group_is_as_after(id);
		for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++)
			if (is_topic(&chosen->sinks[i]))
				same = same && topic_is_as_after(&chosen->sinks[i], id);
		if (same)
			return;
	}
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++) {
		const struct sim_sink *s = &chosen->sinks[i];
		struct strbuf has, wanted;
		if (!is_topic(s) || topic_is_as_after(s, last))
			continue;
		topic_text(s, false, &has);
		topic_wanted(s, last, &wanted);
		wrong_text(s->name, last, "after", strbuf_str(&has), strbuf_str(&wanted));
	}
	world_wrong("the topics and the offsets of the group are not of one batch of %lld..%lld",
		(long long)first, (long long)last);
}

static void check_loose_table(const struct sim_sink *s, int64_t batch)
{
	struct strbuf has, wanted;
	topic_text(s, false, &has);
	topic_wanted(s, batch, &wanted);
	if (!str_eq(strbuf_str(&has), strbuf_str(&wanted)))
		wrong_text(s->name, batch, "after", strbuf_str(&has), strbuf_str(&wanted));
	strbuf_release(&has);
	strbuf_release(&wanted);
}

void job_leave_stale_rows(void)
{
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++) {
		if (!is_table(&chosen->sinks[i]))
			continue;
		struct topic *t = broker_topic(world->broker, chosen->sinks[i].name, 1);
		t->compacts = true;
		for (uint32_t n = world_choose(20); n > 0; n--) {
			char key[32], value[64];
			int id = (int)world_choose(workload_keys_max * 2);
			snprintf(key, sizeof(key), "%d", id);
			snprintf(value, sizeof(value), "{\"id\":%d,\"stale\":true}", id);
			struct record r = {.key = str_c(key),
				.value = str_c(world_once_in(4) ? NULL : value),
				.event = -1};
			broker_append(world->broker, t, 0, &r);
		}
	}
}

static bool has_topics(void)
{
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++)
		if (is_topic(&chosen->sinks[i]))
			return true;
	return false;
}

void job_check_files(int64_t batch)
{
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++) {
		const struct sim_sink *s = &chosen->sinks[i];
		if (s->kind == SIM_LETTERS)
			check_letters(s, batch);
		else if (s->kind == SIM_REPLACED || s->kind == SIM_APPENDED ||
			s->kind == SIM_SQLITE || tells_its_batch(s))
			check_file(s, batch);
	}
	if (has_topics())
		check_topics(batch, batch);
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++)
		if (chosen->sinks[i].kind == SIM_LOOSE_TABLE)
			check_loose_table(&chosen->sinks[i], batch);
}

/* Is the file as it was after this batch? -1: before the first. */
static bool is_as_after(const struct sim_sink *s, struct str file, int64_t batch)
{
	struct strbuf wanted;
	if (batch < 0)
		return file.len == 0;
	fold(s, batch, true, &wanted);
	bool same = str_eq(file, strbuf_str(&wanted));
	strbuf_release(&wanted);
	return same;
}

static void check_replaced(const struct sim_sink *s)
{
	struct strbuf has;
	int64_t told;
	rows_of(s, &has, &told);
	bool found = false;
	for (int64_t id = world->confirmed; id <= world->published && !found; id++)
		found = (!tells_its_batch(s) || id == told) &&
			is_as_after(s, strbuf_str(&has), id);
	if (!found && tells_its_batch(s))
		world_wrong("%s says that it holds batch %lld, of %lld..%lld, and holds\n" STR_FMT,
			s->name, (long long)told, (long long)world->confirmed,
			(long long)world->published, (int)has.len, has.data);
	if (!found)
		world_wrong("%s is as it never was at the end of batches %lld to %lld:\n" STR_FMT,
			s->name, (long long)world->confirmed, (long long)world->published,
			(int)has.len, has.data);
	strbuf_release(&has);
}

static bool is_replaced(const struct sim_sink *s)
{
	return s->kind == SIM_REPLACED || s->kind == SIM_SQLITE || tells_its_batch(s);
}

void job_check_replaced(void)
{
	for (uint32_t i = 0; i < sim_sinks_max && chosen->sinks[i].name != NULL; i++)
		if (is_replaced(&chosen->sinks[i]))
			check_replaced(&chosen->sinks[i]);
	if (has_topics())
		check_topics(world->confirmed, world->published);
}

void job_check_end(void)
{
	const struct topic *t = broker_topic(world->broker, "orders", 0);
	check(world->published >= 0);
	const int64_t *ends = world->batches[world->published].ends;
	for (uint32_t i = 0; i < t->partition_count; i++) {
		int64_t at = ends[i]; /* only markers may lie behind it */
		if (broker_next(world->broker, &t->logs[i], &at) != NULL)
			world_wrong("partition %u was read to %lld of %lld", i, (long long)ends[i],
				(long long)t->logs[i].end);
	}
	for (uint32_t i = 0; i < world->target_count; i++) {
		const struct sim_sink *s = job_sink(str_c(world->targets[i]->name));
		job_check_target(s, world->targets[i], world->published);
	}
	job_check_files(world->published);
}
