/* group_by + agg, and order_by on what they give. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"
#include "expr/row_function.h"

static int check_input(const struct plan_node *in, struct str place, struct error *err)
{
	for (const struct plan_node *n = in; n->is_table && n->kind != PLAN_GROUP;
		n = n->inputs[0]) {
		if (n->kind != PLAN_ORDER && n->kind != PLAN_LIMIT)
			continue;
		error_set(err, CDCL_E_SCRIPT,
			"group_by cannot follow %s: it reads the changes of the aggregate, and "
			"those have no order or limit",
			n->kind == PLAN_ORDER ? "order_by" : "limit");
		error_help(err, "put order_by and limit last, before :to(...)");
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	return 0;
}

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
	if (check_input(in, place, err) < 0)
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

/* ---- order_by ---- */

/* Cuts the last word off `text` when it is `word`. */
static bool cut_word(struct str *text, struct str word)
{
	struct str t = str_trim(*text);
	if (t.len <= word.len || !str_eq_fold(str_sub(t, t.len - word.len, word.len), word))
		return false;
	char before = t.data[t.len - word.len - 1];
	if (before != ' ' && before != '\t' && before != '\n' && before != ')' && before != '`')
		return false;
	*text = str_trim(str_sub(t, 0, t.len - word.len));
	return true;
}

static void parse_direction(struct str *text, struct plan_sort_key *key)
{
	bool first = false, last = false;
	struct str rest = *text;
	if (cut_word(&rest, str_lit("first")))
		first = cut_word(&rest, str_lit("nulls"));
	else if (cut_word(&rest, str_lit("last")))
		last = cut_word(&rest, str_lit("nulls"));
	if (!first && !last)
		rest = *text;
	key->descending = cut_word(&rest, str_lit("desc"));
	if (!key->descending)
		cut_word(&rest, str_lit("asc"));
	key->nulls_last = last || (key->descending && !first);
	*text = rest;
}

/* The next item of "a desc, f(b, c)" at a top-level comma; false at the end. */
static bool next_item(struct str list, size_t *at, struct str *item)
{
	if (*at > list.len)
		return false;
	int depth = 0;
	char quote = 0;
	size_t end = *at;
	for (; end < list.len; end++) {
		char c = list.data[end];
		if (quote != 0) {
			if (c == '\\' && quote != '`')
				end++;
			else if (c == quote)
				quote = 0;
		} else if (c == '\'' || c == '"' || c == '`') {
			quote = c;
		} else if (c == '(' || c == '[') {
			depth++;
		} else if (c == ')' || c == ']') {
			depth--;
		} else if (c == ',' && depth <= 0) {
			break;
		}
	}
	if (end > list.len)
		end = list.len;
	*item = str_trim(str_sub(list, *at, end - *at));
	*at = end + 1;
	return true;
}

struct plan_node *plan_order_by(struct plan *p, struct plan_node *in, const struct str *texts,
	uint32_t count, struct str place, struct error *err)
{
	if (!in->is_table) {
		error_set(err, CDCL_E_SCRIPT,
			"order_by: sorting is not supported on a Stream, only on an aggregate in "
			"complete output mode");
		error_help(err,
			"a Stream never ends, so its rows cannot be sorted; put group_by and agg "
			"before it");
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct expr_scope scope = plan_scope(p, in, place);
	struct plan_sort_key *keys = ARENA_ARRAY(p->arena, struct plan_sort_key, sql_arguments_max);
	uint32_t key_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct str list = str_dup(texts[i], p->arena), item;
		for (size_t at = 0; next_item(list, &at, &item);) {
			if (key_count == sql_arguments_max) {
				error_set(err, CDCL_E_SCRIPT, "order_by takes at most %d keys",
					(int)sql_arguments_max);
				error_at(err, STR_FMT, STR_ARG(place));
				return NULL;
			}
			struct plan_sort_key *key = &keys[key_count++];
			parse_direction(&item, key);
			if (expr_compile(item, &scope, p->arena, &key->expr, err) < 0)
				return NULL;
		}
	}
	if (key_count == 0) {
		error_set(err, CDCL_E_SCRIPT, "order_by needs at least one expression");
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct plan_node *n = plan_node_add(p, PLAN_ORDER, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	n->sort_keys = keys;
	n->sort_key_count = key_count;
	return n;
}
