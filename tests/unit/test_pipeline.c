/*
 * Batches: when they open, close and count. A file source over a folder of its own, a memory sink,
 * and a clock that moves only when told.
 */

#include "base/arena.h"
#include "runtime/pipeline.h"
#include "sink/sink_kinds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { second = 1000000 };

static char folder[64];
static struct clock_held held;
static struct plan *plan;
static struct pipeline *pipeline;
static struct error err;

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_pipeline.XXXXXX");
	assert_non_null(mkdtemp(folder));
	clock_held_init(&held, INT64_C(1013) * second);
	error_init(&err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pipeline_close(pipeline);
	plan_close(plan);
	pipeline = NULL;
	plan = NULL;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	assert_int_equal(system(command), 0);
	return 0;
}

static void put(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* A folder of files, counted by op into a memory sink. */
static void open_count(
	enum trigger_kind trigger, int64_t trigger_ms, int64_t files, int64_t batches)
{
	plan = plan_open();
	plan->job_name = str_lit("test");
	plan->trigger = trigger;
	plan->trigger_ms = trigger_ms;
	struct source_config source = {.kind = SOURCE_FILE,
		.file = {.path = str_c(folder), .max_files_per_trigger = files}};
	struct json_config json = {.corrupt_column = -1};
	struct str place = str_lit("test.lua:1");
	struct plan_node *rows =
		plan_source(plan, &source, str_lit("id int, op string"), &json, place, &err);
	assert_non_null(rows);
	struct str key = str_lit("op");
	struct aggregate_source count = {.text = str_lit("count(*) as n")};
	struct plan_node *group = plan_group(plan, rows, &key, 1, &count, 1, place, &err);
	assert_non_null(group);
	struct sink_config sink = {
		.kind = SINK_MEMORY, .mode = OUTPUT_COMPLETE, .mode_given = true};
	assert_int_equal(plan_sink(plan, group, &sink, place, &err), 0);
	assert_int_equal(plan_check(plan, &err), 0);
	pipeline = pipeline_open(plan, &held.clock, batches, &err);
	if (pipeline == NULL)
		fail_msg("%s", err.text);
}

/* Steps until it waits, ends or has published; "busy" answers are stepped over. */
static int step(void)
{
	int r = PIPELINE_BUSY;
	for (int turn = 0; turn < 10000 && r == PIPELINE_BUSY; turn++)
		r = pipeline_step(pipeline, 4, &err);
	if (r < 0)
		fail_msg("%s", err.text);
	return r;
}

static uint32_t groups_shown(void)
{
	struct chunk *const *chunks = NULL;
	uint32_t count = memory_sink_chunks(pipeline_sink(pipeline, 0), &chunks);
	uint32_t rows = 0;
	for (uint32_t i = 0; i < count; i++)
		rows += chunk_live_count(chunks[i]);
	return rows;
}

static void expect_batch(int64_t id, int64_t rows, uint32_t groups)
{
	assert_int_equal(step(), PIPELINE_BATCH);
	const struct batch_figures *f = pipeline_batch(pipeline);
	assert_int_equal(f->id, id);
	assert_int_equal(f->rows_in, rows);
	assert_int_equal(f->rows_out, groups);
	assert_int_equal(groups_shown(), groups);
}

static void default_trigger(void **state)
{
	(void)state;
	open_count(TRIGGER_DEFAULT, 0, 0, 0);
	expect_batch(0, 0, 0); /* the first runs also without data */
	assert_int_equal(step(), PIPELINE_WAIT);
	held.now_us += second;
	assert_int_equal(step(), PIPELINE_WAIT); /* no data, no batch, no id */
	put("a", "{\"id\":1,\"op\":\"x\"}\n{\"id\":2,\"op\":\"y\"}\n");
	held.now_us += second;
	expect_batch(1, 2, 2);
	assert_int_equal(pipeline_batch(pipeline)->time_us, held.now_us);
	assert_int_equal(step(), PIPELINE_WAIT);
}

/* Started at 1013 s with a 10 s trigger: at once, then at 1020, 1030, ... */
static void interval_on_the_grid(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	open_count(TRIGGER_INTERVAL, 10000, 0, 0);
	expect_batch(0, 1, 1);
	put("b", "{\"id\":2,\"op\":\"y\"}\n");
	held.now_us = INT64_C(1015) * second;
	assert_int_equal(step(), PIPELINE_WAIT);
	/* Work goes on between ticks: it is read, but not emitted. */
	struct pipeline_totals totals;
	pipeline_totals(pipeline, &totals);
	assert_int_equal(totals.messages, 2);
	assert_int_equal(totals.batches, 1);
	struct pipeline_wait wait;
	pipeline_wait(pipeline, &wait);
	assert_true(wait.timeout_us > 0 && wait.timeout_us <= 5 * second);
	held.now_us = INT64_C(1019) * second + 999999;
	assert_int_equal(step(), PIPELINE_WAIT);
	held.now_us = INT64_C(1020) * second;
	expect_batch(1, 1, 2);
	assert_int_equal(pipeline_batch(pipeline)->time_us, INT64_C(1015) * second);
	held.now_us = INT64_C(1030) * second; /* a tick without data */
	assert_int_equal(step(), PIPELINE_WAIT);
	put("c", "{\"id\":3,\"op\":\"y\"}\n");
	held.now_us = INT64_C(1031) * second;
	assert_int_equal(step(), PIPELINE_WAIT); /* that tick is over */
	held.now_us = INT64_C(1040) * second;
	expect_batch(2, 1, 2);
}

static void available_now_one_file_a_batch(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	put("b", "");
	put("c", "nonsense\n");
	open_count(TRIGGER_AVAILABLE_NOW, 0, 1, 0);
	put("d", "{\"id\":1,\"op\":\"later\"}\n"); /* after the start: not in this run */
	expect_batch(0, 1, 1);
	expect_batch(1, 0, 1); /* an empty file is a batch */
	expect_batch(2, 1, 2);
	assert_int_equal(step(), PIPELINE_DONE);
	assert_int_equal(step(), PIPELINE_DONE);
}

static void available_now_without_data(void **state)
{
	(void)state;
	open_count(TRIGGER_AVAILABLE_NOW, 0, 1, 0);
	expect_batch(0, 0, 0);
	assert_int_equal(step(), PIPELINE_DONE);
}

static void once(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	put("b", "{\"id\":1,\"op\":\"y\"}\n");
	open_count(TRIGGER_ONCE, 0, 1, 0);
	expect_batch(0, 2, 2);
	assert_int_equal(step(), PIPELINE_DONE);
}

static void max_batches(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	put("b", "{\"id\":1,\"op\":\"y\"}\n");
	put("c", "{\"id\":1,\"op\":\"y\"}\n");
	open_count(TRIGGER_DEFAULT, 0, 1, 2);
	expect_batch(0, 1, 1);
	expect_batch(1, 1, 2);
	assert_int_equal(step(), PIPELINE_DONE);
}

static void drain_finishes_what_was_read(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	open_count(TRIGGER_INTERVAL, 10000, 0, 0);
	expect_batch(0, 1, 1);
	put("b", "{\"id\":2,\"op\":\"y\"}\n");
	held.now_us += second;
	assert_int_equal(step(), PIPELINE_WAIT);
	put("c", "{\"id\":3,\"op\":\"z\"}\n");
	held.now_us += second;
	pipeline_drain(pipeline);
	expect_batch(1, 1, 2); /* b was read; c is for the next run */
	assert_int_equal(step(), PIPELINE_DONE);
}

static void drain_without_data(void **state)
{
	(void)state;
	open_count(TRIGGER_DEFAULT, 0, 0, 0);
	expect_batch(0, 0, 0);
	pipeline_drain(pipeline);
	assert_int_equal(step(), PIPELINE_DONE);
}

/* More than a chunk, and more than one turn's worth of chunks. */
static void many_chunks(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	for (int i = 0; i < 20000; i++)
		strbuf_addf(&text, "{\"id\":%d,\"op\":\"%d\"}\n", i, i % 7);
	strbuf_add_byte(&text, 0);
	put("a", text.data);
	strbuf_release(&text);
	open_count(TRIGGER_AVAILABLE_NOW, 0, 0, 0);
	assert_int_equal(pipeline_step(pipeline, 4, &err), PIPELINE_BUSY);
	expect_batch(0, 20000, 7);
	assert_int_equal(step(), PIPELINE_DONE);
}

/* However long the files at the start take to read, they are batch 0. */
static void first_batch_holds_what_is_there(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	for (int i = 0; i < 5000; i++)
		strbuf_addf(&text, "{\"id\":%d,\"op\":\"a\"}\n", i);
	strbuf_add_byte(&text, 0);
	put("a", text.data);
	put("b", text.data);
	strbuf_release(&text);
	open_count(TRIGGER_INTERVAL, 1000, 0, 0);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(pipeline_step(pipeline, 1, &err), PIPELINE_BUSY);
		held.now_us += 2 * second;
	}
	expect_batch(0, 10000, 1);
}

