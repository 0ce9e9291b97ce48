#include "state/table_index.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { depth_max = 24, small_segments = 16 };

_Static_assert(sizeof(struct table_line) == 64, "a cache line");

static bool is_huge(const struct table_index *x, uint32_t lines)
{
	return x->segment_count >= small_segments && lines == table_segment_lines_max;
}

static struct table_line *lines_take(struct table_index *x, uint32_t lines, bool huge)
{
	size_t bytes = lines * sizeof(struct table_line);
	if (huge)
		return huge_pages_take(&x->huge);
	struct table_line *taken = aligned_alloc(sizeof(struct table_line), bytes);
	check(taken != NULL);
	x->bytes += bytes;
	return memset(taken, 0, bytes);
}

static void lines_give_back(
	struct table_index *x, struct table_line *lines, uint32_t mask, bool huge)
{
	if (huge) {
		huge_pages_give_back(&x->huge, lines);
		return;
	}
	x->bytes -= ((size_t)mask + 1) * sizeof(*lines);
	free(lines);
}

/* When it is full: a count of its own, by the bits that lead to it. */
static uint32_t count_max_of(uint32_t lines, uint32_t depth, uint32_t tag)
{
	uint32_t prefix = depth == 0 ? 0 : tag >> (32 - depth);
	uint32_t spread = (prefix + depth) * UINT32_C(0x9E3779B1) >> 16;
	uint32_t places = lines * table_line_ids;
	return places / 4 * 3 + (uint32_t)((uint64_t)(places / 16 * 3) * spread >> 16);
}

static uint32_t add_segment(struct table_index *x)
{
	if (x->segment_count == x->segment_capacity) {
		uint32_t capacity = x->segment_capacity == 0 ? 1 : x->segment_capacity * 2;
		x->segments = realloc(x->segments, capacity * sizeof(*x->segments));
		check(x->segments != NULL);
		x->bytes += (capacity - x->segment_capacity) * sizeof(*x->segments);
		x->segment_capacity = capacity;
	}
	return x->segment_count++;
}

/* Empty lines for segment `number`, to which `tag` leads. */
static struct table_way segment_open(
	struct table_index *x, uint32_t number, uint32_t lines, uint32_t depth, uint32_t tag)
{
	bool huge = is_huge(x, lines);
	x->segments[number] = (struct table_segment){
		.count_max = count_max_of(lines, depth, tag), .depth = depth, .is_huge = huge};
	return (struct table_way){lines_take(x, lines, huge), lines - 1, number};
}

/* Out of line `at`, which it found on the way from its home. */
static void take_out(const struct table_way *way, uint32_t tag, uint32_t at, uint32_t place)
{
	way->lines[at].used = (uint16_t)(way->lines[at].used & ~(1u << place));
	for (uint32_t by = table_index_home(way->mask, tag); by != at; by = (by + 1) & way->mask)
		if (way->lines[by].passed < UINT16_MAX)
			way->lines[by].passed--;
}

/*
 * A directory of 1 << depth entries, with a segment for each; or one for each two of them, where
 * that has room for `count`.
 */
static void open_all(struct table_index *x, uint32_t lines, uint32_t depth, uint32_t count)
{
	uint32_t entries = UINT32_C(1) << depth;
	x->depth = depth;
	x->directory = malloc(entries * sizeof(*x->directory));
	check(x->directory != NULL);
	x->bytes += entries * sizeof(*x->directory);
	for (uint32_t i = 0; i < entries; i++) {
		uint32_t tag = depth == 0 ? 0 : i << (32 - depth);
		if (depth > 0 && i % 2 == 0 && count_max_of(lines, depth - 1, tag) >= count) {
			x->directory[i] = segment_open(x, add_segment(x), lines, depth - 1, tag);
			x->directory[i + 1] = x->directory[i];
			i++;
			continue;
		}
		x->directory[i] = segment_open(x, add_segment(x), lines, depth, tag);
	}
}

