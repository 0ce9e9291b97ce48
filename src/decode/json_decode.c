#include "decode/json_decode.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "data/value.h"
#include "decode/json_kernel.h"

#include <stdlib.h>

/* Where a field's name leads: open addressing over the schema's names. */
struct name_slot {
	struct str name; /* plan; data NULL: empty */
	int32_t column;
};

struct json_decoder {
	struct json_config config;
	struct json_counts counts;
	struct json_values values;
	const struct json_kernel *kernel;
	struct json_templates templates;
	struct json_shape shape;
	struct json_slot *slots; /* of each column; one before them for fields that are none */
	bool *complained; /* of each column: a value that did not fit was named */
	struct name_slot *names;
	uint32_t name_mask;
};

/* ---- names ---- */

static uint32_t name_hash(struct str name)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.data[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct name_slot *name_slot(const struct json_decoder *d, struct str name)
{
	uint32_t i = name_hash(name) & d->name_mask;
	while (d->names[i].name.data != NULL && !str_eq(d->names[i].name, name))
		i = (i + 1) & d->name_mask;
	return &d->names[i];
}

static void add_names(struct json_decoder *d)
{
	const struct schema *schema = d->config.schema;
	for (uint32_t i = 0; i < schema->column_count; i++) {
		if ((int)i == d->config.corrupt_column)
			continue; /* filled by the decoder, never from a field of that name */
		struct name_slot *slot = name_slot(d, schema->columns[i].name);
		if (slot->name.data == NULL)
			*slot = (struct name_slot){schema->columns[i].name, (int32_t)i};
	}
}

/* The column of a field's name; `guess` is the column after the last one found. */
static int32_t find_column(struct json_decoder *d, const struct json_token *name, int32_t guess)
{
	const struct schema *schema = d->config.schema;
	struct str text = name->text;
	if (name->escaped || name->wide)
		text = json_string_value(name, d->values.arena);
	if ((uint32_t)guess < schema->column_count && guess != d->config.corrupt_column &&
		str_eq(schema->columns[guess].name, text))
		return guess;
	const struct name_slot *slot = name_slot(d, text);
	return slot->name.data != NULL ? slot->column : JSON_NO_COLUMN;
}

/* Nothing in it that JSON writes otherwise. */
static bool is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];
		if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
			return false;
	}
	return name.len < json_name_bytes_max;
}

/* Into its slot: "name": as it is mostly written. */
static void quote_name(struct json_decoder *d, uint32_t column)
{
	struct str name = d->config.schema->columns[column].name;
	if ((int)column == d->config.corrupt_column || !is_plain_name(name))
		return;
	char *text = malloc(name.len + 3);
	check(text != NULL);
	text[0] = '"';
	memcpy(text + 1, name.data, name.len);
	memcpy(text + 1 + name.len, "\":", 2);
	d->slots[column + 1].before = json_literal_make(text, name.len + 3);
}

/* The column of the field whose name is next, which is read, or JSON_NO_COLUMN. */
static bool read_name(struct json_decoder *d, struct json_row *r, int32_t *column)
{
	struct json_token name;
	if (!json_scan_name(&r->scan, &name))
		return false;
	*column = find_column(d, &name, *column + 1);
	if (*column == JSON_NO_COLUMN && r->unknown++ == 0)
		r->unknown_name = name.text;
	return true;
}

/* ---- one message ---- */

/*
 * A field that is no column, and `value` is what it has. Null stays literal in the shape, so that
 * the first value is of another one.
 */
static bool is_nothing(struct json_row *r, const char *value)
{
	bool nothing = *value == 'n';
	r->news += !nothing;
	r->unknown -= nothing;
	return nothing;
}

static bool read_field(struct json_decoder *d, struct json_row *r, int32_t *column)
{
	struct json_scan *s = &r->scan;
	if (!read_name(d, r, column))
		return false;
	if (*column != JSON_NO_COLUMN && r->absent != NULL)
		bit_clear(r->absent[*column], r->index);
	json_skip_space(s);
	const char *from = s->at;
	const char *after = d->kernel->value(&d->slots[*column + 1], r, from);
	if (after == NULL)
		return false;
	s->at = after;
	if (*column != JSON_NO_COLUMN || !d->config.follows || !is_nothing(r, from))
		json_shape_add(&d->shape, (size_t)(from - s->begin), (size_t)(after - s->begin),
			*column);
	return true;
}

