#include "decode/envelope_look.h"

#include "base/check.h"
#include "data/change.h"
#include "decode/json_scan.h"

/* Shortest first, those of one length by their bytes: field_named halves it. */
static const struct {
	struct str name;
	enum look_field field;
} look_names[] = {
	{str_lit("op"), LOOK_OP},
	{str_lit("ts"), LOOK_TS},
	{str_lit("ddl"), LOOK_DDL},
	{str_lit("old"), LOOK_OLD},
	{str_lit("__op"), LOOK_UNWRAPPED_OP},
	{str_lit("data"), LOOK_DATA},
	{str_lit("type"), LOOK_TYPE},
	{str_lit("after"), LOOK_AFTER},
	{str_lit("isDdl"), LOOK_IS_DDL},
	{str_lit("op_ts"), LOOK_OP_TS},
	{str_lit("table"), LOOK_TABLE},
	{str_lit("ts_ms"), LOOK_TS_MS},
	{str_lit("before"), LOOK_BEFORE},
	{str_lit("source"), LOOK_SOURCE},
	{str_lit("status"), LOOK_STATUS},
	{str_lit("buildTs"), LOOK_BUILD_TS},
	{str_lit("message"), LOOK_MESSAGE},
	{str_lit("op_type"), LOOK_OP_TYPE},
	{str_lit("pkNames"), LOOK_PK_NAMES},
	{str_lit("sqlType"), LOOK_SQL_TYPE},
	{str_lit("commitTs"), LOOK_COMMIT_TS},
	{str_lit("database"), LOOK_DATABASE},
	{str_lit("__deleted"), LOOK_DELETED},
	{str_lit("mysqlType"), LOOK_MYSQL_TYPE},
	{str_lit("event_count"), LOOK_EVENT_COUNT},
	{str_lit("databaseName"), LOOK_DATABASE_NAME},
	{str_lit("primary_keys"), LOOK_PRIMARY_KEYS},
	{str_lit("data_collections"), LOOK_DATA_COLLECTIONS},
	{str_lit("primary_key_columns"), LOOK_PRIMARY_KEY_COLUMNS},
};

static const char *const kind_names[] = {
	[ENVELOPE_AUTO] = "auto",
	[ENVELOPE_FLAT] = "flat",
	[ENVELOPE_DEBEZIUM] = "debezium",
	[ENVELOPE_MAXWELL] = "maxwell",
	[ENVELOPE_CANAL] = "canal",
	[ENVELOPE_OGG] = "ogg",
};

const char *envelope_name(enum envelope_kind kind)
{
	check((size_t)kind < ARRAY_LEN(kind_names));
	return kind_names[kind];
}

bool envelope_kind_parse(struct str name, enum envelope_kind *out)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_names); i++) {
		if (!str_eq(name, str_c(kind_names[i])))
			continue;
		*out = (enum envelope_kind)i;
		return true;
	}
	return false;
}

/* Two fields that wrap: a schema that is an object with a type, and a payload. */
struct wrapper {
	struct str schema;
	struct str payload;
	uint32_t others;
};

struct walk {
	struct wrapper wrapper;
	uint32_t count;
	bool own; /* has a field of Debezium's own */
};

static bool is_kind(struct str value, enum json_kind kind)
{
	return value.len > 0 && json_kind_of(value) == kind;
}

static bool is_there(const struct envelope_look *l, enum look_field f)
{
	return l->fields[f].len > 0;
}

static bool is_text(const struct envelope_look *l, enum look_field f)
{
	return is_kind(l->fields[f], JSON_KIND_STRING);
}

static bool is_number(const struct envelope_look *l, enum look_field f)
{
	return is_kind(l->fields[f], JSON_KIND_NUMBER);
}

/* A field's word; absent when it is no text. Words have no escapes. */
static struct str word_of(const struct envelope_look *l, enum look_field f)
{
	struct str text = l->fields[f];
	return is_text(l, f) ? str_sub(text, 1, text.len - 2) : (struct str){NULL, 0};
}

static bool is_one_of(struct str word, const struct str *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq_fold(word, words[i]))
			return true;
	return false;
}

