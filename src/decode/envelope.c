#include "decode/envelope_row.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "data/value.h"

#include <stdlib.h>

/* ---- opening ---- */

static const struct envelope_name note_names[note_count] = {
	[NOTE_OP] = {str_lit("__op"), TYPE_STRING},
	[NOTE_BEFORE] = {str_lit(""), TYPE_JSON},
	[NOTE_SOURCE] = {str_lit(""), TYPE_JSON},
	[NOTE_TS] = {str_lit(""), TYPE_BIGINT},
	[NOTE_TS_MS] = {str_lit("__source_ts_ms"), TYPE_BIGINT},
	[NOTE_TS_US] = {str_lit("__source_ts_us"), TYPE_BIGINT},
	[NOTE_SNAPSHOT] = {str_lit("__source_snapshot"), TYPE_JSON},
	[NOTE_SEQUENCE] = {str_lit("__source_sequence"), TYPE_JSON},
	[NOTE_LSN] = {str_lit("__source_lsn"), TYPE_BIGINT},
	[NOTE_FILE] = {str_lit("__source_file"), TYPE_STRING},
	[NOTE_POS] = {str_lit("__source_pos"), TYPE_BIGINT},
	[NOTE_ROW] = {str_lit("__source_row"), TYPE_BIGINT},
	[NOTE_DELETED] = {str_lit("__deleted"), TYPE_JSON},
	[NOTE_COMMIT] = {str_lit(""), TYPE_JSON},
	[NOTE_DATABASE] = {str_lit(""), TYPE_STRING},
	[NOTE_SCHEMA] = {str_lit(""), TYPE_STRING},
	[NOTE_TABLE] = {str_lit(""), TYPE_STRING},
	[NOTE_NAME] = {str_lit(""), TYPE_STRING},
	[NOTE_KEYS] = {str_lit(""), TYPE_JSON},
	[NOTE_TIME] = {str_lit(""), TYPE_STRING},
};

/* The row's columns, then the notes: what templates and the walk see as one. */
static void make_work_schema(struct envelope_decoder *d)
{
	uint32_t columns = d->schema->column_count;
	d->work_schema = ARENA_NEW(&d->arena, struct schema);
	d->work_schema->column_count = columns + note_count;
	d->work_schema->columns =
		ARENA_ARRAY(&d->arena, struct schema_column, columns + note_count);
	memcpy(d->work_schema->columns, d->schema->columns,
		columns * sizeof(*d->schema->columns));
	for (uint32_t i = 0; i < note_count; i++) {
		d->work_schema->columns[columns + i] = (struct schema_column){
			note_names[i].name, type_of((enum type_id)note_names[i].to)};
		d->note_columns[i] = note_names[i].name.len == 0
			? JSON_NO_COLUMN
			: envelope_find_column(d, note_names[i].name);
	}
}

static void make_slots(struct envelope_decoder *d)
{
	static const uint8_t marked[mark_count] = {
		NOTE_SOURCE, NOTE_SOURCE, NOTE_BEFORE, NOTE_BEFORE};
	int32_t columns = (int32_t)d->schema->column_count, all = columns + note_count;
	d->slots = ARENA_ARRAY(&d->arena, struct json_slot, (size_t)all + mark_count + 1);
	for (int32_t i = JSON_NO_COLUMN; i < all; i++)
		d->slots[i + 1] = i < columns ? envelope_slot(d->work_schema, i, NULL)
					      : json_slot_for(d->work_schema, i);
	for (int32_t i = 0; i < mark_count; i++)
		d->slots[all + i + 1] = (struct json_slot){
			.kind = i % 2 == 0 ? JSON_SLOT_BEGIN : JSON_SLOT_END,
			.column = columns + marked[i]};
}

