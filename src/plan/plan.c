#include "plan/plan.h"
#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"
#include "decode/ddl.h"
#include "expr/row_function.h"

#include <stdlib.h>

struct plan *plan_open(void)
{
	struct arena *arena = malloc(sizeof(*arena));
	check(arena != NULL);
	arena_init(arena, 64 * 1024);
	struct plan *p = ARENA_NEW(arena, struct plan);
	p->arena = arena;
	p->job_name = str_lit("job");
	p->trigger = TRIGGER_DEFAULT;
	p->error_budget = 1000;
	p->restarts = 5;
	p->timezone_name = str_lit("UTC");
	p->nodes = ARENA_ARRAY(arena, struct plan_node *, plan_nodes_max);
	p->sinks = ARENA_ARRAY(arena, struct plan_sink, sink_count_max);
	return p;
}

void plan_close(struct plan *p)
{
	if (p == NULL)
		return;
	struct arena *arena = p->arena; /* the plan itself lives in it */
	arena_release(arena);
	free(arena);
}

bool plan_node_follows_table(const struct plan_node *n)
{
	bool holds = n->kind == PLAN_GROUP || n->kind == PLAN_TOP || n->kind == PLAN_JOIN;
	for (uint32_t i = 0; i < n->input_count && holds; i++)
		if (n->inputs[i]->is_table)
			return true;
	return false;
}

bool plan_source_learns(const struct plan_node *n)
{
	return n->kind == PLAN_SOURCE && !n->raw && n->envelope != NULL &&
		n->envelope->kind != ENVELOPE_FLAT;
}

