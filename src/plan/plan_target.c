#include "plan/plan_target.h"
#include "plan/plan_build.h"

#include "sink/parquet_sink.h"
#include "source/source_kinds.h"

static bool is_database(const struct plan_sink *s)
{
	return s->config.kind == SINK_SQLITE || s->config.kind == SINK_POSTGRES;
}

static const char *kind_name(const struct plan_sink *s)
{
	return s->config.kind == SINK_SQLITE ? "sqlite_sink"
		: s->config.kind == SINK_KAFKA ? "kafka_sink"
		: s->config.kind == SINK_PARQUET ? "parquet_sink"
					       : "postgres_sink";
}

/* The Table is built anew in each run: what stands in a target besides is of an earlier one. */
static bool begins_anew(const struct plan_node *n)
{
	if (n->kind == PLAN_SOURCE)
		return n->source.kind == SOURCE_FILE ||
			(n->source.kind == SOURCE_KAFKA &&
				n->source.kafka.starting.kind == OFFSETS_EARLIEST);
	for (uint32_t i = 0; i < n->input_count; i++)
		if (!begins_anew(n->inputs[i]))
			return false;
	return true;
}

bool plan_dead_letter_target(const struct plan *p, struct kafka_sink_config *out)
{
	const struct dead_letter_config *config = &p->dead_letters;
	*out = (struct kafka_sink_config){.brokers = config->brokers, .topic = config->topic};
	for (uint32_t i = 0; i < p->node_count; i++) {
		const struct plan_node *node = p->nodes[i];
		if (node->kind != PLAN_SOURCE || node->source.kind != SOURCE_KAFKA)
			continue;
		const struct kafka_config *k = &node->source.kafka;
		if (out->brokers.data != NULL && !str_eq(out->brokers, k->brokers))
			continue;
		out->brokers = k->brokers;
		out->settings = k->settings;
		out->setting_count = k->setting_count;
		out->broker_timeout_ms = k->broker_timeout_ms;
		break;
	}
	return out->topic.data != NULL;
}

bool plan_reads_topic(const struct plan *p, struct str brokers, struct str topic)
{
	for (uint32_t i = 0; i < p->node_count; i++) {
		const struct plan_node *n = p->nodes[i];
		if (n->kind == PLAN_SOURCE && n->source.kind == SOURCE_KAFKA &&
			str_eq(n->source.kafka.brokers, brokers) &&
			kafka_source_reads(&n->source.kafka, topic))
			return true;
	}
	return false;
}

static int fail(const struct plan_sink *s, struct error *err)
{
	return error_at(err, STR_FMT, STR_ARG(s->place));
}

/* ---- the key ---- */

static int check_table_key(const struct plan_sink *s, struct error *err)
{
	const struct row_key *key = s->input->key;
	if (key == NULL) {
		error_set(err, CDCL_E_SCRIPT,
			"%s: the rows of this Table have no key to update them by", kind_name(s));
		error_help(err, "output_mode = \"complete\" replaces all rows");
		return fail(s, err);
	}
	for (uint32_t i = 0; i < key->count && is_database(s); i++) {
		if (key->columns[i] < s->input->schema->column_count)
			continue;
		struct str name = s->input->schema->columns[key->columns[i]].name;
		error_set(err, CDCL_E_SCRIPT, "%s: the Table's key column \"" STR_FMT "\" is not "
			"among its columns", kind_name(s), STR_ARG(name));
		error_help(err, "select \"" STR_FMT "\" too", STR_ARG(name));
		return fail(s, err);
	}
	return 0;
}

static bool has_column(const struct row_key *key, uint32_t column)
{
	for (uint32_t i = 0; i < key->count; i++)
		if (key->columns[i] == column)
			return true;
	return false;
}

/* Under a Table `key` may only say the order of its own key: else rows would take each other's
 * place. */
static int check_same_key(const struct plan_sink *s, const struct row_key *named, struct error *err)
{
	const struct row_key *key = s->input->key;
	bool same = key != NULL && key->count == named->count;
	for (uint32_t i = 0; same && i < key->count; i++)
		same = has_column(named, key->columns[i]);
	if (same)
		return 0;
	error_set(err, CDCL_E_SCRIPT, "kafka_sink: key = \"" STR_FMT "\" is not the Table's key",
		STR_ARG(s->config.kafka.key));
	error_help(err, "leave it out: the Table's own key is taken");
	return fail(s, err);
}

