#include "decode/envelope_row.h"

#include "base/check.h"
#include "decode/json_steady.h"

#include <stdlib.h>

/* What the fields of the object in hand are. */
enum level { LEVEL_WRAPPER, LEVEL_EVENT, LEVEL_SOURCE, LEVEL_BEFORE, LEVEL_ROW };

struct walk {
	struct envelope_row *r;
	const struct envelope_names *names;
	const struct json_slot *slots;
	const char *event;      /* where the event's object begins */
	const char *row;        /* where the row's object begins; NULL: nowhere */
	int32_t guess;          /* the column after the last one found */
};

/* ---- columns by name ---- */

static uint32_t hash(struct str name)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.data[i]) * 16777619u;
	return h ^ h >> 15;
}

int32_t envelope_find_column(const struct envelope_decoder *d, struct str name)
{
	uint32_t i = hash(name) & d->name_mask;
	while (d->names[i].name.data != NULL && !str_eq(d->names[i].name, name))
		i = (i + 1) & d->name_mask;
	return d->names[i].name.data != NULL ? d->names[i].column : JSON_NO_COLUMN;
}

void envelope_add_column(struct envelope_decoder *d, struct str name, int32_t column)
{
	uint32_t i = hash(name) & d->name_mask;
	while (d->names[i].name.data != NULL)
		i = (i + 1) & d->name_mask;
	d->names[i] = (struct name_slot){name, column};
}

static int32_t find_column(struct walk *w, struct str name)
{
	const struct schema *schema = w->r->decoder->schema;
	if ((uint32_t)w->guess < schema->column_count &&
		str_eq(schema->columns[w->guess].name, name))
		return w->guess;
	return envelope_find_column(w->r->decoder, name);
}

static uint8_t find_name(const struct envelope_name *list, struct str name)
{
	for (; list != NULL && list->name.data != NULL; list++)
		if (str_eq(list->name, name))
			return list->to;
	return TO_NOWHERE;
}

/* ---- one field ---- */

static bool keep(struct walk *w, int32_t column)
{
	struct json_row *json = &w->r->json;
	struct json_scan *s = &json->scan;
	struct envelope_decoder *d = w->r->decoder;
	json_skip_space(s);
	const char *from = s->at;
	const char *after = d->kernel->value(&w->slots[column + 1], json, from);
	if (after == NULL)
		return false;
	s->at = after;
	json_shape_add(&d->shape, (size_t)(from - s->begin), (size_t)(after - s->begin), column);
	return true;
}

static bool skip(struct walk *w)
{
	struct json_token t;
	return json_scan_value(&w->r->json.scan, 1, &t);
}

static void mark(struct walk *w, enum envelope_mark which)
{
	struct envelope_decoder *d = w->r->decoder;
	struct json_row *json = &w->r->json;
	int32_t column = (int32_t)(d->schema->column_count + note_count + which);
	const struct json_slot *slot = &w->slots[column + 1];
	struct column *to = &json->chunk->columns[slot->column];
	struct str *text = &((struct str *)to->data)[json->index];
	size_t at = (size_t)(json->scan.at - json->scan.begin);
	if (slot->kind == JSON_SLOT_BEGIN) {
		text->data = json->scan.at;
	} else {
		text->len = (size_t)(json->scan.at - text->data);
		bit_clear(to->nulls, json->index);
	}
	json_shape_add(&d->shape, at, at, column);
}

static bool walk_object(struct walk *w, enum level level);

static bool enter(struct walk *w, enum level level, int begin_mark)
{
	if (json_peek(&w->r->json.scan) != '{')
		return skip(w); /* null, and literal */
	if (begin_mark >= 0)
		mark(w, (enum envelope_mark)begin_mark);
	if (!walk_object(w, level))
		return false;
	if (begin_mark >= 0)
		mark(w, (enum envelope_mark)(begin_mark + 1));
	return true;
}

