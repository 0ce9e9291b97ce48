#include "decode/json_path.h"

#include "base/arena.h"
#include "decode/json_scan.h"

/* The value is one whole JSON value as a decoder found it, so failures here only end the walk. */

/* Moves into the container, or over the comma before its next element. False: there is none. */
static bool enter_element(struct json_scan *s, size_t at, bool *object)
{
	char open = json_peek(s);
	*object = open == '{';
	if (open != '{' && open != '[')
		return false;
	if (at > 0)
		s->at = s->begin + at;
	if (at > 0 && json_peek(s) != ',')
		return false;
	s->at++;
	return json_peek(s) != (*object ? '}' : ']');
}

bool json_next(struct str container, size_t *at, struct str *name, struct str *value)
{
	struct json_scan s;
	struct json_token t;
	bool object;
	json_scan_init(&s, container, false);
	if (!enter_element(&s, *at, &object))
		return false;
	*name = (struct str){NULL, 0};
	if (object) {
		if (!json_scan_name(&s, &t))
			return false;
		*name = t.text;
	}
	json_skip_space(&s);
	const char *from = s.at;
	if (!json_scan_value(&s, 0, &t))
		return false;
	*value = (struct str){from, (size_t)(s.at - from)};
	*at = (size_t)(s.at - s.begin);
	return true;
}

/* Is it the field that is looked for? Escapes in its name are decoded only when there are any. */
static bool is_field(struct str name, struct str field)
{
	if (memchr(name.data, '\\', name.len) == NULL)
		return str_eq(name, field);
	struct arena arena;
	arena_init(&arena, name.len + 64);
	bool same = str_eq(json_unquote((struct str){name.data - 1, name.len + 2}, &arena), field);
	arena_release(&arena);
	return same;
}

static bool find_step(struct str container, const struct json_step *step, struct str *out)
{
	bool by_name = step->field.data != NULL, found = false;
	if (container.len == 0 ||
		json_kind_of(container) != (by_name ? JSON_KIND_OBJECT : JSON_KIND_ARRAY))
		return false;
	size_t at = 0;
	struct str name, value;
	for (int64_t i = 0; json_next(container, &at, &name, &value); i++) {
		if (by_name ? !is_field(name, step->field) : i != step->index)
			continue;
		*out = value;
		found = true;
		if (!by_name)
			break;
	}
	return found;
}

bool json_path_find(
	struct str json, const struct json_step *steps, uint32_t count, struct str *value)
{
	struct str current = str_trim(json);
	for (uint32_t i = 0; i < count; i++)
		if (!find_step(current, &steps[i], &current))
			return false;
	*value = current;
	return current.len > 0;
}

enum json_kind json_kind_of(struct str value)
{
	switch (value.data[0]) {
	case '{':
		return JSON_KIND_OBJECT;
	case '[':
		return JSON_KIND_ARRAY;
	case '"':
	case '\'':
		return JSON_KIND_STRING;
	case 't':
	case 'f':
		return JSON_KIND_BOOLEAN;
	case 'n':
		return JSON_KIND_NULL;
	default:
		return JSON_KIND_NUMBER;
	}
}

/* What stands between quotes need not have been scanned: a message's key may be any bytes. */
static bool has_whole_escapes(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] != '\\')
			continue;
		size_t end = ++i < s.len && s.data[i] == 'u' ? i + 4 : i;
		if (end >= s.len)
			return false;
		while (i < end)
			if (!json_is_hex(s.data[++i]))
				return false;
	}
	return true;
}

struct str json_unquote(struct str value, struct arena *arena)
{
	if (value.len < 2 || (value.data[0] != '"' && value.data[0] != '\''))
		return value;
	struct json_token t = {.kind = JSON_KIND_STRING, .text = {value.data + 1, value.len - 2}};
	for (size_t i = 0; i < t.text.len; i++) {
		t.escaped |= t.text.data[i] == '\\';
		t.wide |= (unsigned char)t.text.data[i] >= 0x80;
	}
	return t.escaped && !has_whole_escapes(t.text) ? value : json_string_value(&t, arena);
}
