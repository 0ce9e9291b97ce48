#include "decode/envelope_sniff_table.h"

#include "base/bounds.h"
#include "base/check.h"
#include "decode/envelope_decimal.h"
#include "decode/json_path.h"
#include "decode/placeholder.h"

/* ---- columns ---- */

static struct sniff_column *find_column(struct sniff_table *t, struct str name)
{
	for (uint32_t i = 0; i < t->column_count; i++)
		if (str_eq(t->columns[i].name, name))
			return &t->columns[i];
	return NULL;
}

/* NULL when there are too many. */
static struct sniff_column *column_of(struct sniff_table *t, struct str name)
{
	struct sniff_column *c = find_column(t, name);
	if (c != NULL || t->column_count == value_columns_max)
		return c;
	if (t->column_count == t->column_room) {
		t->column_room = t->column_room == 0 ? 16 : t->column_room * 2;
		struct sniff_column *more =
			ARENA_ARRAY(t->arena, struct sniff_column, t->column_room);
		if (t->column_count > 0)
			memcpy(more, t->columns, t->column_count * sizeof(*more));
		t->columns = more;
	}
	c = &t->columns[t->column_count++];
	*c = (struct sniff_column){.name = str_dup(name, t->arena), .is_key = t->rows == 0};
	return c;
}

/* The name of a field as json_next gave it, without escapes. */
static struct str field_name(struct str name, struct arena *arena)
{
	if (memchr(name.data, '\\', name.len) == NULL)
		return name;
	return json_unquote((struct str){name.data - 1, name.len + 2}, arena);
}

static bool is_object(struct str value)
{
	return value.len > 0 && json_kind_of(value) == JSON_KIND_OBJECT;
}

static bool is_placeholder(struct str value)
{
	if (value.len < placeholder_bytes_min)
		return false;
	enum json_kind kind = json_kind_of(value);
	return placeholder_is_value(
		kind, kind == JSON_KIND_STRING ? str_sub(value, 1, value.len - 2) : value);
}

/* A decimal with its scale is a string, as for a schema block: that keeps each digit. */
static void add_value(struct sniff_table *t, struct sniff_column *c, struct str value)
{
	struct str base64;
	int64_t scale;
	bool decimal = t->kind == ENVELOPE_DEBEZIUM && is_object(value) &&
		decimal_read_variable(value, &base64, &scale);
	if (!is_placeholder(value))
		json_infer_add(&c->seen, decimal ? str_lit("\"\"") : value);
}

static void add_row(struct sniff_table *t, struct str row)
{
	struct str raw, value;
	for (size_t at = 0; json_next(row, &at, &raw, &value);) {
		struct str name = field_name(raw, t->arena);
		if (t->kind == ENVELOPE_DEBEZIUM && envelope_own_field(name))
			continue;
		struct sniff_column *c = column_of(t, name);
		if (c != NULL)
			add_value(t, c, value);
	}
	t->rows++;
}

static bool is_array(struct str value)
{
	return value.len > 0 && json_kind_of(value) == JSON_KIND_ARRAY;
}

/* ---- the schema in the message ---- */

static void add_schema(struct sniff_table *t, const struct envelope_look *l)
{
	if (l->schema.data == NULL || str_eq(l->schema, t->schema_text))
		return;
	t->schema_text = str_dup(l->schema, t->arena);
	struct schema *found = envelope_block_columns(l, t->arena);
	if (found == NULL)
		return;
	if (t->first == NULL)
		t->first = t->schema = found;
	else
		schema_widen(t->schema, found, t->arena, &t->schema);
}

/* ---- keys ---- */

static void add_key(struct sniff_table *t, struct str name)
{
	for (uint32_t i = 0; i < t->key_count; i++)
		if (str_eq(t->keys[i], name))
			return;
	if (t->key_count < sniff_keys_max)
		t->keys[t->key_count++] = str_dup(name, t->arena);
}

/* A list of names that the envelope says is the key: ["id"]. */
static void add_named_keys(struct sniff_table *t, struct str list)
{
	struct str name, value;
	if (!is_array(list))
		return;
	for (size_t at = 0; json_next(list, &at, &name, &value);)
		if (json_kind_of(value) == JSON_KIND_STRING)
			add_key(t, json_unquote(value, t->arena));
}

/* {"id": 1}; Maxwell's {"database":"shop","table":"t","pk.id":1} */
static void add_object_key(struct sniff_table *t, struct str key)
{
	struct str prefix = str_lit("pk."), raw, value;
	bool maxwell = t->kind == ENVELOPE_MAXWELL;
	for (size_t at = 0; json_next(key, &at, &raw, &value);) {
		struct str name = field_name(raw, t->arena);
		if (maxwell && !str_starts(name, prefix))
			continue;
		if (maxwell)
			name = str_sub(name, prefix.len, name.len);
		add_key(t, name);
		/* a column that stands only in the key is filled from it */
		if (find_column(t, name) == NULL) {
			struct sniff_column *c = column_of(t, name);
			if (c != NULL)
				add_value(t, c, value);
		}
	}
}