static bool read_fields(struct json_decoder *d, struct json_row *r)
{
	struct json_scan *s = &r->scan;
	int32_t column = JSON_NO_COLUMN;
	for (;;) {
		const char *from = s->at, *after = d->kernel->fields(d->slots + 1,
			d->config.schema->column_count, r, from, &column, &d->shape);
		if (after == NULL)
			return false;
		s->at = after;
		if (after == from && !read_field(d, r, &column))
			return false;
		char c = json_peek(s);
		if (c == '}')
			break;
		if (c != ',')
			return json_scan_fail(s, "',' or '}'");
		s->at++;
		json_skip_space(s);
	}
	s->at++;
	return true;
}

/* The generic way: any object. Notes its shape on the way. */
static bool read_object(struct json_decoder *d, struct json_row *r)
{
	struct json_scan *s = &r->scan;
	for (uint32_t i = 0; r->absent != NULL && i < d->config.schema->column_count; i++)
		bit_set(r->absent[i], r->index);
	json_shape_begin(&d->shape, json_templates_want(&d->templates));
	if (json_peek(s) != '{')
		return json_scan_fail(s, "an object");
	s->at++;
	if (json_peek(s) == '}')
		s->at++;
	else if (!read_fields(d, r))
		return false;
	if (s->at - s->begin > UINT32_MAX)
		d->shape.learnable = false;
	d->shape.end = (uint32_t)(s->at - s->begin);
	if (!d->config.strict)
		return true;
	json_skip_space(s);
	return s->at == s->end || json_scan_fail(s, "the end after the object");
}

static void note_missing(const struct json_template *t, struct json_row *r)
{
	for (uint32_t i = 0; r->absent != NULL && i < t->missing_count; i++)
		bit_set(r->absent[t->missing[i]], r->index);
}

/*
 * The fast way: one of the shapes seen before, the most recent one first. While nothing fits, only
 * one of them is tried for each message, in turn.
 */
static bool read_by_template(struct json_decoder *d, struct json_row *r)
{
	struct json_templates *t = &d->templates;
	bool sample = t->misses_in_a_row >= json_misses_before_sampling && t->count > 0;
	for (uint32_t left = sample ? 1 : t->count, i = t->recent; left > 0; left--) {
		enum json_match match = d->kernel->row(&t->list[i], r);
		if (match == JSON_MATCH) {
			r->unknown = t->list[i].unknown;
			t->list[i].hits++;
			t->recent = i;
			t->misses_in_a_row = 0;
			note_missing(&t->list[i], r);
			return true;
		}
		if (match == JSON_BROKE_OFF)
			json_row_clear(r);
		i = i + 1 < t->count ? i + 1 : 0;
		if (sample)
			t->recent = i;
	}
	t->misses++;
	t->misses_in_a_row++;
	return false;
}

/* ---- what a bad row costs ---- */

/* The row as Spark shows it in its message: [1,A,null,insert] */
static void add_row_text(const struct json_decoder *d, const struct json_row *r, struct strbuf *out)
{
	const struct schema *schema = d->config.schema;
	strbuf_add_byte(out, '[');
	for (uint32_t i = 0; i < schema->column_count; i++) {
		if ((int)i == d->config.corrupt_column)
			continue;
		if (out->len > 1)
			strbuf_add_byte(out, ',');
		struct value v =
			value_from_column(&r->chunk->columns[i], schema->columns[i].type, r->index);
		if (v.is_null)
			strbuf_add_c(out, "null");
		else
			value_text(&v, VALUE_CAST, d->config.timezone, out);
	}
	strbuf_add_byte(out, ']');
}

