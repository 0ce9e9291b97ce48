#include "state/net_changes.h"

#include "base/arena.h"
#include "base/bounds.h"
#include "base/check.h"
#include "state/group_table.h"

#include <stdlib.h>

struct entry {
	struct str row; /* arena */
	int32_t weight;
	uint32_t next; /* of the key; + 1 */
};

struct net_changes {
	struct slab slab;
	struct group_table keys;
	uint32_t *first; /* by key id: entry + 1 */
	uint32_t first_capacity;
	struct entry *entries;
	uint32_t entry_count;
	uint32_t entry_capacity;
	struct arena arena;
};

/* A table that one large batch made wide is not kept wide for the small ones after it. */
enum { keys_kept_max = 4096 };

struct net_changes *net_changes_open(void)
{
	struct net_changes *n = calloc(1, sizeof(*n));
	check(n != NULL);
	slab_init(&n->slab);
	group_table_init(&n->keys, &n->slab, group_count_max);
	arena_init(&n->arena, 64 * 1024);
	return n;
}

void net_changes_close(struct net_changes *n)
{
	if (n == NULL)
		return;
	group_table_release(&n->keys);
	slab_release(&n->slab);
	arena_release(&n->arena);
	free(n->first);
	free(n->entries);
	free(n);
}

static void reserve(struct net_changes *n)
{
	if (n->keys.id_count > n->first_capacity) {
		uint32_t to = n->keys.entry_capacity;
		n->first = realloc(n->first, to * sizeof(*n->first));
		check(n->first != NULL);
		n->first_capacity = to;
	}
	if (n->entry_count == n->entry_capacity) {
		check(n->entry_capacity < UINT32_MAX / 4);
		uint32_t to = n->entry_capacity * 2 + 256;
		n->entries = realloc(n->entries, to * sizeof(*n->entries));
		check(n->entries != NULL);
		n->entry_capacity = to;
	}
}

int net_changes_add(
	struct net_changes *n, struct str key, struct str row, int weight, struct error *err)
{
	uint32_t id, fresh;
	check(key.data != NULL && row.data != NULL);
	int r = group_table_put(&n->keys, &key, 1, &id, &fresh, err);
	if (r < 0)
		return error_prefix(err, "changes of one batch: ");
	reserve(n);
	if (r > 0)
		n->first[id] = 0;
	uint32_t *link = &n->first[id];
	for (; *link != 0; link = &n->entries[*link - 1].next) {
		struct entry *e = &n->entries[*link - 1];
		if (!str_eq(e->row, row))
			continue;
		e->weight += weight;
		return 0;
	}
	n->entries[n->entry_count++] =
		(struct entry){.row = str_dup(row, &n->arena), .weight = weight};
	*link = n->entry_count;
	return 0;
}

/* The entry from `at` on, of the same key, whose weight has this sign; 0: there is none. */
static uint32_t seek(const struct net_changes *n, uint32_t at, bool negative)
{
	for (; at != 0; at = n->entries[at - 1].next) {
		int32_t weight = n->entries[at - 1].weight;
		if (negative ? weight < 0 : weight > 0)
			return at;
	}
	return 0;
}

/* The row of *at, once per weight; then *at goes on. */
static struct str give(
	const struct net_changes *n, uint32_t *at, uint32_t *given, bool negative)
{
	if (*at == 0)
		return (struct str){NULL, 0};
	const struct entry *e = &n->entries[*at - 1];
	uint32_t times = (uint32_t)(negative ? -e->weight : e->weight);
	if (++*given == times) {
		*given = 0;
		*at = seek(n, e->next, negative);
	}
	return e->row;
}

bool net_changes_next(const struct net_changes *n, struct net_walk *walk, struct net_change *out)
{
	while (walk->was == 0 && walk->is == 0) {
		if (walk->key == n->keys.id_count)
			return false;
		uint32_t first = n->first[walk->key++];
		walk->was = seek(n, first, true);
		walk->is = seek(n, first, false);
	}
	out->was = give(n, &walk->was, &walk->was_given, true);
	out->is = give(n, &walk->is, &walk->is_given, false);
	return true;
}

void net_changes_reset(struct net_changes *n)
{
	uint32_t ids = n->keys.id_count;
	if (ids == 0)
		return;
	group_table_release(&n->keys);
	slab_release(&n->slab);
	slab_init(&n->slab);
	group_table_init(&n->keys, &n->slab, group_count_max);
	n->entry_count = 0;
	arena_reset(&n->arena);
	if (ids <= keys_kept_max)
		return;
	free(n->first);
	free(n->entries);
	n->first = NULL;
	n->entries = NULL;
	n->first_capacity = 0;
	n->entry_capacity = 0;
}

size_t net_changes_bytes(const struct net_changes *n)
{
	return group_table_bytes(&n->keys) + slab_bytes(&n->slab) + n->arena.bytes_held +
		n->first_capacity * sizeof(*n->first) + n->entry_capacity * sizeof(*n->entries);
}
