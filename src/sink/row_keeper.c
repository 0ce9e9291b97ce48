#include "sink/row_keeper.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

enum { keeper_block_bytes = 256 * 1024 };

void row_keeper_init(struct row_keeper *k)
{
	*k = (struct row_keeper){.count = 0};
	arena_init(&k->arena, keeper_block_bytes);
}

void row_keeper_release(struct row_keeper *k)
{
	arena_release(&k->arena);
	free(k->chunks);
}

void row_keeper_clear(struct row_keeper *k)
{
	k->count = 0;
	k->bytes = 0;
	arena_reset(&k->arena);
}

static void begin_chunk(struct row_keeper *k, const struct schema *schema)
{
	if (k->count == k->capacity) {
		k->capacity = k->capacity == 0 ? 16 : k->capacity * 2;
		k->chunks = realloc(k->chunks, k->capacity * sizeof(struct chunk *));
		check(k->chunks != NULL); /* out of memory */
	}
	struct chunk *c = chunk_alloc(&k->arena, schema);
	c->kinds = ARENA_ARRAY(&k->arena, uint8_t, chunk_rows_max);
	k->chunks[k->count++] = c;
	for (uint32_t i = 0; i < schema->column_count; i++) {
		k->bytes += phys_bytes(type_phys(schema->columns[i].type)) * chunk_rows_max;
	}
}

int row_keeper_add(struct row_keeper *k, const struct chunk *in, const struct schema *schema,
	struct error *err)
{
	uint32_t next = chunk_next_live(in, 0);
	while (next < chunk_rows_max) {
		if (k->count == 0 || k->chunks[k->count - 1]->row_count == chunk_rows_max) {
			begin_chunk(k, schema);
		}
		k->bytes += chunk_append(k->chunks[k->count - 1], in, &next);
		if (k->bytes > retained_batch_bytes_max) {
			return error_set(err, CDCL_E_JOB, "more than %d bytes of rows to keep",
				retained_batch_bytes_max);
		}
	}
	return 0;
}