/* 1001 and "1001" are the same key. */
static bool is_same_value(struct str value, struct str key, struct arena *arena)
{
	return value.len > 0 && str_eq(json_unquote(value, arena), json_unquote(key, arena));
}

static void note_plain_key(struct sniff_table *t, struct str row, struct str key)
{
	t->plain_keys = true;
	for (uint32_t i = 0; i < t->column_count; i++) {
		struct json_step step = {.field = t->columns[i].name};
		struct str value;
		if (t->columns[i].is_key)
			t->columns[i].is_key = json_path_find(row, &step, 1, &value) &&
				is_same_value(value, key, t->arena);
	}
}

/* The first key that comes names it; later ones are like it, or the table has none to rely on. */
static void add_message_key(struct sniff_table *t, struct str row, struct str key)
{
	struct str schema, payload = envelope_key_payload(key, &schema);
	if (payload.len == 0 || t->key_count > 0)
		return;
	if (is_object(payload))
		add_object_key(t, payload);
	else if (t->kind == ENVELOPE_FLAT || t->unwrapped)
		note_plain_key(t, row, payload);
}

/* ---- rows ---- */

static void add_mysql_types(struct sniff_table *t, struct str types)
{
	struct str raw, value;
	if (!is_object(types))
		return;
	for (size_t at = 0; json_next(types, &at, &raw, &value);) {
		struct sniff_column *c = column_of(t, field_name(raw, t->arena));
		if (c == NULL || json_kind_of(value) != JSON_KIND_STRING)
			continue;
		struct type said = mysql_type(json_unquote(value, t->arena));
		c->said = c->said.id == TYPE_NULL ? said : type_widen(c->said, said);
	}
}

/* The row image, or the first of several, that tells most. */
static struct str add_images(struct sniff_table *t, const struct envelope_look *l)
{
	struct str data = l->fields[LOOK_DATA], name, value, first = {NULL, 0};
	switch (t->kind) {
	case ENVELOPE_MAXWELL:
		first = data;
		break;
	case ENVELOPE_CANAL:
		for (size_t at = 0; is_array(data) && json_next(data, &at, &name, &value);) {
			if (is_object(value))
				add_row(t, value);
			first = value;
		}
		add_mysql_types(t, l->fields[LOOK_MYSQL_TYPE]);
		return first;
	case ENVELOPE_DEBEZIUM:
	case ENVELOPE_OGG:
		first = l->fields[is_object(l->fields[LOOK_AFTER]) ? LOOK_AFTER : LOOK_BEFORE];
		if (!l->unwrapped)
			break;
		/* fall through */
	default:
		first = l->event;
	}
	if (is_object(first))
		add_row(t, first);
	return first;
}

void sniff_table_add(struct sniff_table *t, const struct envelope_look *l, struct str key)
{
	t->kind = l->kind;
	t->unwrapped |= l->unwrapped;
	add_schema(t, l);
	struct str row = add_images(t, l);
	add_named_keys(t, l->fields[LOOK_PK_NAMES]);
	add_named_keys(t, l->fields[LOOK_PRIMARY_KEYS]);
	if (t->kind == ENVELOPE_MAXWELL)
		add_named_keys(t, l->fields[LOOK_PRIMARY_KEY_COLUMNS]);
	if (key.data != NULL)
		add_message_key(t, row, key);
}

/* ---- the answer ---- */

static struct schema *inferred(const struct sniff_table *t, struct arena *arena)
{
	struct schema *s = ARENA_NEW(arena, struct schema);
	s->columns = ARENA_ARRAY(arena, struct schema_column, t->column_count + 1);
	for (uint32_t i = 0; i < t->column_count; i++) {
		const struct sniff_column *c = &t->columns[i];
		if (c->name.len == 0 || schema_find_fold(s, c->name) != SCHEMA_MISSING ||
			(t->values_only && c->said.id == TYPE_NULL &&
				!json_infer_has_value(&c->seen)))
			continue;
		struct schema_column *to = &s->columns[s->column_count++];
		to->name = str_dup(c->name, arena);
		to->type = c->said.id != TYPE_NULL ? c->said : json_infer_type(&c->seen);
	}
	return s;
}

