/* A checkpoint on a disk in memory: every call fails once, the power goes at every call, and every
 * byte is flipped. What comes back is judged by a run that has no checkpoint. */

/* guarantee: G9: * */
/* guarantee: G11: test_of_others */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "state/checkpoint_change.h"
#include "state/checkpoint_look.h"
#include "state/table_state.h"

#include "memory_disk.h"

#include <stdio.h>

enum { keys_max = 60, batches_max = 14 };

static uint64_t random_state;

static uint32_t choose(uint32_t below)
{
	random_state =
		random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % below;
}

struct job {
	struct arena arena;
	struct schema *schema;
	struct row_key key;
	struct table *table;
	struct state_part *part;
	struct chunk *chunk;
	struct checkpoint *checkpoint;
	const struct checkpoint_found *found;
	uint64_t steps;         /* a random sequence of its own */
};

static uint32_t turn_steps; /* from a publish to its turn: also into a batch, and to its end */
static struct strbuf wanted[batches_max + 1];   /* [i]: after batch i-1 */

/* ---- a job ---- */

static void job_table(struct job *j)
{
	struct error err;
	memset(j, 0, sizeof(*j));
	arena_init(&j->arena, 64 * 1024);
	j->schema = schema_alloc_hidden(&j->arena, 3, 1);
	static const char *names[] = {"id", "name", "price", "seq"};
	static const enum type_id types[] = {TYPE_INT, TYPE_STRING, TYPE_DOUBLE, TYPE_BIGINT};
	for (uint32_t i = 0; i < 4; i++)
		j->schema->columns[i] =
			(struct schema_column){str_c(names[i]), {.id = types[i]}};
	j->key = (struct row_key){.count = 1, .columns = {0}};
	struct table_config config = {.schema = j->schema,
		.key = &j->key,
		.rows_max = 1000,
		.deleted_max = 1000,
		.name = str_lit("orders"),
		.segment_lines_max = 4};
	j->table = table_open(&config, &err);
	assert_non_null(j->table);
	j->chunk = chunk_alloc(&j->arena, j->schema);
}

/* The table's part, which counts what it was given and did not let go again. */
static struct {
	const struct state_part_ops *table;
	struct state_part_ops ops;
	size_t bytes;
} given;

static int count_apply(struct state_part *p, struct str records, struct error *err)
{
	given.bytes += records.len;
	return given.table->apply(p, records, err);
}

static void count_clear(struct state_part *p)
{
	struct strbuf left;
	uint64_t at = 0;
	given.bytes = 0;
	given.table->clear(p);
	strbuf_init(&left);
	assert_false(given.table->scan(p, &at, SIZE_MAX, &left));
	assert_int_equal(left.len, 0);
	strbuf_release(&left);
}

static void count_given(struct state_part *p, bool clears)
{
	given.table = p->ops;
	given.ops = *p->ops;
	given.ops.apply = count_apply;
	given.ops.clear = clears ? count_clear : NULL;
	given.bytes = 0;
	p->ops = &given.ops;
}

static int64_t log_bytes_min = 3000;
static bool no_clear; /* parts that cannot let go of what they were given */

static int job_open(struct job *j, struct error *err)
{
	job_table(j);
	j->part = table_state_part(j->table);
	count_given(j->part, !no_clear);
	struct checkpoint_config config = {.path = "state/orders",
		.job = str_lit("orders"),
		.snapshot_log_bytes_min = log_bytes_min,
		.turn_steps = turn_steps};
	j->checkpoint = checkpoint_open(&config, &j->part, 1, err);
	if (j->checkpoint == NULL)
		return -(int)err->code;
	return checkpoint_recover(j->checkpoint, &j->found, err);
}

static int job_close(struct job *j, struct error *err)
{
	int r = checkpoint_close(j->checkpoint, err);
	table_close(j->table);
	arena_release(&j->arena);
	return r;
}

/* Up to 30 rows; ops[i] 0: delete. */
static uint32_t make_rows(struct job *j, int64_t batch, uint16_t *puts, uint32_t *put_count,
	uint16_t *deletes)
{
	uint32_t count = 1 + choose(30), delete_count = 0;
	struct column *c = j->chunk->columns;
	*put_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		static const size_t lens[] = {0, 5, 12, 13, 70};
		size_t len = lens[choose(5)];
		char *name = arena_alloc(&j->arena, len + 1, 1);
		memset(name, (int)('a' + choose(26)), len);
		((int32_t *)c[0].data)[i] = (int32_t)choose(keys_max);
		((struct str *)c[1].data)[i] = (struct str){name, len};
		((double *)c[2].data)[i] = choose(100) / 4.0;
		((int64_t *)c[3].data)[i] = batch * 1000 + i;
		for (uint32_t k = 0; k < 4; k++)
			bit_clear(c[k].nulls, i);
		if (choose(5) == 0)
			bit_set(c[2].nulls, i);
		if (choose(3) == 0)
			deletes[delete_count++] = (uint16_t)i;
		else
			puts[(*put_count)++] = (uint16_t)i;
	}
	chunk_set_rows(j->chunk, count);
	return delete_count;
}

