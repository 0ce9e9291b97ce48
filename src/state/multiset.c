#include "state/multiset.h"

#include "base/bounds.h"
#include "base/check.h"

#include <stdlib.h>

struct node {
	uint32_t value; /* id in values */
	uint32_t previous;
	uint32_t next;
	uint32_t next_same; /* or the next free node */
};

struct chain {
	uint32_t oldest;
	uint32_t newest;
};

struct multiset {
	struct group_table values;
	struct chain *chains; /* by value id */
	uint32_t chain_capacity;
	struct node *nodes; /* [0] is nobody */
	uint32_t node_count;
	uint32_t node_capacity;
	uint32_t free_node;
	struct strbuf key;
};

struct multiset *multiset_open(struct slab *slab)
{
	struct multiset *m = calloc(1, sizeof(*m));
	check(m != NULL);
	group_table_init(&m->values, slab, group_count_max);
	m->node_capacity = 64;
	m->nodes = calloc(m->node_capacity, sizeof(*m->nodes));
	check(m->nodes != NULL);
	m->node_count = 1;
	strbuf_init(&m->key);
	return m;
}

void multiset_close(struct multiset *m)
{
	if (m == NULL)
		return;
	group_table_release(&m->values);
	strbuf_release(&m->key);
	free(m->chains);
	free(m->nodes);
	free(m);
}

size_t multiset_bytes_held(const struct multiset *m)
{
	return group_table_bytes(&m->values) + m->chain_capacity * sizeof(*m->chains) +
		m->node_capacity * sizeof(*m->nodes);
}

static struct str make_key(struct multiset *m, uint32_t group, struct str bytes)
{
	strbuf_reset(&m->key);
	strbuf_add(&m->key, (struct str){(const char *)&group, sizeof(group)});
	strbuf_add(&m->key, bytes);
	return strbuf_str(&m->key);
}

static uint32_t new_node(struct multiset *m)
{
	uint32_t n = m->free_node;
	if (n != 0) {
		m->free_node = m->nodes[n].next_same;
		return n;
	}
	if (m->node_count == m->node_capacity) {
		check(m->node_capacity < UINT32_MAX / 2);
		uint32_t capacity = m->node_capacity * 2;
		struct node *nodes = realloc(m->nodes, capacity * sizeof(*nodes));
		check(nodes != NULL);
		m->nodes = nodes;
		m->node_capacity = capacity;
	}
	return m->node_count++;
}

static void reserve_chains(struct multiset *m)
{
	if (m->values.id_count <= m->chain_capacity)
		return;
	uint32_t capacity = m->values.entry_capacity;
	struct chain *chains = realloc(m->chains, capacity * sizeof(*chains));
	check(chains != NULL);
	memset(chains + m->chain_capacity, 0, (capacity - m->chain_capacity) * sizeof(*chains));
	m->chains = chains;
	m->chain_capacity = capacity;
}

int multiset_add(struct multiset *m, struct multiset_list *list, uint32_t group, struct str bytes,
	struct error *err)
{
	if (list->count >= collect_elements_max)
		return error_set(err, CDCL_E_DATA,
			"a group holds more than %d values: the state is bounded",
			(int)collect_elements_max);
	struct str key = make_key(m, group, bytes);
	uint32_t id, fresh;
	int r = group_table_put(&m->values, &key, 1, &id, &fresh, err);
	if (r < 0)
		return r;
	reserve_chains(m);
	uint32_t n = new_node(m);
	struct chain *chain = &m->chains[id];
	m->nodes[n] = (struct node){.value = id, .previous = list->last};
	if (r > 0)
		chain->oldest = n;
	else
		m->nodes[chain->newest].next_same = n;
	chain->newest = n;
	if (list->last != 0)
		m->nodes[list->last].next = n;
	else
		list->first = n;
	list->last = n;
	list->count++;
	return 0;
}

bool multiset_remove(
	struct multiset *m, struct multiset_list *list, uint32_t group, struct str bytes)
{
	uint32_t id = group_table_find(&m->values, make_key(m, group, bytes));
	if (id == group_none)
		return false;
	struct chain *chain = &m->chains[id];
	uint32_t n = chain->oldest;
	struct node *node = &m->nodes[n];
	if (node->previous != 0)
		m->nodes[node->previous].next = node->next;
	else
		list->first = node->next;
	if (node->next != 0)
		m->nodes[node->next].previous = node->previous;
	else
		list->last = node->previous;
	list->count--;
	chain->oldest = node->next_same;
	if (chain->oldest == 0)
		group_table_remove(&m->values, id);
	node->next_same = m->free_node;
	m->free_node = n;
	return true;
}

uint32_t multiset_next(const struct multiset *m, uint32_t node)
{
	return m->nodes[node].next;
}

struct str multiset_bytes(const struct multiset *m, uint32_t node)
{
	struct str key = group_table_key(&m->values, m->nodes[node].value);
	return (struct str){key.data + sizeof(uint32_t), key.len - sizeof(uint32_t)};
}
