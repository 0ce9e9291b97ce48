/*
 * Messages to a Kafka topic.
 *
 *	json      a row as a JSON object; under a Table a message for each changed key of a batch:
 *	          the row, or a NULL value (tombstone) when it went; changelog: every row with
 *	          "@kind"
 *	debezium  {"before", "after", "source", "op", "ts_ms"}, a delete followed by its tombstone
 *	raw       Spark's columns: value, and if there key, topic, partition, headers
 *
 * The key is that of the Table, or the columns that `key` names: one column as its text, several
 * (and debezium's) as a JSON object. A job that begins its Table anew first takes out of the topic
 * what an earlier run left there (stale_keys.h).
 *
 * At least once: messages leave while the batch runs; publish waits until the broker has them all,
 * and only then are offsets committed. Exactly once, with a checkpoint: they are part of the
 * batch's transaction (source/kafka_transaction.h), all delivered in prepare and visible after
 * publish.
 */

#include "sink/sink_kinds.h"

#include "base/check.h"
#include "sink/kafka_headers.h"
#include "sink/row_json.h"
#include "sink/stale_keys.h"
#include "source/kafka_producer.h"
#include "source/kafka_transaction.h"

#include <stdlib.h>

enum {
	open_timeout_ms = 60 * 1000,    /* when the run itself has no end */
	stop_timeout_ms = 30 * 1000,    /* on_error: how long one message may take */
	retry_timeout_ms = 5 * 60 * 1000
};

/* Columns of raw rows; -1: not there. */
struct raw_columns {
	int key, value, topic, partition, headers;
};

struct kafka_sink {
	struct sink base;
	const struct sink_config *config;       /* plan */
	struct kafka_producer *producer;
	struct row_json rows;
	struct raw_columns raw;
	bool upserts;                           /* a row for each key */
	struct stale_keys *stale;               /* until the first batch is published; or NULL */
	bool first;                             /* nothing came yet */
	bool is_too_large;                      /* the row that was not sent */
	struct kafka_transaction *transaction;  /* runtime's; NULL: at least once */
	struct strbuf key;
	struct strbuf value;
	struct strbuf before;                   /* debezium: of a -U, until its +U comes */
	struct arena arena;                     /* of one message's headers */
};

static struct kafka_sink *kafka_of(struct sink *s)
{
	return container_of(s, struct kafka_sink, base);
}

/* ---- opening ---- */

static int64_t message_timeout(const struct sink_config *config)
{
	return config->on_error == SINK_RETRY ? retry_timeout_ms : stop_timeout_ms;
}

static int open_kafka(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	*last_batch_id = -1;
	struct kafka_sink *k = kafka_of(s);
	const struct kafka_sink_config *c = &k->config->kafka;
	k->transaction = c->transaction;
	k->upserts = s->is_table && s->mode == OUTPUT_UPDATE && c->key_columns != NULL &&
		k->config->format == SINK_JSON;
	row_json_init(&k->rows, s->schema, s->timezone, c->ignore_null_fields);
	k->raw = (struct raw_columns){
		schema_find_fold(s->schema, str_lit("key")),
		schema_find_fold(s->schema, str_lit("value")),
		schema_find_fold(s->schema, str_lit("topic")),
		schema_find_fold(s->schema, str_lit("partition")),
		schema_find_fold(s->schema, str_lit("headers")),
	};
	struct kafka_producer_config target = {.brokers = c->brokers,
		.topic = c->topic,
		.settings = c->settings,
		.setting_count = c->setting_count,
		.timeout_ms = c->broker_timeout_ms > 0 ? c->broker_timeout_ms : open_timeout_ms,
		.message_timeout_ms = message_timeout(k->config),
		.compact = k->upserts,
		.transaction = k->transaction};
	k->producer = kafka_producer_open(&target, err);
	if (k->producer == NULL)
		return -(int)err->code;
	k->first = k->upserts && !kafka_producer_made_topic(k->producer);
	if (k->transaction == NULL)
		return 0;
	s->remembers = true;
	int r = kafka_transaction_claim(k->transaction, c->topic, err);
	*last_batch_id = kafka_transaction_held(k->transaction, c->topic, &s->others);
	return r;
}

static void watch_stale(struct kafka_sink *k)
{
	if (k->first && k->config->remove_stale)
		k->stale = stale_keys_open(&k->config->kafka);
	k->first = false;
}

/* ---- keys and values ---- */

static bool key_is_null(const struct kafka_sink *k, const struct chunk *c, uint32_t row)
{
	const struct row_key *columns = k->config->kafka.key_columns;
	return columns->count == 1 && column_is_null(&c->columns[columns->columns[0]], row);
}

static void make_key(struct kafka_sink *k, const struct chunk *c, uint32_t row)
{
	const struct row_key *columns = k->config->kafka.key_columns;
	strbuf_reset(&k->key);
	bool plain = columns->count == 1 && k->config->format != SINK_DEBEZIUM;
	if (plain && !key_is_null(k, c, row)) {
		uint32_t column = columns->columns[0];
		struct value v = value_from_column(
			&c->columns[column], k->base.schema->columns[column].type, row);
		value_text(&v, VALUE_CAST, k->base.timezone, &k->key);
		return;
	}
	strbuf_add_byte(&k->key, '{');
	for (uint32_t i = 0; i < columns->count; i++) {
		strbuf_add_c(&k->key, i > 0 ? "," : "");
		row_json_add_column(&k->rows, c, columns->columns[i], row, &k->key);
	}
	strbuf_add_byte(&k->key, '}');
}