/* ---- a source that says what the test wants ---- */

static const struct source_ops *real_ops;
static enum source_state end_is; /* said in place of SOURCE_END */

static int fill_and_say(struct source *s, struct messages *out, struct error *e)
{
	int r = real_ops->fill(s, out, e);
	return r == SOURCE_END ? (int)end_is : r;
}

static struct source_ops told_ops;

/* The pipeline shows its sources to be read; the test stands between them. */
static struct source *shown_source(void)
{
	int64_t messages = 0;
	return (struct source *)(uintptr_t)pipeline_source(pipeline, 0, &messages);
}

static void tell_source(enum source_state state)
{
	struct source *s = shown_source();
	real_ops = s->ops;
	told_ops = *real_ops;
	told_ops.fill = fill_and_say;
	s->ops = &told_ops;
	end_is = state;
}

/* Turns of a chunk and 200 us each: the rows of the batch that is published then. */
static int64_t rows_of_next_batch(void)
{
	int r = PIPELINE_BUSY;
	for (int turn = 0; turn < 10000 && r == PIPELINE_BUSY; turn++) {
		r = pipeline_step(pipeline, 1, &err);
		held.now_us += 200;
	}
	assert_int_equal(r, PIPELINE_BATCH);
	return pipeline_batch(pipeline)->rows_in;
}