/* Shows the message in the error with a caret at the byte that is wrong. */
static void show_message(struct error *err, const struct json_scan *s)
{
	size_t at = (size_t)(s->at - s->begin), len = (size_t)(s->end - s->begin);
	size_t room = error_line_bytes - 1, from = at > room / 2 ? at - room / 2 : 0;
	if (len - from < room && len > room)
		from = len - room;
	size_t shown = len - from < room ? len - from : room;
	for (size_t i = 0; i < shown; i++) {
		char c = s->begin[from + i];
		err->source_line[i] = (unsigned char)c < ' ' ? ' ' : c;
	}
	err->source_line[shown] = '\0';
	err->caret_start = (int)(at - from);
	err->caret_len = 1;
}

static int fail_row(
	struct json_decoder *d, const struct json_row *r, bool malformed, struct error *err)
{
	struct strbuf text;
	strbuf_init(&text);
	add_row_text(d, r, &text);
	error_set(err, CDCL_E_JSON,
		"[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed "
		"records are detected in record parsing: " STR_FMT
		".\nParse Mode: FAILFAST. To process "
		"malformed records as null result, try setting the option 'mode' as 'PERMISSIVE'.",
		STR_ARG(strbuf_str(&text)));
	strbuf_release(&text);
	if (err == NULL)
		return -CDCL_E_JSON;
	struct str place = chunk_row_place(r->chunk, r->index, r->chunk->arena);
	if (place.len > 0)
		error_at(err, STR_FMT, STR_ARG(place));
	if (malformed) {
		show_message(err, &r->scan);
		error_help(err, "expected %s at byte %zu", r->scan.expected,
			(size_t)(r->scan.at - r->scan.begin));
	} else {
		struct schema_column column = d->config.schema->columns[r->bad_column];
		strbuf_init(&text);
		type_name(column.type, &text);
		error_help(err, "the value of field '" STR_FMT "' is no " STR_FMT,
			STR_ARG(column.name), STR_ARG(strbuf_str(&text)));
		strbuf_release(&text);
	}
	return -CDCL_E_JSON;
}

static bool is_power_of_ten(int64_t n)
{
	while (n >= 10 && n % 10 == 0)
		n /= 10;
	return n == 1;
}

static int keep_dropped(const struct json_decoder *d, const struct json_row *r, bool malformed,
	struct dead_letters *dead, struct error *err)
{
	struct error why;
	error_init(&why);
	if (malformed)
		error_set(&why, CDCL_E_JSON, "expected %s at byte %zu", r->scan.expected,
			(size_t)(r->scan.at - r->scan.begin));
	else
		error_set(&why, CDCL_E_JSON, "the value of field '" STR_FMT "' does not fit",
			STR_ARG(d->config.schema->columns[r->bad_column].name));
	return dead_letter_keep(dead, DEAD_MALFORMED, r->chunk, r->index, &why, err);
}

static int drop_row(struct json_decoder *d, const struct json_row *r, bool malformed,
	struct dead_letters *dead, struct error *err)
{
	bit_clear(r->chunk->live, r->index);
	d->counts.dropped++;
	if (is_power_of_ten(d->counts.dropped)) {
		struct str place = chunk_row_place(r->chunk, r->index, r->chunk->arena);
		log_warn("json", "%lld unreadable record%s dropped so far, the last at " STR_FMT,
			(long long)d->counts.dropped, d->counts.dropped == 1 ? "" : "s",
			STR_ARG(place));
	}
	return dead == NULL ? 0 : keep_dropped(d, r, malformed, dead, err);
}

/* The first value of a column that becomes NULL is named: silence would hide a wrong type. */
static void complain(struct json_decoder *d, const struct json_row *r)
{
	struct strbuf type;
	if (r->bad_column == JSON_NO_COLUMN || d->complained[r->bad_column])
		return;
	d->complained[r->bad_column] = true;
	struct schema_column column = d->config.schema->columns[r->bad_column];
	struct str place = chunk_row_place(r->chunk, r->index, r->chunk->arena);
	strbuf_init(&type);
	type_name(column.type, &type);
	log_warn("json",
		STR_FMT ": a value of column \"" STR_FMT "\" is no " STR_FMT
			" and is read as NULL; others of this column will be counted only",
		STR_ARG(place), STR_ARG(column.name), STR_ARG(strbuf_str(&type)));
	strbuf_release(&type);
}

