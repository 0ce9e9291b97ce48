#include "state/table_index.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum { depth_max = 24, small_segments = 8 };

static uint64_t slot_of(uint32_t tag, uint32_t id)
{
	return (uint64_t)tag << 32 | (id + 1);
}

/* `tag` is one of those that lead to the segment. */
static struct table_segment *segment_open(
	struct table_index *x, uint32_t slots, uint32_t depth, uint32_t tag)
{
	struct table_segment *s = malloc(sizeof(*s));
	check(s != NULL);
	*s = (struct table_segment){.mask = slots - 1, .depth = depth};
	uint32_t prefix = depth == 0 ? 0 : tag >> (32 - depth);
	uint32_t spread = (prefix + depth) * UINT32_C(0x9E3779B1) >> 16;
	s->count_max = slots / 8 * 5 + (uint32_t)((uint64_t)(slots / 4) * spread >> 16);
	s->is_huge = x->segment_count >= small_segments && slots == table_segment_slots_max;
	s->slots = s->is_huge ? huge_pages_take(&x->huge) : calloc(slots, sizeof(*s->slots));
	check(s->slots != NULL);
	x->segment_count++;
	x->bytes += sizeof(*s) + (s->is_huge ? 0 : slots * sizeof(*s->slots));
	return s;
}

static void segment_close(struct table_index *x, struct table_segment *s)
{
	x->segment_count--;
	x->bytes -= sizeof(*s);
	if (s->is_huge) {
		huge_pages_give_back(&x->huge, s->slots);
	} else {
		x->bytes -= ((size_t)s->mask + 1) * sizeof(*s->slots);
		free(s->slots);
	}
	free(s);
}

static void segment_put(struct table_segment *s, uint64_t slot)
{
	uint32_t at = table_index_home(s, (uint32_t)(slot >> 32));
	while (s->slots[at] != 0)
		at = (at + 1) & s->mask;
	s->slots[at] = slot;
	s->count++;
}

void table_index_init(struct table_index *x, uint32_t slots_max)
{
	check(slots_max >= table_segment_slots_min && (slots_max & (slots_max - 1)) == 0);
	*x = (struct table_index){.slots_max = slots_max};
	huge_pages_init(&x->huge, table_segment_slots_max * sizeof(uint64_t));
	x->directory = malloc(sizeof(*x->directory));
	check(x->directory != NULL);
	x->bytes = sizeof(*x->directory);
	x->directory[0] = segment_open(x, table_segment_slots_min, 0, 0);
}

void table_index_release(struct table_index *x)
{
	if (x->directory == NULL)
		return;
	size_t entries = (size_t)1 << x->depth;
	for (size_t i = 0; i < entries;) {
		struct table_segment *s = x->directory[i];
		i += (size_t)1 << (x->depth - s->depth);
		segment_close(x, s);
	}
	huge_pages_release(&x->huge);
	free(x->directory);
	*x = (struct table_index){0};
}

static void double_directory(struct table_index *x)
{
	size_t entries = (size_t)1 << x->depth;
	struct table_segment **wider = malloc(entries * 2 * sizeof(struct table_segment *));
	check(wider != NULL);
	for (size_t i = 0; i < entries; i++)
		wider[2 * i] = wider[2 * i + 1] = x->directory[i];
	free(x->directory);
	x->directory = wider;
	x->bytes += entries * sizeof(*wider);
	x->depth++;
}

/* The directory's entries that lead to the segment of `tag`, in turn, now lead to `to`. */
static void point_to(struct table_index *x, uint32_t tag, uint32_t depth, struct table_segment *to)
{
	uint32_t first = depth == 0 ? 0 : tag >> (32 - depth) << (x->depth - depth);
	uint32_t count = UINT32_C(1) << (x->depth - depth);
	for (uint32_t i = 0; i < count; i++)
		x->directory[first + i] = to;
}

/* Twice as many slots as ids: a segment is full at 5/8 of them at the earliest. */
void table_index_reserve(struct table_index *x, uint32_t count)
{
	check(x->count == 0);
	uint32_t slots = table_segment_slots_min, depth = 0;
	while (slots < x->slots_max && slots / 2 < count)
		slots *= 2;
	while (depth < depth_max && ((uint64_t)slots << depth) / 2 < count)
		depth++;
	uint32_t slots_max = x->slots_max;
	table_index_release(x);
	size_t entries = (size_t)1 << depth;
	*x = (struct table_index){.slots_max = slots_max, .depth = depth};
	huge_pages_init(&x->huge, table_segment_slots_max * sizeof(uint64_t));
	x->huge.has_time = true;
	x->directory = malloc(entries * sizeof(struct table_segment *));
	check(x->directory != NULL);
	x->bytes = entries * sizeof(struct table_segment *);
	for (uint32_t i = 0; i < entries; i++)
		x->directory[i] =
			segment_open(x, slots, depth, depth == 0 ? 0 : i << (32 - depth));
	x->huge.has_time = false;
}

static void grow_segment(struct table_index *x, struct table_segment *s, uint32_t tag)
{
	struct table_segment *wider = segment_open(x, (s->mask + 1) * 2, s->depth, tag);
	for (uint32_t i = 0; i <= s->mask; i++)
		if (s->slots[i] != 0)
			segment_put(wider, s->slots[i]);
	point_to(x, tag, s->depth, wider);
	segment_close(x, s);
}

static void split_segment(struct table_index *x, struct table_segment *s, uint32_t tag)
{
	if (s->depth == x->depth)
		double_directory(x);
	uint32_t bit = UINT32_C(1) << (31 - s->depth);
	struct table_segment *low = segment_open(x, s->mask + 1, s->depth + 1, tag & ~bit);
	struct table_segment *high = segment_open(x, s->mask + 1, s->depth + 1, tag | bit);
	for (uint32_t i = 0; i <= s->mask; i++)
		if (s->slots[i] != 0)
			segment_put(s->slots[i] >> 32 & bit ? high : low, s->slots[i]);
	point_to(x, tag & ~bit, s->depth + 1, low);
	point_to(x, tag | bit, s->depth + 1, high);
	segment_close(x, s);
}

void table_index_insert(struct table_index *x, uint32_t tag, uint32_t id)
{
	struct table_segment *s = table_index_segment(x, tag);
	while (s->count >= s->count_max) {
		/* Keys that all hash alike cannot be told apart by more bits. */
		if (s->mask + 1 < x->slots_max || s->depth >= depth_max)
			grow_segment(x, s, tag);
		else
			split_segment(x, s, tag);
		s = table_index_segment(x, tag);
	}
	segment_put(s, slot_of(tag, id));
	x->count++;
}

/* Those after the gap that would be found no more move into it. */
static void close_gap(struct table_segment *s, uint32_t gap)
{
	for (uint32_t at = (gap + 1) & s->mask; s->slots[at] != 0; at = (at + 1) & s->mask) {
		uint32_t home = table_index_home(s, (uint32_t)(s->slots[at] >> 32));
		if (((at - home) & s->mask) < ((at - gap) & s->mask))
			continue;
		s->slots[gap] = s->slots[at];
		gap = at;
	}
	s->slots[gap] = 0;
}

void table_index_remove(struct table_index *x, uint32_t tag, uint32_t id)
{
	struct table_segment *s = table_index_segment(x, tag);
	uint32_t at = table_index_home(s, tag);
	while (s->slots[at] != slot_of(tag, id)) {
		check(s->slots[at] != 0);
		at = (at + 1) & s->mask;
	}
	close_gap(s, at);
	s->count--;
	x->count--;
}