/* What does not pause (a pipe, Kafka): only the first batch goes on until all is caught up. */
static void batches_are_short_while_behind(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	for (int i = 0; i < 40 * chunk_rows_max; i++)
		strbuf_addf(&text, "{\"id\":%d,\"op\":\"a\"}\n", i);
	strbuf_add_byte(&text, 0);
	put("a", text.data);
	open_count(TRIGGER_DEFAULT, 0, 0, 0);
	shown_source()->comes_to_end = false;
	assert_int_equal(rows_of_next_batch(), 40 * chunk_rows_max);
	put("b", text.data);
	strbuf_release(&text);
	held.now_us += second;
	assert_int_equal(rows_of_next_batch(), 4 * chunk_rows_max); /* 0.6 ms */
	assert_int_equal(rows_of_next_batch(), 4 * chunk_rows_max);
	int64_t rows = 8 * chunk_rows_max;
	while (rows < 40 * chunk_rows_max)
		rows += rows_of_next_batch();
	assert_int_equal(rows, 40 * chunk_rows_max);
}

/* Each look at the clock takes 200 us. */
static int64_t monotonic_moving(const struct clock *c)
{
	(void)c;
	return held.now_us += 200;
}

/* What such a turn has read goes out at its end: it waits for no second one. */
static void a_full_turn_is_a_batch_while_behind(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	for (int i = 0; i < 12 * chunk_rows_max; i++)
		strbuf_addf(&text, "{\"id\":%d,\"op\":\"a\"}\n", i);
	strbuf_add_byte(&text, 0);
	put("a", "{\"id\":1,\"op\":\"a\"}\n");
	open_count(TRIGGER_DEFAULT, 0, 0, 0);
	shown_source()->comes_to_end = false;
	assert_int_equal(rows_of_next_batch(), 1);
	put("b", text.data);
	strbuf_release(&text);
	held.now_us += second;
	held.clock.monotonic_us = monotonic_moving;
	assert_int_equal(step(), PIPELINE_BATCH);
	assert_int_equal(pipeline_batch(pipeline)->rows_in, chunk_rows_max); /* a turn's */
}

