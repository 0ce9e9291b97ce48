/*
 * Debezium's events, enveloped or unwrapped (ExtractNewRecordState). What the connectors really
 * write, surprises included, is in docs/lua-api.md under "Debezium".
 */

#include "decode/envelope_row.h"

#include "base/check.h"

#include <xxhash.h>

static const struct envelope_name event_names[] = {
	{str_lit("before"), NOTE_BEFORE},
	{str_lit("after"), TO_ROW},
	{str_lit("source"), TO_SOURCE},
	{str_lit("op"), NOTE_OP},
	{{NULL, 0}, TO_NOWHERE},
};

static const struct envelope_name source_names[] = {
	{str_lit("ts_ms"), NOTE_TS_MS},
	{str_lit("ts_us"), NOTE_TS_US},
	{str_lit("snapshot"), NOTE_SNAPSHOT},
	{str_lit("sequence"), NOTE_SEQUENCE},
	{str_lit("lsn"), NOTE_LSN},
	{str_lit("file"), NOTE_FILE},
	{str_lit("pos"), NOTE_POS},
	{str_lit("row"), NOTE_ROW},
	{str_lit("db"), NOTE_DATABASE},
	{str_lit("schema"), NOTE_SCHEMA},
	{str_lit("table"), NOTE_TABLE},
	{str_lit("name"), NOTE_NAME},
	{{NULL, 0}, TO_NOWHERE},
};

/* What add.fields adds to an unwrapped row, with and without "source.". */
static const struct envelope_name row_names[] = {
	{str_lit("__op"), NOTE_OP},
	{str_lit("__deleted"), NOTE_DELETED},
	{str_lit("__source_ts_ms"), NOTE_TS_MS},
	{str_lit("__source_ts_us"), NOTE_TS_US},
	{str_lit("__source_snapshot"), NOTE_SNAPSHOT},
	{str_lit("__snapshot"), NOTE_SNAPSHOT},
	{str_lit("__source_sequence"), NOTE_SEQUENCE},
	{str_lit("__sequence"), NOTE_SEQUENCE},
	{str_lit("__source_lsn"), NOTE_LSN},
	{str_lit("__lsn"), NOTE_LSN},
	{str_lit("__source_file"), NOTE_FILE},
	{str_lit("__file"), NOTE_FILE},
	{str_lit("__source_pos"), NOTE_POS},
	{str_lit("__pos"), NOTE_POS},
	{str_lit("__source_row"), NOTE_ROW},
	{str_lit("__row"), NOTE_ROW},
	{str_lit("__source_db"), NOTE_DATABASE},
	{str_lit("__db"), NOTE_DATABASE},
	{str_lit("__source_schema"), NOTE_SCHEMA},
	{str_lit("__schema"), NOTE_SCHEMA},
	{str_lit("__source_table"), NOTE_TABLE},
	{str_lit("__table"), NOTE_TABLE},
	{{NULL, 0}, TO_NOWHERE},
};

static const struct envelope_names names = {event_names, source_names, row_names};

/* ---- positions ---- */

/* The next number of a text, `null` counting as 0; false at its end. */
static bool next_number(struct str text, size_t *at, int64_t *out)
{
	*out = 0;
	while (*at < text.len && (text.data[*at] < '0' || text.data[*at] > '9'))
		if (text.data[(*at)++] == 'n') {
			*at += 3;
			return *at <= text.len;
		}
	if (*at == text.len)
		return false;
	for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; ++*at)
		if (__builtin_mul_overflow(*out, 10, out) ||
			__builtin_add_overflow(*out, text.data[*at] - '0', out))
			return false;
	return true;
}

/* "binlog.000001": 1 */
static bool file_number(struct str file, int64_t *out)
{
	size_t at = file.len;
	while (at > 0 && file.data[at - 1] >= '0' && file.data[at - 1] <= '9')
		at--;
	return next_number(file, &at, out);
}

/*
 * Two parts that order a database's events: PostgreSQL's commit before the transaction and the
 * event's own place; MariaDB's file and place. An lsn alone does not grow from event to event, but
 * it does for the events of one row, since a row is locked by one transaction at a time.
 */
static bool read_position(const struct envelope_row *r, struct change_position *p, bool *grows)
{
	struct str text;
	size_t at = 0;
	int64_t row;
	*grows = true;
	if (envelope_note_str(r, NOTE_SEQUENCE, &text) && next_number(text, &at, &p->parts[1]) &&
		next_number(text, &at, &p->parts[2]))
		return true;
	p->parts[1] = 0;
	if (envelope_note_int(r, NOTE_LSN, &p->parts[2])) {
		*grows = false;
		return true;
	}
	if (!envelope_note_str(r, NOTE_FILE, &text) || !file_number(text, &p->parts[1]) ||
		!envelope_note_int(r, NOTE_POS, &p->parts[2]))
		return false;
	if (envelope_note_int(r, NOTE_ROW, &row) && row >= 0 && row < INT64_MAX)
		p->parts[3] = row;
	return true;
}

