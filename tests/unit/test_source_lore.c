/*
 * What decoders have learned of columns and topics: how values tell it, and its records, whole, a
 * slice at a time, only what changed, and damaged at any byte.
 */

#include "state/source_lore.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/checkpoint_look.h"
#include "state/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memory_disk.h"

#include <stdio.h>

static const int64_t near_ms = INT64_C(1709210096123), far_ms = INT64_C(5680000000000);
static const int64_t in_us = INT64_C(1709210096123456), in_ns = INT64_C(1709210096123456789);

static struct column_lore after(struct column_lore lore, int64_t v, int count)
{
	while (count-- > 0)
		lore = column_lore_after(lore, v);
	return lore;
}

static void assert_unit(struct column_lore lore, enum connect_form unit)
{
	assert_int_equal(column_lore_unit(lore), unit);
	assert_true(column_lore_is_good(lore));
}

static void units_are_told_by_what_came(void **state)
{
	(void)state;
	struct column_lore none = {0};
	assert_unit(none, CONNECT_MICROS);
	assert_unit(after(none, -1, 1000), CONNECT_MICROS);
	assert_unit(after(none, INT64_MAX, 1), CONNECT_MICROS);
	assert_false(column_lore_any(&none));
	assert_unit(after(none, near_ms, 1), CONNECT_MILLIS);
	assert_unit(after(none, far_ms, 1), CONNECT_MICROS);
	assert_unit(after(after(none, far_ms, 1), near_ms, 1), CONNECT_MILLIS);
	assert_unit(after(after(none, near_ms, 2), far_ms, 2), CONNECT_MILLIS);
	assert_unit(after(after(none, near_ms, 2), far_ms, 3), CONNECT_MICROS);
	assert_unit(after(after(none, near_ms, 1000), in_us, 1), CONNECT_MICROS);
	assert_unit(after(after(none, in_us, 1), near_ms, 1000), CONNECT_MICROS);
	assert_unit(after(after(none, in_ns, 1), near_ms, 1000), CONNECT_NANOS);
}

/* As many as that, and no burst of the others turns it. */
static void a_lead_settles_it(void **state)
{
	(void)state;
	struct column_lore none = {0};
	struct column_lore lore = after(none, near_ms, column_lore_lead_max);
	assert_unit(after(lore, far_ms, 100000), CONNECT_MILLIS);
	assert_true(lore.unit == UNIT_MILLIS && lore.lead == column_lore_lead_max);
	lore = after(none, near_ms, column_lore_lead_max - 1);
	assert_unit(after(lore, far_ms, 100000), CONNECT_MICROS);
	lore = after(none, far_ms, column_lore_lead_max);
	assert_unit(after(lore, near_ms, 100000), CONNECT_MICROS);
}

static void what_cannot_be_is_not_good(void **state)
{
	(void)state;
	assert_false(column_lore_is_good((struct column_lore){.unit = UNIT_NANOS + 1}));
	assert_false(column_lore_is_good((struct column_lore){.lead = 65}));
	assert_false(column_lore_is_good((struct column_lore){.lead = -65}));
	assert_false(column_lore_is_good((struct column_lore){.decimal = DECIMAL_PLAIN + 1}));
	assert_false(column_lore_is_good((struct column_lore){.binary = BINARY_HEX + 1}));
}

/* ---- records ---- */

static const struct named_lore columns[] = {{str_lit("at"), {.unit = UNIT_MILLIS, .lead = -3}},
	{str_lit("price \"x\""), {.decimal = DECIMAL_BASE64, .binary = BINARY_HEX}}};
static const struct partition_lore partitions[] = {
	{7, {2, 100, INT64_MAX, 1709210096123456, UINT64_MAX, true, true, true}},
	{0, {0, -1, 5, 0, 0, true, false, false}}};

