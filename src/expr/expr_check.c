#include "expr/expr_check.h"

#include "base/bounds.h"
#include "base/check.h"
#include "decode/json_path.h"
#include "expr/cast.h"
#include "expr/kernels.h"

#include <stdio.h>

int checker_fail(struct checker *c, const struct sql_node *node, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error_set(c->err, CDCL_E_SQL, "%s", text);
	return sql_error_at(c->err, c->text, node->at, node->len);
}

/* ---- making nodes ---- */

static struct expr *node_alloc(
	struct checker *c, const struct sql_node *node, enum expr_kind kind, struct type type)
{
	struct expr *e = ARENA_NEW(c->arena, struct expr);
	e->kind = kind;
	e->type = type;
	e->text = c->text;
	e->place = c->scope->place;
	e->timezone = c->scope->timezone;
	e->at = node->at;
	e->len = node->len;
	return e;
}

struct expr *checker_literal(struct checker *c, const struct sql_node *node, const struct value *v)
{
	struct expr *e = node_alloc(c, node, EXPR_LITERAL, v->type);
	e->literal = *v;
	return e;
}

/*
 * The value of a node whose arguments are literals; false when it fails (then it must at run
 * time).
 */
static bool value_at(struct checker *c, const struct expr *e, int64_t time_us, struct value *out)
{
	uint64_t live[chunk_words] = {1};
	struct run run = {.rows = 1, .live = live, .arena = c->arena, .time_us = time_us};
	struct vector v;
	expr_run(e, &run, &v);
	if (vector_fault(&v, 0) != EXPR_FINE)
		return false;
	*out = value_from_column(&v.column, v.type, 0);
	out->type = v.type;
	return true;
}

/* What differs at another time is not constant: cast('10:00' as timestamp) is a time of today. */
static bool fold(struct checker *c, const struct expr *e, struct value *out)
{
	struct value later;
	const int64_t some_day_us = INT64_C(1000000000000000);
	return value_at(c, e, 0, out) && value_at(c, e, some_day_us, &later)
		&& out->is_null == later.is_null && (out->is_null || value_cmp(out, &later) == 0);
}

void checker_fold(struct checker *c, struct expr *e)
{
	struct value v;
	for (uint32_t i = 0; i < e->arg_count; i++)
		if (e->args[i]->kind != EXPR_LITERAL)
			return;
	if (e->changes || !fold(c, e, &v))
		return;
	e->kind = EXPR_LITERAL;
	e->literal = v;
	e->arg_count = 0;
}

struct expr *checker_call(struct checker *c, const struct sql_node *node, kernel_fn *kernel,
	unsigned flags, struct type type, struct expr **args, uint32_t count)
{
	return checker_prepared(c, node, kernel, flags, type, args, count, NULL);
}

struct expr *checker_prepared(struct checker *c, const struct sql_node *node, kernel_fn *kernel,
	unsigned flags, struct type type, struct expr **args, uint32_t count, const void *prepared)
{
	check(kernel != NULL);
	struct expr *e = node_alloc(c, node, EXPR_CALL, type);
	e->kernel = kernel;
	e->own_nulls = (flags & FN_OWN_NULLS) != 0;
	e->changes = (flags & FN_CHANGES) != 0;
	e->args = ARENA_ARRAY(c->arena, struct expr *, count);
	if (count > 0)
		memcpy(e->args, args, count * sizeof(*args));
	e->arg_count = count;
	e->prepared = prepared;
	checker_fold(c, e);
	return e;
}

static struct expr *cast_node(struct checker *c, const struct sql_node *node, struct expr *arg,
	struct type to, bool try_cast)
{
	if (type_eq(arg->type, to))
		return arg;
	if (arg->kind == EXPR_LITERAL && arg->literal.is_null) {
		struct value null = value_null(to);
		return checker_literal(c, node, &null);
	}
	struct expr *e = node_alloc(c, node, EXPR_CALL, to);
	e->kernel = cast_kernel(arg->type, to);
	e->try_cast = try_cast;
	e->args = ARENA_ARRAY(c->arena, struct expr *, 1);
	e->args[0] = arg;
	e->arg_count = 1;
	checker_fold(c, e);
	return e;
}