static void init_empty(struct table_index *x, struct table_index like)
{
	*x = (struct table_index){
		.lines_max = like.lines_max, .tags_of = like.tags_of, .moves = like.moves};
	huge_pages_init(&x->huge, table_segment_lines_max * sizeof(struct table_line));
}

void table_index_init(struct table_index *x, uint32_t lines_max,
	void (*tags_of)(const struct table_index *x, const uint32_t *ids, uint32_t count,
		uint32_t *tags))
{
	check(lines_max >= table_segment_lines_min && (lines_max & (lines_max - 1)) == 0);
	init_empty(x, (struct table_index){.lines_max = lines_max, .tags_of = tags_of});
	open_all(x, table_segment_lines_min, 0, 0);
}

void table_index_release(struct table_index *x)
{
	if (x->directory == NULL)
		return;
	size_t entries = (size_t)1 << x->depth;
	for (size_t i = 0; i < entries;) {
		const struct table_way *way = &x->directory[i];
		const struct table_segment *s = &x->segments[way->segment];
		i += (size_t)1 << (x->depth - s->depth);
		lines_give_back(x, way->lines, way->mask, s->is_huge);
	}
	huge_pages_release(&x->huge);
	free(x->directory);
	free(x->segments);
	*x = (struct table_index){0};
}

/*
 * Two thirds of the places at most: a segment is full at 3/4 of them at the earliest. Where that
 * is not yet, one in place of two, as in an index that grew: their ids differ little in number.
 */
void table_index_reserve(struct table_index *x, uint32_t count)
{
	check(x->count == 0);
	uint64_t wanted = ((uint64_t)count * 3 / 2 + table_line_ids - 1) / table_line_ids;
	uint32_t lines = table_segment_lines_min, depth = 0;
	while (lines < x->lines_max && lines < wanted)
		lines *= 2;
	while (depth < depth_max && (uint64_t)lines << depth < wanted)
		depth++;
	struct table_index like = *x;
	table_index_release(x);
	init_empty(x, like);
	x->moves++;
	x->huge.has_time = true;
	uint32_t of_two = depth == 0 ? 0 : count >> (depth - 1);
	open_all(x, lines, depth, of_two + of_two / 32);
	x->huge.has_time = false;
}

static void double_directory(struct table_index *x)
{
	size_t entries = (size_t)1 << x->depth;
	struct table_way *wider = malloc(entries * 2 * sizeof(*wider));
	check(wider != NULL);
	for (size_t i = 0; i < entries; i++)
		wider[2 * i] = wider[2 * i + 1] = x->directory[i];
	free(x->directory);
	x->directory = wider;
	x->bytes += entries * sizeof(*wider);
	x->depth++;
}

/* The directory's entries that lead to the segment of `tag`, in turn, now lead to `to`. */
static void point_to(struct table_index *x, uint32_t tag, uint32_t depth, struct table_way to)
{
	uint32_t first = depth == 0 ? 0 : tag >> (32 - depth) << (x->depth - depth);
	uint32_t count = UINT32_C(1) << (x->depth - depth);
	for (uint32_t i = 0; i < count; i++)
		x->directory[first + i] = to;
}

/* What some lines hold, on its way to other lines: the owner knows the tags. */
struct move {
	uint32_t ids[table_index_tags_max];
	uint32_t tags[table_index_tags_max];
	uint32_t lines[table_index_tags_max];
	uint8_t places[table_index_tags_max];
	uint32_t count;
};

enum { lines_at_once = table_index_tags_max / table_line_ids };

static void read_lines(
	const struct table_index *x, const struct table_way *from, uint32_t at, struct move *m)
{
	m->count = 0;
	for (uint32_t end = at + lines_at_once; at < end && at <= from->mask; at++) {
		const struct table_line *l = &from->lines[at];
		for (uint32_t used = l->used; used != 0; used &= used - 1) {
			uint32_t place = (uint32_t)__builtin_ctz(used);
			m->lines[m->count] = at;
			m->places[m->count] = (uint8_t)place;
			m->ids[m->count++] = l->ids[place];
		}
	}
	x->tags_of(x, m->ids, m->count, m->tags);
}

