#include "state/table_store.h"

#include "base/check.h"

#include <stdlib.h>

/* About 256 kB, so that a small table is small and one more block is no pause. */
enum { block_bytes_about = 256 * 1024, block_shift_max = 12 };

void table_store_init(struct table_store *s, uint32_t slot_bytes)
{
	*s = (struct table_store){.slot_bytes = slot_bytes};
	while (s->shift < block_shift_max &&
		((size_t)slot_bytes << (s->shift + 1)) <= block_bytes_about)
		s->shift++;
}

void table_store_release(struct table_store *s)
{
	for (uint32_t i = 0; i < s->block_count; i++)
		free(s->blocks[i]);
	free(s->blocks);
	*s = (struct table_store){0};
}

static void add_block(struct table_store *s)
{
	if (s->block_count == s->block_capacity) {
		s->block_capacity = s->block_capacity == 0 ? 16 : s->block_capacity * 2;
		char **wider = realloc(s->blocks, s->block_capacity * sizeof(*wider));
		check(wider != NULL);
		s->blocks = wider;
	}
	/* The first blocks of a table that stays small are not touched beyond its rows. */
	char *block = calloc((size_t)1 << s->shift, s->slot_bytes);
	check(block != NULL);
	s->blocks[s->block_count++] = block;
}

uint32_t table_store_add(struct table_store *s)
{
	if (s->count >> s->shift == s->block_count)
		add_block(s);
	return s->count++;
}

size_t table_store_bytes(const struct table_store *s)
{
	return s->block_capacity * sizeof(*s->blocks) +
		s->block_count * ((size_t)s->slot_bytes << s->shift);
}
