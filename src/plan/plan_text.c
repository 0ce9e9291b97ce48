/* The plan for people (`cdcl plan`) and for programs (`cdcl plan --json`). */

#include "plan/plan.h"
#include "plan/plan_workers.h"

#include "base/check.h"
#include "data/value.h"
#include "source/kafka_lane.h"

static const char *kind_name(const struct plan_node *n)
{
	switch (n->kind) {
	case PLAN_SOURCE:
		return "source";
	case PLAN_PROJECT:
		return "project";
	case PLAN_FILTER:
		return "filter";
	case PLAN_MAP:
		return n->map_keeps > 0 ? "with" : "map";
	case PLAN_FLAT_MAP:
		return "flat_map";
	case PLAN_UNION:
		return "union";
	case PLAN_LIMIT:
		return "limit";
	case PLAN_GROUP:
		return "group_by";
	case PLAN_ORDER:
		return "order_by";
	case PLAN_MERGE:
		return "merge";
	case PLAN_TOP:
		return "top";
	case PLAN_JOIN:
		return "join";
	case plan_kind_count:
		break;
	}
	return "?";
}

static const char *sink_name(const struct plan_sink *s)
{
	switch (s->config.kind) {
	case SINK_CONSOLE:
		return "console";
	case SINK_CHANGES:
		return "changes";
	case SINK_MEMORY:
		return "memory";
	case SINK_FOREACH_BATCH:
		return "foreach_batch";
	case SINK_KAFKA:
		return "kafka_sink";
	case SINK_FILE:
		return "file_sink";
	case SINK_PARQUET:
		return "parquet_sink";
	case SINK_SQLITE:
		return "sqlite_sink";
	case SINK_POSTGRES:
		return "postgres_sink";
	}
	return "?";
}

static void add_list(struct strbuf *out, struct str item)
{
	if (out->len > 0)
		strbuf_add_c(out, ", ");
	strbuf_add(out, item);
}

/* Which lane it takes, where that was said or is not what one would expect. */
static void lane_detail(const struct kafka_config *k, struct strbuf *out)
{
	struct kafka_lane_choice choice;
	if (kafka_lane_choose(k, &choice, NULL) < 0)
		return; /* plan_check says why */
	if (choice.why[0] != 0)
		strbuf_addf(out, " by librdkafka (the direct lane does not know %s)", choice.why);
	else if (k->lane != KAFKA_LANE_AUTO)
		strbuf_addf(out, " by the lane %s", kafka_lane_name(choice.lane));
}

static void source_detail(const struct plan_node *n, struct strbuf *out)
{
	const struct source_config *s = &n->source;
	switch (s->kind) {
	case SOURCE_KAFKA:
		strbuf_add_c(out, "kafka ");
		if (s->kafka.topic_pattern.data != NULL)
			strbuf_addf(out, "pattern " STR_FMT, STR_ARG(s->kafka.topic_pattern));
		for (uint32_t i = 0; i < s->kafka.topic_count; i++)
			strbuf_addf(
				out, "%s" STR_FMT, i > 0 ? ", " : "", STR_ARG(s->kafka.topics[i]));
		lane_detail(&s->kafka, out);
		break;
	case SOURCE_FILE:
		strbuf_addf(out, "file " STR_FMT, STR_ARG(s->file.path));
		break;
	case SOURCE_STDIN:
		strbuf_add_c(out, "stdin");
		break;
	case SOURCE_GENERATE:
		strbuf_addf(out, "generate %s",
			s->generate.kind == GENERATE_ORDERS ? "orders" : "customers");
		break;
	}
}

static void group_detail(const struct aggregate_plan *g, struct strbuf *out)
{
	struct strbuf list;
	strbuf_init(&list);
	for (uint32_t i = 0; i < g->key_count; i++)
		add_list(&list, expr_text(g->keys[i]));
	if (g->key_count == 0)
		strbuf_add_c(&list, "everything");
	strbuf_add(out, strbuf_str(&list));
	strbuf_add_c(out, ": ");
	strbuf_reset(&list);
	for (uint32_t i = 0; i < g->call_count; i++)
		add_list(&list, g->calls[i].text);
	strbuf_add(out, strbuf_str(&list));
	strbuf_release(&list);
}

