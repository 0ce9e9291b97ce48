/*
 * What a value of a change event means in a column: by the form that Connect's schema block gives
 * it, else by the column's declared type. Without a block two things are not said by a value alone:
 * in which unit a timestamp counts, and whether digits are a decimal's text or base64 of its bytes.
 * The values of the column so far tell (decode/column_lore.h).
 */

#include "decode/envelope_row.h"

#include "base/check.h"
#include "data/decimal.h"
#include "data/row_codec.h"
#include "data/value.h"
#include "decode/base64.h"
#include "decode/envelope_decimal.h"
#include "decode/iso_time.h"
#include "decode/json_number.h"
#include "decode/placeholder.h"

/* One value on its way into a slot. */
struct landing {
	struct envelope_row *row;
	int32_t column;
	struct type type;
	struct column *to;
	uint32_t index;
	const struct connect_field *field; /* NULL: no schema block says anything */
	enum type_id said; /* by the block, of the value or an element; TYPE_NULL: nothing */
	enum connect_form form;
	uint8_t scale;
};

static struct column_lore lore_of(const struct landing *l)
{
	return l->row->topic->lore[l->column];
}

/*
 * Rows teach, not keys and old images beside them. A row that is given up takes back what it taught
 * (envelope_clear), or who tries a shape in vain would count its values twice.
 */
static void teach(const struct landing *l, struct column_lore lore)
{
	struct envelope_row *r = l->row;
	struct envelope_topic *t = r->topic;
	struct envelope_decoder *d = r->decoder;
	if (r->json.chunk != d->work || memcmp(&t->lore[l->column], &lore, sizeof(lore)) == 0)
		return;
	uint32_t columns = d->schema->column_count;
	if (!r->taught)
		memcpy(t->lore_before, t->lore, columns * sizeof(lore));
	if (!r->message_taught)
		memcpy(t->lore_before + columns, t->lore, columns * sizeof(lore));
	r->taught = r->message_taught = t->has_news = true;
	t->lore[l->column] = lore;
}

static struct str text_of(const struct landing *l, const struct json_token *t)
{
	return json_string_value(t, l->row->json.values->arena);
}

static enum json_fit put_str(const struct landing *l, struct str s)
{
	((struct str *)l->to->data)[l->index] = s;
	return JSON_FIT_VALUE;
}

/* ---- timestamps and dates ---- */

static bool to_micros(int64_t v, enum connect_form form, int64_t *us)
{
	if (form == CONNECT_MILLIS)
		return !__builtin_mul_overflow(v, 1000, us);
	if (form == CONNECT_NANOS)
		*us = v / 1000 - (v % 1000 < 0);
	else
		*us = v;
	return true;
}

static enum json_fit put_micros(const struct landing *l, int64_t v, enum connect_form form)
{
	if (!to_micros(v, form, &((int64_t *)l->to->data)[l->index]))
		return JSON_FIT_BAD;
	return JSON_FIT_VALUE;
}

static enum json_fit store_timestamp(const struct landing *l, const struct json_token *t)
{
	int64_t v;
	char with_t[iso_colon_day_max];
	const struct json_values *values = l->row->json.values;
	if (t->kind == JSON_KIND_STRING) {
		struct str text = text_of(l, t);
		if (str_eq(text, str_lit("infinity")) || str_eq(text, str_lit("-infinity")))
			return put_micros(l, text.data[0] == '-' ? INT64_MIN : INT64_MAX,
				CONNECT_MICROS);
		if (!timestamp_parse(text, values->timezone, values->now_us, &v) &&
			!timestamp_parse(iso_colon_day(text, with_t), values->timezone,
				values->now_us, &v))
			return JSON_FIT_BAD;
		return put_micros(l, v, CONNECT_MICROS);
	}
	if (t->kind != JSON_KIND_NUMBER || !t->integer || !json_number_int64(t->text, &v))
		return JSON_FIT_BAD;
	if (l->form == CONNECT_DAYS)
		return JSON_FIT_BAD;
	if (l->form != CONNECT_PLAIN && l->form != CONNECT_TEXT)
		return put_micros(l, v, l->form);
	struct column_lore lore = column_lore_after(lore_of(l), v);
	teach(l, lore);
	return put_micros(l, v, column_lore_unit(lore));
}