static void make_names(struct envelope_decoder *d)
{
	d->name_mask = 15;
	while (d->name_mask < d->schema->column_count * 2)
		d->name_mask = d->name_mask * 2 + 1;
	d->names = ARENA_ARRAY(&d->arena, struct name_slot, (size_t)d->name_mask + 1);
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		if ((int32_t)i != d->config.json.corrupt_column &&
			envelope_find_column(d, d->schema->columns[i].name) == JSON_NO_COLUMN)
			envelope_add_column(d, d->schema->columns[i].name, (int32_t)i);
}

/* A chunk of one row, for what is not the row itself. */
static void make_side(struct envelope_decoder *d)
{
	uint32_t count = d->work_schema->column_count;
	d->side = ARENA_NEW(&d->arena, struct chunk);
	d->side->schema = d->work_schema;
	d->side->column_count = count;
	d->side->row_count = 1;
	d->side->columns = ARENA_ARRAY(&d->arena, struct column, count);
	int128 *slots = ARENA_ARRAY(&d->arena, int128, count);
	for (uint32_t i = 0; i < count; i++)
		d->side->columns[i].data = &slots[i];
	d->side_absent = (uint64_t (*)[chunk_words])arena_zalloc(&d->arena,
		sizeof(uint64_t[chunk_words]) * (d->schema->column_count + 1),
		_Alignof(uint64_t));
}

/*
 * What flat rows of a known shape are, all of them alike: nobody writes to it. One for all decoders
 * and at one address, since a chunk may be read by another process than its decoder's (runtime/
 * workers.h).
 */
static struct changes flat_changes;

static void make_flat_changes(void)
{
	for (uint32_t row = 0; row < chunk_rows_max; row++)
		envelope_no_change(&flat_changes, row);
}

struct envelope_decoder *envelope_open(const struct envelope_config *config)
{
	struct envelope_decoder *d = calloc(1, sizeof(*d));
	check(d != NULL);
	d->config = *config;
	if (d->config.json.clock == NULL)
		d->config.json.clock = &clock_system;
	d->schema = config->json.schema;
	d->follows = config->schema_auto && config->by_values &&
		(config->on_schema_change == SCHEMA_CHANGE_ADD ||
			config->on_schema_change == SCHEMA_CHANGE_FAIL);
	d->config.json.follows = d->follows;
	d->kernel = json_kernel_choose();
	d->values.timezone = config->json.timezone;
	strbuf_init(&d->values.scratch);
	arena_init(&d->arena, 16 * 1024);
	make_names(d);
	make_work_schema(d);
	make_slots(d);
	make_side(d);
	make_flat_changes();
	d->flat = json_decoder_open(&d->config.json);
	d->topics = calloc(source_topics_max, sizeof(struct envelope_topic *));
	check(d->topics != NULL);
	return d;
}

void envelope_close(struct envelope_decoder *d)
{
	if (d == NULL)
		return;
	if (d->counts.unknown_fields > 0)
		log_info("envelope", "%lld fields were no column and were left out",
			(long long)d->counts.unknown_fields);
	for (uint32_t i = 0; i < d->topic_count; i++)
		envelope_topic_release(d->topics[i]);
	free(d->topics);
	json_decoder_close(d->flat);
	strbuf_release(&d->values.scratch);
	arena_release(&d->arena);
	free(d);
}

const struct envelope_counts *envelope_counts(const struct envelope_decoder *d)
{
	return &d->counts;
}

/* ---- one message ---- */

static bool is_null(struct str value)
{
	if (value.data == NULL)
		return true;
	if (value.len < 4 || value.len > 64 || value.data[0] == '{')
		return false;
	return str_eq(str_trim(value), str_lit("null"));
}

static int tombstone(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	/*
	 * Of a table without a key: it says nothing. Of a topic with rows of other tables: whose it
	 * is cannot be known, but the event before it is the delete.
	 */
	bool others = d->config.table.len > 0 &&
		(!r->topic->seen_rows || (r->topic->has_others && !r->topic->unwrapped));
	if (d->out->messages->key[r->message].len == 0 || others)
		return ENVELOPE_SKIPPED;
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		bit_set(r->json.absent[i], r->json.index);
	r->missing = d->schema->column_count;
	envelope_complete_from_key(r);
	envelope_accept(r, CHANGE_TOMBSTONE);
	return ENVELOPE_DONE;
}

