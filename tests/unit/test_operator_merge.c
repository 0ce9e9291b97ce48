/* A merge with events made by hand: order by position, what is absent, tombstones, key changes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/log.h"
#include "cpu_limit.h"
#include "ops/operator.h"
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>

struct capture {
	struct operator op;
	struct strbuf text;
	uint32_t rows;
};

static struct plan *plan;
static struct error err;
static struct arena arena;
static struct clock_held held;
static struct dead_letters dead;
static struct batch batch;
static struct plan_node *source;
static struct operator *merge;
static struct capture out;
static const struct str place = {"job.lua:7", 9};

/* ---- events ---- */

static struct messages messages;
static struct changes changes;
static uint64_t absent[2][chunk_words];
static struct chunk *chunk;
static int64_t next_offset;

static void begin(void)
{
	arena_reset(&arena);
	memset(&changes, 0, sizeof(changes));
	memset(absent, 0, sizeof(absent));
	chunk = chunk_alloc(&arena, source->schema);
	messages.count = 0;
	messages.arena = &arena;
}

/* k and v of the row; v < 0: absent. Positions of 0: not known. */
static uint32_t add(enum change_op op, int32_t k, int64_t v, int64_t epoch, int64_t lsn)
{
	uint32_t row = messages.count++;
	((int32_t *)chunk->columns[0].data)[row] = k;
	((int64_t *)chunk->columns[1].data)[row] = v;
	if (v < 0) {
		bit_set(absent[1], row);
		bit_set(chunk->columns[1].nulls, row);
	}
	changes.op[row] = (uint8_t)op;
	changes.event_time_us[row] = -1;
	changes.position[row] =
		(struct change_position){.known = lsn > 0, .parts = {epoch, lsn}};
	messages.topic[row] = str_lit("t");
	messages.partition[row] = 0;
	messages.offset[row] = next_offset++;
	messages.timestamp_us[row] = 1000;
	messages.value[row] =
		op == CHANGE_TOMBSTONE ? (struct str){NULL, 0} : str_lit("{}");
	return row;
}

static void push(void)
{
	chunk_set_rows(chunk, messages.count);
	chunk->messages = &messages;
	chunk->changes = &changes;
	chunk->absent = (const uint64_t(*)[chunk_words])absent;
	int r = operator_push(merge, chunk, &err);
	if (r < 0)
		fail_msg("push: %s", err.text);
}

static void one(enum change_op op, int32_t k, int64_t v, int64_t epoch, int64_t lsn)
{
	begin();
	add(op, k, v, epoch, lsn);
	push();
}

static void expect(const char *text)
{
	strbuf_reset(&out.text);
	assert_true(operator_finish(merge, &batch, &err) >= 0);
	batch.id++;
	strbuf_add_byte(&out.text, '\0');
	assert_string_equal(out.text.data, text);
}

/* ---- the job ---- */

static int capture_push(struct operator *op, struct chunk *c, struct error *e)
{
	(void)e;
	struct capture *self = (struct capture *)op;
	self->rows += chunk_live_count(c);
	for (uint32_t row = chunk_next_live(c, 0); row < c->row_count;
		row = chunk_next_live(c, row + 1)) {
		static const char *const kinds[] = {"+I", "-U", "+U", "-D"};
		strbuf_addf(&self->text, "%s%s", self->text.len > 0 ? "; " : "",
			kinds[chunk_kind(c, row)]);
		for (uint32_t i = 0; i < c->schema->column_count; i++) {
			struct value v =
				value_from_column(&c->columns[i], c->schema->columns[i].type, row);
			strbuf_add_byte(&self->text, ' ');
			value_text(&v, VALUE_CONSOLE, NULL, &self->text);
		}
	}
	return 0;
}

static const struct operator_ops capture_ops = {.name = "capture", .push = capture_push};

static void open_merge(enum envelope_kind kind, struct merge_options options)
{
	struct source_config config = {.kind = SOURCE_STDIN};
	source = plan_source(plan, &config, str_lit("k int, v bigint"), NULL, place, &err);
	source->envelope = ARENA_NEW(plan->arena, struct envelope_config);
	source->envelope->kind = kind;
	options.name = str_lit("t");
	options.key = str_lit("k");
	options.tombstone_ttl_us = -1;
	struct plan_node *node = plan_merge(plan, source, &options, place, &err);
	if (node == NULL)
		fail_msg("plan_merge: %s", err.text);
	merge = operator_open(node, OUTPUT_APPEND, &dead, &batch, &err);
	assert_non_null(merge);
	out = (struct capture){.op.ops = &capture_ops};
	strbuf_init(&out.text);
	operator_connect(merge, &out.op, OUTPUT_CHANGELOG);
}

