/*
 * The whole plan: is something read and written, and does every sink ask for an output mode that
 * what is above it can give? The contract is Spark's, and so are the reasons.
 */

#include "plan/plan.h"
#include "plan/plan_target.h"

#include "base/bounds.h"
#include "base/check.h"
#include "source/kafka_lane.h"

enum {
	mode_append = 1 << OUTPUT_APPEND,
	mode_update = 1 << OUTPUT_UPDATE,
	mode_complete = 1 << OUTPUT_COMPLETE,
	mode_changelog = 1 << OUTPUT_CHANGELOG
};

struct contract {
	unsigned legal; /* bits of the modes above */
	const char *reasons[output_mode_count];
};

static void refuse(struct contract *c, enum output_mode mode, const char *reason)
{
	c->legal &= ~(1u << mode);
	if (c->reasons[mode] == NULL)
		c->reasons[mode] = reason;
}

static void only_complete(struct contract *c, const char *reason)
{
	refuse(c, OUTPUT_APPEND, reason);
	refuse(c, OUTPUT_UPDATE, reason);
	refuse(c, OUTPUT_CHANGELOG, reason);
}

/* What the steps between the sink and the nearest state (or the sources) allow. */
static void apply_steps(struct contract *c, const struct plan_node *node)
{
	for (const struct plan_node *n = node;; n = n->inputs[0]) {
		if (n->kind == PLAN_ORDER)
			only_complete(c,
				"sorting is not supported unless it is on an aggregate in complete "
				"output mode");
		if (n->kind == PLAN_LIMIT && n->is_table)
			only_complete(c,
				"limits on an aggregate are only supported in complete output "
				"mode");
		if (n->kind == PLAN_LIMIT && !n->is_table)
			refuse(c, OUTPUT_UPDATE,
				"limits are not supported on a stream in update output mode");
		if (n->kind == PLAN_GROUP || n->kind == PLAN_TOP || n->kind == PLAN_MERGE ||
			n->input_count != 1)
			return;
	}
}

/* The rows of a merge, and not groups of them. */
static bool shows_merge(const struct plan_node *node)
{
	while (node->kind != PLAN_MERGE && node->kind != PLAN_GROUP && node->input_count == 1)
		node = node->inputs[0];
	return node->kind == PLAN_MERGE;
}

static struct contract contract_of(const struct plan_node *node)
{
	struct contract c = {.legal = mode_append | mode_update | mode_complete | mode_changelog};
	apply_steps(&c, node);
	if (node->is_table && shows_merge(node))
		refuse(&c, OUTPUT_APPEND,
			"append output mode is not supported for a Table: its rows change after "
			"they were written");
	else if (node->is_table)
		refuse(&c, OUTPUT_APPEND,
			"append output mode is not supported for streaming aggregations without "
			"a watermark: a group's row could change after it was written");
	else
		refuse(&c, OUTPUT_COMPLETE,
			"complete output mode is not supported without a streaming aggregation: "
			"every row of the stream would have to be kept");
	return c;
}

/* What a target cannot do, whatever is above it. */
static void apply_target(struct contract *c, const struct sink_config *config)
{
	if (config->kind == SINK_FILE || config->kind == SINK_PARQUET)
		refuse(c, OUTPUT_UPDATE,
			"a row in a file cannot be replaced: complete writes the current rows, "
			"append and changelog add to what is there");
}

/* What a target under a Table is there for; a console is asked as in Spark. */
static enum output_mode default_mode(const struct plan_sink *s)
{
	if (!s->input->is_table)
		return OUTPUT_APPEND;
	switch (s->config.kind) {
	case SINK_KAFKA:
		return s->config.format_given && s->config.format == SINK_DEBEZIUM
			? OUTPUT_CHANGELOG /* it tells what was before */
			: OUTPUT_UPDATE;
	case SINK_SQLITE:
	case SINK_POSTGRES:
		return OUTPUT_UPDATE;
	case SINK_FILE:
	case SINK_PARQUET:
		return OUTPUT_COMPLETE;
	case SINK_CONSOLE:
	case SINK_CHANGES:
	case SINK_MEMORY:
	case SINK_FOREACH_BATCH:
		break;
	}
	return OUTPUT_APPEND;
}

static void list_legal(unsigned legal, struct strbuf *out)
{
	for (int mode = 0; mode < output_mode_count; mode++) {
		if ((legal & (1u << mode)) == 0)
			continue;
		strbuf_addf(out, "%s\"%s\"", out->len > 0 ? ", " : "",
			output_mode_name((enum output_mode)mode));
	}
}