/* A flat row is read as from_json reads it, an event strictly and by envelope_store. */
static void read_as(struct envelope_row *r, bool flat)
{
	r->json.store = flat ? NULL : envelope_store;
	r->json.scan.strict = flat ? r->decoder->config.json.strict : true;
}

/* Columns first, then what does not fit them. */
static int follow_flat(struct envelope_row *r, struct dead_letters *dead, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	if (!d->follows || r->json.news + r->json.bad_fields == 0)
		return ENVELOPE_DONE;
	r->grown = envelope_compare_values(r, err);
	r->json.news = 0;
	return r->grown != 0 || r->json.bad_fields == 0
		? r->grown
		: json_decode_bad(d->flat, &r->json, dead, err);
}

static int accept_flat(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	r->json.bad_fields = 0; /* counted by the JSON decoder */
	if (d->config.changes && d->out->messages->key[r->message].len > 0) {
		for (uint32_t i = 0; i < d->schema->column_count; i++)
			r->missing += bit_get(r->json.absent[i], r->json.index);
		read_as(r, false);
		envelope_complete_from_key(r);
	}
	r->unknown = r->json.unknown;
	r->unknown_name = r->json.unknown_name;
	envelope_accept(r, CHANGE_UPSERT);
	return ENVELOPE_DONE;
}

static int flat(struct envelope_row *r, struct str value, bool known, struct dead_letters *dead,
	struct error *why, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	read_as(r, true);
	int answer = known ? json_decode_known(d->flat, &r->json, value, dead, err) : 0;
	if (answer == 0)
		answer = json_decode_any(d->flat, &r->json, value, dead, err);
	if (answer < 0)
		return answer;
	if (answer == JSON_ROW_MALFORMED && d->config.changes &&
		d->config.json.mode == JSON_PERMISSIVE)
		return envelope_malformed(r, why);
	int followed = answer == JSON_ROW_MALFORMED ? 0 : follow_flat(r, dead, err);
	return followed != ENVELOPE_DONE ? followed : accept_flat(r);
}

/* A flat row of a shape that was seen before. 0: it is none. */
static int flat_known(struct envelope_row *r, struct str value, struct dead_letters *dead,
	struct error *err, int *answer)
{
	read_as(r, true);
	int known = json_decode_known(r->decoder->flat, &r->json, value, dead, err);
	*answer = known < 0 ? known : ENVELOPE_DONE;
	if (known > 0)
		*answer = follow_flat(r, dead, err);
	if (known > 0 && *answer == ENVELOPE_DONE)
		accept_flat(r);
	return known;
}

/*
 * Messages from r's on that have its topic and a place in the chunk. Where the topic ends is found
 * once, not again behind each message that is of another shape than the one before it.
 */
static uint32_t alike(struct envelope_row *r)
{
	const struct messages *in = r->decoder->out->messages;
	uint32_t n = r->message, room = chunk_rows_max - r->decoder->out->row_count;
	if (r->alike_end <= n) {
		do
			r->alike_end = ++n;
		while (n < in->count && in->topic[n].data == in->topic[r->message].data &&
			in->topic[n].len == in->topic[r->message].len);
	}
	uint32_t most = r->alike_end - r->message;
	return most < room ? most : room;
}

/*
 * Most messages of most topics, so it is tried before anything else: flat rows of the shape that
 * came last, as many as there are from r->message on.
 */