static int32_t note_column(const struct walk *w, uint8_t note)
{
	return (int32_t)w->r->decoder->schema->column_count + note;
}

static bool wrapper_field(struct walk *w)
{
	json_skip_space(&w->r->json.scan);
	if (w->r->json.scan.at == w->event)
		return enter(w, w->event == w->row ? LEVEL_ROW : LEVEL_EVENT, -1);
	return skip(w); /* the schema block: literal */
}

/*
 * An old image is kept as its text, and its fields are slots that nobody wants: the whole object
 * would be read byte by byte. That there is none is literal, or all events would be of that shape.
 */
static bool before_field(struct walk *w)
{
	struct json_row *json = &w->r->json;
	struct envelope_decoder *d = w->r->decoder;
	uint64_t *nulls = json->chunk->columns[note_column(w, NOTE_BEFORE)].nulls;
	char first = json_peek(&json->scan);
	if (first == '{')
		return enter(w, LEVEL_BEFORE, MARK_BEFORE);
	if (first != 'n')
		return keep(w, note_column(w, NOTE_BEFORE));
	/* Of two, the last one counts. */
	if (!bit_get(nulls, json->index))
		d->shape.learnable = false;
	bit_set(nulls, json->index);
	return skip(w);
}

static bool event_field(struct walk *w, struct str name)
{
	json_skip_space(&w->r->json.scan);
	uint8_t to = find_name(w->names->event, name);
	if (w->r->json.scan.at == w->row)
		return enter(w, LEVEL_ROW, to == NOTE_BEFORE ? MARK_BEFORE : -1);
	if (to == TO_SOURCE)
		return enter(w, LEVEL_SOURCE, MARK_SOURCE);
	if (to == TO_ROW)
		return skip(w); /* there is none: null, and literal */
	if (to == NOTE_BEFORE && w->r->topic->kind == ENVELOPE_DEBEZIUM)
		return before_field(w);
	return keep(w, to == TO_NOWHERE ? JSON_NO_COLUMN : note_column(w, to));
}

static bool row_field(struct walk *w, struct str name)
{
	int32_t column = find_column(w, name);
	struct envelope_row *r = w->r;
	if (column != JSON_NO_COLUMN) {
		w->guess = column + 1;
		if (bit_get(r->json.absent[column], r->json.index)) {
			bit_clear(r->json.absent[column], r->json.index);
			r->missing--;
		}
		return keep(w, column);
	}
	uint8_t to = w->names == NULL ? TO_NOWHERE : find_name(w->names->row, name);
	if (to != TO_NOWHERE)
		return keep(w, note_column(w, to));
	if (!envelope_own_field(name)) {
		/* null: none yet, and literal, so that a value is of another shape */
		json_skip_space(&r->json.scan);
		if (r->decoder->follows && json_peek(&r->json.scan) == 'n')
			return skip(w);
		r->json.news++;
		if (r->unknown++ == 0)
			r->unknown_name = name;
	}
	return keep(w, JSON_NO_COLUMN);
}

static bool field(struct walk *w, enum level level, struct str name)
{
	uint8_t to;
	switch (level) {
	case LEVEL_WRAPPER:
		return wrapper_field(w);
	case LEVEL_EVENT:
		return event_field(w, name);
	case LEVEL_SOURCE:
		to = find_name(w->names->source, name);
		return keep(w, to == TO_NOWHERE ? JSON_NO_COLUMN : note_column(w, to));
	case LEVEL_BEFORE:
		return keep(w, JSON_NO_COLUMN);
	case LEVEL_ROW:
		break;
	}
	return row_field(w, name);
}