static int check_sink(struct plan *p, struct plan_sink *s, struct error *err)
{
	if (!s->config.mode_given)
		s->config.mode = default_mode(s);
	struct contract c = contract_of(s->input);
	apply_target(&c, &s->config);
	if ((c.legal & (1u << s->config.mode)) != 0)
		return plan_target_check(p, s, err);
	error_set(err, CDCL_E_SCRIPT, "invalid output mode %s%s: %s",
		output_mode_name(s->config.mode), s->config.mode_given ? "" : " (the default)",
		c.reasons[s->config.mode]);
	struct strbuf legal;
	strbuf_init(&legal);
	list_legal(c.legal, &legal);
	if (legal.len > 0)
		error_help(err, "legal here: output_mode = " STR_FMT, STR_ARG(strbuf_str(&legal)));
	else
		error_help(err, "no output mode is legal for these steps");
	strbuf_release(&legal);
	return error_at(err, STR_FMT, STR_ARG(s->place));
}

/* One spelling for "out/orders", "./out//orders" and "out/./orders/". */
static struct str plain_path(struct str path, struct arena *arena)
{
	char *plain = arena_alloc(arena, path.len + 1, 1);
	size_t len = 0;
	for (size_t at = 0; at < path.len;) {
		size_t end = at;
		while (end < path.len && path.data[end] != '/')
			end++;
		struct str part = str_sub(path, at, end - at);
		if (part.len > 0 && !str_eq(part, str_lit("."))) {
			if (len > 0 || path.data[0] == '/')
				plain[len++] = '/';
			memcpy(plain + len, part.data, part.len);
			len += part.len;
		}
		at = end + 1;
	}
	return (struct str){plain, len};
}

static bool within(struct str path, struct str folder)
{
	return str_starts(path, folder) &&
		(path.len == folder.len || path.data[folder.len] == '/');
}

static int refuse_twice(const struct plan *p, uint32_t second, uint32_t first, struct str what,
	struct error *err)
{
	error_set(err, CDCL_E_SCRIPT, "two sinks write to \"" STR_FMT "\"", STR_ARG(what));
	error_help(err, "the other one is at " STR_FMT, STR_ARG(p->sinks[first].place));
	return error_at(err, STR_FMT, STR_ARG(p->sinks[second].place));
}

/* Two that write one file, or one into the other's folder, would destroy each other's rows. */
static int check_paths(struct plan *p, struct error *err)
{
	struct str paths[sink_count_max];
	for (uint32_t i = 0; i < p->sink_count; i++) {
		const struct sink_config *s = &p->sinks[i].config;
		bool writes = s->kind == SINK_FILE || s->kind == SINK_PARQUET;
		paths[i] = writes ? plain_path(s->path, p->arena) : (struct str){NULL, 0};
		for (uint32_t k = 0; k < i && writes; k++) {
			if (paths[k].data == NULL ||
				!(within(paths[i], paths[k]) || within(paths[k], paths[i])))
				continue;
			return refuse_twice(p, i, k, s->path, err);
		}
	}
	return 0;
}

/* The rows of a Table by its key, and no others: an earlier run's are taken out. */
static bool keeps_table(const struct plan_sink *s)
{
	enum sink_kind kind = s->config.kind;
	bool keyed = s->config.mode == OUTPUT_UPDATE || s->config.mode == OUTPUT_COMPLETE;
	return keyed && s->input->is_table &&
		(kind == SINK_SQLITE || kind == SINK_POSTGRES || kind == SINK_KAFKA);
}

static bool same_target(const struct plan *p, const struct sink_config *a,
	const struct sink_config *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SINK_KAFKA)
		return str_eq(a->kafka.topic, b->kafka.topic) &&
			str_eq(a->kafka.brokers, b->kafka.brokers);
	if (a->kind == SINK_POSTGRES)
		return str_eq(a->table, b->table) && str_eq(a->connection, b->connection);
	return a->kind == SINK_SQLITE && str_eq_fold(a->table, b->table) &&
		str_eq(plain_path(a->path, p->arena), plain_path(b->path, p->arena));
}

/* Beside a Table's rows nothing else may be written: each would take out the other's. */
static int check_tables(const struct plan *p, struct error *err)
{
	for (uint32_t i = 0; i < p->sink_count; i++)
		for (uint32_t k = 0; k < i; k++) {
			const struct plan_sink *a = &p->sinks[i], *b = &p->sinks[k];
			if (!same_target(p, &a->config, &b->config) ||
				!(keeps_table(a) || keeps_table(b)))
				continue;
			bool topic = a->config.kind == SINK_KAFKA;
			return refuse_twice(
				p, i, k, topic ? a->config.kafka.topic : a->config.table, err);
		}
	return 0;
}

/*
 * An event that changes a row's key and says so by its old image alone (Maxwell, Canal, OGG) is two
 * changes: the decoder must know which columns are the key. Found by name, through any steps.
 */
static void tell_key(const struct plan_node *merge, struct plan_node *in)
{
	for (uint32_t i = 0; i < in->input_count; i++)
		tell_key(merge, in->inputs[i]);
	if (in->kind != PLAN_SOURCE || in->envelope == NULL || in->envelope->key.count > 0)
		return;
	struct row_key key = {.count = 0};
	for (uint32_t i = 0; i < merge->merge->key.count; i++) {
		struct str name = merge->schema->columns[merge->merge->key.columns[i]].name;
		int column = schema_find(in->schema, name);
		if (column < 0)
			return;
		key.columns[key.count++] = (uint32_t)column;
	}
	in->envelope->key = key;
}