/* The day that a number means; of an instant, as a block calls Oracle's DATE, its day. */
static bool to_days(const struct landing *l, int64_t v, int64_t *days)
{
	const int64_t us_a_day = INT64_C(86400000000);
	int64_t us;
	*days = v;
	if (l->form < CONNECT_MILLIS || l->form > CONNECT_NANOS)
		return true;
	if (l->said != TYPE_TIMESTAMP || !to_micros(v, l->form, &us))
		return false; /* a time of day has none */
	*days = us / us_a_day - (us % us_a_day < 0);
	return true;
}

static enum json_fit store_date(const struct landing *l, const struct json_token *t)
{
	int64_t v;
	int32_t days;
	char with_t[iso_colon_day_max];
	if (t->kind == JSON_KIND_STRING) {
		struct str text = text_of(l, t);
		if (text.len > 1 && text.data[text.len - 1] == 'Z')
			text.len--; /* 2024-02-29Z: Debezium's IsoDate */
		if (!date_parse(text, &days) && !date_parse(iso_colon_day(text, with_t), &days))
			return JSON_FIT_BAD;
	} else {
		if (t->kind != JSON_KIND_NUMBER || !t->integer || !json_number_int64(t->text, &v) ||
			!to_days(l, v, &v) || v > INT32_MAX || v < INT32_MIN)
			return JSON_FIT_BAD;
		days = (int32_t)v;
	}
	((int32_t *)l->to->data)[l->index] = days;
	return JSON_FIT_VALUE;
}

/* ---- decimals ---- */

static enum json_fit put_decimal(const struct landing *l, int128 unscaled, unsigned scale)
{
	int128 v;
	if (!decimal_rescale(unscaled, scale, l->type.scale, &v) ||
		!decimal_fits(v, l->type.precision))
		return JSON_FIT_BAD;
	((int128 *)l->to->data)[l->index] = v;
	return JSON_FIT_VALUE;
}

static enum json_fit decimal_from_bytes(const struct landing *l, struct str base64, int64_t scale)
{
	int128 v;
	unsigned digits;
	if (!decimal_from_scaled(base64, scale, &v, &digits))
		return JSON_FIT_BAD;
	return put_decimal(l, v, digits);
}

static enum json_fit decimal_from_text(const struct landing *l, struct str text)
{
	int128 v;
	if (decimal_parse(text, l->type.precision, l->type.scale, &v) != DECIMAL_OK)
		return JSON_FIT_BAD;
	((int128 *)l->to->data)[l->index] = v;
	return JSON_FIT_VALUE;
}

static bool is_word(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] | 0x20) < 'a' || (text.data[i] | 0x20) > 'z')
			return false;
	return true;
}

/*
 * Letters alone may be a word, as the one that Connect has for an infinite double: they are base64
 * only while the column's values were neither text nor numbers.
 */
static bool may_be_bytes(struct str text, struct column_lore lore)
{
	if (str_eq(text, str_lit("Infinity")))
		return false;
	return lore.decimal != DECIMAL_PLAIN || !is_word(text);
}

static void teach_decimal(const struct landing *l, enum decimal_text form)
{
	struct column_lore lore = lore_of(l);
	lore.decimal = (uint8_t)form;
	teach(l, lore);
}

/* A string that may be a decimal's text or base64 of its bytes. */
static enum json_fit store_decimal_string(const struct landing *l, const struct json_token *t)
{
	struct str text = text_of(l, t);
	struct column_lore lore = lore_of(l);
	if (text.len == 0 || str_trim(text).len != text.len)
		return JSON_FIT_BAD;
	if (l->form == CONNECT_DECIMAL)
		return decimal_from_bytes(l, text, l->scale);
	if (l->field != NULL)
		return decimal_from_text(l, text);
	bool number = decimal_looks_plain(text), bytes = decimal_looks_base64(text);
	if (number && bytes) {
		number = lore.decimal != DECIMAL_BASE64;
	} else if (number || (bytes && may_be_bytes(text, lore))) {
		teach_decimal(l, number ? DECIMAL_PLAIN : DECIMAL_BASE64);
	} else {
		return JSON_FIT_BAD;
	}
	return number ? decimal_from_text(l, text) : decimal_from_bytes(l, text, l->type.scale);
}

