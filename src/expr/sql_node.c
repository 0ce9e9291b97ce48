#include "expr/sql_node.h"

/* ---- nodes ---- */

struct sql_node *sql_node_open(struct sql_cursor *p, enum sql_kind kind, size_t at)
{
	struct sql_node *n = ARENA_NEW(p->arena, struct sql_node);
	n->kind = kind;
	n->at = at;
	n->inner = -1;
	n->depth = 1;
	return n;
}

int sql_node_close(struct sql_cursor *p, struct sql_node *n)
{
	n->len = p->end > n->at ? p->end - n->at : 1;
	for (uint32_t i = 0; i < n->arg_count; i++)
		if (n->args[i]->depth >= n->depth)
			n->depth = n->args[i]->depth + 1;
	if (n->depth > sql_depth_max)
		return sql_cursor_fail_at(
			p, n->at, 1, "the expression is nested too deeply (more than 200 levels)");
	return 0;
}

int sql_node_call(struct sql_cursor *p, const char *name, size_t at, struct sql_node **args,
	uint32_t count, struct sql_node **out)
{
	struct sql_node *n = sql_node_open(p, SQL_CALL, at);
	n->name = str_c(name);
	n->args = ARENA_ARRAY(p->arena, struct sql_node *, count);
	if (count > 0)
		memcpy(n->args, args, count * sizeof(*args));
	n->arg_count = count;
	*out = n;
	return sql_node_close(p, n);
}

int sql_node_not(struct sql_cursor *p, size_t at, struct sql_node **n)
{
	struct sql_node *arg = *n;
	return sql_node_call(p, "not", at, &arg, 1, n);
}

int sql_node_list_add(struct sql_cursor *p, struct sql_node_list *l, struct sql_node *n)
{
	if (l->count == sql_arguments_max)
		return sql_cursor_fail_at(p, n->at, n->len, "too many arguments (more than 256)");
	l->items[l->count++] = n;
	return 0;
}
