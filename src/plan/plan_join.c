/* join: Table with Table, or Stream with Table. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"

enum { join_pairs_max = row_key_columns_max };

struct join_on {
	struct plan_node *sides[2];
	uint32_t count;
	uint32_t columns[2][join_pairs_max];
	bool shared[join_pairs_max]; /* both have it by this name: once in the output */
	bool exact[join_pairs_max]; /* compared without a loss */
};

/* ---- "customer_id", "a, b", "a = b and c = d" ---- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static void skip_spaces(struct str text, size_t *at)
{
	while (*at < text.len && is_space(text.data[*at]))
		(*at)++;
}

/* A name, maybe in backticks; absent when there is none. */
static struct str take_name(struct str text, size_t *at)
{
	skip_spaces(text, at);
	bool quoted = *at < text.len && text.data[*at] == '`';
	size_t start = *at + quoted, end = start;
	while (end < text.len && (quoted ? text.data[end] != '`' : is_word(text.data[end])))
		end++;
	if (end == start || (quoted && end == text.len))
		return (struct str){NULL, 0};
	*at = end + quoted;
	return str_sub(text, start, end - start);
}

static bool take(struct str text, size_t *at, struct str what)
{
	skip_spaces(text, at);
	if (!str_eq_fold(str_sub(text, *at, what.len), what))
		return false;
	*at += what.len;
	return true;
}

static bool take_and(struct str text, size_t *at)
{
	size_t end = *at + 3;
	bool apart = end < text.len && !is_word(text.data[end]) && !is_word(text.data[*at - 1]);
	return apart && take(text, at, str_lit("and"));
}

static int bad_on(struct str text, size_t at, struct str place, struct error *err)
{
	error_set(err, CDCL_E_SCRIPT, "join: expected names of columns");
	plan_error(err, place, text, str_sub(text, at < text.len ? at : text.len - 1, 1));
	error_help(err,
		"\"customer_id\", \"region, id\" or \"customer_id = id and region = area\"");
	return -CDCL_E_SCRIPT;
}

