/* select, with, drop_columns, rename: a new list of columns out of the old ones. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"

struct column_list {
	struct expr **exprs;
	struct str *names;
	uint32_t count;
	uint32_t capacity;
};

static void list_init(struct column_list *l, struct arena *arena, uint32_t capacity)
{
	*l = (struct column_list){.capacity = capacity};
	l->exprs = ARENA_ARRAY(arena, struct expr *, capacity + 1);
	l->names = ARENA_ARRAY(arena, struct str, capacity + 1);
}

static void list_add(struct column_list *l, struct expr *e, struct str name)
{
	check(l->count < l->capacity);
	l->exprs[l->count] = e;
	l->names[l->count++] = name;
}

/* The column of the list that is the input's column `column` as it is, or -1. */
static int find_plain(const struct column_list *l, uint32_t column)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (expr_as_column(l->exprs[i]) == (int)column)
			return (int)i;
	return -1;
}

/* A Table keeps its key: what the list leaves out of it goes behind the others, hidden. */
static void keep_key(struct plan *p, struct plan_node *n, const struct plan_node *in,
	const struct column_list *l)
{
	struct row_key *key = ARENA_NEW(p->arena, struct row_key);
	struct schema *s =
		schema_alloc_hidden(p->arena, l->count, in->key == NULL ? 0 : in->key->count);
	struct expr **exprs = ARENA_ARRAY(p->arena, struct expr *, schema_total(s) + 1);
	memcpy(exprs, l->exprs, l->count * sizeof(*exprs));
	uint32_t total = l->count;
	for (uint32_t i = 0; in->key != NULL && i < in->key->count; i++) {
		uint32_t column = in->key->columns[i];
		int plain = find_plain(l, column);
		key->columns[key->count++] = plain >= 0 ? (uint32_t)plain : total;
		if (plain >= 0)
			continue;
		s->columns[total] = in->schema->columns[column];
		exprs[total++] = expr_column(in->schema, column, p->arena);
	}
	s->hidden_count = total - l->count;
	for (uint32_t i = 0; i < l->count; i++)
		s->columns[i] =
			(struct schema_column){l->names[i], expr_type(l->exprs[i])};
	n->schema = s;
	n->exprs = exprs;
	n->key = in->key == NULL ? NULL : key;
}

