#include "expr/aggregate_plan.h"

#include "base/bounds.h"
#include "base/check.h"
#include "expr/expr_check.h"
#include "expr/row_function.h"

enum { distinct_columns_max = 32 };

/* What is being put together: keys and calls as written beside what they became. */
struct builder {
	const struct expr_scope *scope;
	struct arena *arena;
	struct error *err;
	struct str text; /* of the expression at hand */
	const struct sql_expression *keys;
	struct expr *key_exprs[sql_arguments_max];
	uint32_t key_count;
	const struct sql_node *call_nodes[sql_arguments_max];
	struct aggregate_call calls[sql_arguments_max];
	uint32_t call_count;
};

static struct checker row_checker(const struct builder *b)
{
	return (struct checker){
		.scope = b->scope, .text = b->text, .arena = b->arena, .err = b->err};
}

/* ---- one call ---- */

static struct sql_node *make_call(struct builder *b, const struct sql_node *at, const char *name,
	struct sql_node **args, uint32_t count)
{
	struct sql_node *n = ARENA_NEW(b->arena, struct sql_node);
	*n = (struct sql_node){
		.kind = SQL_CALL, .name = str_c(name), .inner = -1, .at = at->at, .len = at->len};
	n->args = ARENA_ARRAY(b->arena, struct sql_node *, count);
	memcpy(n->args, args, count * sizeof(*args));
	n->arg_count = count;
	return n;
}

static struct sql_node *make_true(struct builder *b, const struct sql_node *at)
{
	struct sql_node *n = ARENA_NEW(b->arena, struct sql_node);
	*n = (struct sql_node){.kind = SQL_LITERAL, .inner = -1, .at = at->at, .len = at->len};
	n->literal = (struct value){.type = type_of(TYPE_BOOLEAN), .as.boolean = true};
	n->literal_text = str_lit("true");
	return n;
}

/*
 * count(a, b) counts rows where both have a value: case when a is not null and b is not null then
 * true end.
 */
static struct sql_node *all_present(struct builder *b, const struct sql_node *node)
{
	struct sql_node *condition = NULL;
	for (uint32_t i = 0; i < node->arg_count; i++) {
		struct sql_node *arg = node->args[i];
		struct sql_node *present = make_call(b, node, "isnotnull", &arg, 1);
		struct sql_node *pair[2] = {condition, present};
		condition = condition == NULL ? present : make_call(b, node, "and", pair, 2);
	}
	struct sql_node *parts[2] = {condition, make_true(b, node)};
	return make_call(b, node, "case", parts, 2);
}

static int set_argument(struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	struct checker c = row_checker(b);
	struct sql_expression source = {.node = (struct sql_node *)node, .text = b->text};
	return checker_expression(&c, &source, &call->arguments[call->argument_count++]);
}

static struct sql_node *make_text(
	struct builder *b, const struct sql_node *at, struct sql_node *arg)
{
	struct sql_node *n = ARENA_NEW(b->arena, struct sql_node);
	*n = (struct sql_node){.kind = SQL_CAST, .inner = -1, .at = at->at, .len = at->len};
	n->type = type_of(TYPE_STRING);
	n->args = ARENA_ARRAY(b->arena, struct sql_node *, 1);
	n->args[0] = arg;
	n->arg_count = 1;
	return n;
}

/*
 * Calls have two arguments at most. Of count(distinct a, b, c) the second is one text that differs
 * when b or c does, and is NULL when one is: each part's length, a space, the part.
 */
static struct sql_node *rest_as_text(struct builder *b, const struct sql_node *node)
{
	struct sql_node *parts[3 * distinct_columns_max];
	struct sql_node *space = ARENA_NEW(b->arena, struct sql_node);
	uint32_t count = 0;
	*space = (struct sql_node){
		.kind = SQL_LITERAL, .inner = -1, .at = node->at, .len = node->len};
	space->literal = (struct value){.type = type_of(TYPE_STRING), .as.str = str_lit(" ")};
	for (uint32_t i = 1; i < node->arg_count; i++) {
		struct sql_node *text = make_text(b, node, node->args[i]);
		parts[count++] = make_call(b, node, "length", &text, 1);
		parts[count++] = space;
		parts[count++] = text;
	}
	return make_call(b, node, "concat", parts, count);
}