static void apply_chunk(struct job *j, int64_t batch, int64_t time_us)
{
	struct error err;
	uint16_t puts[32], deletes[32];
	uint32_t put_count, put_ids[32], delete_ids[32];
	uint32_t delete_count = make_rows(j, batch, puts, &put_count, deletes);
	assert_int_equal(
		table_resolve(j->table, j->chunk, puts, put_count, put_ids, &err), 0);
	assert_int_equal(
		table_resolve(j->table, j->chunk, deletes, delete_count, delete_ids, &err), 0);
	assert_int_equal(table_put(j->table, put_ids, j->chunk, puts, put_count, &err), 0);
	assert_int_equal(table_delete(j->table, delete_ids, j->chunk, deletes, delete_count,
				 time_us, &err),
		0);
	if (choose(12) == 0)
		assert_int_equal(table_clear(j->table, choose(2) == 0, time_us, &err), 0);
	table_release_empty(j->table);
}

/* What batch `id` does depends on its number only. */
static int apply_batch(struct job *j, int64_t id, struct error *err)
{
	random_state = (uint64_t)id * 77777 + 5;
	uint32_t chunks = 1 + choose(3);
	int r = 0;
	for (uint32_t i = 0; i < chunks && r == 0; i++) {
		apply_chunk(j, id, id * 100 + i);
		if (j->checkpoint == NULL)
			continue;
		uint64_t kept = random_state;
		random_state = j->steps++ * 31 + (uint64_t)id;
		r = checkpoint_step(j->checkpoint, 1 + choose(900), err);
		r = r > 0 ? 0 : r;
		random_state = kept;
	}
	table_end_batch(j->table);
	if (choose(3) == 0)
		table_forget_deleted(j->table, (id - 4) * 100, INT64_MAX);
	return r;
}

/* ---- what a table holds, as text ---- */

static void dump(struct job *j, struct strbuf *out)
{
	struct column *c = j->chunk->columns;
	for (uint32_t key = 0; key < keys_max; key++) {
		((int32_t *)c[0].data)[0] = (int32_t)key;
		bit_clear(c[0].nulls, 0);
		uint32_t id = table_find(j->table, j->chunk, 0);
		if (id == table_none)
			continue;
		enum table_state is = table_state(j->table, id);
		table_gather(j->table, &id, 1, j->chunk);
		struct str name = ((struct str *)c[1].data)[0];
		strbuf_addf(out, "%u %c %lld", key, is == TABLE_LIVE ? 'L' : 'D',
			column_is_null(&c[3], 0) ? -1 : (long long)((int64_t *)c[3].data)[0]);
		if (is == TABLE_LIVE)
			strbuf_addf(out, " " STR_FMT " %g", STR_ARG(name),
				column_is_null(&c[2], 0) ? -1 : ((double *)c[2].data)[0]);
		strbuf_add_byte(out, '\n');
	}
	strbuf_addf(out, "%lld rows, %lld deleted\n", (long long)table_rows(j->table),
		(long long)table_deleted(j->table));
}

static bool holds(struct job *j, int64_t batch)
{
	struct strbuf text;
	strbuf_init(&text);
	dump(j, &text);
	bool same = batch >= -1 && batch < batches_max &&
		str_eq(strbuf_str(&text), strbuf_str(&wanted[batch + 1]));
	strbuf_release(&text);
	return same;
}

static int make_model(void **state)
{
	(void)state;
	struct job j;
	job_table(&j);
	for (int64_t id = -1; id < batches_max; id++) {
		if (id >= 0)
			apply_batch(&j, id, NULL);
		strbuf_init(&wanted[id + 1]);
		dump(&j, &wanted[id + 1]);
	}
	job_close(&j, NULL);
	disk_use(&memory_disk);
	log_init(&clock_system, LOG_NONE, false);
	return 0;
}

static int free_model(void **state)
{
	(void)state;
	for (int i = 0; i <= batches_max; i++)
		strbuf_release(&wanted[i]);
	memory_reset();
	disk_use(NULL);
	return 0;
}

/* ---- running it ---- */

static int64_t next_batch(const struct job *j)
{
	return j->found->any ? j->found->batch.id + 1 : 0;
}

static int one_batch(struct job *j, int64_t id, struct error *err)
{
	struct checkpoint_range ranges[2] = {
		{.topic = str_lit("orders"), .from = id * 10, .to = id * 10 + 7},
		{.topic = str_lit("orders"), .partition = 1, .from = id * 20, .to = id * 20 + 9}};
	struct checkpoint_position positions[2] = {
		{.topic = str_lit("orders"), .next = id * 10 + 7},
		{.topic = str_lit("orders"), .partition = 1, .next = id * 20 + 9,
			.witness_until = id * 20 + 8, .witness_hash = 77}};
	struct checkpoint_run runs[3] = {{1, id * 20 + 4}, {0, id * 10 + 7}, {1, id * 20 + 9}};
	struct checkpoint_intent intent = {id, id * 1000, ranges, 2, runs, 3};
	struct checkpoint_batch batch = {id, id * 1000, positions, 2};
	int r = apply_batch(j, id, err);
	if (r == 0)
		r = checkpoint_intend(j->checkpoint, &intent, err);
	if (r == 0)
		r = checkpoint_commit(j->checkpoint, &batch, err);
	return r;
}