/*
 * A key of one NULL column is a NULL key, as in Spark; an empty one is not. A compacted topic takes
 * no message without a key, and a tombstone must meet its row: there it is {"product":null}.
 */
static struct str key_of(struct kafka_sink *k, const struct chunk *c, uint32_t row)
{
	const struct row_key *columns = k->config->kafka.key_columns;
	if (columns == NULL)
		return str_c(NULL);
	if (k->config->format != SINK_DEBEZIUM && key_is_null(k, c, row) &&
		!kafka_producer_compacts(k->producer))
		return str_c(NULL);
	make_key(k, c, row);
	return k->key.len == 0 ? str_lit("") : strbuf_str(&k->key);
}

static void add_object(struct kafka_sink *k, const struct chunk *c, uint32_t row,
	struct strbuf *out)
{
	strbuf_add_byte(out, '{');
	row_json_add(&k->rows, c, row, out);
	strbuf_add_byte(out, '}');
}

/* Looked at here, before a transaction keeps it: it would cost the whole batch. */
static int send_letter(struct kafka_sink *k, const struct kafka_letter *l, struct error *err)
{
	k->is_too_large = !kafka_producer_takes(k->producer, l);
	return k->is_too_large ? kafka_producer_refuse(k->producer, l, err)
			       : kafka_producer_send_letter(k->producer, l, err);
}

static int send(struct kafka_sink *k, struct str key, struct str value, struct error *err)
{
	if (k->stale != NULL && key.data != NULL)
		stale_keys_note(k->stale, key);
	struct kafka_letter l = {.partition = -1, .key = key, .value = value};
	return send_letter(k, &l, err);
}

static int send_json(struct kafka_sink *k, const struct chunk *c, uint32_t row, struct error *err)
{
	static const char *const kinds[] = {"+I", "-U", "+U", "-D"};
	struct str key = key_of(k, c, row);
	enum row_kind kind = chunk_kind(c, row);
	if (k->base.mode == OUTPUT_UPDATE && kind == ROW_DELETE)
		return send(k, key, str_c(NULL), err);
	strbuf_reset(&k->value);
	if (k->base.mode == OUTPUT_CHANGELOG) {
		strbuf_addf(&k->value, "{\"@kind\":\"%s\"", kinds[kind]);
		size_t before = k->value.len;
		strbuf_add_byte(&k->value, ',');
		if (row_json_add(&k->rows, c, row, &k->value) == 0)
			k->value.len = before;
		strbuf_add_byte(&k->value, '}');
	} else {
		add_object(k, c, row, &k->value);
	}
	return send(k, key, strbuf_str(&k->value), err);
}

/* ---- debezium ---- */

static int send_change(struct kafka_sink *k, struct str key, const char *op, struct str before,
	struct str after, struct error *err)
{
	int64_t ms = k->base.batch == NULL ? 0 : k->base.batch->time_us / 1000;
	struct strbuf *out = &k->value;
	strbuf_reset(out);
	strbuf_add_c(out, "{\"before\":");
	strbuf_add(out, before.data == NULL ? str_lit("null") : before);
	strbuf_add_c(out, ",\"after\":");
	strbuf_add(out, after.data == NULL ? str_lit("null") : after);
	strbuf_add_c(out, ",\"source\":{\"connector\":\"cdcl\",\"name\":");
	json_text_string(k->config->kafka.topic, out);
	strbuf_addf(out, ",\"ts_ms\":%lld,\"snapshot\":\"false\"},\"op\":\"%s\",\"ts_ms\":%lld}",
		(long long)ms, op, (long long)ms);
	return send(k, key, strbuf_str(out), err);
}

static int send_debezium(struct kafka_sink *k, const struct chunk *c, uint32_t row,
	struct strbuf *object, struct error *err)
{
	struct str none = str_c(NULL);
	struct str key = key_of(k, c, row);
	strbuf_reset(object);
	add_object(k, c, row, object);
	struct str now = strbuf_str(object);
	int r = 0;
	switch (chunk_kind(c, row)) {
	case ROW_INSERT: return send_change(k, key, "c", none, now, err);
	case ROW_UPDATE_BEFORE: /* its +U is the next row */
		strbuf_reset(&k->before);
		strbuf_add(&k->before, now);
		return 0;
	case ROW_UPDATE_AFTER:
		r = send_change(k, key, "u", k->before.len > 0 ? strbuf_str(&k->before) : none,
			now, err);
		strbuf_reset(&k->before);
		return r;
	case ROW_DELETE:
		r = send_change(k, key, "d", now, none, err);
		return r < 0 || key.data == NULL ? r : send(k, key, none, err);
	}
	return 0;
}

/* ---- raw ---- */

