/* merge: the options of a script, checked against the Stream, to a struct merge_plan. */

#include "plan/plan_build.h"

#include "base/bounds.h"
#include "base/check.h"

enum { hidden_columns_max = 16 };

static const int64_t tombstone_ttl_default_us = INT64_C(24) * 3600 * 1000000;

/* What the functions below hand each other while one merge is planned. */
struct merge_builder {
	struct plan *plan;
	const struct plan_node *in;
	const struct merge_options *options;
	struct str place;
	struct merge_plan *merge;
	struct schema *schema;
	struct error *err;
};

static int refuse_option(struct merge_builder *b, struct str text, struct str part)
{
	plan_error(b->err, b->place, text, part);
	return -CDCL_E_SCRIPT;
}

/* ---- words ---- */

struct choice {
	const char *word;
	int value;
};

/* *out stays as it is when the option was not given. */
static int choose(struct merge_builder *b, const char *option, struct str given,
	const struct choice *choices, size_t count, int *out)
{
	struct str names[8];
	check(count <= ARRAY_LEN(names));
	if (given.data == NULL)
		return 0;
	for (size_t i = 0; i < count; i++) {
		names[i] = str_c(choices[i].word);
		if (!str_eq_fold(given, names[i]))
			continue;
		*out = choices[i].value;
		return 0;
	}
	error_set(b->err, CDCL_E_SCRIPT, "merge: %s cannot be \"" STR_FMT "\"", option,
		STR_ARG(given));
	struct str near = str_nearest(given, names, count);
	if (near.data != NULL)
		error_help(b->err, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
	else
		error_help(b->err, "one of \"%s\", \"%s\"%s%s%s", choices[0].word, choices[1].word,
			count > 2 ? ", \"" : "", count > 2 ? choices[2].word : "",
			count > 2 ? "\"" : "");
	return refuse_option(b, given, given);
}

static int choose_policy(
	struct merge_builder *b, const char *option, struct str given, enum merge_policy *out)
{
	static const struct choice choices[] = {
		{"apply", MERGE_APPLY}, {"ignore", MERGE_IGNORE}, {"error", MERGE_ERROR}};
	int value = MERGE_APPLY;
	int r = choose(b, option, given, choices, ARRAY_LEN(choices), &value);
	*out = (enum merge_policy)value;
	return r;
}

static int plan_words(struct merge_builder *b)
{
	static const struct choice updates[] = {{"replace", MERGE_REPLACE}, {"patch", MERGE_PATCH}};
	static const struct choice nulls[] = {{"null", 0}, {"keep", 1}};
	static const struct choice truncates[] = {{"clear", TRUNCATE_CLEAR},
		{"ignore", TRUNCATE_IGNORE}, {"fail", TRUNCATE_FAIL}};
	static const struct choice times[] = {
		{"event", MERGE_EVENT_TIME}, {"processing", MERGE_PROCESSING_TIME}};
	const struct merge_options *o = b->options;
	struct merge_plan *m = b->merge;
	int update = MERGE_REPLACE, keeps = 0, truncate = TRUNCATE_CLEAR, time = MERGE_EVENT_TIME;
	if (choose(b, "update", o->update, updates, 2, &update) < 0 ||
		choose(b, "null_means", o->null_means, nulls, 2, &keeps) < 0 ||
		choose(b, "on_truncate", o->on_truncate, truncates, 3, &truncate) < 0 ||
		choose(b, "ttl_by", o->ttl_by, times, 2, &time) < 0 ||
		choose_policy(b, "on_insert_existing", o->on_insert_existing,
			&m->insert_existing) < 0 ||
		choose_policy(b, "on_update_missing", o->on_update_missing, &m->update_missing) <
			0 ||
		choose_policy(b, "on_delete_missing", o->on_delete_missing, &m->delete_missing) < 0)
		return -CDCL_E_SCRIPT;
	m->update = (enum merge_update)update;
	m->null_keeps = keeps != 0;
	m->truncate = (enum truncate_policy)truncate;
	m->ttl_time = (enum merge_time)time;
	if (!m->null_keeps || m->update == MERGE_PATCH)
		return 0;
	error_set(b->err, CDCL_E_SCRIPT, "merge: null_means = \"keep\" needs update = \"patch\"");
	return refuse_option(b, o->null_means, o->null_means);
}

/* ---- where the events come from ---- */

static bool may_be_flat(const struct plan_node *n)
{
	if (n->kind == PLAN_SOURCE)
		return n->envelope == NULL || n->envelope->kind == ENVELOPE_AUTO ||
			n->envelope->kind == ENVELOPE_FLAT;
	for (uint32_t i = 0; i < n->input_count; i++)
		if (may_be_flat(n->inputs[i]))
			return true;
	return false;
}

/*
 * Every source is told to keep what its envelope says; one that says nothing of it looks itself. A
 * table is made of all events, not of those to come.
 */
static void ask_for_changes(struct plan *p, struct plan_node *n)
{
	for (uint32_t i = 0; i < n->input_count; i++)
		ask_for_changes(p, n->inputs[i]);
	if (n->kind == PLAN_SOURCE && !n->source.kafka.starting.given)
		n->source.kafka.starting.kind = OFFSETS_EARLIEST;
	if (n->kind != PLAN_SOURCE || n->raw)
		return;
	if (n->envelope == NULL) {
		n->envelope = ARENA_NEW(p->arena, struct envelope_config);
		n->envelope->kind = ENVELOPE_AUTO;
		n->envelope->json = n->json;
	}
	n->envelope->changes = true;
}

static bool all_flat(const struct plan_node *n)
{
	if (n->kind == PLAN_SOURCE)
		return n->raw || (n->envelope != NULL && n->envelope->kind == ENVELOPE_FLAT);
	for (uint32_t i = 0; i < n->input_count; i++)
		if (!all_flat(n->inputs[i]))
			return false;
	return true;
}

static bool passes_flat_map(const struct plan_node *n)
{
	bool passes = n->kind == PLAN_FLAT_MAP;
	for (uint32_t i = 0; i < n->input_count && !passes; i++)
		passes = passes_flat_map(n->inputs[i]);
	return passes;
}

static struct str first_topic(const struct plan_node *n)
{
	while (n->input_count > 0)
		n = n->inputs[0];
	return n->source.kind == SOURCE_KAFKA && n->source.kafka.topic_count == 1
		? n->source.kafka.topics[0]
		: str_lit("table");
}

static int plan_name(struct merge_builder *b)
{
	struct merge_plan *m = b->merge;
	m->name = b->options->name.data != NULL ? str_dup(b->options->name, b->plan->arena)
						: first_topic(b->in);
	for (uint32_t i = 0; i < b->plan->node_count; i++) {
		const struct plan_node *other = b->plan->nodes[i];
		if (other->kind != PLAN_MERGE || !str_eq(other->merge->name, m->name))
			continue;
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: there is a table \"" STR_FMT "\" already (" STR_FMT ")",
			STR_ARG(m->name), STR_ARG(other->place));
		error_help(b->err, "give each its own: merge { name = \"...\", ... }");
		return refuse_option(b, b->options->name, b->options->name);
	}
	return 0;
}