/* From where it is to batch `end`; *committed is the last one whose commit returned. */
static int run_to(struct job *j, int64_t end, int64_t *committed, struct error *err)
{
	int r = 0;
	for (int64_t id = next_batch(j); id < end && r == 0; id++) {
		r = one_batch(j, id, err);
		if (r == 0) {
			*committed = id;
			r = checkpoint_published(j->checkpoint, id, err);
		}
	}
	return r;
}

static int end_run(struct job *j, struct error *err)
{
	int r = CHECKPOINT_END_MORE;
	for (int i = 0; i < 10000 && r > 0; i++)
		r = checkpoint_end(j->checkpoint, 500, INT64_MAX, err);
	assert_true(r <= 0);
	return r;
}

static void assert_found(const struct job *j)
{
	const struct checkpoint_found *f = j->found;
	if (f->any) {
		assert_int_equal(f->batch.time_us, f->batch.id * 1000);
		assert_int_equal(f->batch.position_count, 2);
		assert_int_equal(f->batch.positions[1].next, f->batch.id * 20 + 9);
		assert_int_equal(f->batch.positions[1].witness_until, f->batch.id * 20 + 8);
		assert_int_equal(f->batch.positions[1].witness_hash, 77);
		assert_true(str_eq(f->batch.positions[1].topic, str_lit("orders")));
	}
	if (f->interrupted) {
		assert_int_equal(f->intent.id, next_batch(j));
		assert_int_equal(f->intent.range_count, 2);
		assert_int_equal(f->intent.ranges[0].to, f->intent.id * 10 + 7);
		assert_int_equal(f->intent.ranges[1].partition, 1);
		assert_int_equal(f->intent.run_count, 3);
		assert_int_equal(f->intent.runs[0].range, 1);
		assert_int_equal(f->intent.runs[0].to, f->intent.id * 20 + 4);
	}
}

/* After a fault: whole, and no more than the last committed batch is to be run again. */
static bool comes_back(int64_t committed)
{
	struct job j;
	struct error err;
	error_init(&err);
	int r = job_open(&j, &err);
	bool good = r == 0 && holds(&j, next_batch(&j) - 1) && next_batch(&j) >= committed &&
		(next_batch(&j) > committed || (j.found->interrupted && committed >= 0));
	if (committed < 0)
		good = r == 0 && holds(&j, next_batch(&j) - 1);
	if (good) {
		assert_found(&j);
		int64_t again = -1;
		assert_int_equal(run_to(&j, batches_max, &again, &err), 0);
		assert_true(holds(&j, batches_max - 1));
	}
	job_close(&j, &err);
	return good;
}

static void test_goes_on(void **state)
{
	(void)state;
	struct error err;
	memory_reset();
	int64_t committed = -1, snapshots = 0;
	for (int64_t end = 3; end <= batches_max; end += 3) {
		struct job j;
		struct checkpoint_figures figures;
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(next_batch(&j), end - 3);
		assert_false(j.found->interrupted);
		assert_true(holds(&j, end - 4));
		assert_int_equal(run_to(&j, end, &committed, &err), 0);
		assert_int_equal(checkpoint_wait(j.checkpoint, -1, &err), 0);
		checkpoint_figures(j.checkpoint, &figures);
		snapshots += figures.snapshots;
		assert_int_equal(job_close(&j, &err), 0);
	}
	assert_true(snapshots >= 2);
}

static int64_t folder_bytes(void)
{
	int64_t bytes = 0;
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].now >= 0 && strcmp(memory->names[i].leaf, "LOCK") != 0)
			bytes += (int64_t)memory->files[memory->names[i].now].now.len;
	return bytes;
}

/* None of them comes to a publish after its snapshot is whole. */
static void test_short_runs_have_snapshots(void **state)
{
	(void)state;
	struct error err;
	memory_reset();
	int64_t committed = -1, snapshots = 0, most = 0;
	for (int64_t end = 1; end <= batches_max; end++) {
		struct job j;
		struct checkpoint_figures figures;
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(next_batch(&j), end - 1);
		assert_false(j.found->interrupted);
		assert_true(holds(&j, end - 2));
		assert_found(&j);
		assert_int_equal(run_to(&j, end, &committed, &err), 0);
		assert_int_equal(end_run(&j, &err), 0);
		checkpoint_figures(j.checkpoint, &figures);
		snapshots += figures.snapshots;
		assert_false(figures.snapshot_runs);
		assert_true(figures.log_bytes < 3000 || figures.log_bytes < figures.snapshot_bytes);
		assert_int_equal(job_close(&j, &err), 0);
		most = folder_bytes() > most ? folder_bytes() : most;
	}
	print_message("# %lld snapshots, at most %lld bytes\n", (long long)snapshots,
		(long long)most);
	assert_true(snapshots >= 3 && most < 20000);
}

