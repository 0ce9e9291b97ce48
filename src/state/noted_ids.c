#include "state/noted_ids.h"

#include "base/check.h"

#include <stdlib.h>

static void *grown(void *array, size_t count, size_t bytes)
{
	void *wider = realloc(array, count * bytes);
	check(wider != NULL);
	return wider;
}

void noted_ids_add(struct noted_ids *n, uint32_t id)
{
	if (id >= n->bit_capacity) {
		uint32_t old = n->bit_capacity / 64;
		uint32_t words = id / 64 + 1 + old / 2 + 16;
		n->bits = grown(n->bits, words, sizeof(*n->bits));
		memset(n->bits + old, 0, (words - old) * sizeof(*n->bits));
		n->bit_capacity = words * 64;
	}
	if (bit_get(n->bits, id))
		return;
	bit_set(n->bits, id);
	if (n->count == n->capacity) {
		n->capacity = n->capacity == 0 ? chunk_rows_max : n->capacity * 2;
		n->ids = grown(n->ids, n->capacity, sizeof(*n->ids));
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
	free(n->ids);
	free(n->bits);
	*n = (struct noted_ids){0};
}

size_t noted_ids_bytes(const struct noted_ids *n)
{
	return n->capacity * sizeof(*n->ids) + n->bit_capacity / 8;
}