/* A row image: an object, or null. */
static bool is_image(const struct envelope_look *l, enum look_field f)
{
	return is_kind(l->fields[f], JSON_KIND_OBJECT) || is_kind(l->fields[f], JSON_KIND_NULL);
}

/* Its place among look_names, or their number. */
static size_t field_named(struct str name)
{
	size_t from = 0, to = ARRAY_LEN(look_names);
	while (from < to) {
		size_t middle = (from + to) / 2;
		struct str at = look_names[middle].name;
		int order = name.len != at.len ? (name.len < at.len ? -1 : 1)
					       : memcmp(name.data, at.data, at.len);
		if (order == 0)
			return middle;
		from = order > 0 ? middle + 1 : from;
		to = order < 0 ? middle : to;
	}
	return ARRAY_LEN(look_names);
}

static void note_field(struct envelope_look *l, struct walk *w, struct str name, struct str value)
{
	w->count++;
	w->own |= envelope_own_field(name);
	if (str_eq(name, str_lit("schema")))
		w->wrapper.schema = value;
	else if (str_eq(name, str_lit("payload")))
		w->wrapper.payload = value;
	else
		w->wrapper.others++;
	size_t found = field_named(name);
	if (found < ARRAY_LEN(look_names))
		l->fields[look_names[found].field] = value;
}

/* False: no JSON object, or a broken one. */
static bool walk_object(struct str text, struct envelope_look *l, struct walk *w)
{
	struct json_scan s;
	struct json_token name, value;
	*w = (struct walk){.count = 0};
	memset(l->fields, 0, sizeof(l->fields));
	json_scan_init(&s, text, false);
	if (json_peek(&s) != '{')
		return false;
	s.at++;
	if (json_peek(&s) == '}')
		return true;
	for (;; s.at++) {
		json_skip_space(&s);
		if (!json_scan_name(&s, &name))
			return false;
		json_skip_space(&s);
		const char *from = s.at;
		if (!json_scan_value(&s, 0, &value))
			return false;
		note_field(l, w, name.text, (struct str){from, (size_t)(s.at - from)});
		if (json_peek(&s) != ',')
			return json_peek(&s) == '}';
	}
}

static bool is_wrapper(const struct wrapper *w)
{
	struct json_step type = {.field = str_lit("type")};
	struct str found;
	if (w->others > 0 || w->payload.len == 0 || w->schema.len == 0)
		return false;
	return is_kind(w->schema, JSON_KIND_NULL) ||
		(is_kind(w->schema, JSON_KIND_OBJECT) &&
			json_path_find(w->schema, &type, 1, &found));
}

static void say(struct envelope_look *l, enum envelope_kind kind, enum look_content content)
{
	l->kind = kind;
	l->content = content;
}

/* With images, or of the two operations that have none: a truncate, a message. */
static bool is_debezium(struct envelope_look *l)
{
	if (!is_text(l, LOOK_OP))
		return false;
	if (is_image(l, LOOK_BEFORE) || is_image(l, LOOK_AFTER))
		return true;
	struct str op = word_of(l, LOOK_OP);
	l->by_word = is_kind(l->fields[LOOK_SOURCE], JSON_KIND_OBJECT) &&
		(str_eq(op, str_lit("t")) || str_eq(op, str_lit("m")));
	return l->by_word;
}

static void say_not_read(struct envelope_look *l, const char *what, const char *help)
{
	say(l, ENVELOPE_AUTO, LOOK_NOT_READ);
	l->what = what;
	l->help = help;
}

/* Heartbeats, marks of transactions, DDL. */
static bool is_debezium_control(const struct envelope_look *l, const struct walk *w)
{
	static const struct str marks[] = {str_lit("BEGIN"), str_lit("END")};
	if (is_there(l, LOOK_TS_MS) && w->count == 1)
		return true;
	if (is_there(l, LOOK_EVENT_COUNT) && is_there(l, LOOK_DATA_COLLECTIONS) &&
		is_one_of(word_of(l, LOOK_STATUS), marks, ARRAY_LEN(marks)))
		return true;
	return is_kind(l->fields[LOOK_SOURCE], JSON_KIND_OBJECT) && is_there(l, LOOK_DDL) &&
		is_there(l, LOOK_DATABASE_NAME);
}