/* Without a batch of its own, or with one that is not published, a run leaves all as it is. */
static void test_an_end_without_a_batch_writes_nothing(void **state)
{
	(void)state;
	struct error err;
	struct job j;
	int64_t committed = -1;
	memory_reset();
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, 12, &committed, &err), 0);
	assert_int_equal(checkpoint_end(j.checkpoint, 500, 10, &err), CHECKPOINT_END_DONE);
	job_close(&j, &err);
	for (int run = 0; run < 3; run++) {
		int64_t before = folder_bytes();
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(next_batch(&j), 12);
		if (run == 2)
			assert_int_equal(one_batch(&j, 12, &err), 0);
		int64_t batch = folder_bytes();
		assert_int_equal(end_run(&j, &err), 0);
		assert_int_equal(folder_bytes(), batch);
		assert_true(run == 2 || batch == before);
		job_close(&j, &err);
	}
	assert_int_equal(job_open(&j, &err), 0);
	assert_true(j.found->interrupted && holds(&j, 11));
	job_close(&j, &err);
}

static void test_an_interrupted_batch_is_told(void **state)
{
	(void)state;
	struct error err;
	struct job j;
	int64_t committed = -1;
	memory_reset();
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, 5, &committed, &err), 0);
	assert_int_equal(one_batch(&j, 5, &err), 0);    /* and its sinks were never heard of */
	job_close(&j, &err);
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(next_batch(&j), 5);
	assert_true(j.found->interrupted && holds(&j, 4));
	assert_found(&j);
	assert_int_equal(run_to(&j, batches_max, &committed, &err), 0);
	assert_true(holds(&j, batches_max - 1));
	job_close(&j, &err);
}

/* Rows that are given once after a start are no changes: the log has them. */
static void test_what_was_restored_is_not_written_again(void **state)
{
	(void)state;
	struct error err;
	struct job j;
	struct strbuf out;
	int64_t committed = -1;
	memory_reset();
	strbuf_init(&out);
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, 5, &committed, &err), 0);
	job_close(&j, &err);
	assert_int_equal(job_open(&j, &err), 0);
	table_state_touch_all(j.table);
	table_end_batch(j.table);
	assert_false(j.part->ops->changes(j.part, 1000, &out));
	assert_int_equal(out.len, 0);
	apply_chunk(&j, 5, 500);
	table_end_batch(j.table);
	assert_false(j.part->ops->changes(j.part, 1000000, &out));
	assert_true(out.len > 0);
	strbuf_release(&out);
	job_close(&j, &err);
}

/* ---- faults ---- */

/* One run, or runs of one batch each. */
static int all_runs(struct job *j, bool short_runs, int64_t *committed, struct error *err)
{
	int r = job_open(j, err);
	while (r == 0) {
		int64_t end = short_runs ? next_batch(j) + 1 : batches_max;
		r = run_to(j, end, committed, err);
		if (r == 0)
			r = end_run(j, err);
		if (r < 0 || end == batches_max)
			return r;
		if (job_close(j, err) < 0) {
			*j = (struct job){0};
			return error_set(err, CDCL_E_INTERNAL, "told too late, by close");
		}
		r = job_open(j, err);
	}
	return r;
}

static bool one_fault(int64_t at, bool short_runs, int number, uint64_t seed, bool *over)
{
	struct error err;
	struct job j;
	int64_t committed = -1;
	memory_reset();
	turn_steps = (uint32_t)seed & 3;
	memory->fail_at = at;
	memory->fail_on = seed & 1;
	memory->fail_errno = number;
	int r = all_runs(&j, short_runs, &committed, &err);
	if (r < 0 && err.code != CDCL_E_DISK)
		print_message("# call %lld: %s\n", (long long)at, err.text);
	bool good = r == 0 || err.code == CDCL_E_DISK;
	struct error ignored;
	int closed = job_close(&j, &ignored);
	/* A failed call that nobody heard of would be bytes lost in silence; close is too late. */
	good = good && (r < 0 || closed == 0);
	good = good && (r < 0 || memory->calls < at || committed == batches_max - 1);
	*over = memory->calls < at;
	turn_steps = 0;
	random_state = seed;
	memory_power_cut(choose);
	return good && comes_back(committed);
}

static void every_call_fails_once(bool short_runs)
{
	static const int numbers[] = {EIO, ENOSPC};
	bool over = false;
	int64_t k = 1;
	for (; !over; k++)
		for (uint64_t seed = 0; seed < 4; seed++)
			if (!one_fault(k, short_runs, numbers[k & 1],
				    seed * 1000 + (uint64_t)k, &over))
				fail_msg("call %lld, seed %llu", (long long)k,
					(unsigned long long)seed);
	assert_true(k > 100);
	print_message("# %lld calls\n", (long long)k - 1);
}

static void test_every_call_fails_once(void **state)
{
	(void)state;
	every_call_fails_once(false);
}

