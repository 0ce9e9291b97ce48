/*
 * A file that grows by batches, over lives that end in any call to the disk, with the power or
 * without: what is honest is never refused and every batch is there once; what somebody cut from a
 * batch that was published is refused, and stays as it is.
 */

/* guarantee: file_sink dead_letters: * */

#include "sink/append_file.h"

#include "base/clock.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memory_disk.h"

#include <stdio.h>

enum { rounds = 150, cut_rounds = 50, lives_max = 40, batches_max = 6 };

static uint64_t seed;

static uint32_t choose(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

/* A batch that comes again has the same lines; some have none, some are longer than the next. */
static void lines_of(int64_t id, struct strbuf *out)
{
	static const int counts[batches_max] = {3, 0, 40, 1, 1, 300};
	for (int i = 0; i < counts[id]; i++)
		strbuf_addf(out, "{\"batch\":%d,\"row\":%d}\n", (int)id, i);
}

/* What a checkpoint knows, and what the file must hold then. */
struct history {
	int64_t published;
	int64_t begun;          /* then it is known for good what was published before */
	bool wrong;             /* an honest file was refused */
	char why[error_text_bytes];
};

static int open_judged(struct append_file *f, int64_t published, struct error *err)
{
	struct sink s = {.mode = OUTPUT_APPEND, .target = str_lit("rows"), .remembers = true};
	append_file_init(f, str_lit("rows.jsonl"));
	int r = append_file_open(f, str_lit("job"), str_lit("8d3c07a1f2b94c55a0e6d41b7c9f2e30"),
		&s.others, err);
	s.held = f->held;
	s.torn = &f->torn;
	return r < 0 ? r : sink_judge(&s, published, published + 1, err);
}

/* Batches until a call fails, or one does and leaves lines, or all are there. */
static int live(struct append_file *f, struct history *h, struct error *err)
{
	int r = 0;
	if (f->held > h->published)
		h->published++;
	while (r == 0 && h->published + 1 < batches_max) {
		strbuf_reset(&f->lines);
		h->begun = h->published + 1;
		lines_of(h->published + 1, &f->lines);
		if (choose(4) == 0) {
			for (uint32_t i = choose(60); i > 0; i--)
				strbuf_addf(&f->lines, "given up\n");
			return append_file_give_up(f, h->published + 1, err);
		}
		r = append_file_publish(f, h->published + 1, str_lit(""), err);
		h->published += r == 0;
	}
	return r;
}

static void live_and_die(struct history *h, bool last)
{
	struct append_file f;
	struct error err;
	error_init(&err);
	memory->fail_at = last ? 0 : 1 + choose(40);
	memory->fail_on = true;
	memory->fail_errno = EIO;
	int r = open_judged(&f, h->published, &err);
	if (r < 0 && (last || memory->calls < memory->fail_at)) {
		h->wrong = true;
		snprintf(h->why, sizeof(h->why), "%s", err.text);
	}
	if (r >= 0)
		live(&f, h, &err);
	append_file_release(&f);
	/* who says that a batch is published may lose that with the power */
	if (!last && choose(2) == 0) {
		memory_power_cut(choose);
		h->published -= h->published >= 0 && h->begun <= h->published && choose(3) == 0;
	}
	memory_process_ends();
}

static struct str file_bytes_there(void)
{
	int file = memory_find("rows.jsonl", true);
	struct memory_bytes *now = file < 0 ? NULL : &memory->files[file].now;
	return now == NULL ? str_lit("") : (struct str){now->data, now->len};
}

static void assert_whole(const struct history *h, uint64_t from)
{
	struct strbuf wanted;
	strbuf_init(&wanted);
	for (int64_t id = 0; id <= h->published; id++)
		lines_of(id, &wanted);
	if (h->wrong || !str_eq(strbuf_str(&wanted), file_bytes_there()))
		fail_msg("seed %d: %s", (int)from, h->wrong ? h->why : "other lines");
	strbuf_release(&wanted);
}

static void until_all_is_there(uint64_t from, struct history *h)
{
	seed = from;
	memory_reset();
	*h = (struct history){.published = -1, .begun = -1};
	for (int life = 0; life < lives_max && !h->wrong; life++)
		live_and_die(h, false);
	for (int life = 0; life < lives_max && !h->wrong && h->published + 1 < batches_max; life++)
		live_and_die(h, true);
	assert_whole(h, from);
	assert_true(h->published == batches_max - 1);
}

static void nothing_honest_is_refused(void **state)
{
	(void)state;
	struct history h;
	for (uint64_t from = 1; from <= rounds; from++)
		until_all_is_there(from, &h);
}

/* Anywhere in the last batch, its begin too. */
static void a_cut_is_refused(void **state)
{
	(void)state;
	struct history h;
	struct append_file f;
	struct error err;
	struct strbuf last;
	strbuf_init(&last);
	lines_of(batches_max - 1, &last);
	for (uint64_t from = 1; from <= cut_rounds; from++) {
		until_all_is_there(from, &h);
		int64_t bytes = (int64_t)file_bytes_there().len - 1 - choose((uint32_t)last.len);
		assert_int_equal(file_truncate("rows.jsonl", bytes, &err), 0);
		assert_int_equal(open_judged(&f, h.published, &err), -(int)CDCL_E_DISK);
		assert_non_null(strstr(err.text, "was changed by somebody else since batch 5"));
		append_file_release(&f);
		assert_int_equal(file_bytes_there().len, bytes);
	}
	strbuf_release(&last);
}

int main(void)
{
	log_init(&clock_system, LOG_ERROR, false);
	disk_use(&memory_disk);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_honest_is_refused),
		cmocka_unit_test(a_cut_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
