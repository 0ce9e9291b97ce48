/* group_by + agg. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"
#include "expr/row_function.h"

static int check_calls(const struct plan_node *in, const struct aggregate_plan *g, struct str place,
	struct error *err)
{
	for (uint32_t i = 0; i < g->call_count && in->is_table; i++) {
		const struct custom_aggregate *c = g->calls[i].custom;
		if (c == NULL || c->has_retract)
			continue;
		error_set(err, CDCL_E_SCRIPT,
			"the aggregate \"" STR_FMT "\" has no `retract`, which it needs here: a "
			"group_by on a Table takes back rows that change",
			STR_ARG(c->name));
		error_help(err, "give cdcl.aggregate a retract = function(state, row) ... end");
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	return 0;
}

struct plan_node *plan_group(struct plan *p, struct plan_node *in, const struct str *keys,
	uint32_t key_count, const struct aggregate_source *aggregates, uint32_t aggregate_count,
	struct str place, struct error *err)
{
	if (plan_check_changes(in, "group_by", place, err) < 0)
		return NULL;
	struct expr_scope scope = plan_scope(p, in, place);
	struct str *key_texts = ARENA_ARRAY(p->arena, struct str, key_count + 1);
	for (uint32_t i = 0; i < key_count; i++)
		key_texts[i] = str_dup(keys[i], p->arena);
	struct aggregate_source *sources =
		ARENA_ARRAY(p->arena, struct aggregate_source, aggregate_count + 1);
	for (uint32_t i = 0; i < aggregate_count; i++) {
		sources[i] = aggregates[i];
		sources[i].text = str_dup(aggregates[i].text, p->arena);
	}
	struct aggregate_plan *g = NULL;
	if (aggregate_compile(
		    key_texts, key_count, sources, aggregate_count, &scope, p->arena, &g, err) < 0)
		return NULL;
	if (check_calls(in, g, place, err) < 0)
		return NULL;
	struct plan_node *n = plan_node_add(p, PLAN_GROUP, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	n->group = g;
	n->schema = g->schema;
	struct row_key *key = ARENA_NEW(p->arena, struct row_key);
	if (g->key_count <= row_key_columns_max) {
		for (uint32_t i = 0; i < g->key_count; i++)
			key->columns[key->count++] = i;
		n->key = key;
	} else {
		n->key = NULL;
	}
	n->is_table = true;
	return n;
}