static int read_key(struct plan *p, struct plan_sink *s, struct error *err)
{
	struct str list = s->config.kafka.key;
	struct row_key *key = ARENA_NEW(p->arena, struct row_key);
	size_t start = 0;
	for (size_t at = 0; at <= list.len; at++) {
		if (at < list.len && list.data[at] != ',')
			continue;
		struct str name = str_trim(str_sub(list, start, at - start));
		int column = plan_find_column(s->input, name, list, s->place, err);
		if (column < 0)
			return column;
		if (key->count == row_key_columns_max) {
			error_set(err, CDCL_E_SCRIPT, "kafka_sink: a key has at most %d columns",
				row_key_columns_max);
			return fail(s, err);
		}
		key->columns[key->count++] = (uint32_t)column;
		start = at + 1;
	}
	s->config.kafka.key_columns = key;
	return s->input->is_table ? check_same_key(s, key, err) : 0;
}

/* ---- Kafka ---- */

static bool is_raw_name(struct str name)
{
	static const struct str names[] = {str_lit("key"), str_lit("value"), str_lit("topic"),
		str_lit("partition"), str_lit("headers")};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_fold(name, names[i]))
			return true;
	return false;
}

/* Rows of nothing but Spark's columns are meant as messages. */
static enum sink_format default_format(const struct plan_node *in, struct str key)
{
	bool raw = !in->is_table && key.data == NULL &&
		schema_find_fold(in->schema, str_lit("value")) >= 0;
	for (uint32_t i = 0; raw && i < in->schema->column_count; i++)
		raw = is_raw_name(in->schema->columns[i].name);
	return raw ? SINK_RAW : SINK_JSON;
}

/* The words are Spark's. */
static int check_raw_column(const struct plan_sink *s, const char *name, enum type_id a,
	enum type_id b, const char *types, struct error *err)
{
	int column = schema_find_fold(s->input->schema, str_c(name));
	if (column == SCHEMA_MISSING)
		return 0;
	if (column == SCHEMA_AMBIGUOUS) {
		error_set(err, CDCL_E_SCRIPT, "kafka_sink: there is more than one column %s", name);
		return fail(s, err);
	}
	struct type type = s->input->schema->columns[column].type;
	if (type.id == a || type.id == b)
		return 0;
	struct strbuf text;
	strbuf_init(&text);
	type_name(type, &text);
	error_set(err, CDCL_E_SCRIPT,
		"kafka_sink: %s attribute unsupported type " STR_FMT ". %s must be a(n) %s", name,
		STR_ARG(strbuf_str(&text)), name, types);
	strbuf_release(&text);
	error_help(err, "cast it; or write format = \"json\" for a message with all columns");
	return fail(s, err);
}

static int check_raw(const struct plan_sink *s, struct error *err)
{
	if (s->config.kafka.topic.data == NULL &&
		schema_find_fold(s->input->schema, str_lit("topic")) == SCHEMA_MISSING) {
		error_set(err, CDCL_E_SCRIPT, "kafka_sink: topic option required when no 'topic' "
			"attribute is present. Use the topic option for setting a topic.");
		return fail(s, err);
	}
	if (schema_find_fold(s->input->schema, str_lit("value")) == SCHEMA_MISSING) {
		error_set(err, CDCL_E_SCRIPT, "kafka_sink: Required attribute 'value' not found");
		error_help(err, "or write format = \"json\" for a message with all columns");
		return fail(s, err);
	}
	if (s->config.kafka.key.data != NULL) {
		error_set(err, CDCL_E_SCRIPT,
			"kafka_sink: with format \"raw\" the key is the column \"key\"");
		return fail(s, err);
	}
	int r = check_raw_column(s, "value", TYPE_STRING, TYPE_BINARY, "string or binary", err);
	if (r == 0)
		r = check_raw_column(s, "key", TYPE_STRING, TYPE_BINARY, "string or binary", err);
	if (r == 0)
		r = check_raw_column(s, "topic", TYPE_STRING, TYPE_STRING, "string", err);
	if (r == 0)
		r = check_raw_column(s, "partition", TYPE_INT, TYPE_INT, "int", err);
	if (r == 0)
		r = check_raw_column(s, "headers", TYPE_JSON, TYPE_STRING, "json or string", err);
	return r;
}

static int check_topic(const struct plan *p, const struct plan_sink *s, struct error *err)
{
	struct str topic = s->config.kafka.topic;
	if (topic.data == NULL && s->config.format != SINK_RAW) {
		error_set(err, CDCL_E_SCRIPT, "cdcl.kafka_sink: option \"topic\" is missing");
		return fail(s, err);
	}
	if (topic.data == NULL || !plan_reads_topic(p, s->config.kafka.brokers, topic))
		return 0;
	error_set(err, CDCL_E_SCRIPT,
		"kafka_sink: the job reads topic \"" STR_FMT "\" itself: each message would make "
		"another, for ever",
		STR_ARG(topic));
	error_help(err, "write to another topic");
	return fail(s, err);
}