static enum json_fit store_decimal(const struct landing *l, const struct json_token *t)
{
	struct str base64;
	int64_t scale;
	if (t->kind == JSON_KIND_STRING)
		return store_decimal_string(l, t);
	if (t->kind == JSON_KIND_OBJECT && decimal_read_variable(t->text, &base64, &scale))
		return decimal_from_bytes(l, base64, scale);
	if (t->kind != JSON_KIND_NUMBER)
		return JSON_FIT_BAD;
	if (l->field == NULL)
		teach_decimal(l, DECIMAL_PLAIN);
	return decimal_from_text(l, t->text);
}

/* ---- numbers and booleans ---- */

/* {"scale":0,"value":"AQ=="}: Debezium's for a NUMBER without a scale. */
static bool read_variable(const struct json_token *t, int128 *v, unsigned *scale)
{
	struct str base64;
	int64_t said;
	return decimal_read_variable(t->text, &base64, &said) &&
		decimal_from_scaled(base64, said, v, scale);
}

static bool integer_from_variable(const struct json_token *t, int64_t *out)
{
	int128 v;
	unsigned scale;
	if (!read_variable(t, &v, &scale) || v % decimal_pow10(scale) != 0)
		return false;
	v /= decimal_pow10(scale);
	*out = (int64_t)v;
	return v <= INT64_MAX && v >= INT64_MIN;
}

/* The number that a decimal's bytes are, when a wider column was declared narrower. */
static bool integer_from_bytes(const struct landing *l, struct str text, int64_t *out)
{
	int128 v;
	if (l->form == CONNECT_DECIMAL && l->scale == 0) {
		if (!decimal_from_base64(text, &v) || v > INT64_MAX || v < INT64_MIN)
			return false;
		*out = (int64_t)v;
		return true;
	}
	return l->form == CONNECT_BYTES && bits_from_base64(text, out);
}

static bool read_integer(const struct landing *l, const struct json_token *t, int64_t *v)
{
	if (t->kind == JSON_KIND_NUMBER)
		return t->integer && json_number_int64(t->text, v);
	if (t->kind == JSON_KIND_BOOLEAN) {
		*v = t->text.data[0] == 't';
		return true;
	}
	if (t->kind == JSON_KIND_OBJECT)
		return integer_from_variable(t, v);
	if (t->kind != JSON_KIND_STRING)
		return false;
	struct str text = text_of(l, t);
	if (integer_from_bytes(l, text, v))
		return true;
	if (l->type.id == TYPE_BIGINT && (iso_time_micros(text, v) || iso_interval_micros(text, v)))
		return true;
	return l->form == CONNECT_PLAIN && str_trim(text).len == text.len && int64_parse(text, v);
}

static enum json_fit store_integer(const struct landing *l, const struct json_token *t)
{
	int64_t v;
	if (!read_integer(l, t, &v))
		return JSON_FIT_BAD;
	if (l->type.id == TYPE_BIGINT) {
		/* times of day and durations count microseconds, whatever the connector counts */
		bool time = l->said == TYPE_BIGINT && t->kind == JSON_KIND_NUMBER;
		return put_micros(l, v, time ? l->form : CONNECT_MICROS);
	}
	int64_t max = l->type.id == TYPE_INT	 ? INT32_MAX
		: l->type.id == TYPE_SMALLINT ? INT16_MAX
					      : INT8_MAX;
	if (v > max || v < -max - 1)
		return JSON_FIT_BAD;
	((int32_t *)l->to->data)[l->index] = (int32_t)v;
	return JSON_FIT_VALUE;
}

static enum json_fit store_boolean(const struct landing *l, const struct json_token *t)
{
	int64_t v;
	bool b;
	if (t->kind == JSON_KIND_STRING && l->form == CONNECT_PLAIN) {
		if (!boolean_parse(text_of(l, t), &b))
			return JSON_FIT_BAD;
		v = b;
	} else if (!read_integer(l, t, &v) || v < 0 || v > 1) {
		return JSON_FIT_BAD;
	}
	((uint8_t *)l->to->data)[l->index] = v != 0;
	return JSON_FIT_VALUE;
}

static bool read_double(const struct landing *l, const struct json_token *t, double *v)
{
	int128 unscaled;
	unsigned scale;
	if (t->kind == JSON_KIND_NUMBER) {
		*v = json_number_double(t->text);
		return true;
	}
	if (t->kind == JSON_KIND_OBJECT && read_variable(t, &unscaled, &scale)) {
		*v = decimal_to_double(unscaled, scale);
		return true;
	}
	if (t->kind != JSON_KIND_STRING)
		return false;
	struct str text = text_of(l, t);
	if (l->form == CONNECT_DECIMAL) {
		if (!decimal_from_base64(text, &unscaled))
			return false;
		*v = decimal_to_double(unscaled, l->scale);
		return true;
	}
	return json_number_special(text, v) ||
		(str_trim(text).len == text.len && double_parse(text, v));
}