static void tell_key(const struct sniff_table *t, struct arena *arena, struct envelope_sample *out)
{
	for (uint32_t i = 0; i < t->key_count; i++)
		if (schema_find(out->schema, t->keys[i]) >= 0)
			out->key_columns[out->key_count++] = str_dup(t->keys[i], arena);
	if (out->key_count < t->key_count)
		out->key_count = 0; /* half a key is none */
	for (uint32_t i = 0; t->plain_keys && out->key_count == 0 && i < t->column_count; i++)
		if (t->columns[i].is_key && schema_find(out->schema, t->columns[i].name) >= 0)
			out->key_columns[out->key_count++] = str_dup(t->columns[i].name, arena);
}

static void tell_op(const struct sniff_table *t, struct arena *arena, struct envelope_sample *out)
{
	static const struct str names[] = {str_lit("op"), str_lit("operation"), str_lit("op_type"),
		str_lit("action"), str_lit("event_type"), str_lit("change_type"), str_lit("type")};
	for (size_t n = 0; n < ARRAY_LEN(names) && out->op_column.data == NULL; n++)
		for (uint32_t i = 0; i < t->column_count; i++) {
			const struct json_infer *f = &t->columns[i].seen;
			if (str_eq_fold(t->columns[i].name, names[n]) && f->op_words > 0 &&
				f->op_words == f->strings)
				out->op_column = str_dup(t->columns[i].name, arena);
		}
}

void sniff_table_result(const struct sniff_table *t, struct arena *arena,
	struct envelope_sample *out)
{
	out->table = str_dup(t->name, arena);
	out->rows = t->rows;
	out->unwrapped = t->unwrapped;
	out->schema_in_message = t->first != NULL;
	out->schema = t->first != NULL ? schema_copy(t->schema, arena) : inferred(t, arena);
	out->first = t->first != NULL ? schema_copy(t->first, arena) : out->schema;
	tell_key(t, arena, out);
	if (t->kind == ENVELOPE_FLAT)
		tell_op(t, arena, out);
}

/* ---- MySQL's types ---- */

static bool has_word(struct str text, struct str word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (str_eq_fold(str_sub(text, i, word.len), word))
			return true;
	return false;
}

/* The numbers in "decimal(10,2)"; `otherwise` for those that are not there. */
static void read_sizes(struct str text, unsigned *first, unsigned *second)
{
	unsigned *to[2] = {first, second};
	int which = -1;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		if (c == ')')
			break;
		if ((c == '(' && which < 0) || (c == ',' && which == 0))
			*to[++which] = 0;
		else if (which >= 0 && c >= '0' && c <= '9' && *to[which] < 1000)
			*to[which] = *to[which] * 10 + (unsigned)(c - '0');
	}
}

static struct type mysql_decimal(struct str text)
{
	unsigned precision = 10, scale = 0;
	read_sizes(text, &precision, &scale);
	bool fits = precision >= 1 && precision <= decimal_digits_max && scale <= precision;
	return fits ? type_decimal(precision, scale) : type_of(TYPE_STRING);
}

struct type mysql_type(struct str text)
{
	static const struct {
		struct str name;
		enum type_id plain, is_unsigned;
	} types[] = {
		{str_lit("tinyint"), TYPE_TINYINT, TYPE_SMALLINT},
		{str_lit("smallint"), TYPE_SMALLINT, TYPE_INT},
		{str_lit("mediumint"), TYPE_INT, TYPE_INT},
		{str_lit("int"), TYPE_INT, TYPE_BIGINT},
		{str_lit("integer"), TYPE_INT, TYPE_BIGINT},
		{str_lit("bigint"), TYPE_BIGINT, TYPE_DECIMAL},
		{str_lit("float"), TYPE_FLOAT, TYPE_FLOAT},
		{str_lit("double"), TYPE_DOUBLE, TYPE_DOUBLE},
		{str_lit("date"), TYPE_DATE, TYPE_DATE},
		{str_lit("datetime"), TYPE_TIMESTAMP, TYPE_TIMESTAMP},
		{str_lit("timestamp"), TYPE_TIMESTAMP, TYPE_TIMESTAMP},
		{str_lit("year"), TYPE_INT, TYPE_INT},
		{str_lit("json"), TYPE_JSON, TYPE_JSON},
	};
	size_t len = 0;
	while (len < text.len && text.data[len] != '(' && text.data[len] != ' ')
		len++;
	struct str name = str_sub(text, 0, len);
	bool is_unsigned = has_word(text, str_lit("unsigned"));
	if (str_eq_fold(name, str_lit("decimal")) || str_eq_fold(name, str_lit("numeric")))
		return mysql_decimal(text);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!str_eq_fold(name, types[i].name))
			continue;
		enum type_id id = is_unsigned ? types[i].is_unsigned : types[i].plain;
		return id == TYPE_DECIMAL ? type_decimal(20, 0) : type_of(id);
	}
	return type_of(TYPE_STRING);
}
