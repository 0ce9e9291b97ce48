#include "state/ordered.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

struct node {
	const char *bytes; /* slab */
	uint32_t len;
	uint32_t count; /* equal values */
	uint32_t priority;
	uint32_t left; /* or the next free node */
	uint32_t right;
};

struct ordered {
	struct slab *slab;
	struct node *nodes; /* [0] is nobody */
	uint32_t node_count;
	uint32_t node_capacity;
	uint32_t free_node;
	uint64_t random;
};

struct ordered *ordered_open(struct slab *slab)
{
	struct ordered *o = calloc(1, sizeof(*o));
	check(o != NULL);
	o->slab = slab;
	o->node_capacity = 64;
	o->nodes = calloc(o->node_capacity, sizeof(*o->nodes));
	check(o->nodes != NULL);
	o->node_count = 1;
	o->random = UINT64_C(0x9e3779b97f4a7c15);
	return o;
}

void ordered_close(struct ordered *o)
{
	if (o == NULL)
		return;
	free(o->nodes); /* bytes go with the slab */
	free(o);
}

size_t ordered_bytes_held(const struct ordered *o)
{
	return o->node_capacity * sizeof(*o->nodes);
}

static uint32_t next_priority(struct ordered *o)
{
	o->random ^= o->random << 13;
	o->random ^= o->random >> 7;
	o->random ^= o->random << 17;
	return (uint32_t)(o->random >> 32);
}

static uint32_t new_node(struct ordered *o, struct str bytes)
{
	uint32_t n = o->free_node;
	if (n != 0) {
		o->free_node = o->nodes[n].left;
	} else {
		if (o->node_count == o->node_capacity) {
			check(o->node_capacity < UINT32_MAX / 2);
			uint32_t capacity = o->node_capacity * 2;
			struct node *nodes = realloc(o->nodes, capacity * sizeof(*nodes));
			check(nodes != NULL);
			o->nodes = nodes;
			o->node_capacity = capacity;
		}
		n = o->node_count++;
	}
	check(bytes.len <= UINT32_MAX);
	o->nodes[n] = (struct node){.bytes = slab_copy(o->slab, bytes.data, bytes.len),
		.len = (uint32_t)bytes.len,
		.count = 1,
		.priority = next_priority(o)};
	return n;
}

static void drop_node(struct ordered *o, uint32_t n)
{
	struct node *node = &o->nodes[n];
	slab_free(o->slab, (void *)(uintptr_t)node->bytes, node->len);
	*node = (struct node){.left = o->free_node};
	o->free_node = n;
}

static int compare(const struct ordered *o, struct str bytes, uint32_t node)
{
	return str_cmp(bytes, ordered_bytes(o, node));
}

/* The link that leads to the node with these bytes, or to the place where it would be. */
static uint32_t *find_link(struct ordered *o, struct ordered_set *set, struct str bytes)
{
	uint32_t *link = &set->root;
	while (*link != 0) {
		int c = compare(o, bytes, *link);
		if (c == 0)
			return link;
		link = c < 0 ? &o->nodes[*link].left : &o->nodes[*link].right;
	}
	return link;
}

/* The tree `node` cut in two: what is below `bytes`, and what is above. */
static void split(
	struct ordered *o, uint32_t node, struct str bytes, uint32_t *below, uint32_t *above)
{
	while (node != 0) {
		struct node *n = &o->nodes[node];
		if (compare(o, bytes, node) > 0) {
			*below = node;
			below = &n->right;
			node = n->right;
		} else {
			*above = node;
			above = &n->left;
			node = n->left;
		}
	}
	*below = 0;
	*above = 0;
}

/* One tree of two, all of `below` before all of `above`. */
static void join(struct ordered *o, uint32_t below, uint32_t above, uint32_t *link)
{
	while (below != 0 && above != 0) {
		if (o->nodes[below].priority > o->nodes[above].priority) {
			*link = below;
			link = &o->nodes[below].right;
			below = *link;
		} else {
			*link = above;
			link = &o->nodes[above].left;
			above = *link;
		}
	}
	*link = below != 0 ? below : above;
}

int ordered_add(struct ordered *o, struct ordered_set *set, struct str bytes, struct error *err)
{
	if (set->count >= collect_elements_max)
		return error_set(err, CDCL_E_DATA,
			"a group holds more than %d values: the state is bounded",
			(int)collect_elements_max);
	set->count++;
	uint32_t *link = find_link(o, set, bytes);
	if (*link != 0) {
		o->nodes[*link].count++;
		return 0;
	}
	uint32_t n = new_node(o, bytes); /* nodes may have moved: links are looked for anew */
	link = &set->root;
	while (*link != 0 && o->nodes[*link].priority >= o->nodes[n].priority)
		link = compare(o, bytes, *link) < 0 ? &o->nodes[*link].left
						    : &o->nodes[*link].right;
	uint32_t rest = *link;
	*link = n;
	split(o, rest, bytes, &o->nodes[n].left, &o->nodes[n].right);
	return 0;
}

bool ordered_remove(struct ordered *o, struct ordered_set *set, struct str bytes)
{
	uint32_t *link = find_link(o, set, bytes), n = *link;
	if (n == 0)
		return false;
	set->count--;
	if (--o->nodes[n].count > 0)
		return true;
	join(o, o->nodes[n].left, o->nodes[n].right, link);
	drop_node(o, n);
	return true;
}

void ordered_clear(struct ordered *o, struct ordered_set *set)
{
	while (set->root != 0) {
		uint32_t n = set->root;
		join(o, o->nodes[n].left, o->nodes[n].right, &set->root);
		drop_node(o, n);
	}
	set->count = 0;
}

/* ---- looking ---- */

struct str ordered_bytes(const struct ordered *o, uint32_t node)
{
	return (struct str){o->nodes[node].bytes, o->nodes[node].len};
}

uint32_t ordered_count(const struct ordered *o, uint32_t node)
{
	return o->nodes[node].count;
}

uint32_t ordered_first(const struct ordered *o, const struct ordered_set *set)
{
	uint32_t n = set->root;
	while (n != 0 && o->nodes[n].left != 0)
		n = o->nodes[n].left;
	return n;
}

uint32_t ordered_last(const struct ordered *o, const struct ordered_set *set)
{
	uint32_t n = set->root;
	while (n != 0 && o->nodes[n].right != 0)
		n = o->nodes[n].right;
	return n;
}

static void go_left(struct ordered_walk *w, uint32_t node)
{
	for (; node != 0; node = w->ordered->nodes[node].left) {
		check(w->depth < ordered_depth_max); /* of random priorities: about 40 */
		w->path[w->depth++] = node;
	}
}

void ordered_walk_start(
	struct ordered_walk *w, const struct ordered *o, const struct ordered_set *set)
{
	w->ordered = o;
	w->depth = 0;
	go_left(w, set->root);
}

uint32_t ordered_walk_next(struct ordered_walk *w)
{
	if (w->depth == 0)
		return 0;
	uint32_t n = w->path[--w->depth];
	go_left(w, w->ordered->nodes[n].right);
	return n;
}
