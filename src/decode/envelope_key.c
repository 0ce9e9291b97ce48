/*
 * Keys: what the message's key says of a row, and an old image that says the key changed. Both are
 * read into the side chunk, whose one row is then copied from.
 */

#include "decode/envelope_row.h"

#include "base/check.h"
#include "data/value.h"

#include <stdlib.h>

static void copy_slot(const struct schema *schema, uint32_t column, struct chunk *to,
	uint32_t to_row, const struct chunk *from, uint32_t from_row)
{
	size_t bytes = phys_bytes(type_phys(schema->columns[column].type));
	struct column *t = &to->columns[column];
	const struct column *f = &from->columns[column];
	phys_copy((char *)t->data + to_row * bytes,
		(const char *)f->data + from_row * bytes, bytes);
	if (bit_get(f->nulls, from_row))
		bit_set(t->nulls, to_row);
	else
		bit_clear(t->nulls, to_row);
}

/* The one row of the side chunk, empty. */
static struct envelope_row side_row(
	const struct envelope_row *r, const struct row_schema *schema)
{
	struct envelope_row side = *r;
	side.json.chunk = r->decoder->side;
	side.json.absent = r->decoder->side_absent;
	side.json.index = 0;
	side.schema = schema;
	envelope_clear(&side);
	return side;
}

/* An object of columns into the side chunk. */
static bool read_side(struct envelope_row *r, struct str object, const struct row_schema *schema)
{
	struct envelope_row side = side_row(r, schema);
	return envelope_read_object(&side, object);
}

/* The payload of a key like the last one of its topic. */
static struct str payload_by_prefix(const struct envelope_topic *t, struct str key)
{
	struct str prefix = t->key_prefix;
	if (prefix.len == 0 || key.len <= prefix.len + 1 || key.data[key.len - 1] != '}' ||
		memcmp(key.data, prefix.data, prefix.len) != 0)
		return (struct str){NULL, 0};
	return str_sub(key, prefix.len, key.len - prefix.len - 1);
}

static struct str key_payload(struct envelope_row *r, struct str key, struct str *schema)
{
	struct envelope_topic *t = r->topic;
	struct str payload = payload_by_prefix(t, key);
	*schema = t->key_schema;
	if (payload.data != NULL)
		return payload;
	payload = envelope_key_payload(key, schema);
	size_t end = (size_t)(payload.data - key.data) + payload.len;
	if (schema->data != NULL && end + 1 == key.len && payload.data > key.data) {
		free((void *)(uintptr_t)t->key_prefix.data);
		t->key_prefix =
			envelope_own_copy(str_sub(key, 0, (size_t)(payload.data - key.data)));
		t->key_schema = str_sub(
			t->key_prefix, (size_t)(schema->data - key.data), schema->len);
	}
	return payload;
}

/* A key that is no object is the table's only key column, when there is one. */
static bool read_scalar_key(struct envelope_row *r, struct str key)
{
	struct envelope_decoder *d = r->decoder;
	struct json_token t;
	struct json_scan s;
	if (d->config.key.count != 1)
		return false;
	json_scan_init(&s, key, true);
	bool json = json_scan_value(&s, 0, &t);
	json_skip_space(&s);
	struct envelope_row side = side_row(r, NULL);
	uint32_t column = d->config.key.columns[0];
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		if (i != column)
			bit_set(d->side_absent[i], 0);
	if (!json || s.at != s.end)
		t = (struct json_token){.text = key, .kind = JSON_KIND_STRING};
	return envelope_store(&side.json, (int32_t)column, &t) == JSON_FIT_VALUE;
}

void envelope_complete_from_key(struct envelope_row *r)
{
	struct envelope_decoder *d = r->decoder;
	struct str key = d->out->messages->key[r->message], schema;
	if (r->missing == 0 || key.len == 0)
		return;
	struct str payload = key_payload(r, key, &schema);
	if (payload.len > 0 && payload.data[0] == '{') {
		size_t wrong;
		if (!json_validate(payload, true, &wrong) ||
			!read_side(r, payload, envelope_row_schema(r, schema)))
			return;
	} else if (!read_scalar_key(r, payload)) {
		return;
	}
	for (uint32_t i = 0; i < d->schema->column_count; i++) {
		if (!bit_get(r->json.absent[i], r->json.index) || bit_get(d->side_absent[i], 0))
			continue;
		copy_slot(d->work_schema, i, d->work, r->json.index, d->side, 0);
		bit_clear(r->json.absent[i], r->json.index);
		r->missing--;
	}
}