static int bad_row(struct json_decoder *d, struct json_row *r, bool malformed,
	struct dead_letters *dead, struct error *err)
{
	if (malformed) {
		const char *at = r->scan.at;
		json_row_clear(r);
		r->scan.at = at;
		d->counts.malformed++;
	}
	d->counts.bad_fields += r->bad_fields;
	if (d->config.corrupt_column >= 0) {
		struct column *c = &r->chunk->columns[d->config.corrupt_column];
		((struct str *)c->data)[r->index] =
			(struct str){r->scan.begin, (size_t)(r->scan.end - r->scan.begin)};
		bit_clear(c->nulls, r->index);
	}
	if (d->config.mode == JSON_FAILFAST)
		return fail_row(d, r, malformed, err);
	if (d->config.mode == JSON_DROP)
		return drop_row(d, r, malformed, dead, err);
	if (!malformed && d->config.corrupt_column < 0)
		complain(d, r);
	return 0;
}

/* NULL, empty and blank messages are rows of NULLs to Spark; strictly only NULL is. */
static bool is_blank(struct json_scan *s)
{
	if (s->begin == NULL || s->strict)
		return s->begin == NULL;
	json_skip_space(s);
	bool blank = s->at == s->end;
	s->at = s->begin;
	return blank;
}

static void begin_row(struct json_row *r, struct str text)
{
	r->bad_fields = 0;
	r->bad_column = JSON_NO_COLUMN;
	r->scan.begin = r->scan.at = text.data;
	r->scan.end = text.data + text.len;
	r->unknown = r->news = 0;
	r->unknown_name = (struct str){NULL, 0};
}

int json_decode_known(struct json_decoder *d, struct json_row *r, struct str text,
	struct dead_letters *dead, struct error *err)
{
	begin_row(r, text);
	if (!read_by_template(d, r))
		return 0;
	d->counts.template_hits++;
	if (r->bad_fields == 0 || d->config.follows)
		return 1;
	int failed = bad_row(d, r, false, dead, err);
	return failed < 0 ? failed : 1;
}

uint32_t json_decode_run(struct json_decoder *d, struct json_row *r, const struct str *messages,
	uint32_t count, bool whole)
{
	struct json_templates *t = &d->templates;
	struct json_template *recent = &t->list[t->recent];
	if (t->count == 0 || t->misses_in_a_row > 0 || (whole && recent->missing_count > 0))
		return 0;
	uint32_t first = r->index;
	enum json_match last;
	begin_row(r, str_lit(""));
	uint32_t done = d->kernel->rows(recent, r, messages, count, &last);
	if (done < count) {
		if (last != JSON_NO_MATCH)
			json_row_clear(r);
		/* The others first, and no run before one of them fits. */
		t->recent = t->recent + 1 < t->count ? t->recent + 1 : 0;
		t->misses_in_a_row = 1;
	}
	r->unknown = recent->unknown;
	recent->hits += done;
	d->counts.template_hits += done;
	for (uint32_t i = 0; recent->missing_count > 0 && r->absent != NULL && i < done; i++)
		for (uint32_t m = 0; m < recent->missing_count; m++)
			bit_set(r->absent[recent->missing[m]], first + i);
	return done;
}

int json_decode_any(struct json_decoder *d, struct json_row *r, struct str text,
	struct dead_letters *dead, struct error *err)
{
	begin_row(r, text);
	if (is_blank(&r->scan))
		return JSON_ROW_BLANK;
	d->counts.template_misses++;
	bool good = read_object(d, r);
	struct json_template *learned = !good || !d->shape.learnable
		? NULL
		: json_templates_learn(&d->templates, &d->shape, text, d->slots,
			  d->config.schema->column_count);
	if (learned != NULL)
		learned->unknown = r->unknown;
	if (good && (r->bad_fields == 0 || d->config.follows))
		return JSON_ROW_GOOD;
	int failed = bad_row(d, r, !good, dead, err);
	return failed < 0 ? failed : good ? JSON_ROW_GOOD : JSON_ROW_MALFORMED;
}

