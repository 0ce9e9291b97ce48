#include "data/value.h"

#include "base/check.h"
#include "base/utf8.h"
#include "data/row_codec.h"
#include "data/timezone.h"

size_t int64_text(int64_t i, char out[24])
{
	char reversed[24];
	size_t n = 0, len = 0;
	uint64_t rest = i < 0 ? -(uint64_t)i : (uint64_t)i;
	do {
		reversed[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (i < 0) {
		out[len++] = '-';
	}
	while (n > 0) {
		out[len++] = reversed[--n];
	}
	return len;
}

void decimal_text(int128 unscaled, unsigned scale, struct strbuf *out)
{
	char reversed[48];
	unsigned n = 0;
	uint128 rest = unscaled < 0 ? -(uint128)unscaled : (uint128)unscaled;
	do {
		reversed[n++] = (char)('0' + (int)(rest % 10));
		rest /= 10;
	} while (rest != 0 || n <= scale);
	if (unscaled < 0) {
		strbuf_add_byte(out, '-');
	}
	while (n > 0) {
		if (n == scale) {
			strbuf_add_byte(out, '.');
		}
		strbuf_add_byte(out, reversed[--n]);
	}
}

static char *put_two(int n, char *out)
{
	out[0] = (char)('0' + n / 10);
	out[1] = (char)('0' + n % 10);
	return out + 2;
}

/* Four digits at least; a sign for years that do not fit them. */
static char *put_date(int64_t days, char *out)
{
	int64_t year;
	unsigned month, day;
	date_to_civil(days, &year, &month, &day);
	if (year > 9999 || year < 0) {
		*out++ = year < 0 ? '-' : '+';
	}
	int64_t size = year < 0 ? -year : year;
	if (size > 9999) {
		out += int64_text(size, out);
	} else {
		out = put_two((int)size % 100, put_two((int)size / 100, out));
	}
	*out++ = '-';
	out = put_two((int)month, out);
	*out++ = '-';
	return put_two((int)day, out);
}

static void add_date(int64_t days, struct strbuf *out)
{
	char text[48];
	strbuf_add(out, (struct str){text, (size_t)(put_date(days, text) - text)});
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

static void add_timestamp(int64_t us, const struct timezone *tz, struct strbuf *out)
{
	int64_t seconds = floor_div(us, 1000000);
	int64_t fraction = us % 1000000 + (us % 1000000 < 0 ? 1000000 : 0);
	int64_t local = seconds + timezone_offset_at(tz, seconds);
	int64_t days = floor_div(local, 86400);
	int of_day = (int)(local - days * 86400);
	char text[64], *end = put_date(days, text);
	*end++ = ' ';
	end = put_two(of_day / 3600, end);
	*end++ = ':';
	end = put_two(of_day / 60 % 60, end);
	*end++ = ':';
	end = put_two(of_day % 60, end);
	if (fraction != 0) {
		*end++ = '.';
		for (int i = 5; i >= 0; i--) {
			end[i] = (char)('0' + fraction % 10);
			fraction /= 10;
		}
		end += 6;
		while (end[-1] == '0') {
			end--;
		}
	}
	strbuf_add(out, (struct str){text, (size_t)(end - text)});
}

static void add_hex(struct str s, struct strbuf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	strbuf_add_byte(out, '[');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (i > 0) {
			strbuf_add_byte(out, ' ');
		}
		strbuf_add_byte(out, digits[c >> 4]);
		strbuf_add_byte(out, digits[c & 15]);
	}
	strbuf_add_byte(out, ']');
}

static void add_base64(struct str s, struct strbuf *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	strbuf_add_byte(out, '"');
	for (size_t i = 0; i < s.len; i += 3) {
		size_t left = s.len - i;
		uint32_t three = (uint32_t)(unsigned char)s.data[i] << 16;
		three |= left > 1 ? (uint32_t)(unsigned char)s.data[i + 1] << 8 : 0;
		three |= left > 2 ? (uint32_t)(unsigned char)s.data[i + 2] : 0;
		strbuf_add_byte(out, digits[three >> 18]);
		strbuf_add_byte(out, digits[three >> 12 & 63]);
		strbuf_add_byte(out, left > 1 ? digits[three >> 6 & 63] : '=');
		strbuf_add_byte(out, left > 2 ? digits[three & 63] : '=');
	}
	strbuf_add_byte(out, '"');
}

/* A string of JSON text from its opening quote at *at on, which may be a single one. */
static void add_json_quoted(struct str s, size_t *at, struct strbuf *out)
{
	char quote = s.data[(*at)++];
	strbuf_add_byte(out, '"');
	while (*at < s.len && s.data[*at] != quote) {
		size_t start = *at;
		char c = s.data[start];
		if (c == '\\' && start + 1 < s.len) {
			*at += 2;
			strbuf_add(out,
				s.data[start + 1] == '\'' ? str_lit("'") : str_sub(s, start, 2));
		} else if (c == '"' || c == '\\') {
			*at += 1;
			strbuf_add_byte(out, '\\');
			strbuf_add_byte(out, c);
		} else if (utf8_next(s, at) == utf8_replacement) {
			strbuf_add_c(out, "\xef\xbf\xbd");
		} else {
			strbuf_add(out, str_sub(s, start, *at - start));
		}
	}
	*at += *at < s.len ? 1 : 0;
	strbuf_add_byte(out, '"');
}

/* A number or a word; NaN and the infinities are quoted, as they are when they come from a double.
 */
static void add_json_word(struct str s, size_t *at, struct strbuf *out)
{
	size_t start = *at;
	while (*at < s.len && strchr(",:[]{} \t\r\n\"'", s.data[*at]) == NULL) {
		*at += 1;
	}
	struct str word = str_sub(s, start, *at - start);
	char sign = word.data[0];
	char first = (sign == '-' || sign == '+') && word.len > 1 ? word.data[1] : sign;
	if (first == 'N') {
		strbuf_add_c(out, "\"NaN\"");
	} else if (first == 'I') {
		strbuf_add_c(out, sign == '-' ? "\"-Infinity\"" : "\"Infinity\"");
	} else {
		strbuf_add(out, word);
	}
}

/*
 * A json column keeps its text as it came, which may be more than the standard allows. Who reads
 * lines of JSON gets the standard: double quotes, well-formed UTF-8, NaN as text, no line breaks.
 */
static void add_raw_json(struct str s, struct strbuf *out)
{
	strbuf_reserve(out, s.len);
	for (size_t at = 0; at < s.len;) {
		char c = s.data[at];
		if (c == '"' || c == '\'') {
			add_json_quoted(s, &at, out);
		} else if (strchr(",:[]{} \t\r\n", c) != NULL) {
			strbuf_add_byte(out, c == '\n' || c == '\r' ? ' ' : c);
			at++;
		} else {
			add_json_word(s, &at, out);
		}
	}
}

static void add_quoted(void (*add)(const struct value *, const struct timezone *, struct strbuf *),
	const struct value *v, const struct timezone *tz, struct strbuf *out)
{
	strbuf_add_byte(out, '"');
	add(v, tz, out);
	strbuf_add_byte(out, '"');
}

/* What has one text in every style. */
static void add_plain(const struct value *v, const struct timezone *tz, struct strbuf *out)
{
	char text[32];
	switch (v->type.id) {
	case TYPE_BOOLEAN: strbuf_add_c(out, v->as.boolean ? "true" : "false"); return;
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
	case TYPE_INT: strbuf_add(out, (struct str){text, int64_text(v->as.i32, text)}); return;
	case TYPE_BIGINT: strbuf_add(out, (struct str){text, int64_text(v->as.i64, text)}); return;
	case TYPE_FLOAT: strbuf_add(out, (struct str){text, float_text(v->as.f32, text)}); return;
	case TYPE_DOUBLE: strbuf_add(out, (struct str){text, double_text(v->as.f64, text)}); return;
	case TYPE_DECIMAL: decimal_text(v->as.i128, v->type.scale, out); return;
	case TYPE_DATE: add_date(v->as.i32, out); return;
	case TYPE_TIMESTAMP: add_timestamp(v->as.i64, tz, out); return;
	default: check_failed("no plain text", __FILE__, __LINE__);
	}
}

static bool is_finite(const struct value *v)
{
	double d = v->type.id == TYPE_FLOAT ? (double)v->as.f32 : v->as.f64;
	return d - d == 0;
}

static void add_array(const struct value *v, enum value_style style, const struct timezone *tz,
	struct strbuf *out)
{
	uint32_t count = row_codec_array_count(v->as.str);
	size_t at = sizeof count;
	strbuf_add_byte(out, '[');
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0) {
			strbuf_add_c(out, style == VALUE_JSON ? "," : ", ");
		}
		struct value element = row_codec_read(v->as.str, &at, *v->type.element);
		if (element.is_null && style == VALUE_CAST) {
			strbuf_add_c(out, "null"); /* Spark: capital letters in a box only */
		} else {
			value_text(&element, style, tz, out);
		}
	}
	strbuf_add_byte(out, ']');
}

