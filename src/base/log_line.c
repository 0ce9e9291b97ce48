#include "base/log_line.h"

#include "base/clock.h"
#include "base/json_text.h"
#include "base/utf8.h"

#include <inttypes.h>

enum { shown_bytes_max = 200, shown_before_caret = 80 };

static const char *level_color(enum log_level level)
{
	static const char *const colors[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
	return colors[level];
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	return names[level];
}

/* Of those that are not ASCII: C1 controls, line separators, marks of the writing direction. */
static bool misleads(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
		(c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void add_bytes_escaped(struct str bytes, struct strbuf *out)
{
	for (size_t i = 0; i < bytes.len; i++)
		strbuf_addf(out, "\\x%02x", (unsigned char)bytes.data[i]);
}

/* The next character, *at behind it; *shown: it may stand in a line as it is. */
static struct str next_character(struct str text, size_t *at, bool *shown)
{
	size_t start = *at, from = 0;
	unsigned char c = (unsigned char)text.data[start];
	bool malformed = false;
	*at += utf8_step(text.data + start, text.data + text.len, &malformed);
	struct str one = str_sub(text, start, *at - start);
	*shown = !malformed && (c >= 0x20 || c == '\t') && c != 0x7f &&
		(c < 0x80 || !misleads(utf8_next(one, &from)));
	return one;
}

void log_add_printable(struct str text, const char *line_end, struct strbuf *out)
{
	size_t at = 0;
	while (at < text.len) {
		bool shown;
		struct str one = next_character(text, &at, &shown);
		if (one.data[0] == '\n')
			strbuf_add_c(out, line_end);
		else if (shown)
			strbuf_add(out, one);
		else
			add_bytes_escaped(one, out);
	}
}

/* ---- messages ---- */

static void add_place(const struct log_place *place, struct strbuf *out)
{
	if (place == NULL)
		return;
	log_add_printable(place->topic, "\\n", out);
	strbuf_addf(out, "/%" PRId32 "@%" PRId64 " ", place->partition, place->offset);
}

void log_line_text(const struct log_message *m, bool color, struct strbuf *out)
{
	static const char *const names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
	/* People look at their own wall clock, so the log's time is local. */
	int hour, minute, second;
	clock_local_time(m->wall_us, &hour, &minute, &second);
	strbuf_addf(out, "%02d:%02d:%02d.%03d %s%s%s %s  ", hour, minute, second,
		(int)(m->wall_us % 1000000 / 1000), color ? level_color(m->level) : "",
		names[m->level], color ? "\033[0m" : "", m->area);
	add_place(m->place, out);
	log_add_printable(m->text, "\\n", out);
	strbuf_add_byte(out, '\n');
}

void log_line_journal(const struct log_message *m, struct strbuf *out)
{
	static const char syslog_levels[] = {'7', '6', '4', '3'};
	strbuf_addf(out, "<%c>%s  ", syslog_levels[m->level], m->area);
	add_place(m->place, out);
	log_add_printable(m->text, "\\n", out);
	strbuf_add_byte(out, '\n');
}

/* A log is read by people, too: what would mislead them is escaped, which JSON leaves open. */
static void add_json_string(struct str text, struct strbuf *out)
{
	struct strbuf quoted;
	strbuf_init(&quoted);
	json_text_string(text, &quoted);
	struct str all = strbuf_str(&quoted);
	for (size_t at = 0; at < all.len;) {
		size_t start = at;
		uint32_t c = utf8_next(all, &at);
		if (c == 0x7f || misleads(c))
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_add(out, str_sub(all, start, at - start));
	}
	strbuf_release(&quoted);
}

static void add_json_head(int64_t wall_us, enum log_level level, const char *area,
	struct str message, struct strbuf *out)
{
	char ts[clock_text_bytes];
	clock_utc_text(wall_us, ts);
	strbuf_addf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"area\":", ts, log_level_name(level));
	add_json_string(str_c(area), out);
	strbuf_add_c(out, ",\"message\":");
	add_json_string(message, out);
}

void log_line_json(const struct log_message *m, struct strbuf *out)
{
	add_json_head(m->wall_us, m->level, m->area, m->text, out);
	if (m->place != NULL) {
		strbuf_add_c(out, ",\"topic\":");
		add_json_string(m->place->topic, out);
		strbuf_addf(out, ",\"partition\":%" PRId32 ",\"offset\":%" PRId64,
			m->place->partition, m->place->offset);
	}
	strbuf_add_c(out, "}\n");
}

/* ---- errors ---- */

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* What is shown of a source line: all of it, or what stands around the caret of a long one. */
static struct str shown_part(const struct error *err)
{
	struct str line = str_c(err->source_line);
	if (line.len <= shown_bytes_max)
		return line;
	size_t caret = err->caret_start < 0 ? 0 : (size_t)err->caret_start;
	size_t from = caret > shown_before_caret ? caret - shown_before_caret : 0;
	while (from > 0 && from < line.len && continues(line.data[from]))
		from--;
	size_t end = line.len - from > shown_bytes_max ? from + shown_bytes_max : line.len;
	while (end < line.len && continues(line.data[end]))
		end++;
	return str_sub(line, from, end - from);
}

/* What must not be shown takes one column, so that the caret stands where it should. */
static void add_one_column_each(struct str line, struct strbuf *out)
{
	for (size_t at = 0; at < line.len;) {
		bool shown;
		struct str one = next_character(line, &at, &shown);
		if (shown)
			strbuf_add(out, one);
		else
			strbuf_add_byte(out, '?');
	}
}

/* The caret line repeats the tabs of the source line, so that both are indented alike. */
static void add_source_line(struct strbuf *out, const struct error *err, bool color)
{
	struct str line = shown_part(err);
	size_t from = (size_t)(line.data - err->source_line);
	bool cut_after = from + line.len < strlen(err->source_line);
	strbuf_addf(out, "  %s", from > 0 ? "..." : "");
	add_one_column_each(line, out);
	strbuf_addf(out, "%s\n", cut_after ? "..." : "");
	if (err->caret_start < 0) {
		return;
	}
	strbuf_add_c(out, from > 0 ? "     " : "  ");
	size_t caret = (size_t)err->caret_start - from;
	for (size_t i = 0; i < caret; i++) {
		char c = i < line.len ? line.data[i] : ' ';
		if (!continues(c)) { /* one column for a character, not for a byte */
			strbuf_add_byte(out, c == '\t' ? '\t' : ' ');
		}
	}
	strbuf_add_c(out, color ? "\033[32m^" : "^");
	for (size_t at = caret + 1; at < caret + (size_t)err->caret_len; at++) {
		if (cut_after && at >= line.len)
			break;
		if (at >= line.len || !continues(line.data[at])) {
			strbuf_add_byte(out, '~');
		}
	}
	strbuf_add_c(out, color ? "\033[0m\n" : "\n");
}

void log_error_text(const struct error *err, bool color, struct strbuf *out)
{
	strbuf_addf(out, "%scdcl:%s ", color ? "\033[31m" : "", color ? "\033[0m" : "");
	if (err->place[0] != '\0') {
		log_add_printable(str_c(err->place), "\\n", out);
		strbuf_add_c(out, ": ");
	}
	log_add_printable(str_c(err->text), "\n  ", out);
	strbuf_add_byte(out, '\n');
	if (err->source_line[0] != '\0')
		add_source_line(out, err, color);
	if (err->help[0] != '\0') {
		strbuf_add_c(out, "help: ");
		log_add_printable(str_c(err->help), "\n  ", out);
		strbuf_add_byte(out, '\n');
	}
}

static void add_json_text(const char *name, const char *text, struct strbuf *out)
{
	if (text[0] == '\0')
		return;
	strbuf_addf(out, ",\"%s\":", name);
	add_json_string(str_c(text), out);
}

void log_error_json(const struct error *err, int64_t wall_us, struct strbuf *out)
{
	add_json_head(wall_us, LOG_ERROR, "cdcl", str_c(err->text), out);
	add_json_text("place", err->place, out);
	add_json_text("line", err->source_line, out);
	add_json_text("help", err->help, out);
	strbuf_addf(out, ",\"exit\":%d}\n", error_exit_code(err->code));
}
