#include "base/hash_chains.h"

#include "base/array.h"

enum { heads_min = 64 };

void hash_chains_release(struct hash_chains *h)
{
	free(h->links);
	free(h->heads);
	*h = (struct hash_chains){0};
}

static void link(struct hash_chains *h, uint32_t number)
{
	uint32_t *head = &h->heads[h->links[number].hash & (h->head_count - 1)];
	h->links[number].older = *head;
	*head = number;
}

static void grow(struct hash_chains *h)
{
	free(h->heads);
	h->head_count = h->head_count == 0 ? heads_min : h->head_count * 2;
	h->heads = malloc(h->head_count * sizeof(*h->heads));
	check(h->heads != NULL); /* out of memory */
	for (uint32_t i = 0; i < h->head_count; i++)
		h->heads[i] = HASH_CHAINS_END;
	for (uint32_t i = 0; i < h->count; i++)
		link(h, i);
}

void hash_chains_add(struct hash_chains *h, uint32_t hash)
{
	check(h->count < HASH_CHAINS_END / 4);
	if (h->count == h->head_count)
		grow(h);
	h->links = array_grown(h->links, &h->capacity, h->count + 1, sizeof(*h->links));
	h->links[h->count].hash = hash;
	link(h, h->count++);
}

static uint32_t of_hash(const struct hash_chains *h, uint32_t at, uint32_t hash)
{
	while (at != HASH_CHAINS_END && h->links[at].hash != hash)
		at = h->links[at].older;
	return at;
}

uint32_t hash_chains_newest(const struct hash_chains *h, uint32_t hash)
{
	if (h->count == 0)
		return HASH_CHAINS_END;
	return of_hash(h, h->heads[hash & (h->head_count - 1)], hash);
}

uint32_t hash_chains_older(const struct hash_chains *h, uint32_t number)
{
	check(number < h->count);
	return of_hash(h, h->links[number].older, h->links[number].hash);
}