static bool walk_object(struct walk *w, enum level level)
{
	struct json_scan *s = &w->r->json.scan;
	if (json_peek(s) != '{')
		return json_scan_fail(s, "an object");
	s->at++;
	if (json_peek(s) == '}') {
		s->at++;
		return true;
	}
	for (;;) {
		struct json_token t;
		if (!json_scan_name(s, &t))
			return false;
		struct str name = t.escaped || t.wide
			? json_string_value(&t, w->r->json.values->arena)
			: t.text;
		if (!field(w, level, name))
			return false;
		char c = json_peek(s);
		s->at++;
		if (c == '}')
			return true;
		if (c != ',') {
			s->at--;
			return json_scan_fail(s, "',' or '}'");
		}
		json_skip_space(s);
	}
}

/* ---- whole texts ---- */

static void begin(struct envelope_row *r, struct str text)
{
	r->json.bad_fields = 0;
	r->json.bad_column = JSON_NO_COLUMN;
	r->json.scan.begin = r->json.scan.at = text.data;
	r->json.scan.end = text.data + text.len;
	r->json.news = 0;
	r->unknown = 0;
	r->missing = 0;
}

static void all_absent(struct envelope_row *r)
{
	r->missing = r->decoder->schema->column_count;
	for (uint32_t i = 0; i < r->missing; i++)
		bit_set(r->json.absent[i], r->json.index);
}

static void learn(struct envelope_row *r, struct str text, const struct json_slot *slots)
{
	struct envelope_decoder *d = r->decoder;
	struct json_templates *t = &r->topic->templates;
	if (!d->shape.learnable)
		return;
	d->shape.end = (uint32_t)(r->json.scan.at - r->json.scan.begin);
	const struct json_template *learned =
		json_templates_learn(t, &d->shape, text, slots, d->schema->column_count);
	if (learned == NULL)
		return;
	r->topic->schema_of[learned - t->list] = r->schema;
	r->topic->unknown_of[learned - t->list] = r->unknown;
}

static bool read(struct envelope_row *r, struct str text, struct walk *w, enum level level)
{
	struct json_scan *s = &r->json.scan;
	struct envelope_decoder *d = r->decoder;
	begin(r, text);
	all_absent(r);
	json_shape_begin(&d->shape,
		r->json.chunk == d->work && text.len <= UINT32_MAX &&
			json_templates_want(&r->topic->templates));
	json_skip_space(s);
	if (!walk_object(w, level))
		return false;
	const char *end = s->at;
	json_skip_space(s);
	if (s->at != s->end)
		return json_scan_fail(s, "the end after the object");
	s->at = end;
	learn(r, text, w->slots);
	return true;
}

bool envelope_read_any(struct envelope_row *r, struct str value, const struct envelope_look *look,
	const struct envelope_names *names, struct str row)
{
	struct walk w = {.r = r,
		.names = names,
		.slots = r->schema != NULL ? r->schema->slots : r->decoder->slots,
		.event = look->event.data,
		.row = row.data};
	struct str text = str_trim(value);
	bool wrapped = look->event.data != text.data;
	enum level level = w.event == w.row ? LEVEL_ROW : LEVEL_EVENT;
	return read(r, value, &w, wrapped ? LEVEL_WRAPPER : level);
}

bool envelope_read_object(struct envelope_row *r, struct str object)
{
	struct walk w = {.r = r,
		.slots = r->schema != NULL ? r->schema->slots : r->decoder->slots,
		.event = object.data,
		.row = object.data};
	return read(r, object, &w, LEVEL_ROW);
}

/* The columns that a template's messages do not have. */
static void note_missing(struct envelope_row *r, const struct json_template *t)
{
	r->missing = t->missing_count;
	for (uint32_t i = 0; i < t->missing_count; i++)
		bit_set(r->json.absent[t->missing[i]], r->json.index);
}

/* By a shape's twin or the shape itself. */
static enum json_match match_shape(struct envelope_row *r, struct json_template *t)
{
	const struct json_kernel *kernel = r->decoder->kernel;
	if (t->twin != NULL) {
		enum json_match match = kernel->row(t->twin, &r->json);
		if (match == JSON_MATCH)
			return match;
		if (match == JSON_BROKE_OFF)
			envelope_clear(r);
	}
	enum json_match match = kernel->row(t, &r->json);
	if (match == JSON_MATCH && !t->settled)
		json_steady_learn(t, &r->json);
	return match;
}

