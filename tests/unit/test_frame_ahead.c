/*
 * A worker that reads frames ahead gives what a reader alone gives: of whole, cut and damaged
 * files. Runs under the thread sanitizer, too: the hand-over is what it is about.
 * tests/run: variants=dev,asan,tsan
 */

#include "state/frame_ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

enum { bytes_min = 6 * 1024 * 1024, frame_bytes_max = 3 * 1024 * 1024 };

static char path[4096];

static uint64_t random_state = 7;

static uint32_t choose(uint32_t below)
{
	random_state =
		random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % below;
}

/* Of a few bytes by the hundred, of some 256 kB, and a very large one now and then. */
static size_t choose_bytes(void)
{
	uint32_t kind = choose(200);
	return kind == 0 ? choose(frame_bytes_max) : kind < 20 ? choose(300000) : choose(100);
}

/* `synced`: what is behind the first half says that the half was on disk once. */
static void write_file(bool synced)
{
	static char bytes[frame_bytes_max];
	struct frame_log log;
	struct error err;
	bool did = false;
	assert_int_equal(frame_log_create(&log, path, 0, &err), 0);
	for (uint32_t i = 0; log.bytes < bytes_min; i++) {
		size_t len = choose_bytes();
		memset(bytes, (int)choose(256), len);
		assert_int_equal(frame_log_append(&log, i, (struct str){bytes, len}, &err), 0);
		if (synced && !did && log.bytes > bytes_min / 2) {
			assert_int_equal(frame_log_sync(&log, &err), 0);
			did = true;
		}
	}
	assert_int_equal(frame_log_flush(&log, &err), 0);
	frame_log_close(&log);
}

/* What was read, in one number, and how it ended. */
struct seen {
	uint64_t sum;
	uint32_t frames;
	int64_t at;
	int result;
	struct error err;
};

static void add(struct seen *s, const struct frame *f)
{
	s->frames++;
	s->sum = s->sum * 31 + f->kind * 7 + (uint64_t)f->start * 3 + (uint64_t)f->end + f->crc;
	for (size_t i = 0; i < f->payload.len; i += 61)
		s->sum = s->sum * 31 + (unsigned char)f->payload.data[i];
}

static struct seen read_all(struct disk_worker *worker)
{
	struct seen s = {.result = 1};
	struct frame_reader r;
	struct frame_ahead a;
	struct frame f;
	error_init(&s.err);
	assert_int_equal(frame_reader_open(&r, path, 0, &s.err), 0);
	frame_ahead_begin(&a, &r, worker);
	assert_int_equal(a.worker != NULL, worker != NULL);
	while ((s.result = frame_ahead_next(&a, &f, &s.err)) == 1)
		add(&s, &f);
	s.at = a.at;
	frame_ahead_end(&a);
	frame_reader_close(&r);
	return s;
}

static struct seen assert_same(struct disk_worker *worker)
{
	struct seen alone = read_all(NULL), ahead = read_all(worker);
	assert_int_equal(ahead.result, alone.result);
	assert_int_equal(ahead.frames, alone.frames);
	assert_int_equal(ahead.at, alone.at);
	assert_true(ahead.sum == alone.sum);
	if (alone.result < 0)
		assert_string_equal(ahead.err.text, alone.err.text);
	return ahead;
}

static void flip(int64_t at)
{
	char byte;
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	fseek(f, (long)at, SEEK_SET);
	assert_int_equal(fread(&byte, 1, 1, f), 1);
	byte = (char)(byte ^ 1 << choose(8));
	fseek(f, (long)at, SEEK_SET);
	assert_int_equal(fwrite(&byte, 1, 1, f), 1);
	fclose(f);
}

static void test_the_same(void **unused)
{
	(void)unused;
	struct error err;
	struct disk_worker *worker = disk_worker_open(&err);
	assert_non_null(worker);
	for (int round = 0; round < 4; round++) {
		write_file(false);
		struct seen s = assert_same(worker);
		assert_int_equal(s.result, 0);
		assert_true(s.at >= bytes_min);
		/* It is the end of a file that nobody knows to have been longer. */
		assert_int_equal(truncate(path, s.at - 1 - choose(bytes_min / 2)), 0);
		assert_true(assert_same(worker).frames < s.frames);
		flip(choose(bytes_min / 2));
		assert_int_equal(assert_same(worker).result, 0);
	}
	disk_worker_close(worker);
}

static void test_damage(void **unused)
{
	(void)unused;
	struct error err;
	struct disk_worker *worker = disk_worker_open(&err);
	assert_non_null(worker);
	for (int round = 0; round < 4; round++) {
		write_file(true);
		assert_int_equal(assert_same(worker).result, 0);
		flip(choose(bytes_min / 2));
		assert_int_equal(assert_same(worker).result, -(int)CDCL_E_STATE);
	}
	disk_worker_close(worker);
}

/* Who stops early waits for the worker. */
static void test_left_early(void **unused)
{
	(void)unused;
	struct error err;
	struct disk_worker *worker = disk_worker_open(&err);
	struct frame_reader r;
	struct frame_ahead a;
	struct frame f;
	write_file(false);
	for (uint32_t frames = 0; frames < 40; frames += 13) {
		assert_int_equal(frame_reader_open(&r, path, 0, &err), 0);
		frame_ahead_begin(&a, &r, worker);
		for (uint32_t i = 0; i < frames; i++)
			assert_int_equal(frame_ahead_next(&a, &f, &err), 1);
		frame_ahead_end(&a);
		frame_reader_close(&r);
	}
	disk_worker_close(worker);
}

/* What was before the frame that comes next is known, however far the worker is. */
static void test_crc_before(void **unused)
{
	(void)unused;
	struct error err;
	struct disk_worker *worker = disk_worker_open(&err);
	struct frame_reader r;
	struct frame_ahead a;
	struct frame head, f;
	write_file(false);
	assert_int_equal(frame_reader_open(&r, path, 0, &err), 0);
	assert_int_equal(frame_reader_next(&r, &head, &err), 1);
	uint32_t crc = head.crc;
	frame_ahead_begin(&a, &r, worker);
	disk_worker_wait(worker, &a.work, -1);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(a.crc, crc);
		assert_int_equal(frame_ahead_next(&a, &f, &err), 1);
		crc = f.crc;
	}
	frame_ahead_end(&a);
	frame_reader_close(&r);
	disk_worker_close(worker);
}

static int make_file(void **unused)
{
	(void)unused;
	const char *tmp = getenv("TMPDIR");
	snprintf(path, sizeof(path), "%s/cdcl_ahead_XXXXXX", tmp != NULL ? tmp : "/tmp");
	int fd = mkstemp(path);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int remove_file(void **unused)
{
	(void)unused;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_left_early),
		cmocka_unit_test(test_crc_before)};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