struct expr *checker_explicit_cast(
	struct checker *c, const struct sql_node *node, struct expr *arg, struct type to)
{
	return cast_node(c, node, arg, to, false);
}

static int fail_cast(
	struct checker *c, const struct sql_node *node, struct type from, struct type to)
{
	struct strbuf s;
	strbuf_init(&s);
	type_name(from, &s);
	strbuf_add_c(&s, " to ");
	type_name(to, &s);
	int rc = checker_fail(
		c, node, "[DATATYPE_MISMATCH] cannot cast " STR_FMT, STR_ARG(strbuf_str(&s)));
	strbuf_release(&s);
	return rc;
}

int checker_cast(struct checker *c, const struct sql_node *node, struct expr *arg, struct type to,
	struct expr **out)
{
	if (!type_eq(arg->type, to) && !cast_implicit(arg->type, to)) {
		struct strbuf s;
		strbuf_init(&s);
		sql_name(node, &s);
		strbuf_add_c(&s, "\" wants ");
		type_name(to, &s);
		strbuf_add_c(&s, ", not ");
		type_name(arg->type, &s);
		int rc = checker_fail(
			c, node, "[DATATYPE_MISMATCH] \"" STR_FMT, STR_ARG(strbuf_str(&s)));
		strbuf_release(&s);
		return rc;
	}
	*out = cast_node(c, node, arg, to, false);
	return 0;
}

/* ---- columns ---- */

static struct str folded(struct str s, struct arena *arena)
{
	char *out = arena_alloc(arena, s.len + 1, 1);
	for (size_t i = 0; i < s.len; i++)
		out[i] = (char)(s.data[i] >= 'A' && s.data[i] <= 'Z' ? s.data[i] + 32 : s.data[i]);
	return (struct str){out, s.len};
}

static void suggest_columns(struct checker *c, struct str wanted)
{
	const struct schema *s = c->scope->schema;
	struct str names[64] = {{NULL, 0}};
	uint32_t n = 0;
	for (; n < s->column_count && n < ARRAY_LEN(names); n++)
		names[n] = folded(s->columns[n].name, c->arena);
	struct str near = str_nearest(folded(wanted, c->arena), names, n);
	for (uint32_t i = 0; near.data != NULL && i < n; i++)
		if (names[i].data == near.data) {
			error_help(c->err, "did you mean \"" STR_FMT "\"?",
				STR_ARG(s->columns[i].name));
			return;
		}
	struct strbuf list;
	strbuf_init(&list);
	for (uint32_t i = 0; i < n && list.len < 300; i++)
		strbuf_addf(&list, "%s" STR_FMT, i == 0 ? "" : ", ", STR_ARG(s->columns[i].name));
	if (n > 0)
		error_help(c->err, "the columns are: " STR_FMT, STR_ARG(strbuf_str(&list)));
	else
		error_help(c->err, "there are no columns here");
	strbuf_release(&list);
}

static int fail_column(struct checker *c, const struct sql_node *node, int found)
{
	if (found == SCHEMA_AMBIGUOUS)
		return checker_fail(c, node,
			"[AMBIGUOUS_REFERENCE] more than one column is called \"" STR_FMT "\"",
			STR_ARG(node->name));
	int rc = checker_fail(c, node, "[UNRESOLVED_COLUMN] there is no column \"" STR_FMT "\"",
		STR_ARG(node->name));
	suggest_columns(c, node->name);
	return rc;
}

static struct expr *column_node(
	struct checker *c, const struct sql_node *node, uint32_t index, const struct schema *schema)
{
	struct expr *e = node_alloc(c, node, EXPR_COLUMN, schema->columns[index].type);
	e->column = index;
	return e;
}