static uint32_t decode_flat(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	if (r->topic->kind != ENVELOPE_FLAT)
		return 0;
	uint32_t first = d->out->row_count;
	r->json.index = first;
	read_as(r, true);
	uint32_t count = json_decode_run(d->flat, &r->json, d->out->messages->value + r->message,
		alike(r), d->config.changes);
	for (uint32_t i = 0; i < count; i++)
		d->origin[first + i] = (uint16_t)(r->message + i);
	for (uint32_t i = 0; i < count && d->changes != NULL; i++)
		envelope_no_change(d->changes, first + i);
	if (count == 0)
		return 0;
	envelope_note(r->topic, &r->topic->seen_rows);
	d->counts.rows += count;
	d->counts.unknown_fields += (int64_t)r->json.unknown * count;
	d->out->row_count += count;
	return count;
}

static bool confluent(struct str value, struct error *err)
{
	if (value.len < 5 || value.data[0] != '\0')
		return false;
	const unsigned char *b = (const unsigned char *)value.data;
	error_set(err, CDCL_E_DATA,
		"the value begins with Confluent's header (byte 0x00, schema id %u): what needs a "
		"schema registry is not read",
		(unsigned)b[1] << 24 | (unsigned)b[2] << 16 | (unsigned)b[3] << 8 | b[4]);
	error_help(err, "let the connector write plain JSON: "
			"value.converter=org.apache.kafka.connect.json.JsonConverter");
	return true;
}

static void decide(struct envelope_row *r, const struct envelope_look *look)
{
	struct envelope_topic *t = r->topic;
	t->kind = look->kind;
	t->unwrapped = look->unwrapped;
	t->has_news = true;
	const char *shape = look->unwrapped		? ", unwrapped (ExtractNewRecordState)"
		: look->schema.data != NULL	? ", with its schema in each message"
						: "";
	struct str name = t->name.len == 0 ? str_lit("input") : t->name;
	log_info("envelope", STR_FMT ": %s%s", STR_ARG(name), envelope_name(t->kind), shape);
}

/* A record of another envelope than its topic's. */
static bool stranger(struct envelope_row *r, const struct envelope_look *look, struct error *err)
{
	struct envelope_topic *t = r->topic;
	if (look->kind == t->kind)
		return false;
	bool plain_row = t->kind == ENVELOPE_DEBEZIUM && look->kind == ENVELOPE_FLAT;
	if (plain_row && (t->unwrapped || !t->seen_rows)) {
		envelope_note(t, &t->unwrapped);
		return false;
	}
	error_set(err, CDCL_E_DATA, "this is a record of envelope %s; the topic's is %s",
		envelope_name(look->kind), envelope_name(t->kind));
	return true;
}

/* A row there may have the names of another envelope; a known shape would not see its words. */
static bool has_plain_rows(const struct envelope_topic *t)
{
	return t->kind == ENVELOPE_FLAT || (t->kind == ENVELOPE_DEBEZIUM && t->unwrapped);
}

static envelope_reader *reader_of(enum envelope_kind kind)
{
	switch (kind) {
	case ENVELOPE_MAXWELL:
		return envelope_maxwell;
	case ENVELOPE_CANAL:
		return envelope_canal;
	case ENVELOPE_OGG:
		return envelope_ogg;
	case ENVELOPE_DEBEZIUM:
	case ENVELOPE_AUTO:
	case ENVELOPE_FLAT:
		break;
	}
	return envelope_debezium;
}

/* An unwrapped row without any field of Debezium's own: its connectors' headers tell. */
static bool from_debezium(const struct envelope_row *r)
{
	const struct messages *m = r->decoder->out->messages;
	for (uint32_t i = 0; i < m->header_count[r->message]; i++)
		if (str_starts(m->headers[r->message][i].name, str_lit("__debezium.")))
			return true;
	return false;
}

static int malformed_text(struct envelope_row *r, struct str value, struct error *why)
{
	struct json_token t;
	json_scan_init(&r->json.scan, value, true);
	if (json_scan_value(&r->json.scan, 0, &t))
		json_scan_fail(&r->json.scan, "the end after the object");
	return envelope_malformed(r, why);
}

