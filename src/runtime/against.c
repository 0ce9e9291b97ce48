#include "runtime/against.h"

#include "base/check.h"
#include "data/dead_letter.h"
#include "ops/operator.h"
#include "runtime/state_sources.h"

#include <stdlib.h>

/* The steps that keep something, without what is around them. */
struct keepers {
	struct operator **operators;
	uint32_t count;
	struct state_part *parts[checkpoint_parts_max];
	uint32_t part_count;
	struct dead_letters dead;
	struct batch batch;
};

/* Steps that no sink sees are not made, and keep nothing. */
static void mark(const struct plan_node *node, bool *used)
{
	if (used[node->id])
		return;
	used[node->id] = true;
	for (uint32_t i = 0; i < node->input_count; i++)
		mark(node->inputs[i], used);
}

static bool *used_nodes(const struct plan *plan, struct arena *arena)
{
	bool *used = ARENA_ARRAY(arena, bool, plan->node_count + 1);
	memset(used, 0, plan->node_count);
	for (uint32_t i = 0; i < plan->sink_count; i++)
		mark(plan->sinks[i].input, used);
	return used;
}

static bool keeps(const struct plan_node *n)
{
	return n->kind == PLAN_MERGE || (n->kind == PLAN_GROUP && !plan_node_follows_table(n));
}

static int open_keepers(
	struct keepers *k, const struct plan *plan, const bool *used, struct error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < plan->node_count && r >= 0; i++) {
		if (!used[i] || !keeps(plan->nodes[i]))
			continue;
		struct operator *op = operator_open(
			plan->nodes[i], OUTPUT_APPEND, &k->dead, &k->batch, err);
		if (op == NULL)
			return -(int)err->code;
		k->operators[k->count++] = op;
		if (op->ops->parts != NULL)
			r = op->ops->parts(op, k->parts + k->part_count,
				checkpoint_parts_max - k->part_count, err);
		k->part_count += r > 0 ? (uint32_t)r : 0;
	}
	return r < 0 ? r : 0;
}

static void add(struct against *out, const struct checkpoint_verdict *v, struct arena *arena)
{
	out->refused = out->refused || v->verdict == STATE_REFUSE;
	out->verdicts[out->count++] = (struct checkpoint_verdict){
		str_dup(v->name, arena), v->verdict, str_dup(v->why, arena)};
}

static void add_rebuilt(struct against *out, const struct plan *plan, const bool *used,
	struct arena *arena)
{
	static const char *const names[plan_kind_count] = {
		[PLAN_GROUP] = "group", [PLAN_TOP] = "top", [PLAN_JOIN] = "join"};
	for (uint32_t i = 0; i < plan->node_count; i++) {
		const struct plan_node *n = plan->nodes[i];
		if (!used[i] || !plan_node_follows_table(n))
			continue;
		struct checkpoint_verdict v = {
			str_printf(arena, "%s at " STR_FMT, names[n->kind], STR_ARG(n->place)),
			STATE_REBUILD, str_lit("computed again from its table")};
		add(out, &v, arena);
	}
}

static int compare(struct keepers *k, struct plan *plan, const char *folder, const bool *used,
	struct arena *arena, struct against *out, struct error *err)
{
	struct checkpoint_config config = {.path = folder, .job = plan->job_name};
	const struct checkpoint_found *found;
	struct state_sources sources;
	int r = open_keepers(k, plan, used, err);
	struct checkpoint *c =
		r < 0 ? NULL : checkpoint_compare(&config, k->parts, k->part_count, &found, err);
	if (c == NULL)
		return -(int)err->code;
	state_sources_init(&sources, plan, arena);
	state_sources_match(&sources, found, arena);
	out->verdicts = ARENA_ARRAY(arena, struct checkpoint_verdict,
		sources.verdict_count + found->verdict_count + plan->node_count + 1);
	for (uint32_t i = 0; i < sources.verdict_count; i++)
		add(out, &sources.verdicts[i], arena);
	out->source_count = out->count;
	for (uint32_t i = 0; i < found->verdict_count; i++)
		add(out, &found->verdicts[i], arena);
	add_rebuilt(out, plan, used, arena);
	checkpoint_close(c, NULL);
	return 0;
}

int against_checkpoint(struct plan *plan, const char *folder, struct arena *arena,
	struct against *out, struct error *err)
{
	struct keepers *k = calloc(1, sizeof(*k));
	check(k != NULL);
	*out = (struct against){.count = 0};
	k->operators = ARENA_ARRAY(arena, struct operator *, plan->node_count + 1);
	dead_letters_init(&k->dead, &clock_system);
	int r = compare(k, plan, folder, used_nodes(plan, arena), arena, out, err);
	for (uint32_t i = 0; i < k->count; i++)
		operator_close(k->operators[i]);
	free(k);
	return r;
}