int json_decode_bad(struct json_decoder *d, struct json_row *r, struct dead_letters *dead,
	struct error *err)
{
	return bad_row(d, r, false, dead, err);
}

void json_decoder_unfollow(struct json_decoder *d)
{
	d->config.follows = false;
}

static int decode_row(struct json_decoder *d, struct json_row *r, struct str text,
	struct dead_letters *dead, struct error *err)
{
	if (text.data == NULL || (text.len == 0 && !d->config.strict))
		return 0;
	int known = json_decode_known(d, r, text, dead, err);
	return known != 0 ? known : json_decode_any(d, r, text, dead, err);
}

/* ---- chunks ---- */

/* Every row starts as all NULL; a value clears its bit. */
static void null_all_rows(struct chunk *c)
{
	for (uint32_t i = 0; i < c->column_count; i++)
		memcpy(c->columns[i].nulls, c->live, sizeof(c->live));
}

void json_decode_begin(struct json_decoder *d, struct chunk *c, struct json_row *row)
{
	d->values.arena = c->arena;
	d->values.now_us = clock_wall_us(d->config.clock);
	*row = (struct json_row){
		.chunk = c, .schema = d->config.schema, .values = &d->values};
	json_scan_init(&row->scan, str_lit(""), d->config.strict);
	row->scan.string_stop = d->kernel->string_stop;
}

int json_decode(struct json_decoder *d, const struct messages *in, struct dead_letters *dead,
	struct chunk **out, struct error *err)
{
	struct chunk *c = chunk_alloc(in->arena, d->config.schema);
	c->messages = in;
	chunk_set_rows(c, in->count);
	null_all_rows(c);
	struct json_row row;
	json_decode_begin(d, c, &row);
	for (row.index = 0; row.index < in->count; row.index++) {
		json_decode_run(
			d, &row, in->value + row.index, in->count - row.index, false);
		if (row.index == in->count)
			break;
		int failed = decode_row(d, &row, in->value[row.index], dead, err);
		if (failed < 0)
			return failed;
	}
	chunk_zero_nulls(c);
	*out = c;
	return 0;
}

/* ---- decoders ---- */

struct json_decoder *json_decoder_open(const struct json_config *config)
{
	struct json_decoder *d = calloc(1, sizeof(*d));
	check(d != NULL);
	d->config = *config;
	if (d->config.clock == NULL)
		d->config.clock = &clock_system;
	d->kernel = json_kernel_choose();
	d->values.timezone = config->timezone;
	strbuf_init(&d->values.scratch);
	d->name_mask = 15;
	while (d->name_mask < config->schema->column_count * 2)
		d->name_mask = d->name_mask * 2 + 1;
	d->names = calloc((size_t)d->name_mask + 1, sizeof(*d->names));
	check(d->names != NULL);
	add_names(d);
	d->complained = calloc((size_t)config->schema->column_count + 1, sizeof(*d->complained));
	check(d->complained != NULL);
	d->slots = calloc((size_t)config->schema->column_count + 1, sizeof(*d->slots));
	check(d->slots != NULL);
	for (int32_t i = JSON_NO_COLUMN; i < (int32_t)config->schema->column_count; i++)
		d->slots[i + 1] = json_slot_for(config->schema, i);
	for (uint32_t i = 0; i < config->schema->column_count; i++)
		quote_name(d, i);
	return d;
}

void json_decoder_close(struct json_decoder *d)
{
	if (d == NULL)
		return;
	json_templates_release(&d->templates);
	strbuf_release(&d->values.scratch);
	for (uint32_t i = 0; i < d->config.schema->column_count; i++)
		free((char *)(uintptr_t)d->slots[i + 1].before.data);
	free(d->names);
	free(d->complained);
	free(d->slots);
	free(d);
}

const struct json_counts *json_decoder_counts(const struct json_decoder *d)
{
	return &d->counts;
}