static int check_column(struct checker *c, const struct sql_node *node, struct expr **out)
{
	int index = schema_find_fold(c->scope->schema, node->name);
	if (index < 0)
		return fail_column(c, node, index);
	if (c->inner != NULL) {
		int rc = checker_fail(c, node,
			"[MISSING_AGGREGATION] \"" STR_FMT "\" is neither a group key nor inside an"
			" aggregate function",
			STR_ARG(node->name));
		error_help(c->err,
			"add it to group_by, or take one of its values: first(" STR_FMT ")",
			STR_ARG(node->name));
		return rc;
	}
	*out = column_node(c, node, (uint32_t)index, c->scope->schema);
	return 0;
}

struct metadata_row {
	struct str name;
	enum type_id type;
	kernel_fn *kernel;
};

static const struct metadata_row metadata[] = {
	{str_lit("@topic"), TYPE_STRING, kernel_topic},
	{str_lit("@partition"), TYPE_INT, kernel_partition},
	{str_lit("@offset"), TYPE_BIGINT, kernel_offset},
	{str_lit("@timestamp"), TYPE_TIMESTAMP, kernel_timestamp},
	{str_lit("@key"), TYPE_STRING, kernel_key},
	{str_lit("@value"), TYPE_STRING, kernel_value},
	{str_lit("@headers"), TYPE_JSON, kernel_headers},
	{str_lit("@op"), TYPE_STRING, kernel_op},
	{str_lit("@before"), TYPE_JSON, kernel_before},
	{str_lit("@source"), TYPE_JSON, kernel_source},
	{str_lit("@event_time"), TYPE_TIMESTAMP, kernel_event_time},
};

static int check_metadata(struct checker *c, const struct sql_node *node, struct expr **out)
{
	if (c->inner != NULL || !c->scope->metadata)
		return checker_fail(c, node,
			"\"" STR_FMT "\" is known only where rows still belong to one message",
			STR_ARG(node->name));
	for (size_t i = 0; i < ARRAY_LEN(metadata); i++)
		if (str_eq_fold(node->name, metadata[i].name)) {
			if (metadata[i].kernel == kernel_headers && c->scope->reads_headers != NULL)
				*c->scope->reads_headers = true;
			*out = checker_call(c, node, metadata[i].kernel, FN_OWN_NULLS | FN_CHANGES,
				type_of(metadata[i].type), NULL, 0);
			return 0;
		}
	int rc = checker_fail(
		c, node, "there is no metadata column \"" STR_FMT "\"", STR_ARG(node->name));
	error_help(c->err,
		"the metadata columns are: @topic @partition @offset @timestamp @key @value "
		"@headers, of an envelope also @op @before @source @event_time");
	return rc;
}

/* ---- paths into json ---- */

static int path_step(struct checker *c, const struct sql_node *node, struct json_step *step)
{
	*step = (struct json_step){.field = node->name};
	if (node->kind == SQL_FIELD)
		return 0;
	const struct sql_node *index = node->args[1];
	if (index->kind == SQL_LITERAL && index->literal.type.id == TYPE_STRING) {
		step->field = index->literal.as.str;
		return 0;
	}
	step->field = (struct str){NULL, 0};
	step->index = index->literal.as.i32;
	if (index->kind == SQL_LITERAL && index->literal.type.id == TYPE_INT && step->index >= 0)
		return 0;
	return checker_fail(c, index, "a place in json is a constant: [0] or ['name']");
}

/* array[i], from 0; outside is a failure, as in Spark. */
static int check_item(
	struct checker *c, const struct sql_node *node, struct expr *array, struct expr **out)
{
	struct expr *pair[2] = {array, NULL};
	int rc = checker_node(c, node->args[1], &pair[1]);
	if (rc == 0)
		rc = checker_cast(c, node, pair[1], type_of(TYPE_INT), &pair[1]);
	if (rc == 0)
		*out = checker_call(c, node, kernel_item, 0, *array->type.element, pair, 2);
	return rc;
}

/* @source.lsn: whole numbers as bigint, the rest as text. */
static int type_source_field(struct checker *c, const struct sql_node *node, struct expr **out)
{
	static const char *const numbers[] = {"lsn", "txId", "xmin", "ts_ms", "ts_us", "ts_ns",
		"pos", "row", "server_id", "thread", "ts", "xid", "xoffset", "es"};
	enum type_id type = TYPE_STRING;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (str_eq(node->name, str_c(numbers[i])))
			type = TYPE_BIGINT;
	*out = cast_node(c, node, *out, type_of(type), true);
	return 0;
}