/* ---- Maxwell and Canal: which table, then what happened ---- */

/* All types that Maxwell writes, and the field that an event of each has. */
static const struct {
	struct str type;
	enum look_content content;
	enum look_field has;
} maxwell_types[] = {
	{str_lit("insert"), LOOK_ROWS, LOOK_DATA},
	{str_lit("update"), LOOK_ROWS, LOOK_DATA},
	{str_lit("delete"), LOOK_ROWS, LOOK_DATA},
	{str_lit("bootstrap-insert"), LOOK_ROWS, LOOK_DATA},
	{str_lit("bootstrap-start"), LOOK_CONTROL, LOOK_TABLE},
	{str_lit("bootstrap-complete"), LOOK_CONTROL, LOOK_TABLE},
	{str_lit("table-create"), LOOK_CONTROL, LOOK_TABLE},
	{str_lit("table-alter"), LOOK_CONTROL, LOOK_TABLE},
	{str_lit("table-drop"), LOOK_CONTROL, LOOK_TABLE},
	{str_lit("database-create"), LOOK_CONTROL, LOOK_DATABASE},
	{str_lit("database-alter"), LOOK_CONTROL, LOOK_DATABASE},
	{str_lit("database-drop"), LOOK_CONTROL, LOOK_DATABASE},
};

/* Says so, when it is. */
static bool is_maxwell(struct envelope_look *l)
{
	struct str type = word_of(l, LOOK_TYPE);
	if (!is_text(l, LOOK_DATABASE) || !is_number(l, LOOK_TS))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(maxwell_types); i++) {
		if (!str_eq(type, maxwell_types[i].type) || !is_there(l, maxwell_types[i].has))
			continue;
		say(l, ENVELOPE_MAXWELL, maxwell_types[i].content);
		l->by_word = true;
		return true;
	}
	return false;
}

static bool is_of_rows(struct str type)
{
	static const struct str words[] = {
		str_lit("INSERT"), str_lit("UPDATE"), str_lit("DELETE")};
	return is_one_of(type, words, ARRAY_LEN(words));
}

static bool is_canal(struct envelope_look *l)
{
	if (!is_text(l, LOOK_DATABASE) || !is_text(l, LOOK_TYPE))
		return false;
	bool names = is_there(l, LOOK_PK_NAMES) || is_there(l, LOOK_MYSQL_TYPE) ||
		is_there(l, LOOK_SQL_TYPE);
	if (is_there(l, LOOK_IS_DDL) ||
		(names && (is_there(l, LOOK_DATA) || is_there(l, LOOK_TS))))
		return true;
	l->by_word = is_kind(l->fields[LOOK_DATA], JSON_KIND_ARRAY) &&
		is_of_rows(word_of(l, LOOK_TYPE));
	return l->by_word;
}

static enum look_content canal_content(const struct envelope_look *l)
{
	bool ddl = is_kind(l->fields[LOOK_IS_DDL], JSON_KIND_BOOLEAN) &&
		l->fields[LOOK_IS_DDL].data[0] == 't';
	bool rows = is_kind(l->fields[LOOK_DATA], JSON_KIND_OBJECT) ||
		is_kind(l->fields[LOOK_DATA], JSON_KIND_ARRAY);
	return !ddl && (rows || is_of_rows(word_of(l, LOOK_TYPE))) ? LOOK_ROWS : LOOK_CONTROL;
}

/* ---- OGG ---- */

static bool is_ogg(const struct envelope_look *l)
{
	if (!is_text(l, LOOK_OP_TYPE))
		return false;
	if (is_image(l, LOOK_BEFORE) || is_image(l, LOOK_AFTER))
		return true;
	struct str word = word_of(l, LOOK_OP_TYPE);
	return (is_there(l, LOOK_OP_TS) || is_there(l, LOOK_PRIMARY_KEYS)) &&
		(change_op_parse(word) != CHANGE_UNKNOWN || str_eq(word, str_lit("K")));
}