/* A message whose shape is not known: what is it? */
static int look_at(struct envelope_row *r, struct str value, struct dead_letters *dead,
	struct error *why, struct error *err)
{
	struct envelope_look look;
	struct envelope_topic *t = r->topic;
	size_t wrong;
	if (confluent(value, why))
		return ENVELOPE_REFUSED;
	envelope_look(value, &look);
	if (look.content == LOOK_TOMBSTONE)
		return tombstone(r);
	if (t->kind == ENVELOPE_AUTO && look.kind == ENVELOPE_FLAT && from_debezium(r)) {
		look.kind = ENVELOPE_DEBEZIUM;
		look.unwrapped = true;
	}
	if (look.by_word && look.kind != t->kind && has_plain_rows(t))
		look = (struct envelope_look){.kind = ENVELOPE_FLAT,
			.content = LOOK_ROWS,
			.schema = look.schema,
			.event = look.event};
	bool maybe_flat = t->kind == ENVELOPE_FLAT || t->kind == ENVELOPE_AUTO;
	if (look.content == LOOK_UNREADABLE && maybe_flat)
		return flat(r, value, false, dead, why, err);
	if (look.content == LOOK_NOT_READ) {
		error_set(why, CDCL_E_DATA, "%s is not read: %s", look.what, look.help);
		return ENVELOPE_REFUSED;
	}
	if (t->kind == ENVELOPE_AUTO)
		decide(r, &look);
	if (t->kind == ENVELOPE_FLAT && look.kind == ENVELOPE_FLAT)
		return flat(r, value, false, dead, why, err);
	if (!json_validate(value, true, &wrong)) /* a flat row's own reader does that */
		return malformed_text(r, value, why);
	if (look.content == LOOK_UNREADABLE) {
		error_set(why, CDCL_E_DATA, "the value is no JSON object");
		return ENVELOPE_REFUSED;
	}
	if (look.content == LOOK_CONTROL && look.kind == t->kind && t->kind != ENVELOPE_CANAL)
		return ENVELOPE_SKIPPED;
	if (stranger(r, &look, why))
		return ENVELOPE_REFUSED;
	if (look.unwrapped)
		envelope_note(t, &t->unwrapped);
	look.unwrapped |= look.kind == ENVELOPE_FLAT;
	int changed = envelope_compare_block(r, &look, err);
	if (changed != ENVELOPE_DONE)
		return changed;
	return reader_of(t->kind)(r, value, &look, why);
}

/* A message of a topic whose envelope is known, by a shape that is. 0: by none. */
static int decode_known(struct envelope_row *r, struct str value, struct dead_letters *dead,
	struct error *why, struct error *err, int *answer)
{
	enum envelope_kind kind = r->topic->kind;
	if (kind == ENVELOPE_AUTO || kind == ENVELOPE_CANAL)
		return 0;
	if (kind == ENVELOPE_FLAT)
		return flat_known(r, value, dead, err, answer);
	if (!envelope_read_known(r, value))
		return 0;
	*answer = reader_of(kind)(r, value, NULL, why);
	if (*answer != ENVELOPE_LOOK)
		return 1;
	envelope_clear(r);
	r->schema = NULL;
	return 0;
}

static int decode_value(struct envelope_row *r, struct dead_letters *dead, struct error *why,
	struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	struct str value = d->out->messages->value[r->message];
	bool flat_only = d->config.kind == ENVELOPE_FLAT;
	bool flat_stream = r->topic->kind == ENVELOPE_FLAT && !d->config.changes;
	int answer;
	read_as(r, false);
	if (is_null(value) && !flat_stream)
		return tombstone(r);
	if (flat_only)
		return flat(r, value, true, dead, why, err);
	if (decode_known(r, value, dead, why, err, &answer) != 0)
		return answer;
	read_as(r, false);
	return look_at(r, value, dead, why, err);
}