static void test_every_call_of_short_runs_fails_once(void **state)
{
	(void)state;
	every_call_fails_once(true);
}

static void test_a_disk_that_does_not_sync_is_noticed(void **state)
{
	(void)state;
	uint32_t lost = 0;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct error err;
		struct job j;
		int64_t committed = -1;
		memory_reset();
		memory->syncs_lie = true;
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(run_to(&j, 9, &committed, &err), 0);
		job_close(&j, &err);
		random_state = seed;
		memory_power_cut(choose);
		memory->syncs_lie = false;
		lost += !comes_back(committed);
	}
	assert_true(lost > 0);
}

/* ---- positions ---- */

enum { places_max = 300 };

/* Where place i stands after batch `id`: most move in few batches, and they come one by one. */
static struct checkpoint_position place_after(uint32_t i, int64_t id)
{
	static char topics[places_max][32];
	snprintf(topics[i], sizeof(topics[i]), "a topic of some length %u", i);
	int64_t moved = id - (id + i) % 40;
	return (struct checkpoint_position){.source = i % 3,
		.topic = str_c(topics[i]),
		.partition = (int32_t)(moved / 100),
		.next = moved * 10,
		.witness_until = i % 2 == 0 ? 0 : moved * 10,
		.witness_hash = i % 2 == 0 ? 0 : 5 + (uint64_t)moved};
}

static uint32_t places_after(int64_t id)
{
	return id < 0 ? 0 : id > 40 ? places_max : 200 + (uint32_t)id;
}

static int places_commit(struct job *j, int64_t id, struct error *err)
{
	static struct checkpoint_position positions[places_max];
	struct checkpoint_intent intent = {.id = id};
	struct checkpoint_batch batch = {id, id, positions, places_after(id)};
	for (uint32_t i = 0; i < batch.position_count; i++)
		positions[i] = place_after(i, id);
	int r = checkpoint_step(j->checkpoint, 500, err);
	if (r >= 0)
		r = checkpoint_intend(j->checkpoint, &intent, err);
	return r < 0 ? r : checkpoint_commit(j->checkpoint, &batch, err);
}

static void assert_places(const struct job *j, int64_t id)
{
	const struct checkpoint_batch *b = &j->found->batch;
	assert_int_equal(next_batch(j) - 1, id);
	assert_int_equal(id < 0 ? 0 : b->position_count, places_after(id));
	for (uint32_t i = 0; i < places_after(id); i++) {
		struct checkpoint_position want = place_after(i, id), got = b->positions[i];
		assert_int_equal(got.source, want.source);
		assert_true(str_eq(got.topic, want.topic));
		assert_int_equal(got.partition, want.partition);
		assert_int_equal(got.next, want.next);
		assert_int_equal(got.witness_until, want.witness_until);
		assert_int_equal(got.witness_hash, want.witness_hash);
	}
}

/*
 * Batches say which places moved, over restarts, logs and snapshots; the last one of each run is
 * not published, so what it says does not count.
 */
static void test_places_that_move(void **state)
{
	(void)state;
	struct error err;
	int64_t id = 0, snapshots = 0, written = 0;
	memory_reset();
	log_bytes_min = 40000;
	while (id < 120) {
		struct job j;
		struct checkpoint_figures figures;
		assert_int_equal(job_open(&j, &err), 0);
		assert_places(&j, id - 1);
		for (int64_t end = id + 7 + id % 5; id < end; id++) {
			assert_int_equal(places_commit(&j, id, &err), 0);
			if (id + 1 == end)
				break;
			assert_int_equal(checkpoint_published(j.checkpoint, id, &err), 0);
		}
		checkpoint_figures(j.checkpoint, &figures);
		snapshots += figures.snapshots;
		written += figures.written_bytes;
		assert_int_equal(job_close(&j, &err), 0);
	}
	log_bytes_min = 3000;
	printf("# %lld bytes a batch, %lld snapshots\n", (long long)(written / id),
		(long long)snapshots);
	assert_true(snapshots > 3);
	/* All places take 60 bytes each: some 17 kB in each batch. */
	assert_true(written / id < 6000);
}

/* ---- damage ---- */

static struct memory_file *file_named(const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "state/orders/%s", name);
	struct memory_name *n = memory_name_of(path, false);
	return n == NULL || n->now < 0 ? NULL : &memory->files[n->now];
}

/* A run of all batches; answers the number of the newest snapshot and log. */
static void whole_run(uint64_t *snapshot, uint64_t *newest)
{
	struct error err;
	struct job j;
	int64_t committed = -1;
	memory_reset();
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, batches_max, &committed, &err), 0);
	assert_int_equal(job_close(&j, &err), 0);
	const struct memory_file *m = file_named("MANIFEST");
	unsigned long long s = 0, n = 0;
	char text[512];
	snprintf(text, sizeof(text), "%.*s", (int)m->now.len, m->now.data);
	assert_int_equal(sscanf(strstr(text, "snapshot "), "snapshot %llu", &s), 1);
	assert_int_equal(sscanf(strstr(text, "newest "), "newest %llu", &n), 1);
	*snapshot = s;
	*newest = n;
}