/* ---- op ---- */

static int plan_op_words(struct merge_builder *b)
{
	const struct merge_options *o = b->options;
	struct merge_plan *m = b->merge;
	m->op_words = ARENA_ARRAY(b->plan->arena, struct merge_word, o->op_word_count + 1);
	for (uint32_t i = 0; i < o->op_word_count; i++) {
		struct str means = o->op_words[2 * i + 1];
		enum change_op op = change_op_parse(means);
		if (op == CHANGE_UNKNOWN) {
			error_set(b->err, CDCL_E_SCRIPT,
				"merge: op_map: \"" STR_FMT "\" is no operation", STR_ARG(means));
			error_help(b->err, "write \"insert\", \"update\", \"delete\", \"upsert\", "
					   "\"read\" or \"truncate\"");
			return refuse_option(b, means, means);
		}
		m->op_words[m->op_word_count++] =
			(struct merge_word){str_dup(o->op_words[2 * i], b->plan->arena), op};
	}
	return 0;
}

/* A column named op, of text, in rows that no envelope is around. */
static int default_op(const struct plan_node *in)
{
	int column = schema_find_fold(in->schema, str_lit("op"));
	if (column < 0 || in->schema->columns[column].type.id != TYPE_STRING || !may_be_flat(in))
		return -1;
	return column;
}