static void sequence_detail(const struct merge_plan *m, struct strbuf *out)
{
	switch (m->sequence) {
	case MERGE_BY_ARRIVAL:
		strbuf_add_c(out, ", as events arrive");
		return;
	case MERGE_BY_POSITION:
		strbuf_add_c(out, ", by position");
		return;
	case MERGE_BY_EXPRESSIONS:
		break;
	}
	for (uint32_t i = 0; i < m->sequence_count; i++)
		strbuf_addf(out, "%s" STR_FMT, i == 0 ? ", by " : ", ",
			STR_ARG(expr_text(m->sequence_exprs[i])));
}

/* "orders: key order_id, op op, as events arrive, patch" */
static void merge_detail(const struct plan_node *n, struct strbuf *out)
{
	const struct merge_plan *m = n->merge;
	strbuf_addf(out, STR_FMT ": key ", STR_ARG(m->name));
	for (uint32_t i = 0; i < m->key.count; i++)
		strbuf_addf(out, "%s" STR_FMT, i > 0 ? ", " : "",
			STR_ARG(m->schema->columns[m->key.columns[i]].name));
	if (m->op != NULL)
		strbuf_addf(out, ", op " STR_FMT, STR_ARG(expr_text(m->op)));
	sequence_detail(m, out);
	if (m->update == MERGE_PATCH)
		strbuf_add_c(out, ", patch");
	if (m->keeps_history)
		strbuf_add_c(out, ", history kept");
	if (m->rule_count > 0)
		strbuf_addf(out, ", %u ready rule%s", m->rule_count, m->rule_count > 1 ? "s" : "");
	if (m->function != NULL)
		strbuf_addf(out, ", Lua rules at " STR_FMT "%s", STR_ARG(m->function->place),
			m->order_free ? " (order-free)" : "");
}

static void order_detail(const struct plan_sort_key *keys, uint32_t count, struct strbuf *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct plan_sort_key *k = &keys[i];
		strbuf_addf(out, "%s" STR_FMT "%s", i > 0 ? ", " : "", STR_ARG(expr_text(k->expr)),
			k->descending ? " desc" : "");
		if (k->nulls_last != k->descending)
			strbuf_add_c(out, k->nulls_last ? " nulls last" : " nulls first");
	}
}

static void top_detail(const struct top_plan *t, struct strbuf *out)
{
	strbuf_addf(out, "%u by ", t->count);
	order_detail(t->by, t->by_count, out);
	for (uint32_t i = 0; i < t->key_count; i++)
		strbuf_addf(out, "%s" STR_FMT, i > 0 ? ", " : " of each ",
			STR_ARG(expr_text(t->keys[i])));
}

static void join_detail(const struct join_plan *j, struct strbuf *out)
{
	strbuf_add_c(out, j->kind == JOIN_LEFT ? "left on " : "inner on ");
	for (uint32_t i = 0; i < j->count; i++)
		strbuf_addf(out, "%s" STR_FMT " = " STR_FMT, i > 0 ? " and " : "",
			STR_ARG(expr_text(j->left[i])), STR_ARG(expr_text(j->right[i])));
}

