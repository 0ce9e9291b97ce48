#include "runtime/kept_positions.h"

#include "base/array.h"
#include "base/hash_seed.h"

#include <xxhash.h>

void kept_positions_release(struct kept_positions *k)
{
	free(k->at);
	hash_chains_release(&k->places);
	*k = (struct kept_positions){0};
}

/* Files are known by their path alone: partition 1 is one that was read to its end. */
static uint32_t hash_of(uint32_t source, struct str topic, int32_t partition, bool file)
{
	uint64_t place = (uint64_t)source << 32 | (file ? 0 : (uint32_t)partition);
	return (uint32_t)XXH3_64bits_withSeed(topic.data, topic.len, hash_seed() ^ place);
}

static bool same_place(const struct checkpoint_position *p, uint32_t source,
	const struct source_partition *part, bool file)
{
	return p->source == source && (file || p->partition == part->partition) &&
		str_eq(p->topic, part->topic);
}

void kept_positions_add(
	struct kept_positions *k, const struct checkpoint_position *p, bool file)
{
	k->at = array_grown(k->at, &k->capacity, k->count + 1, sizeof(*k->at));
	k->at[k->count++] = *p;
	hash_chains_add(&k->places, hash_of(p->source, p->topic, p->partition, file));
}

static uint32_t find(const struct kept_positions *k, uint32_t source,
	const struct source_partition *part, bool file)
{
	for (uint32_t i = k->noted; i < k->count && i < k->noted + 2; i++)
		if (same_place(&k->at[i], source, part, file))
			return i;
	uint32_t hash = hash_of(source, part->topic, part->partition, file);
	uint32_t at = hash_chains_newest(&k->places, hash);
	while (at != HASH_CHAINS_END && !same_place(&k->at[at], source, part, file))
		at = hash_chains_older(&k->places, at);
	return at;
}

void kept_positions_note(struct kept_positions *k, uint32_t source,
	const struct source_partition *part, bool file, struct arena *arena)
{
	bool ended = file && part->latest >= 0;
	struct checkpoint_position now = {.source = source,
		.partition = ended ? 1 : file ? 0 : part->partition,
		.next = part->position,
		.witness_until = part->witness.until,
		.witness_hash = part->witness.hash};
	uint32_t at = find(k, source, part, file);
	if (at == HASH_CHAINS_END) {
		now.topic = str_dup(part->topic, arena);
		at = k->count;
		kept_positions_add(k, &now, file);
	}
	now.topic = k->at[at].topic;
	k->at[at] = now;
	k->noted = at;
}