static int plan_op(struct merge_builder *b)
{
	const struct merge_options *o = b->options;
	struct merge_plan *m = b->merge;
	if (plan_op_words(b) < 0)
		return -CDCL_E_SCRIPT;
	if (o->op.data != NULL) {
		struct expr_scope scope = plan_scope(b->plan, b->in, b->place);
		struct str text = str_dup(o->op, b->plan->arena);
		int r = expr_compile(text, &scope, b->plan->arena, &m->op, b->err);
		if (r < 0)
			return r;
		if (expr_type(m->op).id == TYPE_STRING)
			return 0;
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: op must be text, such as 'insert' or 'd'");
		error_help(b->err, "write cast(... as string), and op_map for words of your own");
		return refuse_option(b, text, text);
	}
	int column = default_op(b->in);
	if (column < 0 && passes_flat_map(b->in) && !all_flat(b->in)) {
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: rows that flat_map made have no operation of an envelope");
		error_help(b->err, "say op = \"...\", or envelope = \"flat\" of the source when "
				   "every row is an upsert");
		return refuse_option(b, (struct str){NULL, 0}, (struct str){NULL, 0});
	}
	if (column < 0)
		return 0;
	m->op = expr_column(b->in->schema, (uint32_t)column, b->plan->arena);
	m->op_default = true;
	return 0;
}

/* ---- columns ---- */

static void add_column(struct merge_builder *b, struct str name, struct type type, int32_t from)
{
	struct schema *s = b->schema;
	b->merge->event_column[s->column_count] = from;
	s->columns[s->column_count++] = (struct schema_column){name, type};
}

/* The input's column `c` goes into the Table, or `keep` must name it. */
static bool stays(const struct merge_builder *b, uint32_t c)
{
	return b->merge->op == NULL || expr_as_column(b->merge->op) != (int)c;
}

static int plan_keep(struct merge_builder *b)
{
	struct expr **list = NULL;
	uint32_t count = 0;
	if (b->options->keep.data == NULL)
		return 0;
	struct merge_plan *m = b->merge;
	struct expr_scope scope = plan_scope(b->plan, b->in, b->place);
	struct str text = str_dup(b->options->keep, b->plan->arena);
	int r = expr_compile_list(text, &scope, b->plan->arena, &list, &count, b->err);
	if (r < 0)
		return r;
	m->extra = ARENA_ARRAY(b->plan->arena, struct expr *, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		int column = expr_as_column(list[i]);
		struct str name = expr_name(list[i]);
		if (name.len > 0 && name.data[0] == '@')
			name = str_sub(name, 1, name.len);
		if (column >= 0 && stays(b, (uint32_t)column))
			continue;
		if (schema_find_fold(b->schema, name) != SCHEMA_MISSING) {
			error_set(b->err, CDCL_E_SCRIPT,
				"merge: keep: there is already a column \"" STR_FMT "\"",
				STR_ARG(name));
			error_help(b->err, "give it another name: \"... as other\"");
			return refuse_option(b, text, text);
		}
		uint32_t from = schema_total(b->in->schema) + m->extra_count;
		if (column < 0)
			m->extra[m->extra_count++] = list[i];
		add_column(b, name, expr_type(list[i]), column >= 0 ? column : (int32_t)from);
	}
	return 0;
}

static int plan_columns(struct merge_builder *b)
{
	const struct schema *in = b->in->schema;
	uint32_t most = in->column_count + 3 * sql_arguments_max + hidden_columns_max;
	b->schema = schema_alloc(b->plan->arena, 0);
	b->schema->columns = ARENA_ARRAY(b->plan->arena, struct schema_column, most);
	b->merge->event_column = ARENA_ARRAY(b->plan->arena, int32_t, most);
	for (uint32_t c = 0; c < in->column_count; c++)
		if (stays(b, c))
			add_column(b, in->columns[c].name, in->columns[c].type, (int32_t)c);
	return plan_keep(b);
}

static int find_column(struct merge_builder *b, struct str name, struct str list)
{
	struct plan_node table = {.schema = b->schema};
	return plan_find_column(&table, name, list, b->place, b->err);
}

