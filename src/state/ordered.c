#include "state/ordered.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/type.h"

#include <stdlib.h>

struct node {
	uint128 prefix; /* the first bytes, as a big-endian number: most compares end here */
	const char *bytes; /* slab */
	uint32_t len;
	uint32_t count; /* equal values */
	uint32_t priority;
	uint32_t left; /* or the next free node */
	uint32_t right;
};

/* What is looked for. */
struct probe {
	struct str bytes;
	uint128 prefix;
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

static void reserve_node(struct ordered *o)
{
	if (o->free_node != 0 || o->node_count < o->node_capacity)
		return;
	check(o->node_capacity < UINT32_MAX / 2);
	uint32_t capacity = o->node_capacity * 2;
	struct node *nodes = realloc(o->nodes, capacity * sizeof(*nodes));
	check(nodes != NULL);
	o->nodes = nodes;
	o->node_capacity = capacity;
}

static uint128 prefix_of(struct str bytes)
{
	unsigned char first[16] = {0};
	uint64_t high, low;
	memcpy(first, bytes.data, bytes.len < sizeof(first) ? bytes.len : sizeof(first));
	memcpy(&high, first, sizeof(high));
	memcpy(&low, first + sizeof(high), sizeof(low));
	return (uint128)__builtin_bswap64(high) << 64 | __builtin_bswap64(low);
}

static uint32_t new_node(struct ordered *o, const struct probe *p, uint32_t priority)
{
	uint32_t n = o->free_node;
	if (n != 0)
		o->free_node = o->nodes[n].left;
	else
		n = o->node_count++;
	check(p->bytes.len <= UINT32_MAX);
	o->nodes[n] = (struct node){.prefix = p->prefix,
		.bytes = slab_copy(o->slab, p->bytes.data, p->bytes.len),
		.len = (uint32_t)p->bytes.len,
		.count = 1,
		.priority = priority};
	return n;
}

static void drop_node(struct ordered *o, uint32_t n)
{
	struct node *node = &o->nodes[n];
	slab_free(o->slab, (void *)(uintptr_t)node->bytes, node->len);
	*node = (struct node){.left = o->free_node};
	o->free_node = n;
}

static int compare(const struct ordered *o, const struct probe *p, uint32_t node)
{
	const struct node *n = &o->nodes[node];
	if (p->prefix != n->prefix)
		return p->prefix < n->prefix ? -1 : 1;
	return str_cmp(p->bytes, ordered_bytes(o, node));
}

/*
 * The link that leads to the node with these bytes, or to the place where it would be; *rise is
 * the first on the way whose node has a lower priority than `priority`.
 */
static uint32_t *find_link(struct ordered *o, struct ordered_set *set, const struct probe *p,
	uint32_t priority, uint32_t **rise)
{
	uint32_t *link = &set->root;
	*rise = NULL;
	while (*link != 0) {
		struct node *n = &o->nodes[*link];
		if (*rise == NULL && n->priority < priority)
			*rise = link;
		int c = compare(o, p, *link);
		if (c == 0)
			return link;
		link = c < 0 ? &n->left : &n->right;
	}
	if (*rise == NULL)
		*rise = link;
	return link;
}

/* The tree `node` cut in two: what is below the bytes, and what is above. */
static void split(struct ordered *o, uint32_t node, const struct probe *p, uint32_t *below,
	uint32_t *above)
{
	while (node != 0) {
		struct node *n = &o->nodes[node];
		if (compare(o, p, node) > 0) {
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
	reserve_node(o); /* so that links stay */
	struct probe p = {bytes, prefix_of(bytes)};
	uint32_t priority = next_priority(o), *rise;
	uint32_t *link = find_link(o, set, &p, priority, &rise);
	if (*link != 0) {
		o->nodes[*link].count++;
		return 0;
	}
	uint32_t n = new_node(o, &p, priority), rest = *rise;
	*rise = n;
	split(o, rest, &p, &o->nodes[n].left, &o->nodes[n].right);
	return 0;
}

bool ordered_remove(struct ordered *o, struct ordered_set *set, struct str bytes)
{
	struct probe p = {bytes, prefix_of(bytes)};
	uint32_t *rise, *link = find_link(o, set, &p, 0, &rise), n = *link;
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