static void look_at_ogg(struct envelope_look *l)
{
	bool images = is_image(l, LOOK_BEFORE) || is_image(l, LOOK_AFTER);
	l->by_word = !images;
	if (images || change_op_parse(word_of(l, LOOK_OP_TYPE)) == CHANGE_TRUNCATE)
		say(l, ENVELOPE_OGG, LOOK_ROWS);
	else
		say_not_read(l,
			"a row with op_type among its fields and neither before nor after (OGG's "
			"row-modelled formatter, Confluent's Oracle CDC)",
			"take envelope = \"flat\" of the source and op = \"op_type\" of the merge");
}

/* ---- all of them ---- */

/* Its rows, deletes in `old`, marks and DDL all have these three. */
static bool is_ticdc_simple(const struct envelope_look *l)
{
	return is_text(l, LOOK_TYPE) && is_number(l, LOOK_COMMIT_TS) && is_number(l, LOOK_BUILD_TS);
}

static void look_at_event(struct envelope_look *l, const struct walk *w)
{
	if (is_debezium(l)) {
		bool message = is_there(l, LOOK_MESSAGE) && l->by_word;
		say(l, ENVELOPE_DEBEZIUM, message ? LOOK_CONTROL : LOOK_ROWS);
	} else if (is_debezium_control(l, w)) {
		say(l, ENVELOPE_DEBEZIUM, LOOK_CONTROL);
	} else if (is_ogg(l)) {
		look_at_ogg(l);
	} else if (is_ticdc_simple(l)) {
		say_not_read(l, "an event of TiCDC's simple protocol",
			"let the changefeed write protocol = \"canal-json\"");
	} else if (is_canal(l)) {
		say(l, ENVELOPE_CANAL, canal_content(l));
	} else if (is_maxwell(l)) {
		return;
	} else if (w->own || l->schema.data != NULL) {
		say(l, ENVELOPE_DEBEZIUM, LOOK_ROWS);
		l->unwrapped = true;
	} else {
		say(l, ENVELOPE_FLAT, LOOK_ROWS);
	}
}

void envelope_look(struct str value, struct envelope_look *out)
{
	struct walk w;
	*out = (struct envelope_look){.kind = ENVELOPE_AUTO, .content = LOOK_TOMBSTONE};
	if (value.data == NULL)
		return;
	out->event = str_trim(value);
	if (str_eq(out->event, str_lit("null")))
		return;
	out->content = LOOK_UNREADABLE;
	if (!walk_object(out->event, out, &w))
		return;
	if (is_wrapper(&w.wrapper)) {
		bool has_schema = is_kind(w.wrapper.schema, JSON_KIND_OBJECT);
		out->schema = has_schema ? w.wrapper.schema : (struct str){NULL, 0};
		out->event = w.wrapper.payload;
		if (is_kind(out->event, JSON_KIND_NULL)) {
			say(out, ENVELOPE_AUTO, LOOK_TOMBSTONE);
			return;
		}
		if (!walk_object(out->event, out, &w))
			return;
	}
	look_at_event(out, &w);
}

struct str envelope_key_payload(struct str key, struct str *schema)
{
	struct envelope_look l;
	struct walk w;
	*schema = (struct str){NULL, 0};
	struct str text = str_trim(key);
	if (key.data == NULL || !walk_object(text, &l, &w) || !is_wrapper(&w.wrapper))
		return text;
	if (is_kind(w.wrapper.schema, JSON_KIND_OBJECT))
		*schema = w.wrapper.schema;
	return w.wrapper.payload;
}

struct schema *envelope_block_columns(const struct envelope_look *l, struct arena *arena)
{
	struct str row = l->schema;
	struct connect_schema c;
	if (row.data != NULL && !l->unwrapped)
		row = connect_schema_field(row, str_lit("after"));
	if (row.data == NULL || connect_schema_parse(row, arena, &c, NULL) < 0)
		return NULL;
	struct schema *s = ARENA_NEW(arena, struct schema);
	s->columns = ARENA_ARRAY(arena, struct schema_column, c.count + 1);
	for (uint32_t i = 0; i < c.count; i++)
		if (!envelope_own_field(c.fields[i].name) &&
			schema_find_fold(s, c.fields[i].name) == SCHEMA_MISSING)
			s->columns[s->column_count++] =
				(struct schema_column){c.fields[i].name, c.fields[i].type};
	return s;
}