static int add_key_column(struct merge_builder *b, struct str name, struct str list)
{
	struct row_key *key = &b->merge->key;
	int column = find_column(b, name, list);
	if (column < 0)
		return column;
	enum type_id type = b->schema->columns[column].type.id;
	bool twice = false;
	for (uint32_t i = 0; i < key->count; i++)
		twice |= key->columns[i] == (uint32_t)column;
	if (twice)
		error_set(b->err, CDCL_E_SCRIPT, "merge: key: \"" STR_FMT "\" is there twice",
			STR_ARG(name));
	else if (type == TYPE_ARRAY || type == TYPE_JSON)
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: key: \"" STR_FMT "\" is no scalar; rows cannot be told apart by it",
			STR_ARG(name));
	else if (key->count == row_key_columns_max)
		error_set(b->err, CDCL_E_SCRIPT, "merge: a key has at most %d columns",
			(int)row_key_columns_max);
	else
		key->columns[key->count++] = (uint32_t)column;
	return b->err->code == CDCL_OK ? 0 : refuse_option(b, list, name);
}

static int plan_key(struct merge_builder *b)
{
	struct str list = str_dup(b->options->key, b->plan->arena), name;
	for (size_t at = 0; list.data != NULL && plan_next_name(list, &at, &name);) {
		int r = add_key_column(b, name, list);
		if (r < 0)
			return r;
	}
	if (b->merge->key.count > 0)
		return 0;
	error_set(b->err, CDCL_E_SCRIPT, "merge: which columns tell rows apart?");
	error_help(b->err, "name them: merge { key = \"order_id\" }");
	return refuse_option(b, (struct str){NULL, 0}, (struct str){NULL, 0});
}

static int plan_except(struct merge_builder *b)
{
	struct merge_plan *m = b->merge;
	struct str list = str_dup(b->options->except, b->plan->arena), name;
	if (list.data == NULL)
		return 0;
	m->except = ARENA_ARRAY(b->plan->arena, bool, b->schema->column_count);
	for (size_t at = 0; plan_next_name(list, &at, &name);) {
		int column = find_column(b, name, list);
		if (column < 0)
			return column;
		m->except[column] = true;
		for (uint32_t i = 0; i < m->key.count; i++) {
			if (m->key.columns[i] != (uint32_t)column)
				continue;
			error_set(b->err, CDCL_E_SCRIPT,
				"merge: except: \"" STR_FMT "\" is part of the key", STR_ARG(name));
			return refuse_option(b, list, name);
		}
	}
	return 0;
}

/* ---- ready rules ---- */

static const struct {
	const char *name;
	enum merge_rule_kind kind;
	bool takes_column;
} rule_kinds[] = {
	{"last_write", MERGE_LAST_WRITE, false},
	{"soft_delete", MERGE_SOFT_DELETE, true},
	{"counter", MERGE_COUNTER, true},
	{"first_write", MERGE_FIRST_WRITE, false},
	{"max", MERGE_MAX, true},
	{"keep_history", MERGE_KEEP_HISTORY, false},
};

static int check_rule_type(struct merge_builder *b, struct str name, enum merge_rule_kind kind,
	struct type type)
{
	if (kind == MERGE_SOFT_DELETE && type.id != TYPE_BOOLEAN)
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: soft_delete: \"" STR_FMT "\" must be boolean", STR_ARG(name));
	else if (kind == MERGE_COUNTER && !type_is_numeric(type))
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: counter: \"" STR_FMT "\" is no number", STR_ARG(name));
	else if (kind == MERGE_MAX && (type.id == TYPE_ARRAY || type.id == TYPE_JSON))
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: max: values of \"" STR_FMT "\" have no order", STR_ARG(name));
	return b->err->code == CDCL_OK ? 0 : refuse_option(b, name, name);
}

/* The column that says what was deleted need not come with the events. */
static int rule_column(struct merge_builder *b, struct str name, enum merge_rule_kind kind,
	uint32_t *out)
{
	if (kind == MERGE_SOFT_DELETE && schema_find_fold(b->schema, name) == SCHEMA_MISSING)
		add_column(b, name, type_of(TYPE_BOOLEAN), -1);
	int column = find_column(b, name, name);
	if (column < 0)
		return column;
	*out = (uint32_t)column;
	for (uint32_t i = 0; i < b->merge->key.count; i++) {
		if (b->merge->key.columns[i] != *out)
			continue;
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: rules: \"" STR_FMT "\" is part of the key", STR_ARG(name));
		return refuse_option(b, name, name);
	}
	return check_rule_type(b, name, kind, b->schema->columns[column].type);
}