static enum json_fit store_float(const struct landing *l, const struct json_token *t)
{
	double v;
	float f;
	if (l->type.id == TYPE_FLOAT && t->kind == JSON_KIND_NUMBER) {
		f = json_number_float(t->text);
	} else {
		if (!read_double(l, t, &v))
			return JSON_FIT_BAD;
		if (l->type.id == TYPE_DOUBLE) {
			((double *)l->to->data)[l->index] = v;
			return JSON_FIT_VALUE;
		}
		f = (float)v;
	}
	if (l->type.id == TYPE_DOUBLE)
		((double *)l->to->data)[l->index] = (double)f;
	else
		((float *)l->to->data)[l->index] = f;
	return JSON_FIT_VALUE;
}

/* ---- text, bytes, json ---- */

static struct str value_as_text(struct value v, struct strbuf *scratch, struct arena *arena)
{
	strbuf_reset(scratch);
	value_text(&v, VALUE_CAST, NULL, scratch);
	return str_dup(strbuf_str(scratch), arena);
}

/* [-]HH:MM:SS[.ffffff]; MySQL's times go beyond a day. */
static struct str time_text(int64_t us, struct arena *arena)
{
	uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
	uint64_t seconds = size / 1000000, fraction = size % 1000000;
	struct str s = str_printf(arena, "%s%02llu:%02llu:%02llu", us < 0 ? "-" : "",
		(unsigned long long)(seconds / 3600), (unsigned long long)(seconds / 60 % 60),
		(unsigned long long)(seconds % 60));
	if (fraction == 0)
		return s;
	return str_printf(arena, STR_FMT ".%06llu", STR_ARG(s), (unsigned long long)fraction);
}

/* A number that the schema block calls a day or a time, in a string column. */
static enum json_fit store_time_text(const struct landing *l, int64_t v)
{
	struct json_values *values = l->row->json.values;
	struct value out = {.type = type_of(l->said)};
	int64_t us;
	if (l->form == CONNECT_DAYS) {
		if (v > INT32_MAX || v < INT32_MIN)
			return JSON_FIT_BAD;
		out.as.i32 = (int32_t)v;
	} else if (!to_micros(v, l->form, &us)) {
		return JSON_FIT_BAD;
	} else if (out.type.id != TYPE_TIMESTAMP) {
		return put_str(l, time_text(us, values->arena));
	} else {
		out.as.i64 = us;
	}
	return put_str(l, value_as_text(out, &values->scratch, values->arena));
}

static enum json_fit store_string(const struct landing *l, const struct json_token *t)
{
	struct arena *arena = l->row->json.values->arena;
	struct str base64;
	int64_t v, scale;
	if (t->kind == JSON_KIND_STRING) {
		struct str text = text_of(l, t);
		if (l->form != CONNECT_DECIMAL)
			return put_str(l, text);
		struct str digits = decimal_bytes_text(text, l->scale, arena);
		return digits.data == NULL ? JSON_FIT_BAD : put_str(l, digits);
	}
	bool variable = l->form == CONNECT_VARIABLE || l->field == NULL;
	if (t->kind == JSON_KIND_OBJECT && variable &&
		decimal_read_variable(t->text, &base64, &scale)) {
		struct str digits = decimal_bytes_text(base64, scale, arena);
		return digits.data == NULL ? JSON_FIT_BAD : put_str(l, digits);
	}
	bool time = l->form >= CONNECT_DAYS && l->form <= CONNECT_NANOS;
	if (t->kind == JSON_KIND_NUMBER && time && t->integer && json_number_int64(t->text, &v))
		return store_time_text(l, v);
	return put_str(l, t->text);
}

/* Canal writes bytes as the characters U+0000 to U+00FF. */
static bool bytes_from_latin1(struct str text, char *bytes, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c >= 0x80) {
			if ((c & 0xFC) != 0xC0 || i + 1 == text.len)
				return false;
			c = (unsigned char)(c << 6 | ((unsigned char)text.data[++i] & 0x3F));
		}
		bytes[(*len)++] = (char)c;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Debezium's binary.handling.mode = hex */
