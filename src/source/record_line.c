#include "source/record_line.h"

#include "base/arena.h"
#include "data/value.h"
#include "decode/base64.h"
#include "decode/json_path.h"
#include "decode/json_scan.h"
#include "source/source.h"

enum { record_headers_max = 1024 };

struct record {
	struct str topic;
	struct str key;
	struct str value;
	struct str headers;
	int64_t partition;
	int64_t offset;
	int64_t ts_ms;
	int32_t ts_type;
	bool has_value;
};

/* A string without its quotes, null as absent, anything else as its text. */
static struct str content(struct str value, struct arena *arena)
{
	switch (json_kind_of(value)) {
	case JSON_KIND_NULL:
		return (struct str){NULL, 0};
	case JSON_KIND_STRING:
		return json_unquote(value, arena);
	default:
		return value;
	}
}

static int number(struct str name, struct str value, int64_t *out, struct error *err)
{
	if (int64_parse(value, out))
		return 0;
	return error_set(err, CDCL_E_DATA,
		"field \"" STR_FMT "\" of a record must be a whole number, not " STR_FMT,
		STR_ARG(name), STR_ARG(str_sub(value, 0, 40)));
}

static int bytes(struct str name, struct str value, struct arena *arena, struct str *out,
	struct error *err)
{
	struct str text = content(value, arena);
	char *to = arena_alloc(arena, text.len + 1, 1);
	size_t len = 0;
	if (json_kind_of(value) != JSON_KIND_STRING || base64_decode(text, to, &len) != BASE64_OK)
		return error_set(err, CDCL_E_DATA, "field \"" STR_FMT "\" of a record is no base64",
			STR_ARG(name));
	*out = (struct str){to, len};
	return 0;
}

static int field(
	struct record *r, struct str name, struct str value, struct arena *arena, struct error *err)
{
	if (str_eq(name, str_lit("topic")))
		r->topic = content(value, arena);
	else if (str_eq(name, str_lit("partition")))
		return number(name, value, &r->partition, err);
	else if (str_eq(name, str_lit("offset")))
		return number(name, value, &r->offset, err);
	else if (str_eq(name, str_lit("ts")))
		return number(name, value, &r->ts_ms, err);
	else if (str_eq(name, str_lit("ts_type")))
		r->ts_type = str_eq_fold(content(value, arena), str_lit("LogAppendTime"));
	else if (str_eq(name, str_lit("headers")))
		r->headers = value;
	else if (str_eq(name, str_lit("key")))
		r->key = content(value, arena);
	else if (str_eq(name, str_lit("value"))) {
		r->value = content(value, arena);
		r->has_value = true;
	} else if (str_eq(name, str_lit("key_base64"))) {
		return bytes(name, value, arena, &r->key, err);
	} else if (str_eq(name, str_lit("value_base64"))) {
		r->has_value = true;
		return bytes(name, value, arena, &r->value, err);
	}
	return 0;
}

/* [["name", "value"], ...] */
static int headers(struct str text, struct messages *out, uint32_t at, struct error *err)
{
	out->headers[at] = NULL;
	out->header_count[at] = 0;
	if (text.data == NULL || json_kind_of(text) == JSON_KIND_NULL)
		return 0;
	if (json_kind_of(text) != JSON_KIND_ARRAY)
		return error_set(err, CDCL_E_DATA,
			"\"headers\" of a record must be an array of [name, value]");
	struct message_header *list =
		ARENA_ARRAY(out->arena, struct message_header, record_headers_max);
	uint32_t count = 0;
	struct str none;
	struct str pair;
	for (size_t pos = 0; json_next(text, &pos, &none, &pair);) {
		struct str name = {NULL, 0};
		struct str value = {NULL, 0};
		size_t in_pair = 0;
		if (json_kind_of(pair) != JSON_KIND_ARRAY ||
			!json_next(pair, &in_pair, &none, &name) ||
			!json_next(pair, &in_pair, &none, &value))
			return error_set(
				err, CDCL_E_DATA, "a header of a record must be [name, value]");
		if (count == record_headers_max)
			return error_set(err, CDCL_E_DATA, "a record has more than %d headers",
				record_headers_max);
		list[count++] = (struct message_header){
			content(name, out->arena), content(value, out->arena)};
	}
	out->headers[at] = list;
	out->header_count[at] = count;
	return 0;
}

static bool is_wanted(struct str topic, const struct str *topics, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (str_eq(topics[i], topic))
			return true;
	return count == 0;
}

int record_line_add(struct str line, const struct str *topics, uint32_t topic_count,
	struct messages *out, struct error *err)
{
	struct str text = str_trim(line);
	if (text.len == 0)
		return 0;
	size_t wrong_at = 0;
	if (!json_validate(text, true, &wrong_at))
		return error_set(err, CDCL_E_DATA, "not a record: JSON goes wrong at byte %zu",
			wrong_at + 1);
	if (text.data[0] != '{')
		return error_set(err, CDCL_E_DATA,
			"not a record: a JSON object with topic, key and value is expected");
	text = str_dup(text, out->arena);
	struct record r = {.ts_ms = -1, .topic = str_lit("")};
	struct str name;
	struct str value;
	for (size_t pos = 0; json_next(text, &pos, &name, &value);) {
		int answer = field(&r, name, value, out->arena, err);
		if (answer < 0)
			return answer;
	}
	if (!r.has_value)
		return error_set(err, CDCL_E_DATA,
			"a record without \"value\" (a tombstone has \"value\": null)");
	if (!is_wanted(r.topic, topics, topic_count))
		return 0;
	uint32_t i = out->count;
	int answer = headers(r.headers, out, i, err);
	if (answer < 0)
		return answer;
	out->topic[i] = r.topic;
	out->partition[i] = (int32_t)r.partition;
	out->offset[i] = r.offset;
	out->timestamp_us[i] = message_time_us(r.ts_ms);
	out->timestamp_type[i] = r.ts_type;
	out->key[i] = r.key;
	out->value[i] = r.value;
	out->count = i + 1;
	return 0;
}