static int plan_rule(struct merge_builder *b, const char *rule_name, struct str column)
{
	struct str names[ARRAY_LEN(rule_kinds)], name = str_c(rule_name);
	for (size_t i = 0; i < ARRAY_LEN(rule_kinds); i++) {
		names[i] = str_c(rule_kinds[i].name);
		if (!str_eq(names[i], name))
			continue;
		struct merge_rule rule = {.kind = rule_kinds[i].kind};
		struct str text = str_dup(column, b->plan->arena);
		int r = 0;
		if (rule_kinds[i].takes_column && text.data != NULL)
			r = rule_column(b, text, rule.kind, &rule.column);
		else if (rule_kinds[i].takes_column)
			r = error_set(b->err, CDCL_E_SCRIPT, "merge: %s needs a column", rule_name);
		if (rule.kind == MERGE_KEEP_HISTORY)
			b->merge->keeps_history = true;
		else if (r >= 0 && rule.kind != MERGE_LAST_WRITE)
			b->merge->rules[b->merge->rule_count++] = rule;
		return r;
	}
	error_set(b->err, CDCL_E_SCRIPT, "merge: there is no rule \"%s\"", rule_name);
	struct str near = str_nearest(name, names, ARRAY_LEN(names));
	if (near.data != NULL)
		error_help(b->err, "did you mean \"" STR_FMT "\"?", STR_ARG(near));
	return refuse_option(b, name, name);
}