/* ---- key changes ---- */

/* Columns of the key: the merge's, else those that the message names. */
static uint32_t key_columns(const struct envelope_row *r, struct str names, uint32_t *columns)
{
	const struct envelope_decoder *d = r->decoder;
	if (d->config.key.count > 0) {
		memcpy(columns, d->config.key.columns, sizeof(d->config.key.columns));
		return d->config.key.count;
	}
	struct str name, value;
	uint32_t count = 0;
	if (names.len == 0 || names.data[0] != '[')
		return 0;
	for (size_t at = 0; count < row_key_columns_max && json_next(names, &at, &name, &value);) {
		struct str text = json_kind_of(value) == JSON_KIND_STRING
			? json_unquote(value, r->json.values->arena)
			: value;
		int32_t column = envelope_find_column(d, text);
		if (column != JSON_NO_COLUMN)
			columns[count++] = (uint32_t)column;
	}
	return count;
}

static bool key_differs(struct envelope_row *r, const uint32_t *columns, uint32_t count)
{
	struct envelope_decoder *d = r->decoder;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t c = columns[i];
		struct type type = d->schema->columns[c].type;
		if (bit_get(d->side_absent[c], 0) || bit_get(r->json.absent[c], r->json.index))
			continue;
		struct value now =
			value_from_column(&d->work->columns[c], type, r->json.index);
		struct value old = value_from_column(&d->side->columns[c], type, 0);
		if (now.is_null != old.is_null || (!now.is_null && value_cmp(&now, &old) != 0))
			return true;
	}
	return false;
}

/* The row again, one further on. */
static void copy_row(struct envelope_row *r, uint32_t to)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t from = r->json.index;
	for (uint32_t i = 0; i < d->work_schema->column_count; i++)
		copy_slot(d->work_schema, i, d->work, to, d->work, from);
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		if (bit_get(r->json.absent[i], from))
			bit_set(r->json.absent[i], to);
	d->origin[to] = d->origin[from];
	d->changes->position[to] = d->changes->position[from];
	d->changes->source[to] = d->changes->source[from];
	d->changes->before[to] = d->changes->before[from];
	d->changes->event_time_us[to] = d->changes->event_time_us[from];
}

void envelope_split_key_change(
	struct envelope_row *r, struct str old, struct str key_names, bool *full)
{
	struct envelope_decoder *d = r->decoder;
	uint32_t columns[row_key_columns_max], row = r->json.index;
	*full = false;
	if (old.len == 0 || old.data[0] != '{')
		return;
	uint32_t count = key_columns(r, key_names, columns);
	if (count == 0 || !read_side(r, old, r->schema) || !key_differs(r, columns, count))
		return;
	*full = row + 1 == chunk_rows_max;
	if (*full)
		return;
	struct envelope_row was = *r;
	copy_row(r, row + 1);
	for (uint32_t i = 0; i < d->schema->column_count; i++)
		if (!bit_get(d->side_absent[i], 0))
			copy_slot(d->work_schema, i, d->work, row, d->side, 0);
	struct change_position position = d->changes->position[row];
	struct str source = d->changes->source[row], before = d->changes->before[row];
	int64_t time = d->changes->event_time_us[row];
	envelope_accept(r, CHANGE_DELETE);
	envelope_begin_row(r);
	r->json.bad_fields = was.json.bad_fields;
	r->json.bad_column = was.json.bad_column;
	r->missing = was.missing;
	d->changes->position[row + 1] = position;
	d->changes->source[row + 1] = source;
	d->changes->before[row + 1] = before;
	d->changes->event_time_us[row + 1] = time;
	d->changes->key_change[row + 1] = 1;
}