static struct plan_node *project(struct plan *p, struct plan_node *in, const struct column_list *l,
	struct str place, struct error *err)
{
	if (l->count > schema_columns_max) {
		error_set(err, CDCL_E_SCRIPT, "more than %d columns", (int)schema_columns_max);
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct plan_node *n = plan_node_add(p, PLAN_PROJECT, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	keep_key(p, n, in, l);
	return n;
}

/* All texts compiled, each of which may be a list ("a, b + 1 as c") or `*`. */
static int compile_all(struct plan *p, const struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct column_list *out, struct error *err)
{
	struct expr_scope scope = plan_scope(p, in, place);
	struct expr ***lists = ARENA_ARRAY(p->arena, struct expr **, count + 1);
	uint32_t *counts = ARENA_ARRAY(p->arena, uint32_t, count + 1);
	uint32_t total = 0;
	for (uint32_t i = 0; i < count; i++) {
		int r = expr_compile_list(
			str_dup(texts[i], p->arena), &scope, p->arena, &lists[i], &counts[i], err);
		if (r < 0)
			return r;
		total += counts[i];
	}
	list_init(out, p->arena, total);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < counts[i]; k++)
			list_add(out, lists[i][k], expr_name(lists[i][k]));
	return 0;
}

struct plan_node *plan_select(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err)
{
	struct column_list l;
	if (compile_all(p, in, texts, count, place, &l, err) < 0)
		return NULL;
	return project(p, in, &l, place, err);
}

static void add_column(struct column_list *l, struct plan *p, const struct schema *s, uint32_t i)
{
	list_add(l, expr_column(s, i, p->arena), s->columns[i].name);
}

struct plan_node *plan_with(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err)
{
	struct column_list added;
	if (compile_all(p, in, texts, count, place, &added, err) < 0)
		return NULL;
	struct column_list l;
	list_init(&l, p->arena, in->schema->column_count + added.count);
	for (uint32_t i = 0; i < in->schema->column_count; i++)
		add_column(&l, p, in->schema, i);
	for (uint32_t a = 0; a < added.count; a++) {
		uint32_t replaced = 0;
		for (uint32_t i = 0; i < l.count; i++) {
			if (!str_eq_fold(l.names[i], added.names[a]))
				continue;
			l.exprs[i] = added.exprs[a];
			l.names[i] = added.names[a];
			replaced++;
		}
		if (replaced == 0)
			list_add(&l, added.exprs[a], added.names[a]);
	}
	return project(p, in, &l, place, err);
}

/* A column that replaces one of its name takes its place: the map appends, this puts in order. */
static struct plan_node *put_in_place(struct plan *p, struct plan_node *mapped, uint32_t kept,
	struct str place, struct error *err)
{
	const struct schema *s = mapped->schema;
	uint32_t *source = ARENA_ARRAY(p->arena, uint32_t, s->column_count);
	uint32_t count = kept;
	for (uint32_t i = 0; i < kept; i++)
		source[i] = i;
	for (uint32_t a = kept; a < s->column_count; a++) {
		bool replaced = false;
		for (uint32_t i = 0; i < kept; i++) {
			if (str_eq_fold(s->columns[i].name, s->columns[a].name)) {
				source[i] = a;
				replaced = true;
			}
		}
		if (!replaced)
			source[count++] = a;
	}
	if (count == s->column_count)
		return mapped;
	struct column_list l;
	list_init(&l, p->arena, count);
	for (uint32_t i = 0; i < count; i++)
		add_column(&l, p, s, source[i]);
	return project(p, mapped, &l, place, err);
}

/* The key of `in` when its hidden columns begin at `to` instead of `from`. */
static const struct row_key *moved_key(
	struct plan *p, const struct plan_node *in, uint32_t from, uint32_t to)
{
	if (in->key == NULL)
		return NULL;
	struct row_key *key = ARENA_NEW(p->arena, struct row_key);
	*key = *in->key;
	for (uint32_t i = 0; i < key->count; i++)
		if (key->columns[i] >= from)
			key->columns[i] += to - from;
	return key;
}

struct plan_node *plan_with_function(struct plan *p, struct plan_node *in, struct str ddl,
	struct row_function *f, struct str place, struct error *err)
{
	struct schema *added = plan_schema(p, ddl, place, err);
	if (added == NULL)
		return NULL;
	uint32_t kept = in->schema->column_count;
	if (kept + added->column_count > schema_columns_max) {
		error_set(err, CDCL_E_SCRIPT, "more than %d columns", (int)schema_columns_max);
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct plan_node *n = plan_node_add(p, PLAN_MAP, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	uint32_t visible = kept + added->column_count, hidden = in->schema->hidden_count;
	struct schema *s = schema_alloc_hidden(p->arena, visible, hidden);
	for (uint32_t i = 0; i < kept; i++)
		s->columns[i] = in->schema->columns[i];
	for (uint32_t i = 0; i < added->column_count; i++)
		s->columns[kept + i] = added->columns[i];
	for (uint32_t i = 0; i < hidden; i++)
		s->columns[visible + i] = in->schema->columns[kept + i];
	n->schema = s;
	n->key = moved_key(p, in, kept, visible);
	n->function = f;
	n->map_keeps = kept;
	return put_in_place(p, n, kept, place, err);
}

struct plan_node *plan_drop_columns(
	struct plan *p, struct plan_node *in, struct str names, struct str place, struct error *err)
{
	const struct schema *s = in->schema;
	bool *dropped = ARENA_ARRAY(p->arena, bool, s->column_count + 1);
	struct str list = str_dup(names, p->arena), name;
	for (size_t at = 0; plan_next_name(list, &at, &name);) {
		int index = plan_find_column(in, name, list, place, err);
		if (index < 0)
			return NULL;
		dropped[index] = true;
	}
	struct column_list l;
	list_init(&l, p->arena, s->column_count);
	for (uint32_t i = 0; i < s->column_count; i++)
		if (!dropped[i])
			add_column(&l, p, s, i);
	return project(p, in, &l, place, err);
}

struct plan_node *plan_rename(struct plan *p, struct plan_node *in, struct str old_name,
	struct str new_name, struct str place, struct error *err)
{
	const struct schema *s = in->schema;
	struct str old = str_dup(old_name, p->arena), renamed = str_dup(new_name, p->arena);
	int index = plan_find_column(in, old, old, place, err);
	if (index < 0)
		return NULL;
	int other = schema_find_fold(s, renamed);
	if (renamed.len == 0 || (other != SCHEMA_MISSING && other != index)) {
		error_set(err, CDCL_E_SCRIPT,
			renamed.len == 0 ? "a column needs a name%.*s"
					 : "there is already a column \"" STR_FMT "\"",
			STR_ARG(renamed));
		plan_error(err, place, renamed, renamed);
		return NULL;
	}
	struct column_list l;
	list_init(&l, p->arena, s->column_count);
	for (uint32_t i = 0; i < s->column_count; i++) {
		add_column(&l, p, s, i);
		if (i == (uint32_t)index)
			l.names[i] = renamed;
	}
	return project(p, in, &l, place, err);
}