static int plan_rules(struct merge_builder *b)
{
	const struct merge_options *o = b->options;
	b->merge->rules = ARENA_ARRAY(b->plan->arena, struct merge_rule, o->rule_count + 1);
	if (o->rule_count > sql_arguments_max) {
		error_set(b->err, CDCL_E_SCRIPT, "merge: more than %d rules",
			(int)sql_arguments_max);
		return refuse_option(b, (struct str){NULL, 0}, (struct str){NULL, 0});
	}
	for (uint32_t i = 0; i < o->rule_count; i++) {
		int r = plan_rule(b, o->rule_names[i], o->rule_columns[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int plan_history(struct merge_builder *b)
{
	static const struct {
		const char *name;
		enum type_id type;
	} columns[] = {{"valid_from", TYPE_TIMESTAMP}, {"valid_to", TYPE_TIMESTAMP},
		{"is_current", TYPE_BOOLEAN}};
	struct merge_plan *m = b->merge;
	const struct str nowhere = {NULL, 0};
	if (!m->keeps_history)
		return 0;
	m->history_first = b->schema->column_count;
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		if (schema_find_fold(b->schema, str_c(columns[i].name)) != SCHEMA_MISSING) {
			error_set(b->err, CDCL_E_SCRIPT,
				"merge: keep_history adds a column \"%s\", but there is one",
				columns[i].name);
			error_help(b->err, "rename it before the merge");
			return refuse_option(b, nowhere, nowhere);
		}
		add_column(b, str_c(columns[i].name), type_of(columns[i].type), -1);
	}
	m->history_key = m->key;
	m->history_name =
		str_printf(b->plan->arena, STR_FMT " (history)", STR_ARG(m->name));
	if (m->ttl_us != 0)
		error_set(b->err, CDCL_E_SCRIPT, "merge: keep_history and ttl exclude each other");
	else if (m->key.count == row_key_columns_max)
		error_set(b->err, CDCL_E_SCRIPT, "merge: a key has at most %d columns",
			(int)row_key_columns_max);
	if (b->err->code != CDCL_OK)
		return refuse_option(b, nowhere, nowhere);
	m->history_key.columns[m->history_key.count++] = m->history_first;
	return 0;
}

/* ---- what is remembered of a key ---- */

static uint32_t add_hidden(struct merge_builder *b, struct str name, struct type type)
{
	struct schema *s = b->schema;
	uint32_t column = schema_total(s);
	b->merge->event_column[column] = -1;
	s->columns[column] = (struct schema_column){name, type};
	s->hidden_count++;
	return column;
}

/* "seq desc" parses as an expression with a name. */
static bool has_direction(const struct expr *e)
{
	struct str name = expr_name(e);
	return (str_eq_fold(name, str_lit("desc")) || str_eq_fold(name, str_lit("asc"))) &&
		!str_eq_fold(expr_text(e), name);
}

static int check_sequence(struct merge_builder *b, const struct expr *e, struct str text)
{
	struct type type = expr_type(e);
	if (type.id == TYPE_ARRAY || type.id == TYPE_JSON || type.id == TYPE_NULL) {
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: sequence_by: values of \"" STR_FMT "\" have no order",
			STR_ARG(expr_text(e)));
		return refuse_option(b, text, text);
	}
	if (has_direction(e)) {
		error_set(b->err, CDCL_E_SCRIPT,
			"merge: sequence_by takes no asc or desc: the highest wins");
		error_help(b->err, "the lowest wins with a minus: sequence_by = \"-seq\"");
		return refuse_option(b, text, text);
	}
	return 0;
}

static int plan_sequence(struct merge_builder *b)
{
	struct merge_plan *m = b->merge;
	m->sequence_first = schema_total(b->schema);
	if (b->options->sequence_by.data == NULL) {
		/* An op of the row's own is what flat messages have. */
		bool flat = m->op != NULL || all_flat(b->in);
		m->sequence = flat ? MERGE_BY_ARRIVAL : MERGE_BY_POSITION;
		if (m->sequence == MERGE_BY_ARRIVAL)
			return 0;
		m->sequence_count = change_position_parts + 1;
		for (uint32_t i = 0; i < m->sequence_count; i++)
			add_hidden(b,
				i < change_position_parts ? str_lit("@position")
							  : str_lit("@offset"),
				type_of(TYPE_BIGINT));
		return 0;
	}
	struct expr_scope scope = plan_scope(b->plan, b->in, b->place);
	struct str text = str_dup(b->options->sequence_by, b->plan->arena);
	m->sequence = MERGE_BY_EXPRESSIONS;
	int r = expr_compile_list(text, &scope, b->plan->arena, &m->sequence_exprs,
		&m->sequence_count, b->err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < m->sequence_count; i++) {
		r = check_sequence(b, m->sequence_exprs[i], text);
		if (r < 0)
			return r;
		/* By what it is made of: kept rows of another sequence_by are other ones. */
		struct str name = str_printf(b->plan->arena, "@sequence " STR_FMT,
			STR_ARG(expr_name(m->sequence_exprs[i])));
		add_hidden(b, name, expr_type(m->sequence_exprs[i]));
	}
	return 0;
}

static int plan_hidden(struct merge_builder *b)
{
	struct merge_plan *m = b->merge;
	int r = plan_sequence(b);
	if (r < 0)
		return r;
	m->stream_column = add_hidden(b, str_lit("@stream"), type_of(TYPE_INT));
	m->awaits_column = add_hidden(b, str_lit("@awaits"), type_of(TYPE_BOOLEAN));
	m->time_column = m->ttl_us == 0
		? -1
		: (int32_t)add_hidden(b, str_lit("@time"), type_of(TYPE_TIMESTAMP));
	return 0;
}

static int plan_bounds(struct merge_builder *b)
{
	const struct merge_options *o = b->options;
	struct merge_plan *m = b->merge;
	m->ttl_us = o->ttl_us;
	m->tombstone_ttl_us = o->tombstone_ttl_us < 0 ? tombstone_ttl_default_us
						      : o->tombstone_ttl_us;
	m->rows_max = o->max_rows == 0 ? table_rows_max : o->max_rows;
	m->order_free = o->order_free;
	return 0;
}

static int check_input(struct merge_builder *b)
{
	if (!b->in->is_table)
		return 0;
	error_set(
		b->err, CDCL_E_SCRIPT, "merge makes a Table of a Stream; this is a Table already");
	return refuse_option(b, (struct str){NULL, 0}, (struct str){NULL, 0});
}

struct plan_node *plan_merge(struct plan *p, struct plan_node *in,
	const struct merge_options *options, struct str place, struct error *err)
{
	struct merge_builder b = {.plan = p, .in = in, .options = options, .place = place,
		.merge = ARENA_NEW(p->arena, struct merge_plan), .err = err};
	static int (*const steps[])(struct merge_builder *) = {check_input, plan_name, plan_words,
		plan_bounds, plan_op, plan_columns, plan_key, plan_except,
		plan_rules, plan_history, plan_hidden};
	ask_for_changes(p, in);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (steps[i](&b) < 0)
			return NULL;
	struct plan_node *n = plan_node_add(p, PLAN_MERGE, &in, 1, place, err);
	if (n == NULL)
		return NULL;
	struct schema *visible = ARENA_NEW(p->arena, struct schema);
	*visible = *b.schema;
	visible->hidden_count = 0;
	n->is_table = true;
	n->schema = visible;
	b.merge->schema = b.schema;
	n->key = b.merge->keeps_history ? &b.merge->history_key : &b.merge->key;
	n->merge = b.merge;
	return n;
}