static int check_path(struct checker *c, const struct sql_node *node, struct expr **out)
{
	uint32_t count = 0;
	const struct sql_node *base = node;
	while (base->inner < 0 && (base->kind == SQL_FIELD || base->kind == SQL_INDEX)) {
		base = base->args[0];
		count++;
	}
	struct expr *json;
	int rc = checker_node(c, base, &json);
	if (rc < 0)
		return rc;
	if (json->type.id == TYPE_ARRAY && count == 1 && node->kind == SQL_INDEX)
		return check_item(c, node, json, out);
	if (json->type.id != TYPE_JSON) {
		struct strbuf s;
		strbuf_init(&s);
		type_name(json->type, &s);
		rc = checker_fail(c, node,
			"only a json column or an array can be looked into; this is " STR_FMT,
			STR_ARG(strbuf_str(&s)));
		strbuf_release(&s);
		return rc;
	}
	struct json_path *path = ARENA_NEW(c->arena, struct json_path);
	path->steps = ARENA_ARRAY(c->arena, struct json_step, count);
	path->count = count;
	for (const struct sql_node *n = node; n != base; n = n->args[0]) {
		rc = path_step(c, n, &path->steps[--count]);
		if (rc < 0)
			return rc;
	}
	*out = checker_prepared(
		c, node, kernel_json_path, FN_OWN_NULLS, type_of(TYPE_JSON), &json, 1, path);
	if (base->kind == SQL_METADATA && node->kind == SQL_FIELD && path->count == 1 &&
		str_eq_fold(base->name, str_lit("@source")))
		return type_source_field(c, node, out);
	return 0;
}

/* ---- calls ---- */

/* What a query for Spark may have here, and where it is in cdcl. */
static const char *const elsewhere[][2] = {
	{"from_json", "the source reads JSON: cdcl.kafka { schema = \"order_id int, op string\" }"},
	{"to_json", "cdcl.kafka_sink writes rows as JSON objects: format = \"json\", its default"},
	{"col", "write the column's name as it is"},
	{"lit", "write the value as it is"},
	{"explode", "write :flat_map(\"ddl\", function(row, emit) ... end)"},
	{"row_number", "of a Table: :group_by(\"k\"):top(n, \"v desc\")"},
	{"rank", "of a Table: :group_by(\"k\"):top(n, \"v desc\")"},
	{"window", "event-time windows are not there yet; date_trunc('minute', t) as a group key "
		   "counts by minutes"},
};

static const char *find_elsewhere(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
		if (str_eq_fold(name, str_c(elsewhere[i][0])))
			return elsewhere[i][1];
	return NULL;
}

