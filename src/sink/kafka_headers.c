#include "sink/kafka_headers.h"

#include "decode/json_scan.h"

static bool take(struct json_scan *s, char c)
{
	if (json_peek(s) != c)
		return false;
	s->at++;
	return true;
}

static bool read_header(struct json_scan *s, struct arena *arena, struct message_header *out)
{
	if (!take(s, '{'))
		return false;
	do {
		struct json_token name;
		struct json_token value;
		json_skip_space(s);
		if (!json_scan_name(s, &name) || !json_scan_value(s, 2, &value))
			return false;
		struct str field = json_string_value(&name, arena);
		bool text = value.kind == JSON_KIND_STRING;
		if (!text && value.kind != JSON_KIND_NULL)
			return false;
		struct str bytes = text ? json_string_value(&value, arena) : str_c(NULL);
		if (text && bytes.data == NULL)
			bytes = str_lit("");
		if (str_eq(field, str_lit("key")))
			out->name = bytes;
		else if (str_eq(field, str_lit("value")))
			out->value = bytes;
		else
			return false;
	} while (take(s, ','));
	return take(s, '}') && out->name.data != NULL;
}

bool kafka_headers_read(struct str text, struct arena *arena, struct kafka_letter *letter)
{
	struct json_scan s;
	json_scan_init(&s, text, true);
	struct message_header *list = ARENA_ARRAY(arena, struct message_header, kafka_headers_max);
	uint32_t count = 0;
	if (!take(&s, '['))
		return false;
	if (json_peek(&s) != ']') {
		do {
			if (count == kafka_headers_max || !read_header(&s, arena, &list[count]))
				return false;
			count++;
		} while (take(&s, ','));
	}
	letter->headers = list;
	letter->header_count = count;
	return take(&s, ']') && json_peek(&s) == '\0' && s.at == s.end;
}
