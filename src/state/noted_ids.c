#include "state/noted_ids.h"

#include "base/page_array.h"

static void *grown(void *array, size_t old_count, size_t count, size_t bytes)
{
	return page_array_grow(array, old_count * bytes, count * bytes);
}

void noted_ids_add(struct noted_ids *n, uint32_t id)
{
	if (id >= n->bit_capacity) {
		uint32_t old = n->bit_capacity / 64;
		uint32_t words = id / 64 + 1 + old / 2 + 16;
		n->bits = grown(n->bits, old, words, sizeof(*n->bits));
		n->bit_capacity = words * 64;
	}
	if (bit_get(n->bits, id))
		return;
	bit_set(n->bits, id);
	if (n->count == n->capacity) {
		uint32_t to = n->capacity == 0 ? chunk_rows_max : n->capacity * 2;
		n->ids = grown(n->ids, n->capacity, to, sizeof(*n->ids));
		n->capacity = to;
	}
	n->ids[n->count++] = id;
}

bool noted_ids_take(struct noted_ids *n, uint32_t *id)
{
	if (n->given == n->count) {
		n->given = n->count = 0;
		return false;
	}
	*id = n->ids[n->given++];
	bit_clear(n->bits, *id);
	return true;
}

void noted_ids_release(struct noted_ids *n)
{
	page_array_release(n->ids, n->capacity * sizeof(*n->ids));
	page_array_release(n->bits, n->bit_capacity / 8);
	*n = (struct noted_ids){0};
}

size_t noted_ids_bytes(const struct noted_ids *n)
{
	return n->capacity * sizeof(*n->ids) + n->bit_capacity / 8;
}
