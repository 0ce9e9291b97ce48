#include "decode/connect_schema.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/value.h"
#include "decode/json_path.h"

/* One field of a schema block: what stands in its object. */
struct block {
	struct str type;        /* texts of JSON values, absent when not there */
	struct str name;
	struct str field;
	struct str items;
	struct str fields;
	struct str parameters;
};

static void read_block(struct str text, struct block *b)
{
	const struct {
		struct str name;
		struct str *to;
	} wanted[] = {
		{str_lit("type"), &b->type},
		{str_lit("name"), &b->name},
		{str_lit("field"), &b->field},
		{str_lit("items"), &b->items},
		{str_lit("fields"), &b->fields},
		{str_lit("parameters"), &b->parameters},
	};
	*b = (struct block){.type = {NULL, 0}};
	if (text.len == 0 || json_kind_of(text) != JSON_KIND_OBJECT)
		return;
	struct str name, value;
	for (size_t at = 0; json_next(text, &at, &name, &value);)
		for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
			if (str_eq(name, wanted[i].name))
				*wanted[i].to = value;
}

/* A JSON string without escapes, as type and logical names are; absent: it is none. */
static struct str bare(struct str value)
{
	if (value.len < 2 || value.data[0] != '"')
		return (struct str){NULL, 0};
	return str_sub(value, 1, value.len - 2);
}

/* parameters.scale and its like: a number in a string. `otherwise` when it is no number. */
static int64_t parameter(const struct block *b, struct str name, int64_t otherwise)
{
	struct str value;
	struct json_step step = {.field = name};
	int64_t n = 0;
	if (b->parameters.len == 0 || !json_path_find(b->parameters, &step, 1, &value))
		return otherwise;
	struct str digits = value.data[0] == '"' ? bare(value) : value;
	return digits.data != NULL && int64_parse(digits, &n) ? n : otherwise;
}

/* ---- logical types ---- */

struct logical {
	const char *name;
	enum type_id type;
	enum connect_form form;
};

static const struct logical logicals[] = {
	{"io.debezium.time.Date", TYPE_DATE, CONNECT_DAYS},
	{"org.apache.kafka.connect.data.Date", TYPE_DATE, CONNECT_DAYS},
	{"io.debezium.time.IsoDate", TYPE_DATE, CONNECT_TEXT},
	{"io.debezium.time.Timestamp", TYPE_TIMESTAMP, CONNECT_MILLIS},
	{"org.apache.kafka.connect.data.Timestamp", TYPE_TIMESTAMP, CONNECT_MILLIS},
	{"io.debezium.time.MicroTimestamp", TYPE_TIMESTAMP, CONNECT_MICROS},
	{"io.debezium.time.NanoTimestamp", TYPE_TIMESTAMP, CONNECT_NANOS},
	{"io.debezium.time.IsoTimestamp", TYPE_TIMESTAMP, CONNECT_TEXT},
	{"io.debezium.time.ZonedTimestamp", TYPE_TIMESTAMP, CONNECT_TEXT},
	{"io.debezium.time.Time", TYPE_BIGINT, CONNECT_MILLIS},
	{"org.apache.kafka.connect.data.Time", TYPE_BIGINT, CONNECT_MILLIS},
	{"io.debezium.time.MicroTime", TYPE_BIGINT, CONNECT_MICROS},
	{"io.debezium.time.NanoTime", TYPE_BIGINT, CONNECT_NANOS},
	{"io.debezium.time.MicroDuration", TYPE_BIGINT, CONNECT_MICROS},
	{"io.debezium.time.NanoDuration", TYPE_BIGINT, CONNECT_NANOS},
	{"io.debezium.time.IsoTime", TYPE_STRING, CONNECT_TEXT},
	{"io.debezium.time.ZonedTime", TYPE_STRING, CONNECT_TEXT},
	{"io.debezium.time.Interval", TYPE_STRING, CONNECT_TEXT},
	{"io.debezium.data.VariableScaleDecimal", TYPE_STRING, CONNECT_VARIABLE},
	{"io.debezium.data.Json", TYPE_JSON, CONNECT_PLAIN},
};

