#ifndef CDCL_TABLE_INDEX_H
#define CDCL_TABLE_INDEX_H

/*
 * Hash of a key to the ids that may be it (the caller compares the keys):
 *
 *	directory   [ way way way ... ]                         by the first bits of the tag
 *	segment     [ line line line ... ]                      open addressing, line by line
 *	line        [ 12 short tags | used | passed | 12 ids ]  a cache line
 *
 * A tag is 32 bits of the hash. Its first bits choose the segment, its product with a constant the
 * line, and a line keeps its last 8 bits, all twelve of which are compared at once: a look at a key
 * that is there reads one line and has no branch that is hard to guess. Who finds a line full goes
 * to the next, and is counted in `passed` of those that it went by: a line that nobody passed ends
 * the walk, and a removal moves nothing.
 *
 * A segment grows by doubling up to lines_max and then splits in two; for that its ids' tags are
 * asked of the owner, who has the keys. The most work that one insert can cause is moving one
 * segment (some 150 us), however many rows there are. Segments fill alike, so each is full at a
 * count of its own, from 3/4 to 15/16 of its places: else all would split within a few chunks.
 */

#include "base/str.h"
#include "state/huge_pages.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
	table_segment_lines_min = 4,
	table_segment_lines_max = 512,
	table_line_ids = 12,
	table_line_full = (1 << table_line_ids) - 1,
	table_index_tags_max = 64       /* that an owner is asked for at once */
};

struct table_line {
	uint8_t tags[table_line_ids];
	uint16_t used;          /* bits: these places hold ids */
	uint16_t passed;        /* ids that found no place here; stays once it is UINT16_MAX */
	uint32_t ids[table_line_ids];
};

/* What a look needs of a segment, one after the other by the first bits of a tag. */
struct table_way {
	struct table_line *lines;
	uint32_t mask;          /* lines - 1 */
	uint32_t segment;
};

struct table_segment {
	uint32_t count;
	uint32_t count_max;     /* beyond it the segment grows or splits */
	uint32_t depth;         /* how many bits of the directory lead here */
	bool is_huge;           /* its lines are a block of huge pages */
};

struct table_index {
	struct table_way *directory;
	uint32_t depth;         /* the directory has 1 << depth entries */
	struct table_segment *segments;
	uint32_t segment_count;
	uint32_t segment_capacity;
	uint32_t lines_max;     /* of a segment */
	uint32_t moves;         /* lines that were looked up before are elsewhere now */
	int64_t count;
	size_t bytes;           /* of what is not huge */
	struct huge_pages huge; /* for whole segments of a large table */
	/* the tags of ids in it; the index is a field of who has the keys */
	void (*tags_of)(const struct table_index *x, const uint32_t *ids, uint32_t count,
		uint32_t *tags);
};

/* lines_max: a power of two, at least table_segment_lines_min */
void table_index_init(struct table_index *x, uint32_t lines_max,
	void (*tags_of)(const struct table_index *x, const uint32_t *ids, uint32_t count,
		uint32_t *tags));
void table_index_release(struct table_index *x);
/* An empty one gets segments enough for `count` ids at once: none of them grows or splits. */
void table_index_reserve(struct table_index *x, uint32_t count);

void table_index_insert(struct table_index *x, uint32_t tag, uint32_t id);

void table_index_remove(struct table_index *x, uint32_t tag, uint32_t id);
/* Held, with pages that are in use. */
size_t table_index_bytes(const struct table_index *x);

static inline const struct table_way *table_index_way(const struct table_index *x, uint32_t tag)
{
	return &x->directory[(uint64_t)tag >> (32 - x->depth)];
}

static inline uint32_t table_index_home(uint32_t mask, uint32_t tag)
{
	return (uint32_t)((uint64_t)tag * UINT64_C(0x9e3779b97f4a7c15) >> 32) & mask;
}

/* Where the walk for a tag begins. */
static inline const struct table_line *table_index_line(const struct table_index *x, uint32_t tag)
{
	const struct table_way *way = table_index_way(x, tag);
	return &way->lines[table_index_home(way->mask, tag)];
}

/* Into a segment that has room; not counted by the index. */
static inline void table_index_put(
	struct table_index *x, const struct table_way *way, uint32_t tag, uint32_t id)
{
	struct table_segment *s = &x->segments[way->segment];
	uint32_t at = table_index_home(way->mask, tag);
	s->count++;
	for (; way->lines[at].used == table_line_full; at = (at + 1) & way->mask)
		if (way->lines[at].passed < UINT16_MAX)
			way->lines[at].passed++;
	struct table_line *l = &way->lines[at];
	uint32_t place = (uint32_t)__builtin_ctz(~(uint32_t)l->used);
	l->tags[place] = (uint8_t)tag;
	l->ids[place] = id;
	l->used = (uint16_t)(l->used | 1u << place);
}

/* False, with nothing done: its segment is full. */
static inline bool table_index_put_reserved(struct table_index *x, uint32_t tag, uint32_t id)
{
	const struct table_way *way = table_index_way(x, tag);
	if (x->segments[way->segment].count >= x->segments[way->segment].count_max)
		return false;
	table_index_put(x, way, tag, id);
	return true;
}

/* The places of a line that may hold the tag, as bits. */
static inline uint32_t table_line_match(const struct table_line *l, uint32_t tag)
{
#if defined(__SSE2__)
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)l);
	__m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag));
	return (uint32_t)_mm_movemask_epi8(equal) & l->used;
#else
	uint32_t equal = 0;
	for (uint32_t i = 0; i < table_line_ids; i++)
		equal |= (uint32_t)(l->tags[i] == (uint8_t)tag) << i;
	return equal & l->used;
#endif
}

/* The ids that may have a tag, one after the other. */
struct table_walk {
	const struct table_line *lines;
	uint32_t mask;
	uint32_t at;
	uint32_t left;          /* lines not seen yet */
	uint32_t matches;       /* in line `at`, not answered yet */
	uint32_t tag;
};

static inline struct table_walk table_index_walk(const struct table_index *x, uint32_t tag)
{
	const struct table_way *way = table_index_way(x, tag);
	struct table_walk w = {.lines = way->lines,
		.mask = way->mask,
		.at = table_index_home(way->mask, tag),
		.left = way->mask,
		.tag = tag};
	w.matches = table_line_match(&w.lines[w.at], tag);
	return w;
}

/* UINT32_MAX when there are no more. */
static inline uint32_t table_walk_next(struct table_walk *w)
{
	for (; w->matches == 0; w->left--) {
		if (w->lines[w->at].passed == 0 || w->left == 0)
			return UINT32_MAX;
		w->at = (w->at + 1) & w->mask;
		w->matches = table_line_match(&w->lines[w->at], w->tag);
	}
	uint32_t place = (uint32_t)__builtin_ctz(w->matches);
	w->matches &= w->matches - 1;
	return w->lines[w->at].ids[place];
}

#endif
