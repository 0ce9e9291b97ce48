#include "cli/show.h"

#include "base/arena.h"

enum { show_rows = 20 };

static struct plan_node *find_table(const struct plan *plan, struct str name)
{
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->kind == PLAN_MERGE &&
			str_eq(plan->nodes[i]->merge->name, name))
			return plan->nodes[i];
	return NULL;
}

static int no_table(const struct plan *plan, struct str name, struct error *err)
{
	struct str *names = ARENA_ARRAY(plan->arena, struct str, plan->node_count + 1);
	uint32_t count = 0;
	for (uint32_t i = 0; i < plan->node_count; i++)
		if (plan->nodes[i]->kind == PLAN_MERGE)
			names[count++] = plan->nodes[i]->merge->name;
	error_set(err, CDCL_E_USAGE, "--show: the job has no table \"" STR_FMT "\"", STR_ARG(name));
	struct str near = str_nearest(name, names, count);
	if (near.data != NULL)
		error_help(err, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
	else if (count > 0)
		error_help(err, "it has \"" STR_FMT "\"%s", STR_ARG(names[0]),
			count > 1 ? " and others" : "");
	else
		error_help(err, "tables come from merge { name = \"...\" }");
	return -(int)CDCL_E_USAGE;
}

int show_table(struct plan *plan, const char *name, struct error *err)
{
	struct plan_node *table = find_table(plan, str_c(name));
	if (table == NULL)
		return no_table(plan, str_c(name), err);
	struct sink_config config = {.kind = SINK_CONSOLE,
		.mode = OUTPUT_COMPLETE,
		.mode_given = true,
		.truncate = true,
		.num_rows = show_rows};
	return plan_sink(plan, table, &config, str_lit("--show"), err);
}