static struct str raw_bytes(const struct chunk *c, int column, uint32_t row)
{
	if (column < 0 || column_is_null(&c->columns[column], row))
		return str_c(NULL);
	struct str s = ((const struct str *)c->columns[column].data)[row];
	return s.data == NULL ? str_lit("") : s;
}

static int raw_letter(struct kafka_sink *k, const struct chunk *c, uint32_t row,
	struct kafka_letter *l, struct error *err)
{
	bool own = k->config->kafka.topic.data != NULL;
	l->key = raw_bytes(c, k->raw.key, row);
	l->value = raw_bytes(c, k->raw.value, row);
	l->topic = own ? str_c(NULL) : raw_bytes(c, k->raw.topic, row);
	l->partition = -1;
	if (k->raw.partition >= 0 && !column_is_null(&c->columns[k->raw.partition], row))
		l->partition = ((const int32_t *)c->columns[k->raw.partition].data)[row];
	if (!own && (l->topic.len == 0 || l->topic.len > 249))
		return error_set(err, CDCL_E_DATA, "kafka_sink: column topic holds %s",
			l->topic.data == NULL ? "NULL" : "no name of a topic");
	struct str headers = raw_bytes(c, k->raw.headers, row);
	arena_reset(&k->arena);
	if (headers.data != NULL && !kafka_headers_read(headers, &k->arena, l))
		return error_set(err, CDCL_E_DATA, "kafka_sink: column headers holds no list of "
			"headers: " STR_FMT, (int)(headers.len < 100 ? headers.len : 100),
			headers.data);
	return 0;
}

static int send_raw(struct kafka_sink *k, const struct chunk *c, uint32_t row, struct error *err)
{
	struct kafka_letter l = {.partition = -1};
	int r = raw_letter(k, c, row, &l, err);
	return r < 0 ? r : send_letter(k, &l, err);
}

/* ---- a sink ---- */

static int send_row(struct kafka_sink *k, const struct chunk *c, uint32_t row,
	struct strbuf *object, struct error *err)
{
	if (k->config->format == SINK_RAW)
		return send_raw(k, c, row, err);
	if (k->config->format == SINK_DEBEZIUM)
		return send_debezium(k, c, row, object, err);
	return send_json(k, c, row, err);
}

/* The record that a row came from costs what other bad ones do; a Table's row ends the job. */
static int put_aside(
	struct kafka_sink *k, const struct chunk *c, uint32_t row, struct error *err)
{
	if (!k->is_too_large || k->base.is_table || c->messages == NULL || k->base.dead == NULL)
		return -(int)err->code;
	struct error why = *err;
	return dead_letter_add(k->base.dead, DEAD_TARGET, c, row, &why, err);
}

static int write_rows(struct sink *s, const struct chunk *c, struct error *err)
{
	struct kafka_sink *k = kafka_of(s);
	struct strbuf object;
	strbuf_init(&object);
	watch_stale(k);
	int r = 0;
	for (uint32_t row = chunk_next_live(c, 0); r == 0 && row < chunk_rows_max;
		row = chunk_next_live(c, row + 1)) {
		k->is_too_large = false;
		r = send_row(k, c, row, &object, err);
		if (r < 0)
			r = put_aside(k, c, row, err);
		else
			s->rows_written++;
	}
	strbuf_release(&object);
	return r;
}

static int remove_stale(struct kafka_sink *k, struct error *err)
{
	watch_stale(k);
	if (k->stale == NULL)
		return 0;
	int r = stale_keys_remove(k->stale, k->producer, err);
	stale_keys_close(k->stale);
	k->stale = NULL;
	return r;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	(void)b;
	struct kafka_sink *k = kafka_of(s);
	if (k->transaction == NULL)
		return 0;
	int r = remove_stale(k, err);
	return r < 0 ? r : kafka_transaction_prepare(k->transaction, err);
}

/* Nothing is committed before this says that the broker has it all. */
static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct kafka_sink *k = kafka_of(s);
	if (k->transaction != NULL)
		return kafka_transaction_publish(k->transaction, b->id, err);
	int r = remove_stale(k, err);
	return r < 0 ? r : kafka_producer_flush(k->producer, err);
}

static void close_kafka(struct sink *s)
{
	struct kafka_sink *k = kafka_of(s);
	stale_keys_close(k->stale);
	kafka_producer_close(k->producer);
	if (s->schema != NULL)
		row_json_release(&k->rows);
	strbuf_release(&k->key);
	strbuf_release(&k->value);
	strbuf_release(&k->before);
	arena_release(&k->arena);
	free(k);
}

static const struct sink_ops kafka_ops = {
	.kind = "kafka",
	.open = open_kafka,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_kafka,
};

struct sink *kafka_sink_open(const struct sink_config *config)
{
	struct kafka_sink *k = calloc(1, sizeof(*k));
	check(k != NULL); /* out of memory */
	k->base.ops = &kafka_ops;
	k->config = config;
	strbuf_init(&k->key);
	strbuf_init(&k->value);
	strbuf_init(&k->before);
	arena_init(&k->arena, 4096);
	return &k->base;
}
