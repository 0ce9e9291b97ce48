/* top(n, by), of a Table or of its groups. */

#include "plan/plan_build.h"

#include "base/bounds.h"

static int check_count(int64_t count, struct str place, struct error *err)
{
	if (count >= 1 && count <= top_rows_max)
		return 0;
	error_set(err, CDCL_E_SCRIPT, "top keeps from 1 to %d rows of a group, not %lld",
		(int)top_rows_max, (long long)count);
	return error_at(err, STR_FMT, STR_ARG(place));
}

static int add_keys(struct plan *p, const struct plan_node *in, struct top_plan *top,
	struct str text, struct str place, struct error *err)
{
	struct expr_scope scope = plan_scope(p, in, place);
	struct expr **list;
	uint32_t count;
	int r = expr_compile_list(str_dup(text, p->arena), &scope, p->arena, &list, &count, err);
	if (r < 0)
		return r;
	if (top->key_count + count > sql_arguments_max) {
		error_set(err, CDCL_E_SCRIPT, "group_by takes at most %d keys",
			(int)sql_arguments_max);
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	memcpy(top->keys + top->key_count, list, count * sizeof(struct expr *));
	top->key_count += count;
	return 0;
}

struct plan_node *plan_top(struct plan *p, struct plan_node *in, const struct str *keys,
	uint32_t key_count, int64_t count, struct str by, struct str place, struct error *err)
{
	if (!in->is_table) {
		error_set(err, CDCL_E_SCRIPT,
			"top works on a Table; this is a Stream, whose rows have no current state");
		error_help(err, "put merge { ... }, or group_by and agg, before it");
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	if (check_count(count, place, err) < 0 || plan_check_changes(in, "top", place, err) < 0)
		return NULL;
	struct top_plan *top = ARENA_NEW(p->arena, struct top_plan);
	top->count = (uint32_t)count;
	top->keys = ARENA_ARRAY(p->arena, struct expr *, sql_arguments_max);
	for (uint32_t i = 0; i < key_count; i++)
		if (add_keys(p, in, top, keys[i], place, err) < 0)
			return NULL;
	if (plan_sort_keys(p, in, "top", &by, 1, place, &top->by, &top->by_count, err) < 0)
		return NULL;
	struct plan_node *n = plan_node_add(p, PLAN_TOP, &in, 1, place, err);
	if (n != NULL)
		n->top = top;
	return n;
}
