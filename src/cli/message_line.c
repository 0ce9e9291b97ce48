#include "cli/message_line.h"

#include "data/change.h"
#include "data/value.h"

#include <inttypes.h>

enum { key_width_max = 40 };

void message_line_paint(struct message_line *p, enum message_color color)
{
	static const char *const codes[] = {
		[COLOR_PLAIN] = "\033[0m",
		[COLOR_DIM] = "\033[2m",
		[COLOR_RED] = "\033[31m",
		[COLOR_GREEN] = "\033[32m",
		[COLOR_YELLOW] = "\033[33m",
		[COLOR_BLUE] = "\033[34m",
		[COLOR_CYAN] = "\033[36m",
	};
	if (p->color)
		strbuf_add_c(&p->out, codes[color]);
}

/* Bytes from outside must not move the cursor: what is not printable UTF-8 comes as \xNN. */
static size_t add_char(struct message_line *p, struct str s, size_t at)
{
	unsigned char c = (unsigned char)s.data[at];
	size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
	bool good = len > 0 && c < 0xf5 && c >= 0x20 && c != 0x7f && at + len <= s.len;
	for (size_t i = 1; good && i < len; i++)
		good = ((unsigned char)s.data[at + i] & 0xc0) == 0x80;
	/* U+0080 to U+009F are control characters as well */
	good = good && !(c == 0xc2 && (unsigned char)s.data[at + 1] < 0xa0);
	if (!good) {
		strbuf_addf(&p->out, "\\x%02x", c);
		return 1;
	}
	strbuf_add(&p->out, str_sub(s, at, len));
	return len;
}

void message_line_text(struct message_line *p, struct str s)
{
	for (size_t at = 0; at < s.len;)
		at += add_char(p, s, at);
}

static size_t json_string_end(struct str s, size_t at)
{
	for (at++; at < s.len && s.data[at] != '"'; at++)
		if (s.data[at] == '\\')
			at++;
	return at < s.len ? at + 1 : s.len;
}

static enum message_color op_color(struct str op)
{
	switch (change_op_parse(op)) {
	case CHANGE_INSERT:
	case CHANGE_READ:
	case CHANGE_UPSERT:
		return COLOR_GREEN;
	case CHANGE_UPDATE:
		return COLOR_YELLOW;
	case CHANGE_DELETE:
	case CHANGE_TRUNCATE:
	case CHANGE_TOMBSTONE:
		return COLOR_RED;
	case CHANGE_UNKNOWN:
	case change_op_count:
		break;
	}
	return COLOR_PLAIN;
}

void message_line_op(struct message_line *p, struct str op)
{
	message_line_paint(p, op_color(op));
	message_line_text(p, op);
	message_line_paint(p, COLOR_PLAIN);
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
		c == '.' || c == 'E';
}

/* Colours by the shape of tokens; text that is no JSON stays readable as it is. */
static void add_json(struct message_line *p, struct str s)
{
	size_t at = 0;
	bool is_op = false; /* what comes is the value of "op" */
	while (at < s.len) {
		size_t end = at;
		enum message_color color = COLOR_PLAIN;
		if (s.data[at] == '"') {
			end = json_string_end(s, at);
			size_t next = end;
			while (next < s.len && s.data[next] == ' ')
				next++;
			bool is_name = next < s.len && s.data[next] == ':';
			color = is_name ? COLOR_BLUE : COLOR_GREEN;
			struct str token = str_sub(s, at, end - at);
			if (is_op && !is_name)
				color = op_color(str_sub(s, at + 1, end - at - 2));
			is_op = is_name && str_eq(token, str_lit("\"op\""));
		} else if (is_word(s.data[at])) {
			while (end < s.len && is_word(s.data[end]))
				end++;
			color = s.data[at] >= 'a' ? COLOR_YELLOW : COLOR_CYAN;
		} else {
			at += add_char(p, s, at);
			continue;
		}
		message_line_paint(p, color);
		message_line_text(p, str_sub(s, at, end - at));
		message_line_paint(p, COLOR_PLAIN);
		at = end;
	}
}

static void pad(struct message_line *p, size_t from, int width)
{
	for (size_t i = p->out.len - from; i < (size_t)width; i++)
		strbuf_add_byte(&p->out, ' ');
}

static int widen(int *width, size_t len, int max)
{
	if ((int)len > *width)
		*width = (int)len > max ? max : (int)len;
	return *width;
}

static void add_place(struct message_line *p, const struct messages *m, uint32_t i)
{
	size_t from = p->out.len;
	strbuf_addf(&p->out, "%" PRId32 "@%" PRId64, m->partition[i], m->offset[i]);
	pad(p, from, widen(&p->place_width, p->out.len - from, 30));
	strbuf_add_c(&p->out, "  ");
}

static void add_time(struct message_line *p, int64_t timestamp_us)
{
	if (timestamp_us < 0) {
		strbuf_add_c(&p->out, "-                        ");
		return;
	}
	struct value v = {.type = {.id = TYPE_TIMESTAMP}};
	v.as.i64 = timestamp_us / 1000000 * 1000000;
	value_text(&v, VALUE_CAST, NULL, &p->out);
	strbuf_addf(&p->out, ".%03dZ ", (int)(timestamp_us / 1000 % 1000));
}

static void add_key(struct message_line *p, struct str key)
{
	size_t from = p->out.len;
	if (key.data == NULL)
		strbuf_add_c(&p->out, "-");
	else
		message_line_text(p, key);
	pad(p, from, widen(&p->key_width, p->out.len - from, key_width_max));
	strbuf_add_c(&p->out, "  ");
}

static void add_headers(struct message_line *p, const struct messages *m, uint32_t i)
{
	message_line_paint(p, COLOR_DIM);
	for (uint32_t h = 0; h < m->header_count[i]; h++) {
		strbuf_add_c(&p->out, h == 0 ? "  [" : " ");
		message_line_text(p, m->headers[i][h].name);
		strbuf_add_c(&p->out, "=");
		if (m->headers[i][h].value.data == NULL)
			strbuf_add_c(&p->out, "(null)");
		else
			message_line_text(p, m->headers[i][h].value);
	}
	if (m->header_count[i] > 0)
		strbuf_add_c(&p->out, "]");
	message_line_paint(p, COLOR_PLAIN);
}

void message_line_add(struct message_line *p, const struct messages *m, uint32_t i)
{
	message_line_paint(p, COLOR_DIM);
	add_place(p, m, i);
	add_time(p, m->timestamp_us[i]);
	message_line_paint(p, COLOR_PLAIN);
	add_key(p, m->key[i]);
	struct str value = m->value[i];
	if (value.data == NULL) {
		message_line_paint(p, COLOR_YELLOW);
		strbuf_add_c(&p->out, "(tombstone)");
		message_line_paint(p, COLOR_PLAIN);
	} else if (p->events && message_line_event(p, value)) {
		/* written */
	} else if (p->color && value.len > 0 && (value.data[0] == '{' || value.data[0] == '[')) {
		add_json(p, value);
	} else {
		message_line_text(p, value);
	}
	if (p->headers)
		add_headers(p, m, i);
	strbuf_add_byte(&p->out, '\n');
}
