#include "decode/json_field.h"

#include "base/bounds.h"
#include "data/row_codec.h"
#include "data/value.h"
#include "decode/base64.h"
#include "decode/json_number.h"
#include "decode/json_rewrite.h"
#include "base/utf8.h"

static enum json_fit store_boolean(const struct json_token *t, struct column *c, uint32_t row)
{
	if (t->kind != JSON_KIND_BOOLEAN)
		return JSON_FIT_BAD;
	((uint8_t *)c->data)[row] = t->text.data[0] == 't';
	return JSON_FIT_VALUE;
}

/* JSON integers in range and nothing else: no "5", no 5.0, no 1e3. */
static enum json_fit store_integer(
	enum type_id id, const struct json_token *t, struct column *c, uint32_t row)
{
	int64_t value;
	if (t->kind != JSON_KIND_NUMBER || !t->integer || !json_number_int64(t->text, &value))
		return JSON_FIT_BAD;
	if (id == TYPE_BIGINT) {
		((int64_t *)c->data)[row] = value;
		return JSON_FIT_VALUE;
	}
	int64_t max = id == TYPE_INT ? INT32_MAX : id == TYPE_SMALLINT ? INT16_MAX : INT8_MAX;
	if (value > max || value < -max - 1)
		return JSON_FIT_BAD;
	((int32_t *)c->data)[row] = (int32_t)value;
	return JSON_FIT_VALUE;
}

/* Numbers, and six words as strings; no number in a string. */
static enum json_fit store_float(
	enum type_id id, const struct json_token *t, struct column *c, uint32_t row)
{
	bool word = t->kind == JSON_KIND_STRING || (t->kind == JSON_KIND_NUMBER && t->special);
	double d = 0;
	if (word ? !json_number_special(t->text, &d) : t->kind != JSON_KIND_NUMBER)
		return JSON_FIT_BAD;
	if (id == TYPE_DOUBLE)
		((double *)c->data)[row] = word ? d : json_number_double(t->text);
	else
		((float *)c->data)[row] = word ? (float)d : json_number_float(t->text);
	return JSON_FIT_VALUE;
}

/* Numbers and strings, as new BigDecimal(text) reads them: no white space, no commas. */
static enum json_fit store_decimal(struct json_values *v, struct type type,
	const struct json_token *t, struct column *c, uint32_t row)
{
	struct str text = t->text;
	if (t->kind == JSON_KIND_STRING)
		text = json_string_value(t, v->arena);
	else if (t->kind != JSON_KIND_NUMBER || t->special)
		return JSON_FIT_BAD;
	if (text.len == 0 || str_trim(text).len != text.len)
		return JSON_FIT_BAD;
	int128 value;
	if (decimal_parse(text, type.precision, type.scale, &value) != DECIMAL_OK)
		return JSON_FIT_BAD;
	((int128 *)c->data)[row] = value;
	return JSON_FIT_VALUE;
}

/* Longer than Jackson lets a string be: the field is lost, the row is not. */
static bool too_long(struct str s)
{
	return s.len > json_string_bytes_max && utf8_units(s) > json_string_bytes_max;
}

static enum json_fit store_string(
	struct json_values *v, const struct json_token *t, struct column *c, uint32_t row)
{
	struct str text;
	if (t->kind == JSON_KIND_STRING) {
		text = json_string_value(t, v->arena);
		if (too_long(text))
			return JSON_FIT_BAD;
	} else if (t->kind == JSON_KIND_BOOLEAN) {
		text = t->text;
	} else {
		strbuf_reset(&v->scratch);
		json_rewrite(t, &v->scratch);
		text = str_dup(strbuf_str(&v->scratch), v->arena);
	}
	((struct str *)c->data)[row] = text;
	return JSON_FIT_VALUE;
}

static enum json_fit store_binary(
	struct json_values *v, const struct json_token *t, struct column *c, uint32_t row)
{
	if (t->kind != JSON_KIND_STRING)
		return JSON_FIT_BAD;
	struct str text = json_string_value(t, v->arena);
	char *bytes = arena_alloc(v->arena, text.len + 1, 1);
	size_t len;
	enum base64_result result = base64_decode(text, bytes, &len);
	if (result != BASE64_OK)
		return result == BASE64_CUT ? JSON_FIT_BREAKS_ROW : JSON_FIT_BAD;
	((struct str *)c->data)[row] = (struct str){bytes, len};
	return JSON_FIT_VALUE;
}