/* A topic keeps what it holds of the job, so exactly once needs one that is named. */
static int settle_delivery(const struct plan *p, struct plan_sink *s, struct error *err)
{
	struct kafka_sink_config *k = &s->config.kafka;
	const char *missing = p->checkpoint.data == NULL
		? "a checkpoint: cdcl.job { checkpoint = \"FOLDER\" }"
		: k->topic.data == NULL ? "a topic of its own, not the column topic" : NULL;
	if (k->delivery == DELIVERY_BY_CHECKPOINT)
		k->delivery = missing == NULL ? DELIVERY_EXACTLY_ONCE : DELIVERY_AT_LEAST_ONCE;
	if (k->delivery == DELIVERY_AT_LEAST_ONCE || missing == NULL)
		return 0;
	error_set(err, CDCL_E_SCRIPT, "kafka_sink: delivery = \"exactly_once\" needs %s", missing);
	return fail(s, err);
}

static int check_kafka(struct plan *p, struct plan_sink *s, struct error *err)
{
	struct sink_config *c = &s->config;
	if (!c->format_given)
		c->format = default_format(s->input, c->kafka.key);
	int r = check_topic(p, s, err);
	if (r == 0)
		r = settle_delivery(p, s, err);
	if (r == 0 && c->format == SINK_RAW)
		return check_raw(s, err);
	if (r == 0 && s->input->is_table && c->mode == OUTPUT_UPDATE)
		r = check_table_key(s, err);
	if (r == 0 && c->kafka.key.data != NULL)
		return read_key(p, s, err);
	if (s->input->key != NULL && s->input->key->count > 0)
		c->kafka.key_columns = s->input->key;
	return r;
}

/* ---- databases ---- */

static int check_names(const struct plan_sink *s, struct error *err)
{
	const struct schema *schema = s->input->schema;
	for (uint32_t i = 0; i < schema->column_count; i++) {
		struct str name = schema->columns[i].name;
		for (uint32_t k = 0; k < i; k++) {
			if (!str_eq_fold(name, schema->columns[k].name))
				continue;
			error_set(err, CDCL_E_SCRIPT,
				"%s: there is more than one column \"" STR_FMT "\"", kind_name(s),
				STR_ARG(name));
			error_help(err, "name them apart with \"... as name\"");
			return fail(s, err);
		}
	}
	return 0;
}

static int check_database(const struct plan_sink *s, struct error *err)
{
	if (s->config.mode == OUTPUT_CHANGELOG) {
		error_set(err, CDCL_E_SCRIPT, "%s: a table holds rows, not their changes",
			kind_name(s));
		error_help(err, "output_mode = \"update\" upserts and deletes");
		return fail(s, err);
	}
	int r = check_names(s, err);
	if (r == 0 && s->input->is_table && s->config.mode == OUTPUT_UPDATE)
		r = check_table_key(s, err);
	return r;
}

/* ---- files ---- */

static int check_file(const struct plan_sink *s, struct error *err)
{
	if (s->config.every_us == 0 || s->config.mode == OUTPUT_COMPLETE)
		return 0;
	error_set(err, CDCL_E_SCRIPT,
		"file_sink: every is for a file that is rewritten; here lines are added with each "
		"batch");
	error_help(err,
		"a trigger bounds how often that is: cdcl.job { trigger = \"10 seconds\" }");
	return fail(s, err);
}

static int check_parquet(const struct plan_sink *s, struct error *err)
{
	const struct parquet_sink_config *c = &s->config.parquet;
	struct parquet_partition partition;
	if (c->buckets < 1 || c->buckets > parquet_buckets_max)
		error_set(err, CDCL_E_SCRIPT, "parquet_sink: buckets is 1 to %d",
			(int)parquet_buckets_max);
	else if (c->keep_snapshots > parquet_snapshots_max)
		error_set(err, CDCL_E_SCRIPT, "parquet_sink: keep_snapshots is %d at most",
			(int)parquet_snapshots_max);
	else if (c->partition_by.data != NULL && s->config.mode == OUTPUT_COMPLETE) {
		error_set(err, CDCL_E_SCRIPT,
			"parquet_sink: partition_by is for rows that are added; current rows are "
			"in buckets");
		error_help(err, "output_mode = \"changelog\" adds every change");
	} else if (parquet_partition_read(
			   c->partition_by, s->input->schema, &partition, err) == 0)
		return check_names(s, err);
	return fail(s, err);
}

int plan_target_check(struct plan *p, struct plan_sink *s, struct error *err)
{
	s->config.remove_stale = s->input->is_table && begins_anew(s->input);
	if (s->config.kind == SINK_KAFKA)
		return check_kafka(p, s, err);
	if (s->config.kind == SINK_FILE)
		return check_file(s, err);
	if (s->config.kind == SINK_PARQUET)
		return check_parquet(s, err);
	return is_database(s) ? check_database(s, err) : 0;
}