static int set_up(void **state)
{
	(void)state;
	plan = plan_open();
	error_init(&err);
	arena_init(&arena, 64 * 1024);
	clock_held_init(&held, 1000000);
	log_init(&held.clock, LOG_NONE, false);
	dead_letters_init(&dead, &held.clock);
	batch = (struct batch){.id = 0, .time_us = 1000000};
	next_offset = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	operator_close(merge);
	strbuf_release(&out.text);
	arena_release(&arena);
	plan_close(plan);
	return 0;
}

static const struct merge_counts *counts(void)
{
	return merge->state->merge;
}

/* ---- tests ---- */

static void test_lower_positions_are_stale(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	one(CHANGE_UPDATE, 1, 11, 1, 90);
	expect("+I 1 10");
	begin();
	add(CHANGE_UPDATE, 1, 12, 1, 110);
	add(CHANGE_DELETE, 1, 0, 1, 105);
	add(CHANGE_UPDATE, 1, 13, 1, 109);
	push();
	expect("-U 1 10; +U 1 12");
	assert_int_equal(counts()->stale, 3);
	assert_int_equal(counts()->applied, 2);
	assert_int_equal(counts()->events, 5);
}

static void test_equal_positions_go_by_offset_of_one_partition(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	one(CHANGE_UPDATE, 1, 11, 1, 100);
	expect("+I 1 11");
	begin();
	messages.offset[add(CHANGE_UPDATE, 1, 12, 1, 100)] = 0;
	push();
	expect("");
	assert_int_equal(counts()->stale, 1);
	begin();
	messages.partition[add(CHANGE_UPDATE, 1, 13, 1, 100)] = 1;
	messages.offset[0] = 0;
	push();
	expect("-U 1 11; +U 1 13");
	assert_int_equal(counts()->other_partition, 1);
}

static void test_a_new_epoch_repairs(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	one(CHANGE_READ, 1, 9, 2, 50);
	expect("+I 1 9");
	one(CHANGE_UPDATE, 1, 11, 1, 200);
	expect("");
	assert_int_equal(counts()->insert_over_existing, 0);
}

static void test_unknown_positions_apply_as_they_come(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_READ, 1, 10, 0, 0);
	one(CHANGE_READ, 1, 11, 0, 0);
	expect("+I 1 11");
	one(CHANGE_UPDATE, 1, 12, 1, 100);
	one(CHANGE_READ, 1, 13, 0, 0);
	expect("-U 1 11; +U 1 13");
	/* The read did not make the table forget where it was. */
	one(CHANGE_UPDATE, 1, 14, 1, 99);
	expect("");
	one(CHANGE_UPDATE, 1, 15, 1, 101);
	expect("-U 1 13; +U 1 15");
}

static void test_a_deleted_key_is_remembered(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	begin();
	add(CHANGE_INSERT, 1, 10, 1, 100);
	add(CHANGE_DELETE, 1, 0, 1, 110);
	add(CHANGE_TOMBSTONE, 1, 0, 0, 0);
	push();
	expect("");
	one(CHANGE_UPDATE, 1, 11, 1, 105);
	expect("");
	one(CHANGE_INSERT, 1, 12, 1, 120);
	expect("+I 1 12");
	assert_int_equal(counts()->stale, 1);
	assert_int_equal(counts()->ignored, 1);
	/* Alone, a tombstone deletes. */
	one(CHANGE_TOMBSTONE, 1, 0, 0, 0);
	expect("-D 1 12");
}

static void test_a_late_tombstone_leaves_a_newer_row(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	one(CHANGE_DELETE, 1, 0, 1, 110);
	expect("");
	one(CHANGE_INSERT, 1, 12, 1, 120);
	one(CHANGE_TOMBSTONE, 1, 0, 0, 0);
	expect("+I 1 12");
}