enum outcome { REFUSED, WHOLE, OLDER_BATCH, WRONG };

static enum outcome look_again(bool *from_older)
{
	struct error err;
	struct job j;
	error_init(&err);
	int r = job_open(&j, &err);
	enum outcome outcome = WRONG;
	if (r < 0)
		outcome = err.code == CDCL_E_STATE ? REFUSED : WRONG;
	else if (holds(&j, next_batch(&j) - 1))
		outcome = next_batch(&j) == batches_max ? WHOLE : OLDER_BATCH;
	*from_older = r == 0 && j.found->from_older;
	job_close(&j, &err);
	return outcome;
}

static void keep_file(struct memory_file *f, struct memory_bytes *kept)
{
	*kept = (struct memory_bytes){NULL, 0};
	memory_set(kept, f->now.data, f->now.len);
}

/* Sanitizers make each look slow: then every third byte is enough. */
static size_t next_byte(void)
{
	const char *variant = getenv("CDCL_VARIANT");
	bool slow = variant != NULL && strcmp(variant, "asan") == 0;
	return slow && getenv("CDCL_LONG") == NULL ? 3 : 1;
}

/* Flips a bit of every byte in turn; counts[] of what came of it. */
static void flip_all(const char *name, uint32_t *counts, uint32_t *older)
{
	struct memory_bytes kept;
	uint64_t snapshot, newest;
	char kept_name[32];
	whole_run(&snapshot, &newest);
	snprintf(kept_name, sizeof(kept_name), name,
		strstr(name, "snap") != NULL ? snapshot : newest);
	keep_file(file_named(kept_name), &kept);
	for (size_t at = 0; at < kept.len; at += next_byte()) {
		bool from_older;
		struct memory_file *f = file_named(kept_name);
		memory_set(&f->now, kept.data, kept.len);
		f->now.data[at] = (char)(f->now.data[at] ^ 1 << (at & 7));
		enum outcome outcome = look_again(&from_older);
		counts[outcome]++;
		*older += from_older;
		if (outcome == WRONG)
			fail_msg("%s: byte %zu", kept_name, at);
	}
	free(kept.data);
}

static void test_flipped_bits(void **state)
{
	(void)state;
	uint32_t counts[4] = {0}, older = 0;
	flip_all("MANIFEST", counts, &older);
	assert_int_equal(counts[WHOLE] + counts[OLDER_BATCH], 0);
	counts[REFUSED] = 0;
	flip_all("snap-%llu", counts, &older);
	assert_true(counts[WHOLE] > 100 && counts[WHOLE] == older);
	assert_int_equal(counts[REFUSED] + counts[OLDER_BATCH], 0);
	memset(counts, 0, sizeof(counts));
	flip_all("log-%llu", counts, &older);
	/* Only the last frame, which says that the last batch was published, may be torn. */
	assert_true(counts[REFUSED] > 100);
	assert_true(counts[OLDER_BATCH] <= 40 && counts[WHOLE] == 0);
}

/* What came before the damage does not stay: as many records are taken as without the file. */
static void flip_frames(void)
{
	struct memory_bytes kept;
	uint64_t snapshot, newest;
	char name[32];
	bool from_older;
	whole_run(&snapshot, &newest);
	snprintf(name, sizeof(name), "snap-%llu", (unsigned long long)snapshot);
	keep_file(file_named(name), &kept);
	assert_int_equal(look_again(&from_older), WHOLE);
	size_t whole_bytes = given.bytes;
	memory_set(&file_named(name)->now, kept.data, 0);
	assert_int_equal(look_again(&from_older), WHOLE);
	size_t wanted_bytes = given.bytes;
	assert_true(from_older && wanted_bytes > whole_bytes);
	for (size_t at = 0; at < kept.len; at += 5 * next_byte()) {
		memory_set(&file_named(name)->now, kept.data, kept.len);
		file_named(name)->now.data[at] ^= 1;
		assert_int_equal(look_again(&from_older), WHOLE);
		assert_int_equal(given.bytes, wanted_bytes);
	}
	free(kept.data);
}

static void test_nothing_stays_of_damage(void **state)
{
	(void)state;
	flip_frames();
	no_clear = true;
	flip_frames();
	no_clear = false;
}

/* counts[] of what comes of the newest log when it is cut at each byte, and LOCK says `said`. */
static void cut_log(uint64_t newest, const struct memory_bytes *said, uint32_t *counts)
{
	struct memory_bytes kept;
	char name[32];
	snprintf(name, sizeof(name), "log-%llu", (unsigned long long)newest);
	keep_file(file_named(name), &kept);
	for (size_t len = 0; len < kept.len; len++) {
		bool from_older;
		memory_set(&file_named(name)->now, kept.data, len);
		memory_set(&file_named("LOCK")->now, said->data, said->len);
		counts[look_again(&from_older)]++;
	}
	memory_set(&file_named(name)->now, kept.data, kept.len);
	free(kept.data);
}