static bool bytes_from_hex(struct str text, char *bytes, size_t *len)
{
	*len = 0;
	for (size_t i = 0; i + 1 < text.len; i += 2) {
		int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[(*len)++] = (char)(high << 4 | low);
	}
	return text.len % 2 == 0;
}

/*
 * What could be hex and base64 is hex unless the column's values were base64: few bytes have a
 * base64 of digits and a to f only, while all hex of a UUID looks like base64. Maxwell has no hex,
 * and neither it nor a block of bytes has URL-safe base64 (binary.handling.mode=base64-url-safe).
 */
static enum json_fit store_binary(const struct landing *l, const struct json_token *t)
{
	if (t->kind != JSON_KIND_STRING)
		return JSON_FIT_BAD;
	struct str text = text_of(l, t);
	struct column_lore lore = lore_of(l);
	enum envelope_kind kind = l->row->topic->kind;
	char *bytes = arena_alloc(l->row->json.values->arena, text.len + 1, 1);
	size_t len, hex_len;
	if (text.len == 0)
		return put_str(l, (struct str){bytes, 0});
	if (kind == ENVELOPE_CANAL)
		return bytes_from_latin1(text, bytes, &len) ? put_str(l, (struct str){bytes, len})
							    : JSON_FIT_BAD;
	bool may_be_hex = l->form != CONNECT_BYTES && kind != ENVELOPE_MAXWELL;
	bool hex = may_be_hex && bytes_from_hex(text, bytes, &hex_len);
	if (hex && !decimal_looks_base64(text))
		lore.binary = BINARY_HEX;
	if (hex && lore.binary != BINARY_BASE64) {
		teach(l, lore);
		return put_str(l, (struct str){bytes, hex_len});
	}
	if (base64_decode(text, bytes, &len) != BASE64_OK &&
		(!may_be_hex || base64_decode_url(text, bytes, &len) != BASE64_OK))
		return JSON_FIT_BAD;
	if (may_be_hex && !hex)
		lore.binary = BINARY_BASE64;
	teach(l, lore);
	return put_str(l, (struct str){bytes, len});
}

/* A json column of a database arrives as a string that holds JSON; a string that does not is one.
 */
static enum json_fit store_json(const struct landing *l, const struct json_token *t)
{
	size_t wrong;
	if (t->kind != JSON_KIND_STRING)
		return put_str(l, t->text);
	struct str text = text_of(l, t);
	if (json_validate(text, true, &wrong))
		return put_str(l, str_trim(text));
	return put_str(l, (struct str){t->text.data - 1, t->text.len + 2});
}

/* ---- arrays ---- */

static enum json_fit store_value(const struct landing *l, const struct json_token *t);

static bool add_element(const struct landing *l, struct json_scan *s, struct strbuf *out)
{
	struct json_token t;
	int128 slot = 0;
	struct column column = {.data = &slot};
	struct landing element = {.row = l->row,
		.column = l->column,
		.type = *l->type.element,
		.to = &column,
		.field = l->field,
		.said = TYPE_NULL,
		.form = l->field != NULL ? l->field->element : CONNECT_PLAIN,
		.scale = l->field != NULL ? l->field->element_scale : 0};
	if (l->said == TYPE_ARRAY)
		element.said = l->field->type.element->id;
	if (!json_scan_value(s, 2, &t))
		return false;
	if (t.kind == JSON_KIND_NULL)
		bit_set(column.nulls, 0);
	else if (store_value(&element, &t) != JSON_FIT_VALUE)
		return false;
	struct value v = value_from_column(&column, element.type, 0);
	row_codec_add(out, &v);
	return true;
}

static enum json_fit store_array(const struct landing *l, const struct json_token *t)
{
	struct json_scan s;
	uint32_t count = 0;
	if (t->kind != JSON_KIND_ARRAY || l->type.element->id == TYPE_ARRAY)
		return JSON_FIT_BAD;
	struct strbuf bytes;
	strbuf_init(&bytes);
	strbuf_add(&bytes, (struct str){(const char *)&count, sizeof(count)});
	json_scan_init(&s, t->text, true);
	s.at++;
	bool good = true;
	if (json_peek(&s) != ']')
		do {
			good = add_element(l, &s, &bytes);
			count++;
		} while (good && json_peek(&s) == ',' && s.at++ < s.end);
	memcpy(bytes.data, &count, sizeof(count));
	struct str copy = str_dup(strbuf_str(&bytes), l->row->json.values->arena);
	strbuf_release(&bytes);
	return good ? put_str(l, copy) : JSON_FIT_BAD;
}

