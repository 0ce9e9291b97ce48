#include "state/table_store.h"

#include "base/check.h"

#include <stdbool.h>
#include <stdlib.h>

/* About 256 kB, so that a small table is small and one more block is no pause. */
enum { block_bytes_about = 256 * 1024, block_shift_max = 12 };

static size_t block_bytes(const struct table_store *s)
{
	return (size_t)s->slot_bytes << s->shift;
}

static bool is_huge(const struct table_store *s, uint32_t block)
{
	return block >= table_small_blocks && s->huge.block_bytes > 0;
}

void table_store_init(struct table_store *s, uint32_t slot_bytes)
{
	*s = (struct table_store){.slot_bytes = slot_bytes};
	while (s->shift < block_shift_max &&
		((size_t)slot_bytes << (s->shift + 1)) <= block_bytes_about)
		s->shift++;
	if (block_bytes(s) <= huge_page_bytes)
		huge_pages_init(&s->huge, block_bytes(s));
}

void table_store_release(struct table_store *s)
{
	for (uint32_t i = 0; i < s->block_count && !is_huge(s, i); i++)
		free(s->blocks[i]);
	huge_pages_release(&s->huge);
	free(s->blocks);
	*s = (struct table_store){0};
}

void table_store_add_block(struct table_store *s)
{
	if (s->block_count == s->block_capacity) {
		s->block_capacity = s->block_capacity == 0 ? 16 : s->block_capacity * 2;
		char **wider = realloc(s->blocks, s->block_capacity * sizeof(*wider));
		check(wider != NULL);
		s->blocks = wider;
	}
	/* The first blocks of a table that stays small are not touched beyond its rows. */
	if (s->block_count == table_small_blocks / 2)
		huge_pages_expect();
	char *block = is_huge(s, s->block_count) ? huge_pages_take(&s->huge)
						 : calloc((size_t)1 << s->shift, s->slot_bytes);
	check(block != NULL);
	s->blocks[s->block_count++] = block;
}

size_t table_store_bytes(const struct table_store *s)
{
	size_t small = s->block_count;
	if (s->huge.page_count > 0)
		small = table_small_blocks;
	return s->block_capacity * sizeof(*s->blocks) + small * block_bytes(s) +
		huge_pages_bytes(&s->huge);
}
