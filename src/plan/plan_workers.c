#include "plan/plan_workers.h"

/* With its columns change the steps, which workers have too. */
bool plan_source_may_widen(const struct plan_node *n)
{
	const struct envelope_config *e = n->kind == PLAN_SOURCE ? n->envelope : NULL;
	return e != NULL && e->schema_auto && e->on_schema_change == SCHEMA_CHANGE_ADD;
}

bool plan_node_in_workers(const struct plan_node *n)
{
	switch (n->kind) {
	case PLAN_SOURCE:
		return !plan_source_may_widen(n);
	case PLAN_PROJECT:
	case PLAN_FILTER:
	case PLAN_MAP:
	case PLAN_FLAT_MAP:
	case PLAN_UNION:
		break;
	case PLAN_LIMIT:
	case PLAN_GROUP:
	case PLAN_ORDER:
	case PLAN_MERGE:
	case PLAN_TOP:
	case PLAN_JOIN:
	case plan_kind_count:
		return false;
	}
	for (uint32_t i = 0; i < n->input_count; i++)
		if (!plan_node_in_workers(n->inputs[i]))
			return false;
	return true;
}

bool plan_source_in_one_worker(const struct plan_node *n)
{
	return n->kind == PLAN_SOURCE && n->envelope != NULL && !n->raw;
}

bool plan_uses_workers(const struct plan *p)
{
	for (uint32_t i = 0; p->workers > 1 && i < p->node_count; i++)
		if (p->nodes[i]->kind == PLAN_SOURCE && plan_node_in_workers(p->nodes[i]))
			return true;
	return false;
}
