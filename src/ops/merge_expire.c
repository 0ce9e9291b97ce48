/*
 * ttl: rows that no event touched for so long go.
 *
 * A heap of ids by the time from which their ttl counts, at most one entry an id: an entry may be
 * older than what its row says, and is then put back with the row's time when it comes up.
 */

#include "ops/operator_merge.h"

#include "base/check.h"

#include <stdlib.h>

static bool earlier(const struct merge_expiry *a, const struct merge_expiry *b)
{
	return a->time_us != b->time_us ? a->time_us < b->time_us : a->id < b->id;
}

static void sift_up(struct merge_heap *h, uint32_t at)
{
	while (at > 0 && earlier(&h->entries[at], &h->entries[(at - 1) / 2])) {
		struct merge_expiry entry = h->entries[at];
		h->entries[at] = h->entries[(at - 1) / 2];
		h->entries[(at - 1) / 2] = entry;
		at = (at - 1) / 2;
	}
}

static void sift_down(struct merge_heap *h)
{
	uint32_t at = 0;
	for (;;) {
		uint32_t least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < h->count && earlier(&h->entries[child], &h->entries[least]))
				least = child;
		if (least == at)
			return;
		struct merge_expiry entry = h->entries[at];
		h->entries[at] = h->entries[least];
		h->entries[least] = entry;
		at = least;
	}
}

static void *grown(void *array, size_t width, uint32_t from, uint32_t to)
{
	char *p = realloc(array, width * to);
	check(p != NULL);
	memset(p + width * from, 0, width * (to - from));
	return p;
}

static void push(struct merge_heap *h, uint32_t id, int64_t time_us)
{
	if (h->count == h->capacity) {
		uint32_t to = h->capacity == 0 ? chunk_rows_max : h->capacity * 2;
		h->entries = grown(h->entries, sizeof(*h->entries), h->capacity, to);
		h->capacity = to;
	}
	h->entries[h->count] = (struct merge_expiry){time_us, id};
	sift_up(h, h->count++);
}

static struct merge_expiry pop(struct merge_heap *h)
{
	struct merge_expiry first = h->entries[0];
	h->entries[0] = h->entries[--h->count];
	sift_down(h);
	return first;
}

void merge_expire_later(struct operator_merge *self, uint32_t id, int64_t time_us)
{
	struct merge_heap *h = &self->expiring;
	if (id >= h->known_capacity) {
		uint32_t to = h->known_capacity == 0 ? chunk_rows_max : h->known_capacity;
		while (to <= id)
			to *= 2;
		h->known = grown(h->known, 1, h->known_capacity, to);
		h->known_capacity = to;
	}
	if (h->known[id])
		return;
	h->known[id] = 1;
	push(h, id, time_us);
}

void merge_heap_release(struct merge_heap *h)
{
	free(h->entries);
	free(h->known);
}

/* The next ids whose time is over. */
static uint32_t take_expired(struct operator_merge *self, int64_t until_us, uint32_t *ids)
{
	struct merge_heap *h = &self->expiring;
	uint32_t count = 0;
	int64_t time[chunk_rows_max];
	struct column column = {.data = time};
	while (count < chunk_rows_max && h->count > 0 && h->entries[0].time_us <= until_us) {
		struct merge_expiry e = pop(h);
		if (!table_is_live(self->table, e.id)) { /* its delete may be forgotten */
			h->known[e.id] = 0;
			continue;
		}
		table_gather_column(
			self->table, &e.id, 1, (uint32_t)self->plan->time_column, &column);
		if (time[0] > until_us) {
			push(h, e.id, time[0]);
			continue;
		}
		h->known[e.id] = 0;
		ids[count++] = e.id;
	}
	return count;
}

int merge_expire(struct operator_merge *self, const struct batch *b, struct error *err)
{
	const struct merge_plan *m = self->plan;
	int64_t now_us = m->ttl_time == MERGE_EVENT_TIME ? self->newest_us : b->time_us;
	if (m->ttl_us == 0 || now_us < INT64_MIN + m->ttl_us)
		return 0;
	uint32_t ids[chunk_rows_max];
	uint16_t rows[chunk_rows_max];
	for (uint32_t count; (count = take_expired(self, now_us - m->ttl_us, ids)) > 0;) {
		arena_reset(&self->arena);
		struct chunk *c = chunk_alloc(&self->arena, m->schema);
		table_gather(self->table, ids, count, c);
		for (uint32_t i = 0; i < count; i++)
			rows[i] = (uint16_t)i;
		int r = table_delete(self->table, ids, c, rows, count, self->newest_us, err);
		if (r < 0)
			return r;
		self->counts.expired += count;
	}
	return 0;
}