static void test_absent_columns_of_an_envelope_stay(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	expect("+I 1 10");
	begin();
	add(CHANGE_UPDATE, 1, -1, 1, 101);
	add(CHANGE_INSERT, 2, -1, 1, 102);
	add(CHANGE_UPDATE, 2, 20, 1, 103);
	add(CHANGE_UPDATE, 2, -1, 1, 104);
	push();
	expect("+I 2 20");
}

static void test_absent_columns_of_flat_rows(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_FLAT, (struct merge_options){.max_rows = 0});
	one(CHANGE_UPSERT, 1, 10, 0, 0);
	one(CHANGE_UPSERT, 1, -1, 0, 0);
	expect("+I 1 NULL");
	tear_down(NULL);
	set_up(NULL);
	open_merge(ENVELOPE_FLAT, (struct merge_options){.update = str_lit("patch")});
	one(CHANGE_UPSERT, 1, 10, 0, 0);
	one(CHANGE_UPSERT, 1, -1, 0, 0);
	expect("+I 1 10");
}

static void test_key_changes_are_counted(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	one(CHANGE_INSERT, 1, 10, 1, 100);
	expect("+I 1 10");
	begin();
	add(CHANGE_DELETE, 1, 0, 1, 101);
	changes.key_change[add(CHANGE_UPDATE, 2, 10, 1, 101)] = 1;
	push();
	expect("-D 1 10; +I 2 10");
	assert_int_equal(counts()->key_changes, 1);
}

/* More keys than a chunk, each several times, in an order that is none. */
static void test_many_keys(void **unused)
{
	(void)unused;
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	for (int round = 0; round < 40; round++) {
		begin();
		for (int i = 0; i < chunk_rows_max; i++) {
			int key = (i * 7 + round * 13) % 3000;
			int lsn = 1 + (round * 31 + i) % 997;
			add(CHANGE_UPDATE, key, lsn, 1, lsn);
		}
		push();
	}
	strbuf_reset(&out.text);
	assert_true(operator_finish(merge, &batch, &err) >= 0);
	assert_int_equal(merge->state->rows_total, 3000);
	assert_int_equal(counts()->events, 40 * chunk_rows_max);
	assert_int_equal(counts()->applied + counts()->stale, 40 * chunk_rows_max);
}

/* Of one partition each, all of the same number: none is searched for among all. */
static void test_many_topics(void **state)
{
	(void)state;
	enum { chunks = 150 };
	limit_cpu(20);
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){.max_rows = 0});
	for (int32_t i = 0; i < 2 * chunks; i++) {
		begin();
		for (int32_t k = 0; k < chunk_rows_max; k++) {
			int32_t key = i % chunks * chunk_rows_max + k;
			char *topic = ARENA_ARRAY(&arena, char, 16);
			snprintf(topic, 16, "t%d", key);
			/* the first of the second round comes from another topic */
			bool other = i == chunks && k == 0;
			messages.topic[add(CHANGE_UPSERT, key, k, 0, 0)] =
				str_c(other ? "t1" : topic);
		}
		push();
	}
	assert_int_equal(counts()->events, 2 * chunks * chunk_rows_max);
	assert_int_equal(counts()->other_partition, 1);
}

/* However large the batch was, each slice of its end is small. */
static void test_the_end_comes_in_slices(void **state)
{
	(void)state;
	enum { chunks = 20 };
	open_merge(ENVELOPE_DEBEZIUM, (struct merge_options){0});
	for (int32_t i = 0; i < chunks; i++) {
		begin();
		for (int32_t k = 0; k < chunk_rows_max; k++)
			add(CHANGE_INSERT, i * chunk_rows_max + k, k, 0, 0);
		push();
	}
	uint32_t slices = 0, rows = 0;
	int r = 1;
	for (; r == 1; slices++) {
		out.rows = 0;
		r = operator_finish_slice(merge, &batch, &err);
		assert_true(out.rows <= chunk_rows_max);
		rows += out.rows;
	}
	assert_int_equal(r, 0);
	assert_int_equal(rows, chunks * chunk_rows_max);
	assert_true(slices > chunks);
	expect("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lower_positions_are_stale, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_equal_positions_go_by_offset_of_one_partition, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_new_epoch_repairs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_unknown_positions_apply_as_they_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_deleted_key_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_late_tombstone_leaves_a_newer_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_absent_columns_of_an_envelope_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_absent_columns_of_flat_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_changes_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_topics, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_the_end_comes_in_slices, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