/* What the step does, in the words of the script. */
static void node_detail(const struct plan_node *n, struct strbuf *out)
{
	switch (n->kind) {
	case PLAN_SOURCE:
		source_detail(n, out);
		break;
	case PLAN_PROJECT:
		for (uint32_t i = 0; i < n->schema->column_count; i++)
			strbuf_addf(out, "%s" STR_FMT, i > 0 ? ", " : "",
				STR_ARG(expr_text(n->exprs[i])));
		break;
	case PLAN_FILTER:
		if (n->condition != NULL) {
			strbuf_add(out, expr_text(n->condition));
			break;
		}
		/* fall through */
	case PLAN_MAP:
	case PLAN_FLAT_MAP:
		strbuf_addf(out, "Lua function at " STR_FMT, STR_ARG(n->place));
		break;
	case PLAN_UNION:
		strbuf_addf(out, "%u streams", n->input_count);
		break;
	case PLAN_LIMIT:
		strbuf_addf(out, "%lld", (long long)n->limit);
		break;
	case PLAN_GROUP:
		group_detail(n->group, out);
		break;
	case PLAN_ORDER:
		order_detail(n->sort_keys, n->sort_key_count, out);
		break;
	case PLAN_MERGE:
		merge_detail(n, out);
		break;
	case PLAN_TOP:
		top_detail(n->top, out);
		break;
	case PLAN_JOIN:
		join_detail(n->join, out);
		break;
	case plan_kind_count:
		break;
	}
}

static void trigger_text(const struct plan *p, struct strbuf *out)
{
	switch (p->trigger) {
	case TRIGGER_ONCE:
		strbuf_add_c(out, "once");
		return;
	case TRIGGER_AVAILABLE_NOW:
		strbuf_add_c(out, "available now");
		return;
	case TRIGGER_INTERVAL:
		if (p->trigger_ms % 1000 == 0)
			strbuf_addf(out, "%lld s", (long long)(p->trigger_ms / 1000));
		else
			strbuf_addf(out, "%lld ms", (long long)p->trigger_ms);
		return;
	case TRIGGER_DEFAULT:
		break;
	}
	strbuf_add_c(out, "as fast as possible");
}

/* ---- text ---- */

enum { kind_width = 9, left_width_max = 64, depth_max = 64 };

/* Bytes of UTF-8 that take a place on the screen. */
static size_t screen_width(struct str s)
{
	size_t width = 0;
	for (size_t i = 0; i < s.len; i++)
		width += ((unsigned char)s.data[i] & 0xc0) != 0x80;
	return width;
}

/* One line of the tree: what on the left, the columns that it gives on the right. */
static void left_text(const struct plan_node *n, unsigned depth, struct strbuf *out)
{
	for (unsigned i = 1; i < depth; i++)
		strbuf_add_c(out, "   ");
	strbuf_addf(out, "└─ %-*s ", kind_width, kind_name(n));
	node_detail(n, out);
}

static void measure(const struct plan_node *n, unsigned depth, size_t *width)
{
	struct strbuf left;
	strbuf_init(&left);
	left_text(n, depth, &left);
	size_t own = screen_width(strbuf_str(&left));
	if (own > *width && own <= left_width_max)
		*width = own;
	strbuf_release(&left);
	for (uint32_t i = 0; i < n->input_count && depth < depth_max; i++)
		measure(n->inputs[i], depth + 1, width);
}

/* `shares`: says what workers do. */
static void node_text(const struct plan_node *n, unsigned depth, size_t width, bool shares,
	struct strbuf *out)
{
	size_t start = out->len;
	left_text(n, depth, out);
	size_t own = screen_width((struct str){out->data + start, out->len - start});
	for (; own < width; own++)
		strbuf_add_byte(out, ' ');
	strbuf_add_c(out, n->is_table ? "  Table(" : "  Stream(");
	schema_text(n->schema, out);
	strbuf_add_c(out, ")");
	if (shares && plan_node_in_workers(n))
		strbuf_add_c(out,
			plan_source_in_one_worker(n) ? "  [in one worker]" : "  [in workers]");
	else if (shares && plan_source_may_widen(n))
		strbuf_add_c(out, "  [not in workers: its columns may change]");
	strbuf_add_byte(out, '\n');
	for (uint32_t i = 0; i < n->input_count && depth < depth_max; i++)
		node_text(n->inputs[i], depth + 1, width, shares, out);
}