/* Connect's own types; what is none of them (or array) is read as json. */
static const struct logical plain_types[] = {
	{"int8", TYPE_TINYINT, CONNECT_PLAIN},
	{"int16", TYPE_SMALLINT, CONNECT_PLAIN},
	{"int32", TYPE_INT, CONNECT_PLAIN},
	{"int64", TYPE_BIGINT, CONNECT_PLAIN},
	{"float", TYPE_FLOAT, CONNECT_PLAIN},
	{"float32", TYPE_FLOAT, CONNECT_PLAIN},
	{"double", TYPE_DOUBLE, CONNECT_PLAIN},
	{"float64", TYPE_DOUBLE, CONNECT_PLAIN},
	{"boolean", TYPE_BOOLEAN, CONNECT_PLAIN},
	{"string", TYPE_STRING, CONNECT_PLAIN},
	{"bytes", TYPE_BINARY, CONNECT_BYTES},
};

static const struct logical *find_logical(const struct logical *list, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++)
		if (name.data != NULL && str_eq(name, str_c(list[i].name)))
			return &list[i];
	return NULL;
}

/* A decimal of more digits than a column has, or of a scale it has not, stays text. */
static void read_decimal(const struct block *b, struct connect_field *f)
{
	int64_t scale = parameter(b, str_lit("scale"), 0);
	int64_t precision =
		parameter(b, str_lit("connect.decimal.precision"), decimal_digits_max);
	f->form = CONNECT_DECIMAL;
	f->scale = scale >= 0 && scale <= UINT8_MAX ? (uint8_t)scale : 0;
	f->type = type_of(TYPE_STRING);
	if (precision >= 1 && precision <= decimal_digits_max && scale >= 0 && scale <= precision)
		f->type = type_decimal((unsigned)precision, (unsigned)scale);
}

static void read_type(const struct block *b, bool in_array, struct arena *arena,
	struct connect_field *f)
{
	struct str type = bare(b->type), name = bare(b->name);
	const struct logical *l = find_logical(logicals, ARRAY_LEN(logicals), name);
	if (name.data != NULL && str_eq(name, str_lit("org.apache.kafka.connect.data.Decimal"))) {
		read_decimal(b, f);
		return;
	}
	if (l == NULL)
		l = find_logical(plain_types, ARRAY_LEN(plain_types), type);
	f->type = type_of(l == NULL ? TYPE_JSON : l->type);
	f->form = l == NULL ? CONNECT_PLAIN : l->form;
	if (type.data == NULL || in_array || !str_eq(type, str_lit("array")))
		return;
	struct block items;
	struct connect_field element = {.form = CONNECT_PLAIN};
	read_block(b->items, &items);
	read_type(&items, true, arena, &element);
	if (element.type.id == TYPE_JSON)
		return; /* an array of arrays, structs or maps: json as a whole */
	struct type *t = ARENA_NEW(arena, struct type);
	*t = element.type;
	f->type = (struct type){.id = TYPE_ARRAY, .element = t};
	f->element = element.form;
	f->element_scale = element.scale;
}

/* ---- structs ---- */

int connect_schema_parse(struct str schema, struct arena *arena, struct connect_schema *out,
	struct error *err)
{
	struct block b;
	struct str name, value;
	*out = (struct connect_schema){.count = 0};
	read_block(str_trim(schema), &b);
	if (b.fields.len == 0 || json_kind_of(b.fields) != JSON_KIND_ARRAY)
		return error_set(err, CDCL_E_JSON, "the schema block is of no struct");
	uint32_t count = 0;
	for (size_t at = 0; json_next(b.fields, &at, &name, &value);)
		count++;
	if (count > schema_columns_max)
		return error_set(err, CDCL_E_JSON,
			"the schema block has %u fields; a table has at most %d columns", count,
			(int)schema_columns_max);
	out->fields = ARENA_ARRAY(arena, struct connect_field, count + 1);
	for (size_t at = 0; json_next(b.fields, &at, &name, &value);) {
		struct block field;
		read_block(value, &field);
		if (bare(field.field).data == NULL)
			return error_set(
				err, CDCL_E_JSON, "a field of the schema block has no name");
		struct connect_field *f = &out->fields[out->count++];
		f->name = str_dup(json_unquote(field.field, arena), arena);
		read_type(&field, false, arena, f);
	}
	return 0;
}

struct str connect_schema_field(struct str schema, struct str field)
{
	struct block b, one;
	struct str name, value;
	read_block(str_trim(schema), &b);
	if (b.fields.len == 0)
		return (struct str){NULL, 0};
	for (size_t at = 0; json_next(b.fields, &at, &name, &value);) {
		read_block(value, &one);
		struct str found = bare(one.field);
		if (found.data != NULL && str_eq(found, field))
			return value;
	}
	return (struct str){NULL, 0};
}
