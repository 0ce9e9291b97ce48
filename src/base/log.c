#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { log_line_bytes_max = 4096, status_bytes_max = 1024 };

static struct {
	pthread_mutex_t lock; /* the helper thread may log too */
	const struct clock *clock;
	enum log_level level;
	bool color;
	char status[status_bytes_max]; /* what is on the terminal's last line; empty: nothing */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .clock = &clock_system, .level = LOG_INFO};

void log_init(const struct clock *clock, enum log_level level, bool color)
{
	state.clock = clock;
	state.level = level;
	state.color = color;
}

enum log_level log_level(void)
{
	return state.level;
}

bool log_color(void)
{
	return state.color;
}

/* A log that cannot be written has nobody to tell. */
static void write_stderr(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, data, len);
		if (n <= 0) {
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

static const char *level_name(enum log_level level)
{
	static const char *const names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
	return names[level];
}

static const char *level_color(enum log_level level)
{
	static const char *const colors[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
	return colors[level];
}

/* People look at their own wall clock, so the log's time is local. */
static void add_time(struct strbuf *out)
{
	int64_t now_us = clock_wall_us(state.clock);
	int hour, minute, second;
	clock_local_time(now_us, &hour, &minute, &second);
	strbuf_addf(
		out, "%02d:%02d:%02d.%03d ", hour, minute, second, (int)(now_us % 1000000 / 1000));
}

/* A message from outside (a topic's name, a record) must not move the cursor or fake another line.
 */
static void add_printable(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '\n') {
			strbuf_add_c(out, "\\n");
		} else if ((c < 0x20 && c != '\t') || c == 0x7f) {
			strbuf_addf(out, "\\x%02x", c);
		} else {
			strbuf_add_byte(out, (char)c);
		}
	}
}

void log_line(enum log_level level, const char *subject, const char *format, ...)
{
	if (level < state.level || level >= LOG_NONE) {
		return;
	}
	char text[log_line_bytes_max];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);

	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	if (state.status[0] != '\0') {
		strbuf_add_c(&out, "\r\033[K");
	}
	add_time(&out);
	strbuf_addf(&out, "%s%s%s %s  ", state.color ? level_color(level) : "", level_name(level),
		state.color ? "\033[0m" : "", subject);
	add_printable(&out, text);
	strbuf_add_byte(&out, '\n');
	strbuf_add_c(&out, state.status);
	write_stderr(out.data, out.len);
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
}

enum { shown_bytes_max = 200, shown_before_caret = 80 };

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

/* The caret line repeats the tabs of the source line, so that both are indented alike. */
static void add_source_line(struct strbuf *out, const struct error *err)
{
	struct str line = shown_part(err);
	size_t from = (size_t)(line.data - err->source_line);
	bool cut_after = from + line.len < strlen(err->source_line);
	strbuf_addf(out, "  %s" STR_FMT "%s\n", from > 0 ? "..." : "", STR_ARG(line),
		cut_after ? "..." : "");
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
	strbuf_add_c(out, state.color ? "\033[32m^" : "^");
	for (size_t at = caret + 1; at < caret + (size_t)err->caret_len; at++) {
		if (cut_after && at >= line.len)
			break;
		if (at >= line.len || !continues(line.data[at])) {
			strbuf_add_byte(out, '~');
		}
	}
	strbuf_add_c(out, state.color ? "\033[0m\n" : "\n");
}

void log_print_error(const struct error *err)
{
	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	if (state.status[0] != '\0') {
		strbuf_add_c(&out, "\r\033[K");
	}
	strbuf_addf(
		&out, "%scdcl:%s ", state.color ? "\033[31m" : "", state.color ? "\033[0m" : "");
	if (err->place[0] != '\0') {
		strbuf_addf(&out, "%s: ", err->place);
	}
	strbuf_add_c(&out, err->text);
	strbuf_add_byte(&out, '\n');
	if (err->source_line[0] != '\0') {
		add_source_line(&out, err);
	}
	if (err->help[0] != '\0') {
		strbuf_addf(&out, "help: %s\n", err->help);
	}
	strbuf_add_c(&out, state.status);
	write_stderr(out.data, out.len);
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
}

void log_print_text(struct str text)
{
	pthread_mutex_lock(&state.lock);
	write_stderr(text.data, text.len);
	pthread_mutex_unlock(&state.lock);
}

static size_t terminal_columns(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		return size.ws_col;
	}
	const char *columns = getenv("COLUMNS");
	int n = columns == NULL ? 0 : atoi(columns);
	return n > 0 ? (size_t)n : 80;
}

/* A line that wraps could not be cleared again: it is cut at a character, one short of the width.
 */
static size_t cut_to_columns(const char *line, size_t columns)
{
	size_t used = 0, i = 0;
	for (; line[i] != '\0' && i < status_bytes_max - 1; i++) {
		if (((unsigned char)line[i] & 0xc0) != 0x80 && ++used >= columns) {
			break;
		}
	}
	return i;
}

void log_set_status(const char *line)
{
	if (!isatty(STDERR_FILENO)) {
		return;
	}
	pthread_mutex_lock(&state.lock);
	char out[status_bytes_max + 16];
	if (line == NULL || line[0] == '\0') {
		if (state.status[0] != '\0') {
			write_stderr("\r\033[K", 4);
		}
		state.status[0] = '\0';
	} else {
		size_t len = cut_to_columns(line, terminal_columns());
		memcpy(state.status, line, len);
		state.status[len] = '\0';
		int n = snprintf(out, sizeof out, "\r%s\033[K", state.status);
		write_stderr(out, (size_t)n);
	}
	pthread_mutex_unlock(&state.lock);
}

static void rewrite_status(const char *text)
{
	pthread_mutex_lock(&state.lock);
	if (state.status[0] != '\0' && isatty(STDOUT_FILENO)) {
		write_stderr(text, strlen(text));
	}
	pthread_mutex_unlock(&state.lock);
}

void log_hide_status(void)
{
	rewrite_status("\r\033[K");
}

void log_show_status(void)
{
	rewrite_status(state.status);
}
