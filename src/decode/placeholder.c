#include "decode/placeholder.h"

#include "base/check.h"
#include "decode/envelope_decimal.h"
#include "decode/json_number.h"

#define TEXT "__debezium_unavailable_value"
#define BASE64 "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
#define HEX "5f5f646562657a69756d5f756e617661696c61626c655f76616c7565"
#define MAP "{\"" TEXT "\":\"" TEXT "\"}"
#define MAP_ESCAPED "{\\\"" TEXT "\\\":\\\"" TEXT "\\\"}"

#define LEN(literal) (sizeof(literal) - 1)

_Static_assert(LEN(TEXT) == placeholder_bytes_min, "the shortest form");
_Static_assert(LEN(MAP_ESCAPED) == placeholder_text_bytes_max, "the longest form of a string");

static bool same(struct str s, const char *literal)
{
	return memcmp(s.data, literal, s.len) == 0;
}

bool placeholder_is_text(struct str s)
{
	switch (s.len) {
	case LEN(TEXT):
		return same(s, TEXT);
	case LEN(BASE64) - 2: /* URL-safe base64 may go without its padding */
	case LEN(BASE64):
		return same(s, BASE64);
	case LEN(HEX):
		return same(s, HEX);
	case LEN(MAP):
		return same(s, MAP);
	case LEN(MAP_ESCAPED):
		return same(s, MAP_ESCAPED);
	default:
		return false;
	}
}

/* ---- arrays ---- */

static struct str between_quotes(struct str string)
{
	return str_sub(string, 1, string.len >= 2 ? string.len - 2 : 0);
}

static bool is_whole(struct str element)
{
	if (json_kind_of(element) != JSON_KIND_STRING)
		return false;
	struct str s = between_quotes(element);
	return placeholder_is_text(s) || str_eq(s, str_lit("b68a35a7-17ad-35b3-af2a-ae46edb4545a"));
}

/* One byte of the text as a number of any type: a decimal has it as its unscaled value. */
static bool is_byte(struct str element, char byte)
{
	int128 v;
	int64_t scale;
	struct str base64 = between_quotes(element);
	enum json_kind kind = json_kind_of(element);
	if (kind == JSON_KIND_NUMBER)
		return json_number_double(element) == (double)byte;
	if (kind == JSON_KIND_OBJECT && !decimal_read_variable(element, &base64, &scale))
		return false;
	return (kind == JSON_KIND_STRING || kind == JSON_KIND_OBJECT) &&
		decimal_from_base64(base64, &v) && v == byte;
}

static bool is_array(struct str text)
{
	size_t at = 0, count = 0;
	struct str name, element;
	for (; json_next(text, &at, &name, &element); count++) {
		if (count == 0 && is_whole(element))
			return !json_next(text, &at, &name, &element);
		if (count == LEN(TEXT) || !is_byte(element, TEXT[count]))
			return false;
	}
	return count == LEN(TEXT);
}

/* ---- objects ---- */

/* A geometry and a point at x = y = -99999999, a geography beside the north pole. */
static bool is_nowhere(struct str object)
{
	static const struct str forms[] = {str_lit("\"AQEAACDmEAAAAAAA/IPXl8EAAAD8g9eXwQ==\""),
		str_lit("\"AQEAAAAAAAD8g9eXwQAAAPyD15fB\""),
		str_lit("\"AQEAACDmEAAADCHn/f9/ZkAYQs77/39WQA==\"")};
	struct json_step step = {.field = str_lit("wkb")};
	struct str wkb;
	if (!str_starts(object, str_lit("{\"wkb\":")) && !str_starts(object, str_lit("{\"x\":")))
		return false;
	if (!json_path_find(object, &step, 1, &wkb))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_eq(wkb, forms[i]))
			return true;
	return false;
}

bool placeholder_is_value(enum json_kind kind, struct str text)
{
	if (text.len < placeholder_bytes_min || text.len > placeholder_bytes_max)
		return false;
	if (kind == JSON_KIND_STRING)
		return placeholder_is_text(text);
	if (kind == JSON_KIND_ARRAY)
		return is_array(text);
	return kind == JSON_KIND_OBJECT && (placeholder_is_text(text) || is_nowhere(text));
}
