/*
 * ttl: rows that no event touched for so long go.
 *
 * At most one entry an id waits (ops/expiries.h): an entry may be older than what its row says, and
 * is then put back with the row's time when it comes up.
 */

#include "ops/operator_merge.h"

#include "base/page_array.h"

void merge_expire_later(struct operator_merge *self, uint32_t id, int64_t time_us)
{
	struct merge_ttl *t = &self->ttl;
	if (id >= t->known_capacity) {
		uint32_t to = t->known_capacity == 0 ? chunk_rows_max : t->known_capacity;
		while (to <= id)
			to *= 2;
		t->known = page_array_grow(t->known, t->known_capacity, to);
		t->known_capacity = to;
	}
	if (t->known[id])
		return;
	t->known[id] = 1;
	expiries_push(&t->waiting, (struct expiry){time_us, id});
}

void merge_expire_all_later(struct operator_merge *self)
{
	uint32_t at = 0, ids[chunk_rows_max];
	int64_t times[chunk_rows_max];
	struct column column = {.data = times};
	if (self->plan->ttl_us == 0)
		return;
	for (uint32_t count; (count = table_scan(self->table, &at, ids)) > 0;) {
		table_gather_column(self->table, ids, count, (uint32_t)self->plan->time_column,
			&column);
		for (uint32_t i = 0; i < count; i++)
			merge_expire_later(self, ids[i], times[i]);
	}
}

void merge_ttl_release(struct merge_ttl *t)
{
	expiries_release(&t->waiting);
	page_array_release(t->known, t->known_capacity);
}

enum { looks_max = 4 * chunk_rows_max };

/* The next ids whose time is over; *more: it may be that of others. */
static uint32_t take_expired(
	struct operator_merge *self, int64_t until_us, uint32_t *ids, bool *more)
{
	struct merge_ttl *t = &self->ttl;
	struct expiry e;
	uint32_t count = 0, looks = 0;
	int64_t time[chunk_rows_max];
	struct column column = {.data = time};
	while ((*more = expiries_first(&t->waiting, &e) && e.time_us <= until_us) &&
		count < chunk_rows_max && looks++ < looks_max) {
		expiries_pop(&t->waiting);
		if (!table_is_live(self->table, e.id)) { /* its delete may be forgotten */
			t->known[e.id] = 0;
			continue;
		}
		table_gather_column(
			self->table, &e.id, 1, (uint32_t)self->plan->time_column, &column);
		if (time[0] > e.time_us) { /* also when it is over: in order of the rows' times */
			expiries_push(&t->waiting, (struct expiry){time[0], e.id});
			continue;
		}
		t->known[e.id] = 0;
		ids[count++] = e.id;
	}
	return count;
}

int merge_expire(struct operator_merge *self, const struct batch *b, struct error *err)
{
	const struct merge_plan *m = self->plan;
	int64_t now_us = m->ttl_time == MERGE_EVENT_TIME ? self->newest_us : b->time_us;
	if (m->ttl_us == 0 || self->resumed || now_us < INT64_MIN + m->ttl_us)
		return 0;
	uint32_t ids[chunk_rows_max];
	uint16_t rows[chunk_rows_max];
	bool more;
	uint32_t count = take_expired(self, now_us - m->ttl_us, ids, &more);
	if (count == 0)
		return more;
	arena_reset(&self->arena);
	struct chunk *c = chunk_alloc(&self->arena, m->schema);
	table_gather(self->table, ids, count, c);
	for (uint32_t i = 0; i < count; i++)
		rows[i] = (uint16_t)i;
	int r = table_delete(self->table, ids, c, rows, count, self->newest_us, err);
	self->counts.expired += r < 0 ? 0 : count;
	return r < 0 ? r : more;
}
