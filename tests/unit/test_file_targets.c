/*
 * A disk that fails once, at every call in turn: what a target held before is whole, or what it was
 * to hold is; the run after it mends what was left. And a rename follows the sync of what it shows.
 */

/* guarantee: G11 file_sink: test_two_writers_of_a_file
 * guarantee: G11 parquet_sink: test_two_writers_of_a_snapshot
 * guarantee: G11 parquet_sink: test_two_writers_of_added_files
 * guarantee: file_sink: test_file_* */
/* guarantee: parquet_sink: test_parquet_* */

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "sink/sink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- the disk ---- */

static int calls_left;          /* until the one that fails; below 0: none will */
static bool failed;
static int unsynced;            /* writes since the last sync */
static bool synced_first;       /* each rename that shows rows came after the sync of them */

static bool fails(void)
{
	if (calls_left-- != 0) {
		return false;
	}
	failed = true;
	errno = ENOSPC;
	return true;
}

static int fail_open(const char *path, int flags, int mode)
{
	return fails() ? -1 : disk_system.open(path, flags, mode);
}
static ssize_t fail_write(int fd, const void *buffer, size_t bytes)
{
	unsynced++;
	return fails() ? -1 : disk_system.write(fd, buffer, bytes);
}
static int fail_fsync(int fd)
{
	unsynced = 0;
	return fails() ? -1 : disk_system.fsync(fd);
}
static int fail_rename(const char *from, const char *to)
{
	synced_first &= unsynced == 0;
	return fails() ? -1 : disk_system.rename(from, to);
}
static int fail_link(const char *from, const char *to)
{
	return fails() ? -1 : disk_system.link(from, to);
}
static int fail_symlink(const char *target, const char *path)
{
	return fails() ? -1 : disk_system.symlink(target, path);
}
static int fail_unlink(const char *path)
{
	return fails() ? -1 : disk_system.unlink(path);
}

static const struct disk *failing_disk(void)
{
	static struct disk disk;
	disk = disk_system;
	disk.open = fail_open;
	disk.write = fail_write;
	disk.fsync = fail_fsync;
	disk.rename = fail_rename;
	disk.link = fail_link;
	disk.symlink = fail_symlink;
	disk.unlink = fail_unlink;
	return &disk;
}

/* ---- one run: rows 0 to 9 with a value ---- */

static struct arena arena;
static struct schema *schema;
static char folder[512];
static char path[600];

static void begin_schema(void)
{
	schema = schema_alloc(&arena, 2);
	schema->columns[0] = (struct schema_column){str_lit("id"), type_of(TYPE_INT)};
	schema->columns[1] = (struct schema_column){str_lit("n"), type_of(TYPE_INT)};
}

static int begin(void **state)
{
	(void)state;
	arena_init(&arena, 65536);
	begin_schema();
	const char *tmp = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/targets.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	return mkdtemp(folder) == NULL;
}

static int end(void **state)
{
	(void)state;
	disk_use(NULL);
	arena_release(&arena);
	return file_remove_tree(folder, NULL);
}

enum { row_count = 10 };

static struct chunk *rows_of(int value)
{
	struct chunk *c = chunk_alloc(&arena, schema);
	memset(c->columns[0].nulls, 0, sizeof(c->columns[0].nulls));
	memset(c->columns[1].nulls, 0, sizeof(c->columns[1].nulls));
	for (int i = 0; i < row_count; i++) {
		((int32_t *)c->columns[0].data)[i] = i << 12; /* a block each */
		((int32_t *)c->columns[1].data)[i] = value;
	}
	chunk_set_rows(c, row_count);
	return c;
}

static int run_job(const struct sink_config *config, int value)
{
	static const struct row_key key = {1, {0}};
	struct error err;
	struct batch b = {.id = 0, .time_us = value, .last = true};
	bool table = config->mode == OUTPUT_COMPLETE;
	error_init(&err);
	struct sink *s = sink_open(config, schema, table ? &key : NULL, table, NULL, &err);
	if (s == NULL) {
		return -(int)err.code;
	}
	s->batch = &b;
	int answer = s->ops->write(s, rows_of(value), &err);
	if (answer == 0) {
		answer = s->ops->prepare(s, &b, &err);
	}
	if (answer == 0) {
		answer = s->ops->publish(s, &b, &err);
	}
	sink_close(s);
	return answer;
}

/* ---- what is there ---- */