static void fill(struct source_lore *l)
{
	struct topic_lore t = {.topic = str_lit("orders"),
		.kind = ENVELOPE_DEBEZIUM,
		.unwrapped = true,
		.has_others = true,
		.columns = columns,
		.column_count = 2,
		.partitions = partitions,
		.partition_count = 2};
	source_lore_note(l, 3, &t);
	t = (struct topic_lore){.topic = str_lit(""), .seen_rows = true};
	source_lore_note(l, 4, &t);
}

static void scan(struct source_lore *l, size_t bytes_max, struct strbuf *out)
{
	struct state_part *p = source_lore_part(l);
	uint64_t at = 0;
	strbuf_reset(out);
	while (p->ops->scan(p, &at, bytes_max, out))
		;
}

static void changes(struct source_lore *l, size_t bytes_max, struct strbuf *out)
{
	struct state_part *p = source_lore_part(l);
	strbuf_reset(out);
	while (p->ops->changes(p, bytes_max, out))
		;
}

static void assert_filled(const struct source_lore *l, int64_t epoch)
{
	uint32_t source;
	struct topic_lore t;
	assert_true(source_lore_at(l, 0, &source, &t));
	assert_int_equal(source, 3);
	assert_true(str_eq(t.topic, str_lit("orders")) && t.kind == ENVELOPE_DEBEZIUM);
	assert_true(t.unwrapped && !t.seen_rows && t.has_others);
	assert_int_equal(t.column_count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(str_eq(t.columns[i].name, columns[i].name));
		assert_memory_equal(&t.columns[i].lore, &columns[i].lore, 4);
	}
	assert_int_equal(t.partition_count, 2);
	assert_int_equal(t.partitions[0].partition, 0);
	assert_int_equal(t.partitions[1].partition, 7);
	struct partition_place want[] = {partitions[1].place, partitions[0].place};
	want[1].epoch = epoch;
	for (int i = 0; i < 2; i++)
		assert_memory_equal(&t.partitions[i].place, &want[i], sizeof(want[i]));
	assert_true(source_lore_at(l, 1, &source, &t));
	assert_true(source == 4 && t.topic.len == 0 && t.seen_rows && t.kind == ENVELOPE_AUTO);
	assert_false(source_lore_at(l, 2, &source, &t));
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct strbuf text;
	struct error err;
	strbuf_init(&text);
	for (size_t bytes = 1; bytes < 4096; bytes = bytes * 4) {
		struct source_lore *l = source_lore_open(), *got = source_lore_open();
		struct state_part *p = source_lore_part(got);
		fill(l);
		changes(l, bytes, &text);
		assert_int_equal(p->ops->apply(p, strbuf_str(&text), &err), 0);
		assert_filled(got, 2);
		changes(l, bytes, &text);
		assert_int_equal(text.len, 0);
		uint32_t source;
		struct topic_lore t;
		p->ops->clear(p);
		assert_false(source_lore_at(got, 0, &source, &t));
		scan(l, bytes, &text); /* twice, over what it made */
		assert_int_equal(p->ops->apply(p, strbuf_str(&text), &err), 0);
		assert_int_equal(p->ops->apply(p, strbuf_str(&text), &err), 0);
		/* each process counts epochs from 0; nothing of it is new to the log */
		assert_int_equal(p->ops->ready(p, &err), 0);
		assert_filled(got, 0);
		changes(got, bytes, &text);
		assert_int_equal(text.len, 0);
		source_lore_close(l);
		source_lore_close(got);
	}
	strbuf_release(&text);
}

static void only_what_changed_is_written(void **state)
{
	(void)state;
	struct strbuf text;
	struct source_lore *l = source_lore_open();
	strbuf_init(&text);
	fill(l);
	changes(l, 4096, &text);
	size_t all = text.len;
	source_lore_note(l, 4, &(struct topic_lore){.topic = str_lit("")});
	changes(l, 4096, &text);
	assert_in_range(text.len, 1, all / 2);
	source_lore_keep(l, (const uint32_t[]){4}, 1);
	scan(l, 4096, &text);
	assert_in_range(text.len, 1, all / 2);
	source_lore_close(l);
	strbuf_release(&text);
}