/* Under failfast the job ends; what drop left out is kept as a dead letter. */
static int fail_on_bad_field(
	struct envelope_row *r, uint32_t row, struct dead_letters *dead, struct error *err)
{
	struct envelope_decoder *d = r->decoder;
	struct error why;
	struct strbuf type;
	bool drops = d->config.json.mode == JSON_DROP;
	error_init(&why);
	strbuf_init(&type);
	type_name(d->schema->columns[r->failed_column].type, &type);
	error_set(drops ? &why : err, CDCL_E_JSON,
		"the value of column \"" STR_FMT "\" is no " STR_FMT,
		STR_ARG(d->schema->columns[r->failed_column].name), STR_ARG(strbuf_str(&type)));
	strbuf_release(&type);
	r->failed_column = JSON_NO_COLUMN;
	if (drops && dead == NULL)
		return 0;
	if (drops)
		return dead_letter_keep(dead, DEAD_MALFORMED, d->work, row, &why, err);
	struct str place = chunk_row_place(d->work, row, d->work->arena);
	return error_at(err, STR_FMT, STR_ARG(place));
}

/* The rows of this message, of which other columns have to take care. */
static int take_back(struct envelope_row *r, uint32_t first)
{
	struct envelope_decoder *d = r->decoder;
	for (r->json.index = d->out->row_count; r->json.index > first; r->json.index--)
		envelope_clear(r);
	if (r->message_taught)
		memcpy(r->topic->lore, r->topic->lore_before + d->schema->column_count,
			d->schema->column_count * sizeof(*r->topic->lore));
	r->message_taught = false;
	d->counts.rows -= d->out->row_count - first;
	d->out->row_count = first;
	d->resume_at = d->resume_old_at = 0;
	r->failed_column = JSON_NO_COLUMN;
	return r->grown;
}

/* A topic may begin with some of them; only them, and nobody would know that no row came. */
static void note_skipped(struct envelope_row *r)
{
	struct envelope_topic *t = r->topic;
	r->decoder->counts.skipped++;
	if (t->seen_rows || t->skipped == skipped_quietly_max || ++t->skipped < skipped_quietly_max)
		return;
	struct str name = t->name.len == 0 ? str_lit("input") : t->name;
	log_warn("envelope",
		STR_FMT ": none of the first %d records has a row: heartbeats, transaction marks, "
			"DDL, other tables; read as %s",
		STR_ARG(name), skipped_quietly_max, envelope_name(t->kind));
}

static int decode_message(struct envelope_row *r, struct dead_letters *dead, struct error *err)
{
	struct error why;
	why.code = CDCL_OK;
	uint32_t row = r->json.index;
	r->grown = ENVELOPE_DONE;
	r->message_taught = false;
	r->goes_on = r->decoder->resume_at > 0;
	int answer = decode_value(r, dead, &why, err);
	if (r->grown != ENVELOPE_DONE)
		answer = take_back(r, row);
	if (answer >= 0 && r->failed_column != JSON_NO_COLUMN) {
		int failed = fail_on_bad_field(r, row, dead, err);
		if (failed < 0)
			return failed;
	}
	if (answer == ENVELOPE_REFUSED)
		return envelope_refuse(r, DEAD_ENVELOPE, dead, &why, err);
	if (answer == ENVELOPE_SKIPPED)
		note_skipped(r);
	bool open = r->json.index == r->decoder->out->row_count;
	if (open && answer != ENVELOPE_DONE)
		envelope_clear(r);
	return answer;
}

/* ---- chunks ---- */

static void begin_chunk(struct envelope_decoder *d, const struct messages *in)
{
	uint32_t columns = d->schema->column_count;
	struct chunk *c = chunk_alloc(in->arena, d->work_schema);
	c->messages = in;
	memset(c->live, 0xFF, sizeof(c->live));
	for (uint32_t i = 0; i < c->column_count; i++)
		memset(c->columns[i].nulls, 0xFF, sizeof(c->columns[i].nulls));
	d->origin = arena_alloc(in->arena, sizeof(uint16_t) * chunk_rows_max, 8);
	c->origin = d->origin;
	d->work = c;
	d->work_absent = (uint64_t (*)[chunk_words])arena_zalloc(
		in->arena, sizeof(uint64_t[chunk_words]) * (columns + 1), _Alignof(uint64_t));
	d->changes = NULL;
	d->out = ARENA_NEW(in->arena, struct chunk);
	*d->out = (struct chunk){
		.schema = d->schema,
		.column_count = columns,
		.arena = in->arena,
		.messages = in,
		.origin = d->origin};
	d->values.arena = in->arena;
	d->values.now_us = clock_wall_us(d->config.json.clock);
}