static int fail_function(struct checker *c, const struct sql_node *node)
{
	struct sql_node name = *node;
	name.len = node->name.len;
	int rc = checker_fail(c, &name, "[UNRESOLVED_ROUTINE] there is no function \"" STR_FMT "\"",
		STR_ARG(node->name));
	struct str near = function_nearest(folded(node->name, c->arena));
	const char *there = find_elsewhere(node->name);
	if (there != NULL)
		error_help(c->err, "%s", there);
	else if (near.data != NULL)
		error_help(c->err, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
	else
		error_help(c->err, "docs/functions.md lists them all");
	return rc;
}

static int check_arity(struct checker *c, const struct sql_node *node, const struct function *f)
{
	if (node->arg_count >= f->args_min
		&& (f->args_max == function_any_args || node->arg_count <= f->args_max))
		return 0;
	int rc = checker_fail(c, node, "[WRONG_NUM_ARGS] %s has %u argument%s", f->name,
		node->arg_count, node->arg_count == 1 ? "" : "s");
	error_help(c->err, "it is %s", f->usage);
	return rc;
}

static int check_call(struct checker *c, const struct sql_node *node, struct expr **out)
{
	const struct function *f = function_find(node->name);
	if (f == NULL)
		return fail_function(c, node);
	if (f->flags & FN_AGGREGATE) {
		int rc = checker_fail(
			c, node, "the aggregate function %s cannot be used here", f->name);
		error_help(c->err,
			"aggregates belong in agg(...), one inside the other never; filter after "
			"it");
		return rc;
	}
	if (node->distinct || node->filter != NULL)
		return checker_fail(c, node,
			"distinct and filter belong to aggregate functions; %s is none", f->name);
	int rc = check_arity(c, node, f);
	struct expr **args = ARENA_ARRAY(c->arena, struct expr *, node->arg_count);
	for (uint32_t i = 0; rc == 0 && i < node->arg_count; i++)
		rc = checker_node(c, node->args[i], &args[i]);
	return rc < 0 ? rc : f->resolve(c, node, f, args, node->arg_count, out);
}

static int check_cast(struct checker *c, const struct sql_node *node, struct expr **out)
{
	struct expr *arg;
	int rc = checker_node(c, node->args[0], &arg);
	if (rc < 0)
		return rc;
	if (!cast_allowed(arg->type, node->type))
		return fail_cast(c, node, arg->type, node->type);
	*out = cast_node(c, node, arg, node->type, node->try_cast);
	(*out)->written = false; /* cast(5 as int) is not 5 to decimal arithmetic */
	return 0;
}

int checker_node(struct checker *c, const struct sql_node *node, struct expr **out)
{
	if (c->inner != NULL && node->inner >= 0) {
		*out = column_node(c, node, (uint32_t)node->inner, c->inner);
		return 0;
	}
	switch (node->kind) {
	case SQL_LITERAL:
		*out = checker_literal(c, node, &node->literal);
		(*out)->written = true;
		return 0;
	case SQL_COLUMN: return check_column(c, node, out);
	case SQL_METADATA: return check_metadata(c, node, out);
	case SQL_CALL: return check_call(c, node, out);
	case SQL_CAST: return check_cast(c, node, out);
	case SQL_FIELD:
	case SQL_INDEX: return check_path(c, node, out);
	case SQL_STAR: break;
	}
	return checker_fail(c, node, "* stands alone (select all columns) or in count(*)");
}

/* ---- whole expressions ---- */

/* Literals that are still there become full columns, once. */
void checker_expand(struct checker *c, struct expr *e)
{
	for (uint32_t i = 0; i < e->arg_count; i++)
		checker_expand(c, e->args[i]);
	if (e->kind != EXPR_LITERAL || e->expanded != NULL)
		return;
	struct vector *v = ARENA_NEW(c->arena, struct vector);
	v->type = e->type;
	v->column.data = chunk_alloc_data(c->arena, e->type);
	for (uint32_t i = 0; i < chunk_rows_max; i++)
		value_to_column(&e->literal, &v->column, i);
	e->expanded = v;
}

struct str checker_name(struct checker *c, const struct sql_expression *source)
{
	if (source->alias.data != NULL)
		return str_dup(source->alias, c->arena);
	const struct sql_node *n = source->node;
	while (n->kind == SQL_CAST && n->literal_text.data == NULL)
		n = n->args[0];
	if (n->kind != SQL_COLUMN && n->kind != SQL_FIELD)
		n = source->node; /* casts of a column keep its name, others do not: as Spark */
	if (n->kind == SQL_COLUMN || n->kind == SQL_FIELD)
		return str_dup(n->name, c->arena);
	struct strbuf s;
	strbuf_init(&s);
	sql_name(n, &s);
	struct str name = str_dup(strbuf_str(&s), c->arena);
	strbuf_release(&s);
	return name;
}

int checker_expression(struct checker *c, const struct sql_expression *source, struct expr **out)
{
	int rc = checker_node(c, source->node, out);
	if (rc < 0)
		return rc;
	struct expr *top = ARENA_NEW(c->arena, struct expr);
	*top = **out; /* the node may be shared; its name is of this place */
	top->name = checker_name(c, source);
	top->source = source->len > 0 ? str_sub(c->text, source->at, source->len) : top->name;
	checker_expand(c, top);
	*out = top;
	return 0;
}