/* Cut anywhere but between records, and with every byte of it another one. */
static void damage_is_refused(void **state)
{
	(void)state;
	struct strbuf text;
	struct error err;
	struct source_lore *l = source_lore_open();
	uint32_t refused = 0, whole = 0;
	strbuf_init(&text);
	fill(l);
	scan(l, 4096, &text);
	for (size_t i = 0; i < text.len; i++) {
		struct source_lore *got = source_lore_open();
		struct str cut = {text.data, i};
		int r = source_lore_read(got, cut, &err);
		whole += r == 0;
		if (r < 0)
			assert_non_null(strstr(err.text, "learned: a record that cannot be, at"));
		text.data[i] = (char)~text.data[i];
		r = source_lore_read(got, strbuf_str(&text), &err);
		refused += r < 0;
		text.data[i] = (char)~text.data[i];
		source_lore_close(got);
	}
	assert_int_equal(whole, 4); /* nothing, then after each record but the last */
	assert_in_range(refused, 30, text.len);
	source_lore_close(l);
	strbuf_release(&text);
}

/* ---- in a checkpoint ---- */

enum { batches = 40 };

/* Batches of it, until there are two snapshots and more: the number of the newest. */
static uint64_t make_checkpoint(struct source_lore *l)
{
	struct error err;
	const struct checkpoint_found *found;
	struct state_part *part = source_lore_part(l);
	struct checkpoint_config config = {
		.path = "state", .job = str_lit("j"), .snapshot_log_bytes_min = 500};
	struct checkpoint *c = checkpoint_open(&config, &part, 1, &err);
	assert_non_null(c);
	assert_int_equal(checkpoint_recover(c, &found, &err), 0);
	for (int64_t id = 0; id < batches; id++) {
		struct checkpoint_intent intent = {.id = id};
		struct checkpoint_batch batch = {.id = id};
		fill(l);
		assert_true(checkpoint_step(c, 4096, &err) >= 0);
		assert_int_equal(checkpoint_intend(c, &intent, &err), 0);
		assert_int_equal(checkpoint_commit(c, &batch, &err), 0);
		assert_int_equal(checkpoint_published(c, id, &err), 0);
	}
	assert_int_equal(checkpoint_close(c, &err), 0);
	struct manifest m;
	assert_int_equal(manifest_read_there("state", &m, &err), 0);
	assert_true(m.older > 0);
	return m.snapshot;
}

/* Of a snapshot that is damaged nothing stays, in a job and for who looks (cdcl state info). */
static void damaged_snapshot_is_let_go(void **state)
{
	(void)state;
	char path[32];
	log_init(&clock_system, LOG_NONE, false);
	memory_reset();
	disk_use(&memory_disk);
	struct source_lore *l = source_lore_open();
	snprintf(path, sizeof(path), "state/snap-%llu", (unsigned long long)make_checkpoint(l));
	struct memory_file *f = &memory->files[memory_name_of(path, false)->now];
	f->now.data[f->now.len - 1] = (char)~f->now.data[f->now.len - 1];
	struct error err;
	struct checkpoint_look *look = checkpoint_look_open("state", &err);
	assert_non_null(look);
	assert_int_equal(checkpoint_look_damage(look)->code, CDCL_E_STATE);
	assert_true(look->readable && look->found->from_older);
	assert_filled(look->parts[0].lore, 0);
	checkpoint_look_close(look);
	struct state_part *part = source_lore_part(l);
	struct strbuf text;
	strbuf_init(&text);
	part->ops->clear(part);
	scan(l, 4096, &text);
	assert_int_equal(text.len, 0);
	strbuf_release(&text);
	source_lore_close(l);
	memory_reset();
	disk_use(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_are_told_by_what_came),
		cmocka_unit_test(a_lead_settles_it),
		cmocka_unit_test(what_cannot_be_is_not_good),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(only_what_changed_is_written),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(damaged_snapshot_is_let_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