int envelope_read_known(struct envelope_row *r, struct str value)
{
	struct json_templates *t = &r->topic->templates;
	bool sample = t->misses_in_a_row >= json_misses_before_sampling && t->count > 0;
	for (uint32_t left = sample ? 1 : t->count, i = t->recent; left > 0; left--) {
		begin(r, value);
		r->schema = r->topic->schema_of[i];
		enum json_match match = match_shape(r, &t->list[i]);
		if (match == JSON_MATCH) {
			t->list[i].hits++;
			t->recent = i;
			t->misses_in_a_row = 0;
			r->unknown = r->topic->unknown_of[i];
			note_missing(r, &t->list[i]);
			r->decoder->own_counts.template_hits++;
			return 1;
		}
		if (match == JSON_BROKE_OFF)
			envelope_clear(r);
		i = i + 1 < t->count ? i + 1 : 0;
		if (sample)
			t->recent = i;
	}
	r->schema = NULL;
	t->misses++;
	t->misses_in_a_row++;
	r->decoder->own_counts.template_misses++;
	return 0;
}

/* ---- schema blocks ---- */

static void forget_schemas(struct envelope_topic *t)
{
	json_templates_release(&t->templates);
	t->templates = (struct json_templates){.count = 0};
	while (t->schemas != NULL) {
		struct row_schema *s = t->schemas;
		t->schemas = s->next;
		arena_release(&s->arena);
		free(s);
	}
	t->schema_count = 0;
}

void envelope_topic_release(struct envelope_topic *t)
{
	forget_schemas(t);
	free((void *)(uintptr_t)t->name.data);
	free((void *)(uintptr_t)t->table.data);
	free((void *)(uintptr_t)t->key_prefix.data);
	free((void *)(uintptr_t)t->block.data);
	free(t->lore);
	free(t->lore_before);
	free(t->complained);
	free(t->partitions);
	free(t);
}

static struct row_schema *make_schema(struct envelope_row *r, struct str block)
{
	struct envelope_decoder *d = r->decoder;
	struct row_schema *s = calloc(1, sizeof(*s));
	check(s != NULL);
	arena_init(&s->arena, 4096);
	s->text = str_dup(block, &s->arena);
	uint32_t columns = d->schema->column_count, slots = columns + note_count + mark_count + 1;
	struct connect_schema parsed;
	s->columns = ARENA_ARRAY(&s->arena, struct connect_field *, columns + 1);
	s->slots = ARENA_ARRAY(&s->arena, struct json_slot, slots);
	memcpy(s->slots, d->slots, slots * sizeof(*s->slots));
	if (connect_schema_parse(s->text, &s->arena, &parsed, NULL) < 0)
		return s;
	for (uint32_t i = 0; i < parsed.count; i++) {
		int32_t column = envelope_find_column(d, parsed.fields[i].name);
		if (column == JSON_NO_COLUMN)
			continue;
		s->columns[column] = &parsed.fields[i];
		s->slots[column + 1] = envelope_slot(d->schema, column, &parsed.fields[i]);
	}
	return s;
}

const struct row_schema *envelope_row_schema(struct envelope_row *r, struct str block)
{
	struct envelope_topic *t = r->topic;
	if (block.data == NULL)
		return NULL;
	for (struct row_schema *s = t->schemas; s != NULL; s = s->next)
		if (str_eq(s->text, block))
			return s;
	if (t->schema_count == topic_schemas_max)
		forget_schemas(t);
	struct row_schema *s = make_schema(r, block);
	s->next = t->schemas;
	t->schemas = s;
	t->schema_count++;
	return s;
}