static int count_arguments(
	struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	struct checker c = row_checker(b);
	const struct sql_node *first = node->args[0];
	bool constant = first->kind == SQL_LITERAL && !first->literal.is_null;
	if (str_eq_fold(node->name, str_lit("count_if"))) {
		struct sql_node *parts[2] = {node->args[0], make_true(b, node)};
		return set_argument(b, make_call(b, node, "case", parts, 2), call);
	}
	if (str_eq_fold(node->name, str_lit("approx_count_distinct")) ||
		str_eq_fold(node->name, str_lit("count_distinct")))
		call->distinct = true;
	if (node->arg_count == 1 && !call->distinct && (first->kind == SQL_STAR || constant)) {
		call->function = AGG_COUNT_STAR;
		return 0;
	}
	if (node->arg_count > 1 && !call->distinct)
		return set_argument(b, all_present(b, node), call);
	if (node->arg_count > distinct_columns_max)
		return checker_fail(&c, node, "count(distinct ...) takes at most %d columns",
			distinct_columns_max);
	int rc = set_argument(b, node->args[0], call);
	if (rc < 0 || node->arg_count == 1)
		return rc;
	bool two = node->arg_count == 2;
	return set_argument(b, two ? node->args[1] : rest_as_text(b, node), call);
}

/* first(x, true): the second argument is not a column but a switch. */
static int first_arguments(
	struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	struct checker c = row_checker(b);
	if (node->arg_count == 2) {
		const struct value *v = &node->args[1]->literal;
		if (node->args[1]->kind != SQL_LITERAL || v->type.id != TYPE_BOOLEAN)
			return checker_fail(&c, node->args[1],
				"the second argument says whether NULLs are ignored: true or"
				" false");
		call->ignore_nulls = v->as.boolean;
	}
	return set_argument(b, node->args[0], call);
}

