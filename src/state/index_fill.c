#include "state/index_fill.h"

#include "base/check.h"
#include "base/prefetch.h"

#include <stdlib.h>

/* An index of fewer bits is in the cache as it is. */
enum { depth_min = 3, block_bytes = 4096, block_ids = block_bytes / 8 - 2, ahead = 8 };

struct index_fill_block {
	struct index_fill_block *next;
	uint32_t count;
	uint32_t unused;
	struct {
		uint32_t tag;
		uint32_t id;
	} entries[block_ids];
};

_Static_assert(sizeof(struct index_fill_block) == block_bytes, "a page");

void index_fill_begin(struct index_fill *f, struct table_index *index, uint32_t count)
{
	table_index_reserve(index, count);
	*f = (struct index_fill){.index = index, .depth = index->depth};
	if (f->depth < depth_min)
		return;
	f->lists = calloc((size_t)1 << f->depth, sizeof(struct index_fill_block *));
	check(f->lists != NULL);
	huge_pages_init(&f->memory, block_bytes);
	f->memory.has_time = true;
}

static struct index_fill_block *add_block(struct index_fill *f, struct index_fill_block *next)
{
	struct index_fill_block *b = huge_pages_take(&f->memory);
	b->next = next;
	return b;
}

void index_fill_add(
	struct index_fill *f, const uint32_t *tags, const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (f->lists == NULL) {
			table_index_insert(f->index, tags[i], ids[i]);
			continue;
		}
		struct index_fill_block **list = &f->lists[tags[i] >> (32 - f->depth)];
		if (*list == NULL || (*list)->count == block_ids)
			*list = add_block(f, *list);
		struct index_fill_block *b = *list;
		b->entries[b->count].tag = tags[i];
		b->entries[b->count++].id = ids[i];
	}
}

static void insert_block(struct table_index *x, const struct index_fill_block *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		uint32_t later = b->entries[i + ahead < b->count ? i + ahead : i].tag;
		const struct table_segment *s = table_index_segment(x, later);
		prefetch(&s->slots[table_index_home(s, later)]);
		table_index_insert(x, b->entries[i].tag, b->entries[i].id);
	}
}

void index_fill_end(struct index_fill *f)
{
	if (f->lists == NULL)
		return;
	for (uint32_t list = 0; list < UINT32_C(1) << f->depth; list++)
		for (struct index_fill_block *b = f->lists[list]; b != NULL; b = b->next)
			insert_block(f->index, b);
	huge_pages_release(&f->memory);
	free(f->lists);
}