static void grow_segment(struct table_index *x, struct table_way from, uint32_t tag)
{
	struct table_segment old = x->segments[from.segment];
	struct table_way to = segment_open(x, from.segment, (from.mask + 1) * 2, old.depth, tag);
	for (uint32_t at = 0; at <= from.mask; at += lines_at_once) {
		struct move m;
		read_lines(x, &from, at, &m);
		for (uint32_t i = 0; i < m.count; i++)
			table_index_put(x, &to, m.tags[i], m.ids[i]);
	}
	point_to(x, tag, old.depth, to);
	lines_give_back(x, from.lines, from.mask, old.is_huge);
}

/*
 * Ids whose tag has `bit` go to `high`. The others keep their places or come nearer to their homes,
 * so that none takes a place that is still to be read (behind the last line it may be read twice).
 */
static void move_high(struct table_index *x, const struct table_way *low,
	const struct table_way *high, uint32_t bit)
{
	for (uint32_t at = 0; at <= low->mask; at += lines_at_once) {
		struct move m;
		read_lines(x, low, at, &m);
		for (uint32_t i = 0; i < m.count; i++) {
			bool is_high = (m.tags[i] & bit) != 0;
			if (!is_high && m.lines[i] == table_index_home(low->mask, m.tags[i]))
				continue;
			take_out(low, m.tags[i], m.lines[i], m.places[i]);
			x->segments[low->segment].count--;
			table_index_put(x, is_high ? high : low, m.tags[i], m.ids[i]);
		}
	}
}

static void split_segment(struct table_index *x, struct table_way low, uint32_t tag)
{
	uint32_t lines = low.mask + 1, depth = x->segments[low.segment].depth + 1;
	if (depth > x->depth)
		double_directory(x);
	uint32_t bit = UINT32_C(1) << (32 - depth);
	struct table_way high = segment_open(x, add_segment(x), lines, depth, tag | bit);
	struct table_segment *s = &x->segments[low.segment];
	s->depth = depth;
	s->count_max = count_max_of(lines, depth, tag & ~bit);
	move_high(x, &low, &high, bit);
	point_to(x, tag | bit, depth, high);
}

void table_index_insert(struct table_index *x, uint32_t tag, uint32_t id)
{
	struct table_way way = *table_index_way(x, tag);
	while (x->segments[way.segment].count >= x->segments[way.segment].count_max) {
		/* Keys that all hash alike cannot be told apart by more bits. */
		if (way.mask + 1 < x->lines_max || x->segments[way.segment].depth >= depth_max)
			grow_segment(x, way, tag);
		else
			split_segment(x, way, tag);
		x->moves++;
		way = *table_index_way(x, tag);
	}
	table_index_put(x, &way, tag, id);
	x->count++;
}

/* The place of the id in a line; table_line_ids: it is not there. */
static uint32_t place_of(const struct table_line *l, uint32_t tag, uint32_t id)
{
	for (uint32_t m = table_line_match(l, tag); m != 0; m &= m - 1)
		if (l->ids[__builtin_ctz(m)] == id)
			return (uint32_t)__builtin_ctz(m);
	return table_line_ids;
}

void table_index_remove(struct table_index *x, uint32_t tag, uint32_t id)
{
	const struct table_way *way = table_index_way(x, tag);
	uint32_t home = table_index_home(way->mask, tag), at = home, place;
	while ((place = place_of(&way->lines[at], tag, id)) == table_line_ids) {
		check(way->lines[at].passed > 0);
		at = (at + 1) & way->mask;
		check(at != home);
	}
	take_out(way, tag, at, place);
	x->segments[way->segment].count--;
	x->count--;
}

size_t table_index_bytes(const struct table_index *x)
{
	return x->bytes + huge_pages_bytes(&x->huge);
}