static void add_str(const struct value *v, enum value_style style, struct strbuf *out)
{
	bool binary = v->type.id == TYPE_BINARY;
	if (style == VALUE_JSON && v->type.id == TYPE_JSON) {
		add_raw_json(v->as.str, out);
	} else if (style == VALUE_JSON) {
		(binary ? add_base64 : json_text_string)(v->as.str, out);
	} else if (style == VALUE_CONSOLE && binary) {
		add_hex(v->as.str, out);
	} else {
		strbuf_add(out, v->as.str);
	}
}

void value_text(const struct value *v, enum value_style style, const struct timezone *tz,
	struct strbuf *out)
{
	if (v->is_null || v->type.id == TYPE_NULL) {
		strbuf_add_c(out, style == VALUE_JSON ? "null" : "NULL");
		return;
	}
	switch (v->type.id) {
	case TYPE_STRING:
	case TYPE_BINARY:
	case TYPE_JSON: add_str(v, style, out); return;
	case TYPE_ARRAY: add_array(v, style, tz, out); return;
	case TYPE_DATE:
	case TYPE_TIMESTAMP:
		(style == VALUE_JSON ? add_quoted(add_plain, v, tz, out) : add_plain(v, tz, out));
		return;
	case TYPE_FLOAT:
	case TYPE_DOUBLE:
		if (style == VALUE_JSON && !is_finite(v)) {
			add_quoted(add_plain, v, tz, out);
			return;
		}
		add_plain(v, tz, out);
		return;
	default: add_plain(v, tz, out); return;
	}
}