/* Lines with `value` at their end; check: every line is whole. */
static int lines_with(int value)
{
	struct strbuf text;
	struct error err;
	char tail[32];
	int found = 0;
	strbuf_init(&text);
	assert_int_equal(file_read_all(path, 1 << 20, &text, &err), 0);
	strbuf_add_byte(&text, '\0');
	snprintf(tail, sizeof tail, "\"n\":%d}", value);
	for (char *line = strtok(text.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_true(line[0] == '{' && line[strlen(line) - 1] == '}');
		found += strstr(line, tail) != NULL;
	}
	strbuf_release(&text);
	return found;
}

/* Parquet files under a folder that begin and end as they must; -1: one does not. */
static int whole_files(const char *where)
{
	struct str *names;
	struct error err;
	struct arena scratch;
	arena_init(&scratch, 4096);
	int count = file_list(where, &scratch, &names, &err), whole = count < 0 ? -1 : 0;
	for (int i = 0; i < count && whole >= 0; i++) {
		struct strbuf file;
		if (strstr(names[i].data, ".parquet") == NULL) {
			continue;
		}
		strbuf_init(&file);
		struct str one = str_printf(&scratch, "%s/%s", where, names[i].data);
		assert_int_equal(file_read_all(one.data, 1 << 20, &file, &err), 0);
		bool good = file.len > 12 && memcmp(file.data, "PAR1", 4) == 0 &&
			memcmp(file.data + file.len - 4, "PAR1", 4) == 0;
		whole = good ? whole + 1 : -1;
		strbuf_release(&file);
	}
	arena_release(&scratch);
	return whole;
}

static void check_file(bool replaced, bool answered_well)
{
	int first = lines_with(1), second = lines_with(2);
	if (replaced) {
		assert_int_equal(first + second, row_count);
		assert_true(first == 0 || second == 0);
	} else {
		assert_int_equal(first, row_count);
		assert_true(second == row_count || second == 0);
	}
	assert_true(!answered_well || second == row_count);
}

/* Returns how many disk calls a run makes. */
static int fail_each_call(const struct sink_config *config,
	void (*judge)(bool answered_well, bool mended))
{
	for (int k = 0;; k++) {
		assert_true(k < 1000);
		assert_int_equal(file_remove_tree(folder, NULL), 0);
		calls_left = -1;
		assert_int_equal(run_job(config, 1), 0);
		disk_use(failing_disk());
		failed = false;
		unsynced = 0;
		synced_first = true;
		calls_left = k;
		int answer = run_job(config, 2);
		disk_use(NULL);
		assert_true(answer == 0 || (failed && answer == -(int)CDCL_E_DISK));
		judge(answer == 0, false);
		assert_true(failed || synced_first);
		assert_int_equal(run_job(config, 3), 0);
		judge(true, true);
		if (!failed) {
			return k;
		}
	}
}

static void judge_complete(bool answered_well, bool mended)
{
	if (mended) {
		assert_int_equal(lines_with(3), row_count);
	} else {
		check_file(true, answered_well);
	}
}

static void judge_append(bool answered_well, bool mended)
{
	check_file(false, answered_well && !mended);
	assert_int_equal(lines_with(3), mended ? row_count : 0);
}

static void judge_snapshot(bool answered_well, bool mended)
{
	struct strbuf target;
	char snapshots[700];
	strbuf_init(&target);
	assert_int_equal(file_read_link(path, &target, NULL), 1);
	int number = target.data[target.len - 1] - '0';
	assert_true(mended ? number >= 2 : number == 2 || (number == 1 && !answered_well));
	assert_true(whole_files(path) > 0);
	snprintf(snapshots, sizeof snapshots, "%s.snapshots", path);
	struct str *names;
	if (mended) {
		int kept = number < 3 ? number : 3;
		assert_int_equal(file_list(snapshots, &arena, &names, NULL), kept);
	}
	strbuf_release(&target);
}

static void judge_added(bool answered_well, bool mended)
{
	char way[700];
	snprintf(way, sizeof way, "%s/_publishing", path);
	int files = whole_files(path);
	assert_true(files >= 1 && files <= (mended ? 3 : 2));
	if (mended) {
		assert_true(files >= 2 && !file_exists(way));
	}
	assert_true(!answered_well || mended || files == 2 || file_exists(way));
}

static void set_path(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
}

static void test_file_complete(void **state)
{
	(void)state;
	set_path("rows.jsonl");
	struct sink_config config = {.kind = SINK_FILE, .mode = OUTPUT_COMPLETE,
		.format = SINK_JSONL, .path = str_c(path)};
	assert_true(fail_each_call(&config, judge_complete) > 5);
}

static void test_file_append(void **state)
{
	(void)state;
	set_path("rows.jsonl");
	struct sink_config config = {.kind = SINK_FILE, .mode = OUTPUT_APPEND,
		.format = SINK_JSONL, .path = str_c(path)};
	assert_true(fail_each_call(&config, judge_append) > 5);
}

static void judge_full_append(bool answered_well, bool mended)
{
	(void)mended;
	assert_int_equal(lines_with(1), row_count);
	assert_int_equal(lines_with(2), answered_well ? row_count : 0);
}

/* Full once, at every call in turn: how often that was waited for, and the batch is whole. */
static int full_at_each_call(const struct sink_config *config,
	void (*judge)(bool answered_well, bool mended))
{
	int waited = 0;
	failed = true;
	for (int k = 0; failed; k++) {
		assert_true(k < 1000);
		assert_int_equal(file_remove_tree(folder, NULL), 0);
		calls_left = -1;
		assert_int_equal(run_job(config, 1), 0);
		failed = false;
		calls_left = k;
		disk_use(failing_disk());
		int answer = run_job(config, 2);
		disk_use(NULL);
		judge(answer == 0, false);
		waited += failed && answer == 0;
	}
	return waited;
}

/* From the first row on. */
static void test_file_full(void **state)
{
	(void)state;
	set_path("rows.jsonl");
	struct sink_config config = {.kind = SINK_FILE, .mode = OUTPUT_APPEND,
		.format = SINK_JSONL, .path = str_c(path), .on_error = SINK_RETRY};
	assert_true(full_at_each_call(&config, judge_full_append) >= 5);
}

/* So are Parquet's files; only a sync that failed is not asked again. */
static void check_parquet_full(
	enum output_mode mode, void (*judge)(bool answered_well, bool mended))
{
	set_path("rows");
	struct sink_config config = {.kind = SINK_PARQUET, .mode = mode, .path = str_c(path),
		.on_error = SINK_RETRY, .parquet = {.buckets = 1, .keep_snapshots = 2}};
	assert_true(full_at_each_call(&config, judge) >= 7);
}

static void test_parquet_full(void **state)
{
	(void)state;
	check_parquet_full(OUTPUT_COMPLETE, judge_snapshot);
	check_parquet_full(OUTPUT_APPEND, judge_added);
}

static void test_parquet_snapshots(void **state)
{
	(void)state;
	set_path("rows");
	struct sink_config config = {.kind = SINK_PARQUET, .mode = OUTPUT_COMPLETE,
		.path = str_c(path), .parquet = {.buckets = 3, .keep_snapshots = 2}};
	assert_true(fail_each_call(&config, judge_snapshot) > 10);
}

static void test_parquet_added(void **state)
{
	(void)state;
	set_path("rows");
	struct sink_config config = {.kind = SINK_PARQUET, .mode = OUTPUT_APPEND,
		.path = str_c(path)};
	assert_true(fail_each_call(&config, judge_added) > 8);
}

/* ---- two processes that should not be ---- */

enum { steps_of_one = 5 };

struct writer_run {
	struct sink *sink;
	int value;
	int step;
	int answer;
};

/* The next of: open, write, prepare, publish, close. After a failure only close does anything. */
static void go_on(struct writer_run *w, const struct sink_config *config, struct batch *b)
{
	static const struct row_key key = {1, {0}};
	struct error err;
	error_init(&err);
	int step = w->step++;
	if (step == steps_of_one - 1) {
		sink_close(w->sink);
		return;
	}
	if (w->answer < 0) {
		return;
	}
	if (step == 0) {
		bool table = config->mode == OUTPUT_COMPLETE;
		w->sink = sink_open(config, schema, table ? &key : NULL, table, NULL, &err);
		w->answer = w->sink == NULL ? -(int)err.code : 0;
	} else if (step == 1) {
		w->sink->batch = b;
		w->answer = w->sink->ops->write(w->sink, rows_of(w->value), &err);
	} else if (step == 2) {
		w->answer = w->sink->ops->prepare(w->sink, b, &err);
	} else {
		w->answer = w->sink->ops->publish(w->sink, b, &err);
	}
}

/* Their steps in every order: `first` has a bit for each step that is the first one's. */
static int write_together(const struct sink_config *config, void (*judge)(void))
{
	int fenced = 0;
	for (unsigned first = 0; first < 1u << (2 * steps_of_one); first++) {
		if (__builtin_popcount(first) != steps_of_one) {
			continue;
		}
		struct batch b = {.id = 0, .time_us = 2, .last = true};
		struct writer_run a = {.value = 2}, c = {.value = 3};
		assert_int_equal(file_remove_tree(folder, NULL), 0);
		assert_int_equal(run_job(config, 1), 0);
		for (int i = 0; i < 2 * steps_of_one; i++) {
			go_on(first >> i & 1 ? &a : &c, config, &b);
		}
		assert_true(a.answer == 0 || c.answer == 0);
		assert_true(a.answer == 0 || a.answer == -(int)CDCL_E_FENCED);
		assert_true(c.answer == 0 || c.answer == -(int)CDCL_E_FENCED);
		fenced += a.answer < 0 || c.answer < 0;
		judge();
		arena_reset(&arena);
		begin_schema();
	}
	return fenced;
}

static void judge_one_file(void)
{
	int second = lines_with(2), third = lines_with(3);
	assert_true((second == row_count && third == 0) || (second == 0 && third == row_count));
}

static void judge_one_snapshot(void)
{
	assert_int_equal(whole_files(path), 3);
}

static void test_two_writers_of_a_file(void **state)
{
	(void)state;
	set_path("rows");
	struct sink_config config = {.kind = SINK_FILE, .mode = OUTPUT_COMPLETE,
		.format = SINK_JSONL, .path = str_c(path)};
	assert_true(write_together(&config, judge_one_file) > 20);
}

static int one_batch(struct sink *s, int value)
{
	struct error err;
	struct batch b = {.id = 0, .time_us = 2, .last = true};
	error_init(&err);
	bucket_set_mark_all(s->buckets);
	s->batch = &b;
	int answer = s->ops->write(s, rows_of(value), &err);
	if (answer == 0) {
		answer = s->ops->prepare(s, &b, &err);
	}
	return answer == 0 ? s->ops->publish(s, &b, &err) : answer;
}

static struct sink *open_table_file(void)
{
	static const struct row_key key = {1, {0}};
	struct sink_config config = {.kind = SINK_FILE, .mode = OUTPUT_COMPLETE,
		.format = SINK_JSONL, .path = str_c(path)};
	struct error err;
	error_init(&err);
	struct sink *s = sink_open(&config, schema, &key, true, NULL, &err);
	assert_non_null(s);
	return s;
}

/* Batch by batch, never at once: who is second with one ends, and the other one goes on. */
static void test_two_writers_of_a_file_by_turns(void **state)
{
	(void)state;
	set_path("rows");
	struct sink *a = open_table_file(), *b = open_table_file();
	assert_int_equal(one_batch(b, 1), 0);
	assert_int_equal(one_batch(a, 2), -(int)CDCL_E_FENCED);
	assert_int_equal(one_batch(b, 3), 0);
	assert_int_equal(lines_with(3), row_count);
	sink_close(a);
	a = open_table_file();
	assert_int_equal(one_batch(b, 1), 0);
	sink_close(b); /* as if it had died */
	assert_int_equal(one_batch(a, 2), 0);
	assert_int_equal(lines_with(2), row_count);
	sink_close(a);
}

/* What a batch is written to, beside the path. */
static const char *next_of_rows(void)
{
	static char part[sizeof(path) + 8];
	snprintf(part, sizeof(part), "%.*s/.rows.part", (int)(strrchr(path, '/') - path), path);
	return part;
}

/* What it is about to put there is left alone: it may have begun a moment ago. */
static void test_a_start_beside_a_writer(void **state)
{
	(void)state;
	struct file_info info;
	set_path("rows");
	const char *part = next_of_rows();
	struct sink *a = open_table_file();
	assert_int_equal(one_batch(a, 1), 0);
	assert_int_equal(file_write_synced(part, false, str_lit("begun\n"), NULL), 0);
	struct sink *b = open_table_file();
	assert_int_equal(file_stat(part, &info, NULL), 0);
	sink_close(b);
	sink_close(a);
	sink_close(open_table_file());
	assert_true(file_stat(part, &info, NULL) < 0);
}

static int unlink_before_another(const char *file)
{
	int r = disk_system.unlink(file);
	file_close(file_open_write(file, false, NULL));
	return r;
}

/* Both remove what is there; one is first with a new one, which is not written to, nor removed. */
static void test_two_that_begin_at_once(void **state)
{
	(void)state;
	struct file_info info;
	set_path("rows");
	const char *part = next_of_rows();
	struct sink *a = open_table_file();
	struct disk disk = disk_system;
	disk.unlink = unlink_before_another;
	disk_use(&disk);
	assert_int_equal(one_batch(a, 1), -(int)CDCL_E_FENCED);
	disk_use(NULL);
	sink_close(a);
	assert_int_equal(file_stat(part, &info, NULL), 0);
	assert_int_equal(info.bytes, 0);
}

/* By hand: removed, written over, replaced as editors do. */
static void test_a_file_that_somebody_edits(void **state)
{
	(void)state;
	char other[sizeof(path) + 4];
	set_path("rows");
	struct sink *a = open_table_file();
	assert_int_equal(one_batch(a, 1), 0);
	assert_int_equal(file_remove(path, NULL), 0);
	assert_int_equal(one_batch(a, 2), 0);
	assert_int_equal(file_write_synced(path, false, str_lit("edited\n"), NULL), 0);
	assert_int_equal(one_batch(a, 3), 0);
	snprintf(other, sizeof(other), "%s.swp", path);
	assert_int_equal(file_write_synced(other, false, str_lit("edited\n"), NULL), 0);
	assert_int_equal(file_rename(other, path, NULL), 0);
	assert_int_equal(one_batch(a, 4), 0);
	assert_int_equal(lines_with(4), row_count);
	sink_close(a);
}

static void test_two_writers_of_a_snapshot(void **state)
{
	(void)state;
	set_path("rows");
	struct sink_config config = {.kind = SINK_PARQUET, .mode = OUTPUT_COMPLETE,
		.path = str_c(path), .parquet = {.buckets = 3, .keep_snapshots = 2}};
	assert_true(write_together(&config, judge_one_snapshot) > 20);
}

/* Each batch is all there or not at all. */
static void judge_files(void)
{
	int files = whole_files(path);
	assert_true(files == 2 || files == 3);
}

static void test_two_writers_of_added_files(void **state)
{
	(void)state;
	set_path("rows");
	struct sink_config config = {
		.kind = SINK_PARQUET, .mode = OUTPUT_APPEND, .path = str_c(path)};
	assert_true(write_together(&config, judge_files) > 20);
}

static uint64_t folder_inode;
static bool folder_synced;

static int fsync_of_folder(int fd)
{
	struct stat st;
	folder_synced |= fstat(fd, &st) == 0 && st.st_ino == folder_inode;
	return disk_system.fsync(fd);
}

/* What says its batch is renamed into it by a process that may have died before the sync. */
static void test_parquet_found_is_durable(void **state)
{
	(void)state;
	struct file_info info;
	struct error err;
	set_path("rows");
	struct sink_config config = {
		.kind = SINK_PARQUET, .mode = OUTPUT_APPEND, .path = str_c(path)};
	assert_int_equal(run_job(&config, 1), 0);
	assert_int_equal(file_stat(path, &info, NULL), 0);
	folder_inode = info.inode;
	struct disk disk = disk_system;
	disk.fsync = fsync_of_folder;
	disk_use(&disk);
	struct sink *s = sink_open(&config, schema, NULL, false, NULL, &err);
	assert_non_null(s);
	disk_use(NULL);
	assert_true(folder_synced);
	sink_close(s);
}

int main(void)
{
	log_init(&clock_system, LOG_ERROR, false);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file_complete, begin, end),
		cmocka_unit_test_setup_teardown(test_file_append, begin, end),
		cmocka_unit_test_setup_teardown(test_file_full, begin, end),
		cmocka_unit_test_setup_teardown(test_parquet_full, begin, end),
		cmocka_unit_test_setup_teardown(test_parquet_snapshots, begin, end),
		cmocka_unit_test_setup_teardown(test_parquet_added, begin, end),
		cmocka_unit_test_setup_teardown(test_parquet_found_is_durable, begin, end),
		cmocka_unit_test_setup_teardown(test_two_writers_of_a_file, begin, end),
		cmocka_unit_test_setup_teardown(test_two_writers_of_a_file_by_turns, begin, end),
		cmocka_unit_test_setup_teardown(test_a_start_beside_a_writer, begin, end),
		cmocka_unit_test_setup_teardown(test_two_that_begin_at_once, begin, end),
		cmocka_unit_test_setup_teardown(test_a_file_that_somebody_edits, begin, end),
		cmocka_unit_test_setup_teardown(test_two_writers_of_a_snapshot, begin, end),
		cmocka_unit_test_setup_teardown(test_two_writers_of_added_files, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