static int set_arguments(
	struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	switch (call->function) {
	case AGG_COUNT: return count_arguments(b, node, call);
	case AGG_FIRST:
	case AGG_LAST:
	case AGG_ANY_VALUE: return first_arguments(b, node, call);
	default: break;
	}
	for (uint32_t i = 0; i < node->arg_count; i++) {
		int rc = set_argument(b, node->args[i], call);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static unsigned at_most(unsigned n, unsigned limit)
{
	return n < limit ? n : limit;
}

static int cast_argument(struct builder *b, const struct sql_node *node,
	struct aggregate_call *call, uint32_t i, enum type_id to)
{
	struct checker c = row_checker(b);
	struct expr *e;
	int rc = checker_cast(&c, node, call->arguments[i], type_of(to), &e);
	if (rc < 0)
		return rc;
	struct str name = call->arguments[i]->name;
	struct expr *top = ARENA_NEW(b->arena, struct expr);
	*top = *e;
	top->name = name;
	checker_expand(&c, top);
	call->arguments[i] = top;
	return 0;
}

/* sum and avg: text and json are read as double; float is summed as double. */
static int type_number(struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	struct type t = call->arguments[0]->type;
	bool mean = call->function == AGG_AVG;
	if (t.id == TYPE_DECIMAL) {
		call->type = type_decimal(at_most(t.precision + (mean ? 4U : 10U), 38),
			at_most(t.scale + (mean ? 4U : 0U), 38));
		return 0;
	}
	bool integer = type_is_integer(t);
	call->type = type_of(integer && !mean ? TYPE_BIGINT : TYPE_DOUBLE);
	if (integer && !mean)
		return 0;
	if (!type_is_numeric(t) && t.id != TYPE_STRING && t.id != TYPE_JSON && t.id != TYPE_NULL) {
		struct checker c = row_checker(b);
		struct strbuf s;
		strbuf_init(&s);
		sql_name(node, &s);
		strbuf_add_c(&s, "\" wants numbers, not ");
		type_name(t, &s);
		int rc = checker_fail(
			&c, node, "[DATATYPE_MISMATCH] \"" STR_FMT, STR_ARG(strbuf_str(&s)));
		strbuf_release(&s);
		return rc;
	}
	return cast_argument(b, node, call, 0, TYPE_DOUBLE);
}

static struct type array_of(struct builder *b, struct type element)
{
	struct type *kept = ARENA_NEW(b->arena, struct type);
	*kept = element;
	return (struct type){.id = TYPE_ARRAY, .element = kept};
}

static int type_ordered(
	struct builder *b, const struct sql_node *node, struct aggregate_call *call, uint32_t by)
{
	struct checker c = row_checker(b);
	struct type t = call->arguments[by]->type;
	if (t.id == TYPE_ARRAY)
		return checker_fail(&c, node, "[DATATYPE_MISMATCH] arrays have no order");
	return t.id == TYPE_JSON ? cast_argument(b, node, call, by, TYPE_STRING) : 0;
}

static int set_type(struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	int rc = 0;
	call->type = call->argument_count == 0 ? type_of(TYPE_BIGINT) : call->arguments[0]->type;
	switch (call->function) {
	case AGG_COUNT_STAR:
	case AGG_COUNT: call->type = type_of(TYPE_BIGINT); break;
	case AGG_SUM:
	case AGG_TRY_SUM:
	case AGG_AVG: return type_number(b, node, call);
	case AGG_MIN:
	case AGG_MAX:
		rc = type_ordered(b, node, call, 0);
		call->type = call->arguments[0]->type;
		break;
	case AGG_MIN_BY:
	case AGG_MAX_BY: return type_ordered(b, node, call, 1);
	case AGG_BOOL_AND:
	case AGG_BOOL_OR:
		call->type = type_of(TYPE_BOOLEAN);
		return cast_argument(b, node, call, 0, TYPE_BOOLEAN);
	case AGG_COLLECT_LIST:
	case AGG_COLLECT_SET: call->type = array_of(b, call->type); break;
	default: break;
	}
	return rc;
}

static int set_filter(struct builder *b, const struct sql_node *node, struct aggregate_call *call)
{
	if (node->filter == NULL)
		return 0;
	struct checker c = row_checker(b);
	struct sql_expression source = {.node = node->filter, .text = b->text};
	int rc = checker_expression(&c, &source, &call->filter);
	if (rc < 0 || call->filter->type.id == TYPE_BOOLEAN || call->filter->type.id == TYPE_NULL)
		return rc;
	return checker_fail(
		&c, node->filter, "the condition of filter (where ...) must be boolean");
}

static int find_call(const struct builder *b, const struct sql_node *node)
{
	for (uint32_t i = 0; i < b->call_count; i++)
		if (b->call_nodes[i] != NULL && sql_equal(b->call_nodes[i], node))
			return (int)i;
	return -1;
}

static int check_shape(struct builder *b, const struct sql_node *node, const struct function *f)
{
	struct checker c = row_checker(b);
	if (b->call_count == sql_arguments_max)
		return checker_fail(
			&c, node, "too many aggregates (more than %d)", sql_arguments_max);
	if (node->arg_count >= f->args_min
		&& (f->args_max == function_any_args || node->arg_count <= f->args_max))
		return 0;
	int rc = checker_fail(&c, node, "[WRONG_NUM_ARGS] %s has %u argument%s", f->name,
		node->arg_count, node->arg_count == 1 ? "" : "s");
	error_help(b->err, "it is %s", f->usage);
	return rc;
}

static int add_call(struct builder *b, struct sql_node *node, const struct function *f)
{
	int known = find_call(b, node);
	if (known >= 0) {
		node->inner = (int32_t)b->key_count + known;
		return 0;
	}
	int rc = check_shape(b, node, f);
	if (rc < 0)
		return rc;
	struct aggregate_call *call = &b->calls[b->call_count];
	bool distinct_matters = f->aggregate == AGG_COUNT || f->aggregate == AGG_SUM
		|| f->aggregate == AGG_TRY_SUM || f->aggregate == AGG_AVG
		|| f->aggregate == AGG_COLLECT_LIST;
	*call = (struct aggregate_call){.function = f->aggregate,
		.distinct = node->distinct && distinct_matters,
		.ignore_nulls = node->ignore_nulls};
	rc = set_arguments(b, node, call);
	if (rc == 0)
		rc = set_type(b, node, call);
	if (rc == 0)
		rc = set_filter(b, node, call);
	if (rc < 0)
		return rc;
	struct strbuf name;
	strbuf_init(&name);
	sql_name(node, &name);
	call->text = str_dup(strbuf_str(&name), b->arena);
	strbuf_release(&name);
	b->call_nodes[b->call_count] = node;
	node->inner = (int32_t)(b->key_count + b->call_count++);
	return 0;
}

/* ---- taking an expression apart ---- */

static bool is_key(const struct builder *b, const struct sql_node *node, uint32_t k)
{
	if (sql_equal(b->keys[k].node, node))
		return true;
	/* A key's own name serves too, where no column has it. */
	return node->kind == SQL_COLUMN && b->keys[k].alias.data != NULL
		&& str_eq_fold(node->name, b->keys[k].alias)
		&& schema_find_fold(b->scope->schema, node->name) == SCHEMA_MISSING;
}

/* Marks keys and aggregate calls with their column of the inner row. */
static int take_apart(struct builder *b, struct sql_node *node)
{
	for (uint32_t k = 0; k < b->key_count; k++)
		if (is_key(b, node, k)) {
			node->inner = (int32_t)k;
			return 0;
		}
	const struct function *f = node->kind == SQL_CALL ? function_find(node->name) : NULL;
	if (f != NULL && (f->flags & FN_AGGREGATE))
		return add_call(b, node, f);
	for (uint32_t i = 0; i < node->arg_count; i++) {
		int rc = take_apart(b, node->args[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_custom(struct builder *b, struct custom_aggregate *custom)
{
	if (b->call_count == sql_arguments_max)
		return error_set(b->err, CDCL_E_SQL, "too many aggregates (more than %d)",
			sql_arguments_max);
	b->call_nodes[b->call_count] = NULL;
	b->calls[b->call_count++] = (struct aggregate_call){.function = AGG_CUSTOM,
		.custom = custom,
		.type = custom->type,
		.text = custom->name};
	return 0;
}

/* ---- the whole ---- */

static int check_keys(struct builder *b, const struct sql_expression *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		b->text = keys[i].text;
		struct checker c = row_checker(b);
		int rc = checker_expression(&c, &keys[i], &b->key_exprs[i]);
		if (rc == 0 && b->key_exprs[i]->type.id == TYPE_ARRAY)
			rc = checker_fail(&c, keys[i].node, "an array cannot be a group key");
		if (rc < 0)
			return rc;
	}
	b->keys = keys;
	b->key_count = count;
	return 0;
}

static const struct schema *inner_schema(struct builder *b)
{
	struct schema *s = schema_alloc(b->arena, b->key_count + b->call_count);
	for (uint32_t i = 0; i < b->key_count; i++)
		s->columns[i] = (struct schema_column){
			expr_name(b->key_exprs[i]), expr_type(b->key_exprs[i])};
	for (uint32_t i = 0; i < b->call_count; i++)
		s->columns[b->key_count + i] =
			(struct schema_column){b->calls[i].text, b->calls[i].type};
	return s;
}

/*
 * Texts to a flat list: a text may hold several, set apart by commas. A custom aggregate is a
 * hole in it.
 */
static int parse_texts(const struct str *texts, uint32_t text_count, struct arena *arena,
	struct sql_expression *out, uint32_t *count, struct error *err)
{
	for (uint32_t i = 0; i < text_count; i++) {
		struct sql_expression *list;
		uint32_t n;
		int rc = sql_parse_list(
			str_dup(texts[i].data == NULL ? str_lit("") : texts[i], arena), arena,
			&list, &n, err);
		if (rc < 0)
			return rc;
		if (*count + n > sql_arguments_max)
			return error_set(err, CDCL_E_SQL, "too many expressions (more than %d)",
				sql_arguments_max);
		for (uint32_t k = 0; k < n; k++)
			out[(*count)++] = list[k];
	}
	return 0;
}

static int parse_aggregates(const struct aggregate_source *sources, uint32_t count,
	struct arena *arena, struct sql_expression *out, struct custom_aggregate **customs,
	uint32_t *out_count, struct error *err)
{
	for (uint32_t i = 0; i < count; i++) {
		if (sources[i].custom == NULL) {
			int rc = parse_texts(&sources[i].text, 1, arena, out, out_count, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (*out_count == sql_arguments_max)
			return error_set(err, CDCL_E_SQL, "too many aggregates (more than %d)",
				sql_arguments_max);
		customs[*out_count] = sources[i].custom;
		out[*out_count] = (struct sql_expression){.node = NULL};
		*out_count += 1;
	}
	return 0;
}

static int check_outputs(struct builder *b, const struct sql_expression *sources,
	const uint32_t *custom_column, uint32_t count, struct aggregate_plan *plan)
{
	plan->inner = inner_schema(b);
	plan->output_count = b->key_count + count;
	plan->outputs = ARENA_ARRAY(b->arena, struct expr *, plan->output_count);
	for (uint32_t i = 0; i < b->key_count; i++)
		plan->outputs[i] = expr_column(plan->inner, i, b->arena);
	for (uint32_t i = 0; i < count; i++) {
		struct expr **out = &plan->outputs[b->key_count + i];
		if (sources[i].node == NULL) {
			*out = expr_column(plan->inner, custom_column[i], b->arena);
			continue;
		}
		struct checker c = row_checker(b);
		c.inner = plan->inner;
		c.text = sources[i].text;
		int rc = checker_expression(&c, &sources[i], out);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static const struct schema *output_schema(struct builder *b, const struct aggregate_plan *plan)
{
	struct schema *s = schema_alloc(b->arena, plan->output_count);
	for (uint32_t i = 0; i < plan->output_count; i++)
		s->columns[i] = (struct schema_column){
			expr_name(plan->outputs[i]), expr_type(plan->outputs[i])};
	return s;
}

static int build(struct builder *b, const struct sql_expression *sources,
	struct custom_aggregate *const *customs, uint32_t count, struct aggregate_plan *plan)
{
	uint32_t custom_column[sql_arguments_max] = {0};
	for (uint32_t i = 0; i < count; i++) {
		b->text = sources[i].text;
		custom_column[i] = b->key_count + b->call_count;
		int rc = sources[i].node == NULL ? add_custom(b, customs[i])
						 : take_apart(b, sources[i].node);
		if (rc < 0)
			return rc;
	}
	int rc = check_outputs(b, sources, custom_column, count, plan);
	if (rc < 0)
		return rc;
	plan->keys = ARENA_ARRAY(b->arena, struct expr *, b->key_count);
	memcpy(plan->keys, b->key_exprs, b->key_count * sizeof(*plan->keys));
	plan->key_count = b->key_count;
	plan->calls = ARENA_ARRAY(b->arena, struct aggregate_call, b->call_count);
	memcpy(plan->calls, b->calls, b->call_count * sizeof(*plan->calls));
	plan->call_count = b->call_count;
	plan->schema = output_schema(b, plan);
	return 0;
}

int aggregate_compile(const struct str *keys, uint32_t key_count,
	const struct aggregate_source *aggregates, uint32_t aggregate_count,
	const struct expr_scope *scope, struct arena *arena, struct aggregate_plan **out,
	struct error *err)
{
	struct builder *b = ARENA_NEW(arena, struct builder);
	struct sql_expression *key_list =
		ARENA_ARRAY(arena, struct sql_expression, sql_arguments_max);
	struct sql_expression *sources =
		ARENA_ARRAY(arena, struct sql_expression, sql_arguments_max);
	struct custom_aggregate **customs =
		ARENA_ARRAY(arena, struct custom_aggregate *, sql_arguments_max);
	uint32_t n_keys = 0, n = 0;
	b->scope = scope;
	b->arena = arena;
	b->err = err;
	*out = ARENA_NEW(arena, struct aggregate_plan);
	int rc = parse_texts(keys, key_count, arena, key_list, &n_keys, err);
	if (rc == 0)
		rc = check_keys(b, key_list, n_keys);
	if (rc == 0)
		rc = parse_aggregates(
			aggregates, aggregate_count, arena, sources, customs, &n, err);
	if (rc == 0)
		rc = build(b, sources, customs, n, *out);
	if (rc < 0 && scope->place.len > 0)
		error_at(err, STR_FMT, STR_ARG(scope->place));
	return rc;
}