void plan_text(const struct plan *p, struct strbuf *out)
{
	strbuf_addf(out, "job " STR_FMT ", trigger: ", STR_ARG(p->job_name));
	trigger_text(p, out);
	bool shares = p->workers > 1;
	if (shares)
		strbuf_addf(out, ", workers: %u", p->workers);
	strbuf_add_byte(out, '\n');
	for (uint32_t i = 0; i < p->sink_count; i++) {
		const struct plan_sink *s = &p->sinks[i];
		size_t width = 0;
		measure(s->input, 1, &width);
		strbuf_addf(out, "\n%s, %s mode (" STR_FMT ")\n", sink_name(s),
			output_mode_name(s->config.mode), STR_ARG(s->place));
		node_text(s->input, 1, width, shares, out);
	}
}

/* ---- JSON ---- */

static void add_member(struct strbuf *out, const char *name, struct str value)
{
	strbuf_addf(out, "\"%s\":", name);
	json_text_string(value, out);
}

static void schema_json(const struct schema *s, struct strbuf *out)
{
	struct strbuf type;
	strbuf_init(&type);
	strbuf_add_c(out, "\"schema\":[");
	for (uint32_t i = 0; i < s->column_count; i++) {
		strbuf_add_c(out, i > 0 ? ",{" : "{");
		add_member(out, "name", s->columns[i].name);
		strbuf_reset(&type);
		type_name(s->columns[i].type, &type);
		strbuf_add_byte(out, ',');
		add_member(out, "type", strbuf_str(&type));
		strbuf_add_byte(out, '}');
	}
	strbuf_add_byte(out, ']');
	strbuf_release(&type);
}

static void node_json(const struct plan_node *n, bool shares, struct strbuf *out)
{
	struct strbuf detail;
	strbuf_init(&detail);
	node_detail(n, &detail);
	strbuf_addf(out, "{\"id\":%u,", n->id);
	add_member(out, "kind", str_c(kind_name(n)));
	strbuf_add_byte(out, ',');
	add_member(out, "detail", detail.len > 0 ? strbuf_str(&detail) : str_lit(""));
	strbuf_add_byte(out, ',');
	add_member(out, "place", n->place);
	strbuf_addf(out, ",\"table\":%s,", n->is_table ? "true" : "false");
	if (shares)
		strbuf_addf(out, "\"in_workers\":%s,",
			plan_node_in_workers(n) ? "true" : "false");
	strbuf_add_c(out, "\"inputs\":[");
	for (uint32_t i = 0; i < n->input_count; i++)
		strbuf_addf(out, "%s%u", i > 0 ? "," : "", n->inputs[i]->id);
	strbuf_add_c(out, "],");
	schema_json(n->schema, out);
	strbuf_add_byte(out, '}');
	strbuf_release(&detail);
}

void plan_json(const struct plan *p, struct strbuf *out)
{
	struct strbuf buffer;
	strbuf_init(&buffer);
	strbuf_add_byte(out, '{');
	add_member(out, "job", p->job_name);
	strbuf_add_byte(out, ',');
	trigger_text(p, &buffer);
	add_member(out, "trigger", strbuf_str(&buffer));
	strbuf_add_c(out, ",\"nodes\":[");
	for (uint32_t i = 0; i < p->node_count; i++) {
		strbuf_add_c(out, i > 0 ? ",\n" : "\n");
		node_json(p->nodes[i], p->workers > 1, out);
	}
	strbuf_add_c(out, "],\n\"sinks\":[");
	for (uint32_t i = 0; i < p->sink_count; i++) {
		const struct plan_sink *s = &p->sinks[i];
		strbuf_addf(out, "%s{\"input\":%u,", i > 0 ? ",\n" : "\n", s->input->id);
		add_member(out, "kind", str_c(sink_name(s)));
		strbuf_add_byte(out, ',');
		add_member(out, "output_mode", str_c(output_mode_name(s->config.mode)));
		strbuf_add_byte(out, ',');
		add_member(out, "place", s->place);
		strbuf_add_byte(out, '}');
	}
	strbuf_add_c(out, "]}\n");
	strbuf_release(&buffer);
}
