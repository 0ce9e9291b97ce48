/* order_by and top: lists of sort keys, and what they are good for. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"

int plan_check_changes(
	const struct plan_node *in, const char *step, struct str place, struct error *err)
{
	for (const struct plan_node *n = in; n->is_table && n->input_count == 1; n = n->inputs[0]) {
		if (n->kind != PLAN_ORDER && n->kind != PLAN_LIMIT)
			continue;
		error_set(err, CDCL_E_SCRIPT,
			"%s cannot follow %s: it reads the changes of the Table, and "
			"those have no order or limit",
			step, n->kind == PLAN_ORDER ? "order_by" : "limit");
		error_help(err, "put order_by and limit last, before :to(...)");
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	return 0;
}

/* ---- "quantity desc, id" ---- */

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

int plan_sort_keys(struct plan *p, const struct plan_node *in, const char *step,
	const struct str *texts, uint32_t count, struct str place, struct plan_sort_key **out,
	uint32_t *out_count, struct error *err)
{
	struct expr_scope scope = plan_scope(p, in, place);
	struct plan_sort_key *keys = ARENA_ARRAY(p->arena, struct plan_sort_key, sql_arguments_max);
	uint32_t key_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct str list = str_dup(texts[i], p->arena), item;
		for (size_t at = 0; next_item(list, &at, &item);) {
			if (key_count == sql_arguments_max) {
				error_set(err, CDCL_E_SCRIPT, "%s takes at most %d keys", step,
					(int)sql_arguments_max);
				return error_at(err, STR_FMT, STR_ARG(place));
			}
			struct plan_sort_key *key = &keys[key_count++];
			parse_direction(&item, key);
			int r = expr_compile(item, &scope, p->arena, &key->expr, err);
			if (r < 0)
				return r;
		}
	}
	*out = keys;
	*out_count = key_count;
	if (key_count > 0)
		return 0;
	error_set(err, CDCL_E_SCRIPT, "%s needs at least one expression", step);
	return error_at(err, STR_FMT, STR_ARG(place));
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
	struct plan_sort_key *keys;
	uint32_t key_count;
	if (plan_sort_keys(p, in, "order_by", texts, count, place, &keys, &key_count, err) < 0)
		return NULL;
	struct plan_node *n = plan_node_add(p, PLAN_ORDER, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	n->sort_keys = keys;
	n->sort_key_count = key_count;
	return n;
}