/* A torn tail is cut off; but after a clean end only what is run again may be missing. */
static void test_log_cut_at_every_byte(void **state)
{
	(void)state;
	struct memory_bytes ended;
	const struct memory_bytes killed = {(char *)"process 1\n", 10};
	const struct memory_bytes torn = {(char *)"batch 99999 00000000\n", 21};
	uint64_t snapshot, newest;
	whole_run(&snapshot, &newest);
	keep_file(file_named("LOCK"), &ended);
	assert_memory_equal(ended.data, "batch ", 6);
	uint32_t after_end[4] = {0}, after_death[4] = {0}, after_garbage[4] = {0};
	cut_log(newest, &ended, after_end);
	cut_log(newest, &killed, after_death);
	cut_log(newest, &torn, after_garbage);
	assert_int_equal(after_end[WRONG] + after_death[WRONG], 0);
	assert_true(after_death[OLDER_BATCH] > 100);
	assert_memory_equal(after_death, after_garbage, sizeof(after_death));
	assert_true(after_end[OLDER_BATCH] > 20);
	assert_true(after_end[OLDER_BATCH] < after_death[OLDER_BATCH]);
	assert_true(after_end[REFUSED] > after_death[REFUSED] + 20);
	free(ended.data);
}

/* All but LOCK is removed: a state that begins anew knows nothing of an end, and may die. */
static void test_end_of_another_state(void **state)
{
	(void)state;
	struct error err;
	struct job j;
	struct memory_bytes here;
	int64_t committed = -1;
	uint64_t snapshot, newest;
	whole_run(&snapshot, &newest);
	for (int i = 0; i < memory->name_count; i++)
		if (strcmp(memory->names[i].leaf, "LOCK") != 0 && memory->names[i].now >= 0 &&
			!memory->files[memory->names[i].now].is_folder)
			memory->names[i].now = -1;
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, 3, &committed, &err), 0);
	keep_file(file_named("LOCK"), &here);
	assert_int_equal(job_close(&j, &err), 0);
	memory_set(&file_named("LOCK")->now, here.data, here.len); /* as if killed */
	free(here.data);
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(next_batch(&j), 3);
	assert_int_equal(job_close(&j, &err), 0);
}

/* ---- read by somebody who has no script ---- */

static bool look_holds(const struct checkpoint_look *l, int64_t batch)
{
	struct job j;
	assert_int_equal(l->part_count, 1);
	assert_non_null(l->parts[0].table);
	job_table(&j);
	table_close(j.table);
	j.table = l->parts[0].table;
	bool same = holds(&j, batch);
	arena_release(&j.arena);
	return same;
}

static void test_looked_at(void **state)
{
	(void)state;
	struct error err;
	int64_t committed = -1;
	memory_reset();
	error_init(&err);
	assert_null(checkpoint_look_open("state/orders", &err));
	assert_int_equal(err.code, CDCL_E_STATE);
	bool snapshots = false;
	for (int64_t end = 2; end <= batches_max; end += 4) {
		struct job j;
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(run_to(&j, end, &committed, &err), 0);
		assert_int_equal(job_close(&j, &err), 0);
		struct checkpoint_look *l = checkpoint_look_open("state/orders", &err);
		assert_non_null(l);
		assert_int_equal(checkpoint_look_damage(l)->code, CDCL_OK);
		assert_true(l->found->any && !l->found->interrupted);
		assert_int_equal(l->found->batch.id, end - 1);
		assert_true(look_holds(l, end - 1));
		snapshots = snapshots || l->manifest->snapshot != 0;
		checkpoint_look_close(l);
	}
	assert_true(snapshots);
}

/* Every byte of a file in turn; how often it was not found. */
static uint32_t flips_unseen(const char *name)
{
	uint32_t readable = 0;
	struct memory_bytes kept;
	uint32_t unseen = 0;
	keep_file(file_named(name), &kept);
	for (size_t at = 0; at < kept.len; at += next_byte()) {
		struct error err;
		struct memory_file *f = file_named(name);
		memory_set(&f->now, kept.data, kept.len);
		f->now.data[at] = (char)(f->now.data[at] ^ 1 << (at & 7));
		error_init(&err);
		struct checkpoint_look *l = checkpoint_look_open("state/orders", &err);
		const struct error *why = l == NULL ? &err : checkpoint_look_damage(l);
		if (why->code == CDCL_OK) {
			assert_true(look_holds(l, l->found->batch.id));
			unseen++;
		} else {
			assert_int_equal(why->code, CDCL_E_STATE);
			assert_non_null(strstr(why->text, name));
			if (l != NULL && l->readable)
				assert_true(look_holds(l, batches_max - 1));
			readable += l != NULL && l->readable;
		}
		checkpoint_look_close(l);
	}
	memory_set(&file_named(name)->now, kept.data, kept.len);
	free(kept.data);
	/* behind a snapshot there is the one before it */
	assert_int_equal(readable > 0, name[0] == 's');
	return unseen;
}