/* A snapshot's rows come before what is streamed at their position. */
static void set_position(struct envelope_row *r, struct change_position *p, int64_t time_us)
{
	struct str word = envelope_note_word(r, NOTE_SNAPSHOT), name = {NULL, 0};
	struct partition_event e = {.time_us = time_us};
	*p = (struct change_position){.known = false};
	if (str_eq(word, str_lit("incremental")) || !read_position(r, p, &e.grows))
		return;
	if (envelope_note_str(r, NOTE_NAME, &name))
		e.origin = XXH3_64bits(name.data, name.len);
	e.streamed = word.data == NULL || str_eq(word, str_lit("false"));
	e.first = str_eq(word, str_lit("first"));
	envelope_place(r, p, &e);
	p->parts[3] += e.streamed;
}

/* ---- rows ---- */

static enum change_op read_op(const struct envelope_row *r)
{
	struct str word = envelope_note_word(r, NOTE_OP);
	struct str deleted = envelope_note_word(r, NOTE_DELETED);
	if (str_eq(deleted, str_lit("true")))
		return CHANGE_DELETE;
	/* an unwrapped row need not say it, an event must */
	return word.data == NULL && r->topic->unwrapped ? CHANGE_UPSERT : change_op_parse(word);
}

static int64_t event_time(const struct envelope_row *r)
{
	int64_t time, us;
	if (envelope_note_int(r, NOTE_TS_US, &time))
		return time;
	if (!envelope_note_int(r, NOTE_TS_MS, &time) || __builtin_mul_overflow(time, 1000, &us))
		return -1;
	return us;
}

static bool has_header(const struct envelope_row *r, struct str name)
{
	const struct messages *m = r->decoder->out->messages;
	for (uint32_t i = 0; i < m->header_count[r->message]; i++)
		if (str_eq(m->headers[r->message][i].name, name))
			return true;
	return false;
}

static bool is_of_other_table(struct envelope_row *r)
{
	struct str database = {NULL, 0}, schema = {NULL, 0}, table;
	if (!envelope_note_str(r, NOTE_TABLE, &table) || table.len == 0)
		return false; /* an unwrapped row that does not say; a truncate may not either */
	if (r->decoder->config.table.len > 0) {
		envelope_note_str(r, NOTE_DATABASE, &database);
		envelope_note_str(r, NOTE_SCHEMA, &schema);
	}
	return envelope_other_table(r, database, schema, table);
}

static int finish(struct envelope_row *r, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t row = r->json.index;
	enum change_op op = read_op(r);
	if (is_of_other_table(r))
		return ENVELOPE_SKIPPED;
	bool image = op == CHANGE_INSERT || op == CHANGE_UPDATE || op == CHANGE_READ ||
		op == CHANGE_UPSERT;
	if (image && r->missing == d->schema->column_count) {
		error_set(err, CDCL_E_DATA, "the event has none of the declared columns");
		return ENVELOPE_REFUSED;
	}
	envelope_note_str(r, NOTE_SOURCE, &d->changes->source[row]);
	envelope_note_str(r, NOTE_BEFORE, &d->changes->before[row]);
	int64_t time_us = event_time(r);
	d->changes->event_time_us[row] = time_us;
	set_position(r, &d->changes->position[row], time_us);
	d->changes->key_change[row] =
		op == CHANGE_INSERT && has_header(r, str_lit("__debezium.oldkey"));
	if (op != CHANGE_TRUNCATE)
		envelope_complete_from_key(r);
	envelope_accept(r, op);
	return ENVELOPE_DONE;
}

static bool is_object(struct str value)
{
	return value.len > 0 && value.data[0] == '{';
}

int envelope_debezium(struct envelope_row *r, struct str value, const struct envelope_look *look,
	struct error *err)
{
	if (look == NULL)
		return finish(r, err);
	struct str row = {NULL, 0}, block = {NULL, 0};
	const struct str *fields = look->fields;
	if (look->unwrapped) {
		row = look->event;
		block = look->schema;
	} else {
		bool after = is_object(fields[LOOK_AFTER]);
		if (after || is_object(fields[LOOK_BEFORE]))
			row = fields[after ? LOOK_AFTER : LOOK_BEFORE];
		if (look->schema.data != NULL)
			block = connect_schema_field(
				look->schema, after ? str_lit("after") : str_lit("before"));
	}
	r->schema = envelope_row_schema(r, block);
	if (!envelope_read_any(r, value, look, &names, row))
		return envelope_malformed(r, err);
	return finish(r, err);
}
