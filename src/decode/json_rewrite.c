#include "decode/json_rewrite.h"

#include "decode/json_number.h"
#include "base/utf8.h"

#include <math.h>

static void put_special(double d, struct strbuf *out)
{
	strbuf_add_c(out, isnan(d) ? "\"NaN\"" : d < 0 ? "\"-Infinity\"" : "\"Infinity\"");
}

static void put_number(const struct json_token *t, struct strbuf *out)
{
	double special;
	if (t->special && json_number_special(t->text, &special))
		put_special(special, out);
	else if (str_eq(t->text, str_lit("-0")))
		strbuf_add_byte(out, '0');
	else
		strbuf_add(out, t->text);
}

static unsigned hex_digit(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

static uint32_t escape_value(const char *p)
{
	return hex_digit(p[2]) << 12 | hex_digit(p[3]) << 8 | hex_digit(p[4]) << 4 |
		hex_digit(p[5]);
}

static void put_char(uint32_t c, struct strbuf *out)
{
	static const char short_forms[] = "\b\f\n\r\t\"\\";
	static const char letters[] = "bfnrt\"\\";
	const char *found = c > 0 && c < 0x80 ? strchr(short_forms, (int)c) : NULL;
	char bytes[4];
	if (found != NULL) {
		strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, letters[found - short_forms]);
	} else if (c < 0x20 || (c >= 0xD800 && c < 0xE000)) {
		strbuf_addf(out, "\\u%04X", (unsigned)c);
	} else if (c >= 0x10000) {      /* as Jackson writes what is not in the first plane */
		strbuf_addf(out, "\\u%04X\\u%04X", (unsigned)(0xD7C0 + (c >> 10)),
			(unsigned)(0xDC00 + (c & 0x3FF)));
	} else {
		strbuf_add(out, (struct str){bytes, utf8_put(bytes, c)});
	}
}

static void put_string(const struct json_token *t, struct strbuf *out)
{
	static const char letters[] = "bfnrt";
	static const char values[] = "\b\f\n\r\t";
	const char *p = t->text.data, *end = p + t->text.len;
	strbuf_add_byte(out, '"');
	while (p < end) {
		if (*p == '\\' && p[1] == 'u') {
			put_char(escape_value(p), out); /* of a pair, each half by itself */
			p += 6;
		} else if (*p == '\\') {
			const char *found = strchr(letters, p[1]);
			put_char((unsigned char)(found != NULL ? values[found - letters] : p[1]),
				out);
			p += 2;
		} else if ((unsigned char)*p < 0x80) {
			put_char((unsigned char)*p++, out);
		} else {
			size_t at = 0;
			put_char(utf8_next((struct str){p, (size_t)(end - p)}, &at), out);
			p += at;
		}
	}
	strbuf_add_byte(out, '"');
}

/* The container was accepted before, so the tokens are walked without a stack. */
static void put_container(struct str text, struct strbuf *out)
{
	struct json_scan s;
	struct json_token t;
	json_scan_init(&s, text, false);
	for (char c = json_peek(&s); s.at < s.end; c = json_peek(&s)) {
		if (strchr("{}[]:,", c) != NULL) {
			strbuf_add_byte(out, c);
			s.at++;
			continue;
		}
		if (!json_scan_value(&s, 0, &t))
			return;
		if (t.kind == JSON_KIND_STRING)
			put_string(&t, out);
		else if (t.kind == JSON_KIND_NUMBER)
			put_number(&t, out);
		else
			strbuf_add(out, t.text);
	}
}

void json_rewrite(const struct json_token *value, struct strbuf *out)
{
	if (value->kind == JSON_KIND_NUMBER)
		put_number(value, out);
	else if (value->kind == JSON_KIND_OBJECT || value->kind == JSON_KIND_ARRAY)
		put_container(value->text, out);
	else
		strbuf_add(out, value->text);
}
