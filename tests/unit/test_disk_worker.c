/*
 * The thread that writes and syncs, and a checkpoint in the background on a real folder. Runs under
 * the thread sanitizer, too: the hand-over is what it is about.
 * tests/run: variants=dev,asan,tsan
 */

#include "state/checkpoint.h"
#include "state/disk_worker.h"
#include "state/record.h"

#include "base/clock.h"
#include "base/file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { work_count = 64, counters = 2000, batches = 600 };

static void folder_of(char *out, size_t bytes)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(out, bytes, "%s/cdcl-worker.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(out));
}

static void test_in_order(void **unused)
{
	(void)unused;
	char path[512];
	static struct disk_work works[work_count];
	struct error err;
	folder_of(path, sizeof(path) - 8);
	strcat(path, "/file");
	int fd = file_open_write(path, false, &err);
	struct disk_worker *w = disk_worker_open(&err);
	assert_non_null(w);
	for (int i = 0; i < work_count; i++) {
		works[i] = (struct disk_work){.fd = fd, .path = path, .sync = i % 8 == 0};
		strbuf_addf(&works[i].bytes, "%d\n", i);
		disk_worker_give(w, &works[i]);
	}
	assert_true(disk_worker_wait(w, &works[work_count - 1], -1));
	struct pollfd p = {.fd = disk_worker_fd(w), .events = POLLIN};
	assert_int_equal(poll(&p, 1, 0), 1);
	disk_worker_heard(w);
	disk_worker_close(w);
	struct strbuf wanted, got;
	strbuf_init(&wanted);
	strbuf_init(&got);
	for (int i = 0; i < work_count; i++) {
		assert_true(disk_work_done(&works[i]));
		assert_int_equal(works[i].result, 0);
		strbuf_add(&wanted, strbuf_str(&works[i].bytes));
		strbuf_release(&works[i].bytes);
	}
	assert_int_equal(file_read_all(path, 4096, &got, &err), 0);
	assert_true(str_eq(strbuf_str(&got), strbuf_str(&wanted)));
	strbuf_release(&wanted);
	strbuf_release(&got);
	file_close(fd);
	*strrchr(path, '/') = '\0';
	assert_int_equal(file_remove_tree(path, &err), 0);
}

static void test_an_error_comes_back(void **unused)
{
	(void)unused;
	struct error err;
	struct disk_worker *w = disk_worker_open(&err);
	struct disk_work work = {.fd = -1, .path = "no file", .sync = true};
	disk_worker_give(w, &work);
	assert_true(disk_worker_wait(w, &work, -1));
	assert_int_equal(work.result, -CDCL_E_DISK);
	assert_non_null(strstr(work.err.text, "no file"));
	disk_worker_close(w);
}

/* ---- a checkpoint ---- */

struct numbers {
	struct state_part part;
	int64_t values[counters];
	uint32_t changed;
};

static bool give_changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	(void)bytes_max;
	struct numbers *n = (struct numbers *)p;
	record_add_u32(out, n->changed);
	record_add_i64(out, n->values[n->changed]);
	return false;
}

static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct numbers *n = (const struct numbers *)p;
	for (size_t start = out->len; *at < counters && out->len - start < bytes_max; (*at)++) {
		record_add_u32(out, (uint32_t)*at);
		record_add_i64(out, n->values[*at]);
	}
	return *at < counters;
}

static int apply(struct state_part *p, struct str records, struct error *err)
{
	struct numbers *n = (struct numbers *)p;
	struct record_reader r = {.bytes = records};
	while (record_left(&r) > 0 && !r.bad) {
		uint32_t i = record_u32(&r);
		int64_t value = record_i64(&r);
		if (r.bad || i >= counters)
			return error_set(err, CDCL_E_STATE, "bad record");
		n->values[i] = value;
	}
	return 0;
}

static int ready(struct state_part *p, struct error *err)
{
	(void)p;
	(void)err;
	return 0;
}

static const struct state_part_ops number_ops = {
	.changes = give_changes, .scan = scan, .apply = apply, .ready = ready};