/* ---- any value ---- */

static enum json_fit store_value(const struct landing *l, const struct json_token *t)
{
	switch (l->type.id) {
	case TYPE_BOOLEAN:
		return store_boolean(l, t);
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT:
	case TYPE_BIGINT:
		return store_integer(l, t);
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		return store_float(l, t);
	case TYPE_DECIMAL:
		return store_decimal(l, t);
	case TYPE_STRING:
		return store_string(l, t);
	case TYPE_BINARY:
		return store_binary(l, t);
	case TYPE_DATE:
		return store_date(l, t);
	case TYPE_TIMESTAMP:
		return store_timestamp(l, t);
	case TYPE_JSON:
		return store_json(l, t);
	case TYPE_ARRAY:
		return store_array(l, t);
	case TYPE_NULL:
	case type_id_count:
		break;
	}
	return JSON_FIT_BAD;
}

static bool is_placeholder(const struct envelope_row *r, const struct json_token *t)
{
	return t->text.len >= placeholder_bytes_min && r->topic->kind == ENVELOPE_DEBEZIUM &&
		placeholder_is_value(t->kind, t->text);
}

static struct landing landing_at(struct envelope_row *r, int32_t column, uint32_t index)
{
	struct landing l = {.row = r,
		.column = column,
		.type = r->json.schema->columns[column].type,
		.to = &r->json.chunk->columns[column],
		.index = index,
		.said = TYPE_NULL};
	if (r->schema != NULL && r->schema->columns[column] != NULL) {
		l.field = r->schema->columns[column];
		l.said = l.field->type.id;
		l.form = l.field->form;
		l.scale = l.field->scale;
	}
	return l;
}

enum json_fit envelope_store(struct json_row *json, int32_t column, const struct json_token *t)
{
	struct envelope_row *r = envelope_row_of(json);
	struct column *to = &json->chunk->columns[column];
	if (t->kind == JSON_KIND_NULL) {
		bit_set(to->nulls, json->index);
		return JSON_FIT_NULL;
	}
	if ((uint32_t)column >= r->decoder->schema->column_count) {
		/* a note: what does not fit it is not known, and costs no column anything */
		enum json_fit noted = json_field_store(
			json->values, json->schema->columns[column].type, t, to, json->index);
		return noted == JSON_FIT_VALUE ? noted : JSON_FIT_NULL;
	}
	if (is_placeholder(r, t)) {
		bit_set(to->nulls, json->index);
		bit_set(json->absent[column], json->index);
		return JSON_FIT_NULL;
	}
	struct landing l = landing_at(r, column, json->index);
	enum json_fit fit = store_value(&l, t);
	if (fit == JSON_FIT_VALUE)
		bit_clear(to->nulls, json->index);
	else
		bit_set(to->nulls, json->index); /* a member before of the same name had a value */
	return fit;
}

static void take_placeholders(struct column *column, uint64_t *absent, uint32_t rows)
{
	const struct str *texts = column->data;
	for (uint32_t i = 0; i < rows; i++) {
		if (texts[i].len < placeholder_bytes_min ||
			texts[i].len > placeholder_text_bytes_max || column_is_null(column, i) ||
			!placeholder_is_text(texts[i]))
			continue;
		bit_set(column->nulls, i);
		bit_set(absent, i);
	}
}

void envelope_take_placeholders(struct envelope_decoder *d)
{
	for (uint32_t c = 0; c < d->schema->column_count; c++)
		if (d->schema->columns[c].type.id == TYPE_STRING)
			take_placeholders(
				&d->work->columns[c], d->work_absent[c], d->out->row_count);
}

struct json_slot envelope_slot(
	const struct schema *schema, int32_t column, const struct connect_field *field)
{
	struct json_slot slot = json_slot_for(schema, column);
	if (column == JSON_NO_COLUMN)
		return slot;
	enum type_id id = schema->columns[column].type.id;
	bool plain = field == NULL || field->form == CONNECT_PLAIN || field->form == CONNECT_TEXT;
	/* lanes that would take what another form means otherwise */
	if (id == TYPE_DECIMAL || id == TYPE_JSON)
		slot.kind = JSON_SLOT_OTHER;
	if (!plain && (id == TYPE_BIGINT || id == TYPE_STRING))
		slot.kind = JSON_SLOT_OTHER;
	return slot;
}