struct plan_node *plan_node_add(struct plan *p, enum plan_kind kind,
	struct plan_node *const *inputs, uint32_t count, struct str place, struct error *err)
{
	if (p->node_count == plan_nodes_max) {
		error_set(err, CDCL_E_SCRIPT, "a job has at most %d steps", (int)plan_nodes_max);
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct plan_node *n = ARENA_NEW(p->arena, struct plan_node);
	n->kind = kind;
	n->id = p->node_count;
	n->place = str_dup(place, p->arena);
	n->inputs = ARENA_ARRAY(p->arena, struct plan_node *, count + 1);
	n->input_count = count;
	for (uint32_t i = 0; i < count; i++) {
		n->inputs[i] = inputs[i];
		n->is_table = n->is_table || inputs[i]->is_table;
	}
	if (count > 0)
		n->schema = inputs[0]->schema;
	if (count == 1)
		n->key = inputs[0]->key;
	p->nodes[p->node_count++] = n;
	return n;
}

struct expr_scope plan_scope(struct plan *p, const struct plan_node *in, struct str place)
{
	return (struct expr_scope){
		.schema = in->schema,
		.metadata = !in->is_table,
		.reads_headers = &p->reads_headers,
		.timezone = p->timezone,
		.place = place,
	};
}

void plan_error(struct error *err, struct str place, struct str source, struct str part)
{
	error_at(err, STR_FMT, STR_ARG(place));
	if (source.data == NULL)
		return;
	size_t len = source.len < error_line_bytes - 1 ? source.len : error_line_bytes - 1;
	memcpy(err->source_line, source.data, len);
	err->source_line[len] = '\0';
	size_t start = part.data == NULL ? 0 : (size_t)(part.data - source.data);
	size_t width = part.data == NULL ? source.len : part.len;
	if (start >= len)
		return;
	err->caret_start = (int)start;
	err->caret_len = (int)(width < len - start ? (width > 0 ? width : 1) : len - start);
}

bool plan_next_name(struct str list, size_t *at, struct str *name)
{
	if (*at > list.len)
		return false;
	size_t start = *at;
	bool quoted = false;
	size_t end = start;
	while (end < list.len && (quoted || list.data[end] != ',')) {
		if (list.data[end] == '`')
			quoted = !quoted;
		end++;
	}
	*at = end + 1;
	struct str part = str_trim(str_sub(list, start, end - start));
	if (part.len >= 2 && part.data[0] == '`' && part.data[part.len - 1] == '`')
		part = str_sub(part, 1, part.len - 2);
	*name = part;
	return true;
}

int plan_find_column(const struct plan_node *in, struct str name, struct str source,
	struct str place, struct error *err)
{
	int index = schema_find_fold(in->schema, name);
	if (index >= 0)
		return index;
	if (index == SCHEMA_AMBIGUOUS) {
		error_set(err, CDCL_E_SCRIPT, "column \"" STR_FMT "\" is there more than once",
			STR_ARG(name));
		plan_error(err, place, source, name);
		return -CDCL_E_SCRIPT;
	}
	error_set(err, CDCL_E_SCRIPT, "there is no column \"" STR_FMT "\"", STR_ARG(name));
	plan_error(err, place, source, name);
	struct str names[schema_columns_max];
	for (uint32_t i = 0; i < in->schema->column_count; i++)
		names[i] = in->schema->columns[i].name;
	struct str near = str_nearest(name, names, in->schema->column_count);
	if (near.data != NULL) {
		error_help(err, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
	} else {
		struct strbuf text;
		strbuf_init(&text);
		schema_text(in->schema, &text);
		error_help(err, "columns here: " STR_FMT, (int)(text.len < 400 ? text.len : 400),
			text.data);
		strbuf_release(&text);
	}
	return -CDCL_E_SCRIPT;
}

struct schema *plan_schema(struct plan *p, struct str ddl, struct str place, struct error *err)
{
	struct schema *s = NULL;
	if (ddl_parse(str_dup(ddl, p->arena), p->arena, &s, err) < 0) {
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	return s;
}

/* What a Kafka source gives in Spark when nothing says what the bytes mean. */
static const struct schema *raw_schema(struct plan *p)
{
	static const struct {
		const char *name;
		enum type_id type;
	} columns[] = {
		{"key", TYPE_BINARY},
		{"value", TYPE_BINARY},
		{"topic", TYPE_STRING},
		{"partition", TYPE_INT},
		{"offset", TYPE_BIGINT},
		{"timestamp", TYPE_TIMESTAMP},
		{"timestampType", TYPE_INT},
	};
	struct schema *s = schema_alloc(p->arena, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < ARRAY_LEN(columns); i++) {
		s->columns[i].name = str_c(columns[i].name);
		s->columns[i].type = type_of(columns[i].type);
	}
	return s;
}

struct plan_node *plan_source(struct plan *p, const struct source_config *source,
	struct str schema_ddl, const struct json_config *json, struct str place, struct error *err)
{
	const struct schema *schema = NULL;
	int corrupt = -1;
	if (schema_ddl.data == NULL) {
		schema = raw_schema(p);
	} else {
		schema = plan_schema(p, schema_ddl, place, err);
		if (schema == NULL)
			return NULL;
		corrupt = schema_find(schema, str_lit("_corrupt_record"));
		if (corrupt >= 0 && schema->columns[corrupt].type.id != TYPE_STRING) {
			error_set(err, CDCL_E_SCRIPT,
				"_corrupt_record receives the raw text and must be a string");
			plan_error(err, place, schema_ddl, (struct str){NULL, 0});
			return NULL;
		}
	}
	struct plan_node *n = plan_node_add(p, PLAN_SOURCE, NULL, 0, place, err);
	if (n == NULL)
		return NULL;
	n->schema = schema;
	n->raw = schema_ddl.data == NULL;
	n->source = *source;
	n->source.number = 0;
	for (uint32_t i = 0; i < n->id; i++)
		n->source.number += p->nodes[i]->kind == PLAN_SOURCE;
	if (json != NULL)
		n->json = *json;
	n->json.schema = schema;
	n->json.corrupt_column = corrupt;
	if (n->json.timezone == NULL)
		n->json.timezone = p->timezone;
	return n;
}

struct plan_node *plan_filter(struct plan *p, struct plan_node *in, struct str condition,
	struct str place, struct error *err)
{
	struct expr_scope scope = plan_scope(p, in, place);
	struct expr *e = NULL;
	if (expr_compile(str_dup(condition, p->arena), &scope, p->arena, &e, err) < 0)
		return NULL;
	enum type_id id = expr_type(e).id;
	if (id != TYPE_BOOLEAN && id != TYPE_NULL) {
		struct strbuf type;
		strbuf_init(&type);
		type_name(expr_type(e), &type);
		error_set(err, CDCL_E_SCRIPT, "filter needs a boolean, this is " STR_FMT,
			STR_ARG(strbuf_str(&type)));
		plan_error(err, place, condition, (struct str){NULL, 0});
		strbuf_release(&type);
		return NULL;
	}
	struct plan_node *n = plan_node_add(p, PLAN_FILTER, &in, 1, place, err);
	if (n != NULL)
		n->condition = e;
	return n;
}

struct plan_node *plan_filter_function(struct plan *p, struct plan_node *in, struct row_function *f,
	struct str place, struct error *err)
{
	struct plan_node *n = plan_node_add(p, PLAN_FILTER, &in, 1, place, err);
	if (n != NULL)
		n->function = f;
	return n;
}

struct plan_node *plan_map(struct plan *p, struct plan_node *in, struct str ddl,
	struct row_function *f, bool flat, struct str place, struct error *err)
{
	if (flat && in->is_table) {
		error_set(err, CDCL_E_SCRIPT,
			"flat_map works on a Stream; this is a Table, whose rows change");
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct schema *schema = plan_schema(p, ddl, place, err);
	if (schema == NULL)
		return NULL;
	struct plan_node *n = plan_node_add(p, flat ? PLAN_FLAT_MAP : PLAN_MAP, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	n->schema = schema;
	n->key = NULL; /* the new columns hold none */
	n->function = f;
	return n;
}

static int check_union_column(const struct schema *first, const struct schema *other, uint32_t i,
	uint32_t which, struct str place, struct error *err)
{
	if (type_eq(first->columns[i].type, other->columns[i].type))
		return 0;
	struct strbuf text;
	strbuf_init(&text);
	strbuf_addf(
		&text, "union: column %u is " STR_FMT " ", i + 1, STR_ARG(first->columns[i].name));
	type_name(first->columns[i].type, &text);
	strbuf_addf(&text, " in the first and " STR_FMT " ", STR_ARG(other->columns[i].name));
	type_name(other->columns[i].type, &text);
	error_set(
		err, CDCL_E_SCRIPT, STR_FMT " in stream %u", STR_ARG(strbuf_str(&text)), which + 1);
	error_help(err, "columns go by position; give both the same types with select and cast");
	strbuf_release(&text);
	return error_at(err, STR_FMT, STR_ARG(place));
}

struct plan_node *plan_union(
	struct plan *p, struct plan_node **in, uint32_t count, struct str place, struct error *err)
{
	if (count == 0) {
		error_set(err, CDCL_E_SCRIPT, "union needs at least one stream");
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	const struct schema *first = in[0]->schema;
	for (uint32_t i = 0; i < count; i++) {
		if (in[i]->is_table) {
			error_set(err, CDCL_E_SCRIPT, "union joins Streams; input %u is a Table",
				i + 1);
			error_at(err, STR_FMT, STR_ARG(place));
			return NULL;
		}
		const struct schema *other = in[i]->schema;
		if (other->column_count != first->column_count) {
			error_set(err, CDCL_E_SCRIPT,
				"union: stream %u has %u columns, the first has %u", i + 1,
				other->column_count, first->column_count);
			error_at(err, STR_FMT, STR_ARG(place));
			return NULL;
		}
		for (uint32_t c = 0; c < first->column_count; c++)
			if (check_union_column(first, other, c, i, place, err) < 0)
				return NULL;
	}
	return plan_node_add(p, PLAN_UNION, in, count, place, err);
}

struct plan_node *plan_limit(
	struct plan *p, struct plan_node *in, int64_t limit, struct str place, struct error *err)
{
	if (limit < 0) {
		error_set(err, CDCL_E_SCRIPT, "limit needs a number of rows from 0 on, not %lld",
			(long long)limit);
		error_at(err, STR_FMT, STR_ARG(place));
		return NULL;
	}
	struct plan_node *n = plan_node_add(p, PLAN_LIMIT, &in, 1, place, err);
	if (n != NULL)
		n->limit = limit;
	return n;
}

int plan_sink(struct plan *p, struct plan_node *in, const struct sink_config *sink,
	struct str place, struct error *err)
{
	if (p->sink_count == sink_count_max) {
		error_set(err, CDCL_E_SCRIPT, "a job has at most %d sinks", (int)sink_count_max);
		return error_at(err, STR_FMT, STR_ARG(place));
	}
	struct plan_sink *s = &p->sinks[p->sink_count++];
	s->input = in;
	s->config = *sink;
	s->place = str_dup(place, p->arena);
	return 0;
}