/* Its rows go out in turns, each of which takes no longer than one that reads. */
static void end_of_a_large_batch_is_many_turns(void **state)
{
	(void)state;
	struct strbuf text;
	strbuf_init(&text);
	for (int i = 0; i < 20 * chunk_rows_max; i++)
		strbuf_addf(&text, "{\"id\":%d,\"op\":\"%d\"}\n", i, i);
	strbuf_add_byte(&text, 0);
	put("a", text.data);
	strbuf_release(&text);
	open_count(TRIGGER_AVAILABLE_NOW, 0, 0, 0);
	held.clock.monotonic_us = monotonic_moving;
	int turns = 0, longest_us = 0, r = PIPELINE_BUSY;
	for (; r == PIPELINE_BUSY; turns++) {
		int64_t began_us = held.now_us;
		r = pipeline_step(pipeline, 16, &err);
		int spent_us = (int)(held.now_us - began_us);
		longest_us = spent_us > longest_us ? spent_us : longest_us;
	}
	assert_int_equal(r, PIPELINE_BATCH);
	assert_int_equal(pipeline_batch(pipeline)->rows_out, 20 * chunk_rows_max);
	assert_int_equal(groups_shown(), 20 * chunk_rows_max);
	assert_in_range(turns, 10, 100);
	assert_in_range(longest_us, 600, 3000);
}

/* A batch is not closed while messages of it are known to be on their way, however long that is. */
static void waiting_source_holds_the_batch_open(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	open_count(TRIGGER_AVAILABLE_NOW, 0, 0, 0);
	tell_source(SOURCE_WAITING);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(step(), PIPELINE_WAIT);
		held.now_us += 10 * second;
	}
	struct pipeline_totals totals;
	pipeline_totals(pipeline, &totals);
	assert_int_equal(totals.messages, 1);
	assert_int_equal(totals.batches, 0);
	end_is = SOURCE_END;
	expect_batch(0, 1, 1);
	assert_int_equal(step(), PIPELINE_DONE);
}

/* Also when the source would have more: that is for another run. */
static void once_ends_after_one_batch(void **state)
{
	(void)state;
	put("a", "{\"id\":1,\"op\":\"x\"}\n");
	open_count(TRIGGER_ONCE, 0, 0, 0);
	tell_source(SOURCE_LIMIT);
	expect_batch(0, 1, 1);
	assert_int_equal(step(), PIPELINE_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(default_trigger, set_up, tear_down),
		cmocka_unit_test_setup_teardown(interval_on_the_grid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(available_now_one_file_a_batch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(available_now_without_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(max_batches, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drain_finishes_what_was_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drain_without_data, set_up, tear_down),
		cmocka_unit_test_setup_teardown(first_batch_holds_what_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_chunks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			waiting_source_holds_the_batch_open, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			end_of_a_large_batch_is_many_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			batches_are_short_while_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_turn_is_a_batch_while_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(once_ends_after_one_batch, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
