#include "state/index_fill.h"

#include "base/check.h"
#include "base/prefetch.h"

#include <stdlib.h>

/*
 * An index of fewer bits is in the cache as it is. Of more lists than so many the lines that are
 * written next would not stay in the first cache.
 */
enum {
	depth_min = 3,
	list_bits_max = 7,
	block_bytes = 4096,
	block_ids = block_bytes / 8 - 1,
	ahead = 16
};

struct index_fill_block {
	struct index_fill_block *next;
	struct index_fill_entry {
		uint32_t tag;
		uint32_t id;
	} entries[block_ids];
};

_Static_assert(sizeof(struct index_fill_block) == block_bytes, "a page");

/* Of the first block so many entries are used; those behind it are full. */
struct index_fill_list {
	struct index_fill_block *blocks;
	uint32_t used;
};

void index_fill_begin(struct index_fill *f, struct table_index *index, uint32_t count)
{
	table_index_reserve(index, count);
	*f = (struct index_fill){.index = index};
	if (index->depth < depth_min)
		return;
	f->bits = index->depth < list_bits_max ? index->depth : list_bits_max;
	f->lists = calloc((size_t)1 << f->bits, sizeof(struct index_fill_list));
	check(f->lists != NULL);
	huge_pages_init(&f->memory, block_bytes);
	f->memory.has_time = true;
}

static void add_block(struct index_fill *f, struct index_fill_list *list)
{
	struct index_fill_block *b = huge_pages_take(&f->memory);
	b->next = list->blocks;
	list->blocks = b;
	list->used = 0;
}

static void add_to_lists(
	struct index_fill *f, const uint32_t *tags, const uint32_t *ids, uint32_t count)
{
	uint32_t shift = 32 - f->bits;
	for (uint32_t i = 0; i < count; i++) {
		struct index_fill_list *list = &f->lists[tags[i] >> shift];
		if (list->blocks == NULL || list->used == block_ids)
			add_block(f, list);
		list->blocks->entries[list->used++] = (struct index_fill_entry){tags[i], ids[i]};
	}
}

void index_fill_add(
	struct index_fill *f, const uint32_t *tags, const uint32_t *ids, uint32_t count)
{
	if (f->lists != NULL) {
		add_to_lists(f, tags, ids, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		table_index_insert(f->index, tags[i], ids[i]);
}

static void insert_block(
	struct table_index *x, const struct index_fill_block *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t later = b->entries[i + ahead < count ? i + ahead : i].tag;
		prefetch(table_index_line(x, later));
		table_index_insert_reserved(x, b->entries[i].tag, b->entries[i].id);
	}
}

void index_fill_end(struct index_fill *f)
{
	if (f->lists == NULL)
		return;
	for (uint32_t i = 0; i < UINT32_C(1) << f->bits; i++) {
		uint32_t count = f->lists[i].used;
		for (struct index_fill_block *b = f->lists[i].blocks; b != NULL; b = b->next) {
			insert_block(f->index, b, count);
			count = block_ids;
		}
	}
	huge_pages_release(&f->memory);
	free(f->lists);
}
