/* What a batch changed, and what each changed row was before it. */

#include "state/table_part.h"

#include "base/check.h"
#include "base/page_array.h"
#include "base/prefetch.h"

enum { change_capacity_min = 1024, change_capacity_kept = 1 << 16 };

static void *grow(void *old, size_t old_count, size_t count, size_t bytes)
{
	return page_array_grow(old, old_count * bytes, count * bytes);
}

void table_reserve_changes(struct table *t, uint32_t more)
{
	uint32_t old = t->change_capacity, to = old == 0 ? change_capacity_min : old;
	while (to - t->change_count < more)
		to *= 2;
	if (to == old)
		return;
	t->changes = grow(t->changes, old, to, sizeof(*t->changes));
	if (t->config.keep_before)
		t->befores = grow(t->befores, old, to, sizeof(*t->befores));
	t->change_capacity = to;
}

static uint32_t copy_before(struct table *t, const char *slot)
{
	if (t->before_count == t->before.count)
		table_store_add(&t->before);
	uint32_t at = t->before_count++;
	table_row_copy(&t->layout, table_store_slot(&t->before, at), slot, &t->before_slab);
	return at;
}

static void touch(struct table *t, uint32_t id, char *slot, bool was)
{
	table_reserve_changes(t, 1);
	t->changes[t->change_count] = id;
	if (t->config.keep_before)
		t->befores[t->change_count] = was ? copy_before(t, slot) : table_none;
	t->change_count++;
	slot[0] = (char)(slot[0] | table_mark_touched | (was ? 0 : table_mark_new));
}

void table_touch_slow(struct table *t, uint32_t id, char *slot)
{
	touch(t, id, slot, table_mark(slot) == mark_live);
}

void table_touch_new(struct table *t, uint32_t id, char *slot)
{
	touch(t, id, slot, false);
}

enum { prefetch_ahead = 16 };

static void prefetch_change(const struct table *t, uint32_t at)
{
	if (at < t->change_count)
		prefetch(table_slot(t, t->changes[at]));
}

uint32_t table_changes(
	const struct table *t, uint32_t first, uint32_t count, struct table_change *out)
{
	check(first <= t->change_count);
	count = count < t->change_count - first ? count : t->change_count - first;
	for (uint32_t i = 0; i < count; i++) {
		prefetch_change(t, first + i + prefetch_ahead);
		uint32_t id = t->changes[first + i];
		const char *slot = table_slot(t, id);
		out[i] = (struct table_change){.id = id,
			.was = !(slot[0] & table_mark_new),
			.is = table_mark(slot) == mark_live};
	}
	return count;
}

void table_gather_before(
	const struct table *t, const uint32_t *change_indexes, uint32_t count, struct chunk *out)
{
	const char *slots[chunk_rows_max];
	check(count <= chunk_rows_max && t->config.keep_before);
	for (uint32_t i = 0; i < count; i++) {
		check(change_indexes[i] < t->change_count);
		check(t->befores[change_indexes[i]] < t->before_count);
		slots[i] = table_store_slot(&t->before, t->befores[change_indexes[i]]);
	}
	for (uint32_t column = 0; column < t->layout.column_count; column++)
		table_rows_get(&t->layout, slots, count, column, &out->columns[column]);
	chunk_set_rows(out, count);
}

/*
 * What a large batch needed and one like this does not: a first batch of everything is followed by
 * small ones. Batches of one size keep what they have.
 */
static void give_back(struct table *t)
{
	uint32_t used = t->change_count, to = t->change_capacity;
	t->change_peak = t->change_peak > used ? t->change_peak : used;
	while (to > change_capacity_kept && used < to / 8)
		to /= 2;
	if (to < t->change_capacity) {
		t->changes = grow(t->changes, t->change_capacity, to, sizeof(*t->changes));
		if (t->config.keep_before)
			t->befores = grow(t->befores, t->change_capacity, to, sizeof(*t->befores));
		t->change_capacity = t->change_peak = to;
	}
	if (t->before.count > change_capacity_kept && t->before_count < t->before.count / 8) {
		table_store_release(&t->before);
		table_store_init(&t->before, t->layout.slot_bytes);
	}
}

/* The batch's changes from number t->ended on. */
static void end_changes(struct table *t, uint32_t count)
{
	uint32_t from = t->ended, to = from + count;
	if (t->noted != NULL)
		table_note_changes(t, from, to);
	for (uint32_t i = from; i < to; i++) {
		prefetch_change(t, i + prefetch_ahead);
		char *slot = table_slot(t, t->changes[i]);
		slot[0] = (char)(slot[0] & table_mark_state);
	}
	t->ended = to;
}

bool table_end_slice(struct table *t, uint32_t max)
{
	check(t->fresh.count == 0 && max > 0);
	uint32_t left = t->change_count - t->ended;
	end_changes(t, left < max ? left : max);
	if (left > max)
		return true;
	if (!t->trims_deleted) {
		give_back(t);
		t->change_count = t->before_count = t->ended = 0;
		slab_release(&t->before_slab);
		slab_init(&t->before_slab);
	}
	t->trims_deleted = table_deleted_trim(t, max);
	return t->trims_deleted;
}

void table_end_batch(struct table *t)
{
	while (table_end_slice(t, UINT32_MAX))
		;
}

void table_batch_release(struct table *t)
{
	page_array_release(t->changes, t->change_capacity * sizeof(*t->changes));
	page_array_release(t->befores, t->change_capacity * sizeof(*t->befores));
	table_store_release(&t->before);
	slab_release(&t->before_slab);
}

size_t table_batch_bytes(const struct table *t)
{
	size_t change = sizeof(*t->changes) + (t->config.keep_before ? sizeof(*t->befores) : 0);
	uint32_t written = t->change_peak > t->change_count ? t->change_peak : t->change_count;
	return written * change + table_store_bytes(&t->before) +
		slab_bytes(&t->before_slab);
}