/* Steps whose state is of rows that nobody keeps: it cannot be computed again for wider columns. */
static bool holds_stream_state(const struct plan *p)
{
	for (uint32_t i = 0; i < p->node_count; i++) {
		const struct plan_node *n = p->nodes[i];
		if ((n->kind == PLAN_GROUP || n->kind == PLAN_LIMIT) && !n->inputs[0]->is_table)
			return true;
	}
	return false;
}

/*
 * A table that somebody else made may refuse a column, and without a checkpoint there is no going
 * back: there what is only inferred waits.
 */
static bool writes_tables(const struct plan *p)
{
	for (uint32_t i = 0; i < p->sink_count; i++)
		if (p->sinks[i].config.kind == SINK_SQLITE ||
			p->sinks[i].config.kind == SINK_POSTGRES)
			return true;
	return false;
}

/* Rows that nobody merges, of whose columns somebody must know when they change. */
static void read_as_flat_events(struct plan *p, struct plan_node *n)
{
	n->envelope = ARENA_NEW(p->arena, struct envelope_config);
	n->envelope->kind = ENVELOPE_FLAT;
	n->envelope->json = n->json;
}

/* With a checkpoint what is kept says itself what it can become. */
static void settle_schema_changes(struct plan *p)
{
	bool kept = p->checkpoint.data != NULL, later = !kept && holds_stream_state(p);
	bool values_later = later || (!kept && writes_tables(p));
	for (uint32_t i = 0; i < p->node_count; i++) {
		struct plan_node *n = p->nodes[i];
		if (n->looked == NULL)
			continue;
		bool by_values = !n->looked->sample.schema_in_message;
		enum schema_change change = n->on_schema_change;
		if ((by_values ? values_later : later) && change == SCHEMA_CHANGE_ADD)
			change = SCHEMA_CHANGE_LATER;
		if (n->envelope == NULL && by_values &&
			(change == SCHEMA_CHANGE_ADD || change == SCHEMA_CHANGE_FAIL))
			read_as_flat_events(p, n);
		if (n->envelope == NULL)
			continue;
		n->envelope->schema_auto = true;
		n->envelope->by_values = by_values;
		n->envelope->on_schema_change = change;
	}
}

/* An order_by that only limits follow need not keep the rows behind the greatest of them. */
static void limit_order(const struct plan *p, struct plan_node *order)
{
	int64_t most = 0;
	for (uint32_t i = 0; i < p->sink_count; i++)
		if (p->sinks[i].input == order)
			return;
	for (uint32_t i = 0; i < p->node_count; i++) {
		const struct plan_node *n = p->nodes[i];
		for (uint32_t k = 0; k < n->input_count; k++) {
			if (n->inputs[k] != order)
				continue;
			if (n->kind != PLAN_LIMIT)
				return;
			most = n->limit > most ? n->limit : most;
		}
	}
	order->limit = most <= top_rows_max ? most : 0;
}

int plan_check(struct plan *p, struct error *err)
{
	if (p->node_count == 0) {
		error_set(err, CDCL_E_SCRIPT, "nothing is read: the script declares no source");
		error_help(err, "begin with cdcl.kafka { topic = \"...\", schema = \"...\" }");
		return -CDCL_E_SCRIPT;
	}
	if (p->sink_count == 0) {
		error_set(err, CDCL_E_SCRIPT,
			"nothing is written: no stream of the script ends in :to(...)");
		error_help(err, "end with :to(cdcl.console {})");
		return error_at(err, STR_FMT, STR_ARG(p->nodes[p->node_count - 1]->place));
	}
	for (uint32_t i = 0; i < p->node_count; i++) {
		struct plan_node *n = p->nodes[i];
		if (n->kind == PLAN_ORDER)
			limit_order(p, n);
		/* Debezium tells by them who it is, and a key change */
		n->source.kafka.headers = p->reads_headers ||
			(n->envelope != NULL && (n->envelope->kind == ENVELOPE_DEBEZIUM ||
							n->envelope->kind == ENVELOPE_AUTO));
		if (n->kind == PLAN_MERGE)
			tell_key(n, n->inputs[0]);
		int r = n->kind != PLAN_SOURCE || n->source.kind != SOURCE_KAFKA
			? 0
			: kafka_lane_check(&n->source.kafka, err);
		if (r < 0)
			return error_at(err, STR_FMT, STR_ARG(n->place));
	}
	settle_schema_changes(p);
	for (uint32_t i = 0; i < p->sink_count; i++) {
		int r = check_sink(p, &p->sinks[i], err);
		if (r < 0)
			return r;
	}
	return check_paths(p, err) < 0 ? -CDCL_E_SCRIPT : check_tables(p, err);
}
