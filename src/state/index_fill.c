#include "state/index_fill.h"

#include "base/check.h"
#include "base/halves.h"
#include "base/prefetch.h"

#include <stdlib.h>

/*
 * An index of fewer bits is in the cache as it is. Of more lists than so many the lines that are
 * written next would not stay in the first cache. To start a thread takes as long as some thousand
 * ids.
 */
enum {
	depth_min = 3,
	list_bits_max = 7,
	block_bytes = 4096,
	block_ids = block_bytes / 8 - 1,
	ahead = 16,
	line_entries = 8,
	thread_ids_min = 100000
};

/* At a multiple of its size: a list that ends at one has no room in its last block, or has none. */
struct index_fill_block {
	uint64_t *before;       /* the list's end when it was added */
	uint64_t entries[block_ids];    /* tag and id */
};

_Static_assert(sizeof(struct index_fill_block) == block_bytes, "a page");

void index_fill_begin(struct index_fill *f, struct table_index *index, uint32_t count)
{
	table_index_reserve(index, count);
	*f = (struct index_fill){.index = index};
	if (index->depth < depth_min)
		return;
	f->bits = index->depth < list_bits_max ? index->depth : list_bits_max;
	f->worth_a_thread = count >= thread_ids_min;
	for (uint32_t i = 0; i < index_fill_halves; i++) {
		struct index_fill_half *h = &f->halves[i];
		h->lists = calloc(((size_t)1 << f->bits) + 1, sizeof(*h->lists));
		check(h->lists != NULL);
		huge_pages_init(&h->memory, block_bytes);
		h->memory.has_time = true;
	}
}

static struct index_fill_block *last_block(uint64_t *end)
{
	if (end == NULL)
		return NULL;
	char *last = (char *)end - 1;
	return (struct index_fill_block *)(void *)(last - ((uintptr_t)last & (block_bytes - 1)));
}

static uint64_t *add_block(struct index_fill_half *h, uint64_t *end)
{
	struct index_fill_block *b = huge_pages_take(&h->memory);
	b->before = end;
	return b->entries;
}

static inline void add_entry(struct index_fill_half *h, uint64_t **list, uint32_t tag, uint32_t id)
{
	uint64_t *to = *list;
	if (((uintptr_t)to & (block_bytes - 1)) == 0)
		to = add_block(h, to);
	prefetch_to_write(to + line_entries);
	*to = (uint64_t)tag << 32 | id;
	*list = to + 1;
}

void index_fill_add(struct index_fill *f, uint32_t half, const uint32_t *tags,
	const uint32_t *ids, uint32_t count)
{
	struct index_fill_half *h = &f->halves[half];
	uint64_t **lists = h->lists;
	uint32_t shift = 32 - f->bits;
	for (uint32_t i = 0; lists == NULL && i < count; i++)
		table_index_insert(f->index, tags[i], ids[i]);
	if (lists == NULL)
		return;
	for (uint32_t i = 0; i < count; i++)
		add_entry(h, &lists[tags[i] >> shift], tags[i], ids[i]);
}

/* Touches nothing but segments of this half, and those do not grow or split. */
static void insert_block(struct index_fill *f, struct index_fill_half *h,
	const uint64_t *entries, uint32_t count)
{
	struct table_index *x = f->index;
	uint64_t **rest = &h->lists[UINT32_C(1) << f->bits];
	uint32_t left = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t later = entries[i + ahead < count ? i + ahead : i];
		prefetch(table_index_line(x, (uint32_t)(later >> 32)));
		uint32_t tag = (uint32_t)(entries[i] >> 32), id = (uint32_t)entries[i];
		if (table_index_put_reserved(x, tag, id))
			continue;
		add_entry(h, rest, tag, id);
		left++;
	}
	h->count += count - left;
}

static void insert_list(struct index_fill *f, struct index_fill_half *h, uint64_t *end)
{
	for (struct index_fill_block *b; (b = last_block(end)) != NULL; end = b->before)
		insert_block(f, h, b->entries, (uint32_t)(end - b->entries));
}

static void insert_half(void *of, uint32_t half)
{
	struct index_fill *f = of;
	uint32_t lists = (UINT32_C(1) << f->bits) / index_fill_halves, first = half * lists;
	for (uint32_t i = first; i < first + lists; i++)
		for (uint32_t from = 0; from < index_fill_halves; from++)
			insert_list(f, &f->halves[half], f->halves[from].lists[i]);
}

/* Tags that crowd one segment. */
static void insert_rest(struct index_fill *f, uint64_t *end)
{
	for (struct index_fill_block *b; (b = last_block(end)) != NULL; end = b->before)
		for (uint64_t *e = b->entries; e < end; e++)
			table_index_insert(f->index, (uint32_t)(*e >> 32), (uint32_t)*e);
}

void index_fill_end(struct index_fill *f)
{
	if (f->halves[0].lists == NULL)
		return;
	halves_run(insert_half, f, f->worth_a_thread);
	for (uint32_t i = 0; i < index_fill_halves; i++) {
		struct index_fill_half *h = &f->halves[i];
		f->index->count += h->count;
		insert_rest(f, h->lists[UINT32_C(1) << f->bits]);
		huge_pages_release(&h->memory);
		free(h->lists);
	}
}