static void sum_counts(struct envelope_decoder *d)
{
	const struct json_counts *own = &d->own_counts, *flat = json_decoder_counts(d->flat);
	d->counts.json = (struct json_counts){
		.malformed = own->malformed + flat->malformed,
		.bad_fields = own->bad_fields + flat->bad_fields,
		.dropped = own->dropped + flat->dropped,
		.template_hits = own->template_hits + flat->template_hits,
		.template_misses = own->template_misses + flat->template_misses};
}

static bool any_absent(const struct envelope_decoder *d)
{
	uint64_t any = 0;
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		for (uint32_t w = 0; w < chunk_words; w++)
			any |= d->work_absent[i][w];
	return any != 0;
}

static void finish_chunk(struct envelope_decoder *d)
{
	struct chunk *c = d->out;
	uint64_t kept[chunk_words];
	envelope_take_placeholders(d);
	memcpy(kept, d->work->live, sizeof(kept));
	chunk_set_rows(c, c->row_count);
	for (uint32_t i = 0; i < c->column_count; i++)
		for (uint32_t w = 0; w < chunk_words; w++)
			d->work->columns[i].nulls[w] &= c->live[w];
	for (uint32_t w = 0; w < chunk_words; w++)
		c->live[w] &= kept[w];
	c->columns = d->work->columns;
	c->changes = d->changes != NULL ? d->changes : &flat_changes;
	chunk_zero_nulls(c);
	if (any_absent(d))
		c->absent = (const uint64_t (*)[chunk_words])d->work_absent;
	sum_counts(d);
}

/* The chunk's own, because a row comes that is not as all others were. */
static void own_changes(struct envelope_decoder *d)
{
	if (d->changes != NULL)
		return;
	d->changes = arena_alloc(
		d->out->arena, sizeof(*d->changes), _Alignof(struct changes));
	for (uint32_t row = 0; row < d->out->row_count; row++)
		envelope_no_change(d->changes, row);
}

int envelope_decode(struct envelope_decoder *d, const struct messages *in, uint32_t *next,
	struct dead_letters *dead, struct chunk **out, struct error *err)
{
	struct envelope_row r = {.decoder = d, .err = err};
	begin_chunk(d, in);
	json_decode_begin(d->flat, d->work, &r.json);
	r.json.schema = d->work_schema;
	r.json.values = &d->values;
	r.json.absent = d->work_absent;
	r.failed_column = JSON_NO_COLUMN;
	struct str topic = {NULL, 0};
	int result = 0;
	while (*next < in->count) {
		if (d->out->row_count == chunk_rows_max) {
			result = 1;
			break;
		}
		r.message = *next;
		/* Names live as long as the source: one pointer is one topic. */
		if (r.topic == NULL || in->topic[*next].data != topic.data ||
			in->topic[*next].len != topic.len) {
			topic = in->topic[*next];
			r.topic = envelope_topic(d, topic);
		}
		uint32_t flat_rows = decode_flat(&r);
		if (flat_rows > 0) {
			*next += flat_rows;
			continue;
		}
		own_changes(d);
		envelope_begin_row(&r);
		result = decode_message(&r, dead, err);
		if (result < 0)
			return result;
		if (result == ENVELOPE_FULL || result == ENVELOPE_CHANGED) {
			result = result == ENVELOPE_FULL ? 1 : ENVELOPE_WIDER;
			break;
		}
		result = 0;
		++*next;
	}
	finish_chunk(d);
	*out = d->out;
	return result;
}