static struct checkpoint *open_numbers(
	struct numbers *n, struct state_part **parts, const char *folder)
{
	struct error err;
	memset(n, 0, sizeof(*n));
	n->part = (struct state_part){&number_ops, str_lit("numbers"), str_lit("i64")};
	parts[0] = &n->part;
	struct checkpoint_config config = {.path = folder,
		.job = str_lit("numbers"),
		.snapshot_log_bytes_min = 1,
		.in_background = true};
	struct checkpoint *c = checkpoint_open(&config, parts, 1, &err);
	assert_non_null(c);
	return c;
}

/* As the loop does: asks, and sleeps until a wake_fd says so. */
static void wait_durable(struct checkpoint *c)
{
	struct error err;
	int fds[2], r;
	assert_int_equal(checkpoint_wake_fds(c, fds), 2);
	while ((r = checkpoint_wait(c, 0, &err)) == 1) {
		struct pollfd p = {.fd = fds[0], .events = POLLIN};
		poll(&p, 1, 1000);
		checkpoint_heard(c);
	}
	assert_int_equal(r, 0);
}

/* What is durable is heard of once: a loop that waits for other things must sleep. */
static void assert_is_quiet(struct checkpoint *c)
{
	int fds[2], woken = 0;
	checkpoint_wake_fds(c, fds);
	struct pollfd p = {.fd = fds[0], .events = POLLIN}; /* a snapshot may go on */
	do {
		assert_true(woken++ < 1000); /* once, or twice if it was faster than the telling */
		checkpoint_heard(c);
	} while (poll(&p, 1, 0) == 1);
}

/* Two slices of a snapshot; sometimes until it waits for the end of a batch. */
static void step(struct checkpoint *c, bool to_its_end)
{
	struct error err;
	struct checkpoint_figures f;
	int fds[2];
	checkpoint_wake_fds(c, fds);
	if (to_its_end)
		assert_int_equal(checkpoint_wait(c, -1, &err), 0);
	for (int turn = 0; turn < 2 || to_its_end; turn++) {
		int r = checkpoint_step(c, 2 * 1024, &err);
		assert_true(r >= 0);
		checkpoint_figures(c, &f);
		if (!f.snapshot_runs || f.snapshot_whole)
			return;
		struct pollfd p = {.fd = fds[1], .events = POLLIN};
		if (r == 0)
			poll(&p, 1, 1000);
		checkpoint_heard(c);
	}
}

static void test_in_the_background(void **unused)
{
	(void)unused;
	static struct numbers n;
	struct state_part *parts[1];
	const struct checkpoint_found *found;
	struct checkpoint_figures f;
	struct error err;
	char folder[512];
	folder_of(folder, sizeof(folder));
	struct checkpoint *c = open_numbers(&n, parts, folder);
	assert_int_equal(checkpoint_recover(c, &found, &err), 0);
	for (int64_t id = 0; id < batches; id++) {
		struct checkpoint_intent intent = {.id = id};
		struct checkpoint_batch batch = {.id = id};
		n.changed = (uint32_t)(id * 7919 % counters);
		n.values[n.changed] += id + 1;
		assert_int_equal(checkpoint_intend(c, &intent, &err), 0);
		wait_durable(c);
		assert_int_equal(checkpoint_commit(c, &batch, &err), 0);
		wait_durable(c);
		assert_is_quiet(c);
		assert_int_equal(checkpoint_published(c, id, &err), 0);
		step(c, id % 50 == 49);
	}
	checkpoint_figures(c, &f);
	assert_true(f.snapshots > 1);
	assert_int_equal(checkpoint_close(c, &err), 0);
	static int64_t wanted[counters];
	memcpy(wanted, n.values, sizeof(wanted));
	c = open_numbers(&n, parts, folder);
	assert_int_equal(checkpoint_recover(c, &found, &err), 0);
	assert_int_equal(found->batch.id, batches - 1);
	assert_memory_equal(n.values, wanted, sizeof(wanted));
	assert_int_equal(checkpoint_close(c, &err), 0);
	assert_int_equal(file_remove_tree(folder, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_an_error_comes_back),
		cmocka_unit_test(test_in_the_background),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
