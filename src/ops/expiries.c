#include "ops/expiries.h"

#include "base/check.h"
#include "base/page_array.h"

#include <stdlib.h>

enum { block_entries = 1022, heap_capacity_min = 1024 };

struct expiry_block {
	struct expiry_block *next;
	uint32_t begin;
	uint32_t end;
	struct expiry entries[block_entries];
};

static bool earlier(struct expiry a, struct expiry b)
{
	return a.time_us != b.time_us ? a.time_us < b.time_us : a.id < b.id;
}

/* ---- the queue ---- */

static void add_block(struct expiries *e)
{
	struct expiry_block *b = e->spare != NULL ? e->spare : malloc(sizeof(*b));
	check(b != NULL);
	e->spare = NULL;
	b->next = NULL;
	b->begin = b->end = 0;
	if (e->last != NULL)
		e->last->next = b;
	else
		e->first = b;
	e->last = b;
}

static bool is_in_order(const struct expiries *e, struct expiry entry)
{
	return e->last == NULL || !earlier(entry, e->last->entries[e->last->end - 1]);
}

static void queue_push(struct expiries *e, struct expiry entry)
{
	if (e->last == NULL || e->last->end == block_entries)
		add_block(e);
	e->last->entries[e->last->end++] = entry;
}

static void queue_pop(struct expiries *e)
{
	struct expiry_block *b = e->first;
	if (++b->begin < b->end)
		return;
	e->first = b->next;
	if (e->first == NULL)
		e->last = NULL;
	free(e->spare);
	e->spare = b;
}

/* ---- the heap ---- */

static void swap(struct expiry *a, struct expiry *b)
{
	struct expiry entry = *a;
	*a = *b;
	*b = entry;
}

static void heap_push(struct expiries *e, struct expiry entry)
{
	if (e->heap_count == e->heap_capacity) {
		uint32_t old = e->heap_capacity, to = old == 0 ? heap_capacity_min : old * 2;
		e->heap = page_array_grow(e->heap, old * sizeof(entry), to * sizeof(entry));
		e->heap_capacity = to;
	}
	uint32_t at = e->heap_count++;
	e->heap[at] = entry;
	for (; at > 0 && earlier(e->heap[at], e->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(&e->heap[at], &e->heap[(at - 1) / 2]);
}

static void heap_pop(struct expiries *e)
{
	e->heap[0] = e->heap[--e->heap_count];
	for (uint32_t at = 0, least;; at = least) {
		least = at;
		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < e->heap_count && earlier(e->heap[child], e->heap[least]))
				least = child;
		if (least == at)
			return;
		swap(&e->heap[at], &e->heap[least]);
	}
}

/* ---- both ---- */

void expiries_push(struct expiries *e, struct expiry entry)
{
	if (is_in_order(e, entry))
		queue_push(e, entry);
	else
		heap_push(e, entry);
}

static bool is_in_queue(const struct expiries *e)
{
	if (e->first == NULL || e->heap_count == 0)
		return e->first != NULL;
	return earlier(e->first->entries[e->first->begin], e->heap[0]);
}

bool expiries_first(const struct expiries *e, struct expiry *out)
{
	if (is_in_queue(e))
		*out = e->first->entries[e->first->begin];
	else if (e->heap_count > 0)
		*out = e->heap[0];
	else
		return false;
	return true;
}

void expiries_pop(struct expiries *e)
{
	if (is_in_queue(e))
		queue_pop(e);
	else
		heap_pop(e);
}

void expiries_release(struct expiries *e)
{
	while (e->first != NULL) {
		struct expiry_block *next = e->first->next;
		free(e->first);
		e->first = next;
	}
	free(e->spare);
	page_array_release(e->heap, e->heap_capacity * sizeof(*e->heap));
	*e = (struct expiries){0};
}
