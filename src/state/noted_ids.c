#include "state/noted_ids.h"

#include "base/page_array.h"

static uint32_t words_of(uint32_t word_count)
{
	return (word_count + 63) / 64;
}

static uint64_t *grown(uint64_t *array, uint32_t old, uint32_t count)
{
	return page_array_grow(array, old * sizeof(*array), count * sizeof(*array));
}

void noted_ids_grow(struct noted_ids *n, uint32_t id)
{
	uint32_t old = n->word_count;
	n->word_count = id / 64 + 1 + old / 2 + 16;
	n->bits = grown(n->bits, old, n->word_count);
	n->words = grown(n->words, words_of(old), words_of(n->word_count));
}

uint32_t noted_ids_take(struct noted_ids *n, uint32_t *ids, uint32_t max)
{
	uint32_t taken = 0;
	while (taken < max && n->count > 0) {
		while (n->words[n->from] == 0)
			n->from++;
		uint32_t word = n->from * 64 + (uint32_t)__builtin_ctzll(n->words[n->from]);
		uint64_t left = n->bits[word];
		for (; left != 0 && taken < max; left &= left - 1, n->count--)
			ids[taken++] = word * 64 + (uint32_t)__builtin_ctzll(left);
		n->bits[word] = left;
		if (left == 0)
			bit_clear(n->words, word);
	}
	return taken;
}

void noted_ids_release(struct noted_ids *n)
{
	page_array_release(n->bits, n->word_count * sizeof(*n->bits));
	page_array_release(n->words, words_of(n->word_count) * sizeof(*n->words));
	*n = (struct noted_ids){0};
}

size_t noted_ids_bytes(const struct noted_ids *n)
{
	return (n->word_count + words_of(n->word_count)) * sizeof(*n->bits);
}