/* A string as cast('...' as date) reads it; "20240115" is no date here (in Spark a count of days).
 */
static enum json_fit store_date(
	struct json_values *v, const struct json_token *t, struct column *c, uint32_t row)
{
	int32_t days;
	if (t->kind != JSON_KIND_STRING || !date_parse(json_string_value(t, v->arena), &days))
		return JSON_FIT_BAD;
	((int32_t *)c->data)[row] = days;
	return JSON_FIT_VALUE;
}

/* A string as cast reads it, or an integer of epoch seconds. */
static enum json_fit store_timestamp(
	struct json_values *v, const struct json_token *t, struct column *c, uint32_t row)
{
	int64_t us;
	if (t->kind == JSON_KIND_NUMBER && t->integer) {
		int64_t seconds;
		if (!json_number_int64(t->text, &seconds))
			return JSON_FIT_BAD;
		/* Spark multiplies without a check; its recorded answers wrap, so these do. */
		us = (int64_t)((uint64_t)seconds * UINT64_C(1000000));
	} else if (t->kind != JSON_KIND_STRING ||
		!timestamp_parse(json_string_value(t, v->arena), v->timezone, v->now_us, &us)) {
		return JSON_FIT_BAD;
	}
	((int64_t *)c->data)[row] = us;
	return JSON_FIT_VALUE;
}

static enum json_fit store_json(const struct json_token *t, struct column *c, uint32_t row)
{
	struct str text = t->text;
	if (t->kind == JSON_KIND_STRING)
		text = (struct str){text.data - 1, text.len + 2}; /* with its quotes */
	((struct str *)c->data)[row] = text;
	return JSON_FIT_VALUE;
}

/* Elements as values of their type; one that does not fit costs the array. */
static enum json_fit store_array(struct json_values *v, struct type type,
	const struct json_token *t, struct column *c, uint32_t row)
{
	struct json_scan s;
	struct json_token element;
	struct strbuf bytes;
	uint32_t count = 0;
	bool good = true;
	if (t->kind != JSON_KIND_ARRAY || type.element->id == TYPE_ARRAY)
		return JSON_FIT_BAD;
	strbuf_init(&bytes);
	strbuf_add(&bytes, (struct str){(const char *)&count, sizeof(count)});
	json_scan_init(&s, t->text, false);
	s.at++;
	while (good && json_peek(&s) != ']' && json_scan_value(&s, 2, &element)) {
		int128 slot = 0;
		struct column one = {.data = &slot};
		enum json_fit fit = json_field_store(v, *type.element, &element, &one, 0);
		struct value value = value_from_column(&one, *type.element, 0);
		good = fit == JSON_FIT_VALUE || fit == JSON_FIT_NULL;
		row_codec_add(&bytes, &value);
		count++;
		if (json_peek(&s) == ',')
			s.at++;
	}
	memcpy(bytes.data, &count, sizeof(count));
	((struct str *)c->data)[row] = str_dup(strbuf_str(&bytes), v->arena);
	strbuf_release(&bytes);
	return good ? JSON_FIT_VALUE : JSON_FIT_BAD;
}

static enum json_fit store(struct json_values *v, struct type type, const struct json_token *t,
	struct column *c, uint32_t row)
{
	switch (type.id) {
	case TYPE_BOOLEAN:
		return store_boolean(t, c, row);
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
		return store_integer(type.id, t, c, row);
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return store_float(type.id, t, c, row);
	case TYPE_DECIMAL:
		return store_decimal(v, type, t, c, row);
	case TYPE_STRING:
		return store_string(v, t, c, row);
	case TYPE_BINARY:
		return store_binary(v, t, c, row);
	case TYPE_DATE:
		return store_date(v, t, c, row);
	case TYPE_TIMESTAMP:
		return store_timestamp(v, t, c, row);
	case TYPE_JSON:
		return store_json(t, c, row);
	case TYPE_ARRAY:
		return store_array(v, type, t, c, row);
	case TYPE_NULL:
	case type_id_count:
		break;
	}
	return JSON_FIT_BAD;
}

enum json_fit json_field_store(struct json_values *v, struct type type, const struct json_token *t,
	struct column *column, uint32_t row)
{
	if (t->kind == JSON_KIND_NULL) {
		bit_set(column->nulls, row);
		return JSON_FIT_NULL;
	}
	enum json_fit fit = store(v, type, t, column, row);
	if (fit == JSON_FIT_VALUE)
		bit_clear(column->nulls, row);
	return fit;
}