static void test_damage_is_seen_from_outside(void **state)
{
	(void)state;
	uint64_t snapshot, newest;
	char name[32];
	whole_run(&snapshot, &newest);
	assert_int_equal(flips_unseen("MANIFEST"), 0);
	snprintf(name, sizeof(name), "snap-%llu", (unsigned long long)snapshot);
	assert_int_equal(flips_unseen(name), 0);
	snprintf(name, sizeof(name), "log-%llu", (unsigned long long)snapshot);
	/* Only the last frame of the newest log may be torn. */
	assert_true(flips_unseen(name) <= (snapshot == newest ? 40 : 0));
}

/* ---- whose it is ---- */

static void assert_refused(const struct checkpoint_config *config, struct state_part *const *parts,
	uint32_t count, enum error_code code, const char *words)
{
	struct error err;
	const struct checkpoint_found *found;
	struct checkpoint *c = checkpoint_open(config, parts, count, &err);
	int r = c == NULL ? -(int)err.code : checkpoint_recover(c, &found, &err);
	assert_int_equal(r, -(int)code);
	if (strstr(err.text, words) == NULL)
		fail_msg("no '%s' in: %s", words, err.text);
	checkpoint_close(c, &err);
}

static void test_of_others(void **state)
{
	(void)state;
	struct error err;
	struct job j, other;
	int64_t committed = -1;
	struct checkpoint_config config = {.path = "state/orders", .job = str_lit("orders")};
	memory_reset();
	assert_int_equal(job_open(&j, &err), 0);
	assert_int_equal(run_to(&j, 3, &committed, &err), 0);
	job_table(&other);
	struct state_part *part = table_state_part(other.table);
	assert_refused(&config, &part, 1, CDCL_E_FENCED, "another process has it open (process ");
	job_close(&j, &err);
	config.job = str_lit("customers");
	assert_refused(&config, &part, 1, CDCL_E_STATE, "the job 'orders', not of 'customers'");
	config.job = str_lit("orders");
	assert_refused(
		&config, NULL, 0, CDCL_E_STATE, "table orders: is in the checkpoint, but not in");
	struct state_part renamed = {part->ops, str_lit("table x"), part->shape};
	struct state_part *parts[1] = {&renamed};
	assert_refused(&config, parts, 1, CDCL_E_STATE, "table orders: is in the checkpoint, but");
	struct state_part_ops fixed = *part->ops;
	fixed.fit = NULL;
	struct state_part shaped = {&fixed, part->name, str_lit("id int; key id")};
	parts[0] = &shaped;
	assert_refused(&config, parts, 1, CDCL_E_STATE, "kept is (id int, name string");
	memory_unlink("state/orders/MANIFEST");
	assert_refused(&config, &part, 1, CDCL_E_STATE, "MANIFEST is gone");
	job_close(&other, &err);
}

/* Every batch that can be gone back to gives what the model had, and goes on from there. */
static void test_rewind(void **state)
{
	(void)state;
	struct error err;
	struct job j;
	int64_t committed = -1, was, now, oldest = -1;
	uint32_t reached = 0;
	for (int64_t to = -1; to < batches_max; to++) {
		memory_reset();
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(run_to(&j, batches_max, &committed, &err), 0);
		job_close(&j, &err);
		int r = checkpoint_rewind("state/orders", to, &was, &now, &err);
		if (r < 0) {
			assert_int_equal(r, -(int)CDCL_E_USAGE);
			assert_true(to < oldest);
			continue;
		}
		assert_int_equal(was, batches_max - 1);
		assert_true(to < 0 || now == to);
		oldest = to < 0 ? now : oldest;
		reached++;
		assert_int_equal(job_open(&j, &err), 0);
		assert_int_equal(j.found->batch.id, now);
		assert_false(j.found->interrupted);
		assert_true(holds(&j, now));
		assert_int_equal(run_to(&j, batches_max, &committed, &err), 0);
		assert_true(holds(&j, batches_max - 1));
		job_close(&j, &err);
	}
	assert_true(oldest > 0 && oldest < batches_max - 1); /* there were two snapshots */
	assert_int_equal(reached, batches_max - oldest + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_short_runs_have_snapshots),
		cmocka_unit_test(test_an_end_without_a_batch_writes_nothing),
		cmocka_unit_test(test_an_interrupted_batch_is_told),
		cmocka_unit_test(test_what_was_restored_is_not_written_again),
		cmocka_unit_test(test_every_call_fails_once),
		cmocka_unit_test(test_every_call_of_short_runs_fails_once),
		cmocka_unit_test(test_a_disk_that_does_not_sync_is_noticed),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_places_that_move),
		cmocka_unit_test(test_nothing_stays_of_damage),
		cmocka_unit_test(test_log_cut_at_every_byte),
		cmocka_unit_test(test_end_of_another_state),
		cmocka_unit_test(test_looked_at),
		cmocka_unit_test(test_damage_is_seen_from_outside),
		cmocka_unit_test(test_of_others),
		cmocka_unit_test(test_rewind),
	};
	return cmocka_run_group_tests(tests, make_model, free_model);
}
