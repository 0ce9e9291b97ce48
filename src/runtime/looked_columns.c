#include "runtime/looked_columns.h"

#include "base/bounds.h"
#include "runtime/state_sources.h"
#include "state/kept_columns.h"

static bool asks_same(const struct kept_columns *k, enum envelope_kind asked, struct str table)
{
	return k->asked == asked && str_eq(k->table, table);
}

static const struct kept_columns *find(const struct kept_columns *list, uint32_t count,
	const struct peek_request *q, struct str reads)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_eq(list[i].reads, reads) && asks_same(&list[i], q->envelope, q->table))
			return &list[i];
	for (uint32_t i = 0; i < count; i++)
		if (state_source_shares(list[i].reads, reads) &&
			asks_same(&list[i], q->envelope, q->table))
			return &list[i];
	return NULL;
}

int looked_columns_find(const struct peek_request *q, struct str folder, struct arena *arena,
	struct envelope_sample *out, struct error *err)
{
	struct kept_columns *list;
	uint32_t count;
	struct strbuf reads;
	int r = kept_columns_read(str_dup(folder, arena).data, arena, &list, &count, err);
	if (r < 0 || count == 0)
		return r;
	strbuf_init(&reads);
	state_source_reads(q->source, &reads);
	const struct kept_columns *found = find(list, count, q, strbuf_str(&reads));
	strbuf_release(&reads);
	if (found != NULL)
		*out = found->sample;
	return found != NULL;
}

static bool has(const struct kept_columns *list, uint32_t count, const struct kept_columns *k)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_eq(list[i].reads, k->reads) && asks_same(&list[i], k->asked, k->table))
			return true;
	return false;
}

static uint32_t gather(const struct plan *plan, struct kept_columns *list)
{
	uint32_t count = 0;
	struct strbuf reads;
	strbuf_init(&reads);
	for (const struct plan_looked *l = plan->looked; l != NULL; l = l->next) {
		strbuf_reset(&reads);
		state_source_reads(&l->source, &reads);
		struct kept_columns k = {.reads = str_dup(strbuf_str(&reads), plan->arena),
			.asked = l->asked,
			.table = l->table,
			.sample = l->sample};
		if (count < plan_nodes_max && !has(list, count, &k))
			list[count++] = k;
	}
	strbuf_release(&reads);
	return count;
}

int looked_columns_keep(const struct plan *plan, struct error *err)
{
	size_t most = 1;
	for (const struct plan_looked *l = plan->looked; l != NULL; l = l->next)
		most++;
	struct kept_columns *list = ARENA_ARRAY(plan->arena, struct kept_columns, most);
	uint32_t count = gather(plan, list);
	return kept_columns_write(
		str_dup(plan->checkpoint, plan->arena).data, list, count, err);
}