/* One name or one "left = right"; the columns of both. */
static int take_pair(
	struct join_on *on, struct str text, size_t *at, struct str place, struct error *err)
{
	struct str names[2];
	names[0] = take_name(text, at);
	names[1] = names[0];
	if (names[0].data != NULL && take(text, at, str_lit("=")))
		names[1] = take_name(text, at);
	if (names[0].data == NULL || names[1].data == NULL)
		return bad_on(text, *at, place, err);
	if (on->count == join_pairs_max) {
		error_set(err, CDCL_E_SCRIPT, "join: at most %d columns", (int)join_pairs_max);
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	for (uint32_t side = 0; side < 2; side++) {
		int index = plan_find_column(on->sides[side], names[side], text, place, err);
		if (index < 0)
			return error_prefix(err, "join, %s: ", side == 0 ? "left" : "right");
		on->columns[side][on->count] = (uint32_t)index;
	}
	on->shared[on->count++] = str_eq_fold(names[0], names[1]);
	return 0;
}

static int parse_on(struct join_on *on, struct str text, struct str place, struct error *err)
{
	size_t at = 0;
	if (str_trim(text).len == 0) {
		error_set(err, CDCL_E_SCRIPT, "join: says no column to join on");
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	for (;;) {
		int r = take_pair(on, text, &at, place, err);
		if (r < 0)
			return r;
		skip_spaces(text, &at);
		if (at == text.len)
			return 0;
		if (!take(text, &at, str_lit(",")) && !take_and(text, &at))
			return bad_on(text, at, place, err);
	}
}

/* ---- types ---- */

static const struct schema_column *on_column(
	const struct join_on *on, uint32_t side, uint32_t pair)
{
	return &on->sides[side]->schema->columns[on->columns[side][pair]];
}

static struct type common_type(struct plan *p, struct type a, struct type b)
{
	struct type none = type_of(TYPE_NULL);
	if (type_eq(a, b))
		return a;
	if (!type_is_numeric(a) || !type_is_numeric(b))
		return none;
	struct schema *two = schema_alloc(p->arena, 2);
	two->columns[0] = (struct schema_column){str_lit("a"), a};
	two->columns[1] = (struct schema_column){str_lit("b"), b};
	struct expr_scope scope = {.schema = two, .place = str_lit("join")};
	struct expr *e;
	struct error err;
	error_init(&err);
	int r = expr_compile(str_lit("coalesce(a, b)"), &scope, p->arena, &e, &err);
	return r < 0 ? none : expr_type(e);
}

static int never_equal(
	const struct join_on *on, uint32_t pair, struct str place, struct error *err)
{
	const struct schema_column *a = on_column(on, 0, pair), *b = on_column(on, 1, pair);
	struct strbuf types[2];
	for (uint32_t i = 0; i < 2; i++) {
		strbuf_init(&types[i]);
		type_name(i == 0 ? a->type : b->type, &types[i]);
	}
	error_set(err, CDCL_E_SCRIPT,
		"join: \"" STR_FMT "\" is " STR_FMT " on the left and \"" STR_FMT "\" is " STR_FMT
		" on the right",
		STR_ARG(a->name), STR_ARG(strbuf_str(&types[0])), STR_ARG(b->name),
		STR_ARG(strbuf_str(&types[1])));
	error_help(err, "give both the same type: with \"cast(x as int) as x\"");
	strbuf_release(&types[0]);
	strbuf_release(&types[1]);
	return error_at(err, STR_FMT, STR_ARG(place));
}

/* A column as a value of the type in which both sides compare. */
static int side_expr(struct plan *p, const struct join_on *on, uint32_t side, uint32_t pair,
	struct type type, struct str place, struct expr **out, struct error *err)
{
	const struct plan_node *in = on->sides[side];
	const struct schema_column *column = on_column(on, side, pair);
	if (type_eq(column->type, type)) {
		*out = expr_column(in->schema, on->columns[side][pair], p->arena);
		return 0;
	}
	struct strbuf text;
	strbuf_init(&text);
	strbuf_addf(&text, "cast(`" STR_FMT "` as ", STR_ARG(column->name));
	type_name(type, &text);
	strbuf_add_byte(&text, ')');
	struct expr_scope scope = plan_scope(p, in, place);
	int r = expr_compile(
		str_dup(strbuf_str(&text), p->arena), &scope, p->arena, out, err);
	strbuf_release(&text);
	return r;
}

static int compile_pairs(struct plan *p, struct join_on *on, struct join_plan *join,
	struct str place, struct error *err)
{
	join->count = on->count;
	join->left = ARENA_ARRAY(p->arena, struct expr *, on->count);
	join->right = ARENA_ARRAY(p->arena, struct expr *, on->count);
	for (uint32_t i = 0; i < on->count; i++) {
		struct type type =
			common_type(p, on_column(on, 0, i)->type, on_column(on, 1, i)->type);
		if (type.id == TYPE_NULL)
			return never_equal(on, i, place, err);
		on->exact[i] = type_eq(on_column(on, 0, i)->type, on_column(on, 1, i)->type) ||
			(type.id != TYPE_FLOAT && type.id != TYPE_DOUBLE);
		int r = side_expr(p, on, 0, i, type, place, &join->left[i], err);
		if (r >= 0)
			r = side_expr(p, on, 1, i, type, place, &join->right[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- columns and key of the output ---- */

static int add_column(struct schema *s, struct schema_column column, int32_t *index,
	struct str place, struct error *err)
{
	for (uint32_t i = 0; i < s->column_count; i++) {
		if (!str_eq_fold(s->columns[i].name, column.name))
			continue;
		error_set(err, CDCL_E_SCRIPT, "join: both sides have a column \"" STR_FMT "\"",
			STR_ARG(column.name));
		error_help(err,
			"rename one before the join: :rename(\"" STR_FMT "\", \"...\"), or drop it",
			STR_ARG(column.name));
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	if (s->column_count == schema_columns_max) {
		error_set(err, CDCL_E_SCRIPT, "more than %d columns", (int)schema_columns_max);
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	*index = (int32_t)s->column_count;
	s->columns[s->column_count++] = column;
	return 0;
}

static int32_t *unset(struct plan *p, const struct schema *s)
{
	int32_t *columns = ARENA_ARRAY(p->arena, int32_t, schema_total(s) + 1);
	for (uint32_t i = 0; i < schema_total(s); i++)
		columns[i] = -1;
	return columns;
}

static int visible_columns(struct plan *p, const struct join_on *on, struct join_plan *join,
	struct schema *out, struct str place, struct error *err)
{
	int32_t *columns[2];
	for (uint32_t side = 0; side < 2; side++)
		columns[side] = unset(p, on->sides[side]->schema);
	join->left_columns = columns[0];
	join->right_columns = columns[1];
	for (uint32_t i = 0; i < on->count; i++) {
		int32_t *index = &columns[0][on->columns[0][i]];
		if (!on->shared[i] || *index >= 0)
			continue;
		/* of the left's name and type: its value is what a left join always has */
		int r = add_column(out, *on_column(on, 0, i), index, place, err);
		if (r < 0)
			return r;
		columns[1][on->columns[1][i]] = -2;
	}
	for (uint32_t side = 0; side < 2; side++) {
		const struct schema *s = on->sides[side]->schema;
		for (uint32_t i = 0; i < s->column_count; i++) {
			if (columns[side][i] != -1)
				continue;
			int r = add_column(out, s->columns[i], &columns[side][i], place, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/*
 * Are all columns of this side's key compared? Then a row of the other meets one at most. Not so
 * when they are compared as doubles, which may fall together.
 */
static bool is_unique(const struct join_on *on, uint32_t side)
{
	const struct row_key *key = on->sides[side]->key;
	for (uint32_t k = 0; key != NULL && k < key->count; k++) {
		bool found = false;
		for (uint32_t i = 0; i < on->count; i++)
			found |= on->columns[side][i] == key->columns[k] && on->exact[i];
		if (!found)
			return false;
	}
	return key != NULL;
}

static enum join_key choose_key(const struct join_on *on, enum join_kind kind)
{
	const struct row_key *left = on->sides[0]->key, *right = on->sides[1]->key;
	if (left != NULL && is_unique(on, 1))
		return JOIN_KEY_LEFT;
	if (kind == JOIN_INNER && right != NULL && is_unique(on, 0))
		return JOIN_KEY_RIGHT;
	bool both = left != NULL && right != NULL;
	return both && left->count + right->count <= row_key_columns_max ? JOIN_KEY_BOTH
									 : JOIN_KEY_NONE;
}

/* The output's column that holds a key column of one side; a new hidden one if there is none. */
static uint32_t key_column(const struct join_on *on, struct join_plan *join, struct schema *out,
	uint32_t side, uint32_t column)
{
	int32_t *columns = side == 0 ? join->left_columns : join->right_columns;
	if (columns[column] >= 0)
		return (uint32_t)columns[column];
	for (uint32_t i = 0; side == 1 && i < on->count; i++)
		if (on->shared[i] && on->columns[1][i] == column)
			return (uint32_t)join->left_columns[on->columns[0][i]];
	uint32_t at = schema_total(out);
	out->columns[at] = on->sides[side]->schema->columns[column];
	out->hidden_count++;
	columns[column] = (int32_t)at;
	return at;
}

static const struct row_key *make_key(
	struct plan *p, const struct join_on *on, struct join_plan *join, struct schema *out)
{
	struct row_key *key = ARENA_NEW(p->arena, struct row_key);
	if (join->key == JOIN_KEY_NONE)
		return NULL;
	for (uint32_t side = 0; side < 2; side++) {
		const struct row_key *from = on->sides[side]->key;
		if (join->key == (side == 0 ? JOIN_KEY_RIGHT : JOIN_KEY_LEFT))
			continue;
		for (uint32_t i = 0; i < from->count; i++)
			key->columns[key->count++] =
				key_column(on, join, out, side, from->columns[i]);
	}
	return key;
}

/* ---- the step ---- */

static int check_sides(const struct plan_node *left, const struct plan_node *right,
	struct str place, struct error *err)
{
	if (right->is_table) {
		int r = plan_check_changes(left, "join", place, err);
		return r < 0 ? r : plan_check_changes(right, "join", place, err);
	}
	error_set(err, CDCL_E_SCRIPT,
		left->is_table ? "join: the right side is a Stream; a Stream looks up a Table, not "
				 "the other way round"
			       : "join: both sides are Streams, and one of them must be a Table");
	error_help(err,
		left->is_table ? "write stream:join(table, ...)"
			       : "put merge { ... }, or group_by and agg, before one of them");
	return error_at(err, STR_FMT, STR_ARG(place));
}

struct plan_node *plan_join(struct plan *p, struct plan_node *left, struct plan_node *right,
	struct str on_text, enum join_kind kind, struct str place, struct error *err)
{
	struct join_on on = {.sides = {left, right}};
	struct join_plan *join = ARENA_NEW(p->arena, struct join_plan);
	uint32_t columns = schema_total(left->schema) + schema_total(right->schema);
	struct schema *out = schema_alloc(p->arena, 0);
	out->columns = ARENA_ARRAY(p->arena, struct schema_column, columns + 1);
	join->kind = kind;
	if (check_sides(left, right, place, err) < 0 ||
		parse_on(&on, str_dup(on_text, p->arena), place, err) < 0 ||
		compile_pairs(p, &on, join, place, err) < 0 ||
		visible_columns(p, &on, join, out, place, err) < 0)
		return NULL;
	join->key = left->is_table ? choose_key(&on, kind) : JOIN_KEY_NONE;
	const struct row_key *key = make_key(p, &on, join, out);
	struct plan_node *n = plan_node_add(
		p, PLAN_JOIN, (struct plan_node *[]){left, right}, 2, place, err);
	if (n == NULL)
		return NULL;
	n->is_table = left->is_table;
	n->schema = out;
	n->key = key;
	n->join = join;
	return n;
}
