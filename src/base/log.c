#include "base/log.h"

#include "base/clock.h"
#include "base/log_line.h"
#include "base/log_repeat.h"
#include "base/secret.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { log_line_bytes_max = 4096, status_bytes_max = 1024 };

static struct {
	pthread_mutex_t lock; /* the helper thread may log too */
	const struct clock *clock;
	enum log_level level;
	enum log_format format;
	bool color;
	bool journal; /* stderr goes to systemd's journal */
	char status[status_bytes_max]; /* what is on the terminal's last line; empty: nothing */
	struct log_repeat repeats;
	struct log_taker *taker; /* NULL: lines are written here */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .clock = &clock_system, .level = LOG_INFO};

static _Atomic int64_t counts[LOG_NONE];

/* systemd names the device and inode of the stream that it gave us as stderr. */
static bool is_journal(void)
{
	const char *named = getenv("JOURNAL_STREAM");
	struct stat st;
	char own[64];
	if (named == NULL || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	return strcmp(named, own) == 0;
}

void log_init(const struct clock *clock, enum log_level level, bool color)
{
	state.clock = clock;
	state.level = level;
	state.color = color;
	state.journal = is_journal();
}

void log_forked(void)
{
	pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;
	state.lock = unlocked;
	state.status[0] = '\0';
}

void log_set_format(enum log_format format)
{
	state.format = format;
	state.color = state.color && format == LOG_TEXT;
}

enum log_format log_format(void)
{
	return state.format;
}

enum log_level log_level(void)
{
	return state.level;
}

bool log_color(void)
{
	return state.color;
}

int64_t log_count(enum log_level level)
{
	return atomic_load_explicit(&counts[level], memory_order_relaxed);
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

/* Between the live line's end and its new beginning; with the lock held. */
static void write_around_status(struct str text)
{
	struct strbuf out, hidden;
	strbuf_init(&out);
	strbuf_init(&hidden);
	if (state.status[0] != '\0')
		strbuf_add_c(&out, "\r\033[K");
	strbuf_add(&out, secret_hidden(text, &hidden));
	strbuf_release(&hidden);
	strbuf_add_c(&out, state.status);
	write_stderr(out.data, out.len);
	strbuf_release(&out);
}

static void add_message(const struct log_message *m, struct strbuf *out)
{
	if (state.format == LOG_JSON)
		log_line_json(m, out);
	else if (state.journal)
		log_line_journal(m, out);
	else
		log_line_text(m, state.color, out);
}

/* With the lock held. */
static void add_hidden(const struct log_hidden *h, struct strbuf *out)
{
	char text[64 + log_like_bytes];
	snprintf(text, sizeof text, "%lld more like this: %s", (long long)h->count, h->like);
	struct log_message m = {.level = (enum log_level)h->level,
		.area = h->area,
		.text = str_c(text),
		.wall_us = clock_wall_us(state.clock)};
	add_message(&m, out);
}

/* Of the words: what numbers stand in them makes no other class. */
static uint64_t class_of(const struct log_message *m, const char *format)
{
	const char *subject = m->area, *text = m->text.data;
	char words[256];
	if (m->place != NULL && m->place->kind != 0)
		return m->place->kind;
	size_t len = 0;
	const char *from = strcmp(format, "%s") == 0 ? text : format;
	for (; *from != '\0' && len < sizeof words; from++)
		if (*from < '0' || *from > '9')
			words[len++] = *from;
	return XXH3_64bits_withSeed(words, len, XXH3_64bits(subject, strlen(subject)));
}

static void print_message(struct log_message *m, const char *format)
{
	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	m->wall_us = clock_wall_us(state.clock);
	bool shown = true;
	if (m->level >= LOG_WARN) {
		struct log_hidden told;
		struct strbuf hidden; /* what is cut off could be half a secret */
		strbuf_init(&hidden);
		shown = log_repeat_show(&state.repeats, class_of(m, format), m->area,
			(int)m->level, secret_hidden(m->text, &hidden),
			clock_monotonic_us(state.clock), &told);
		strbuf_release(&hidden);
		if (told.count > 0)
			add_hidden(&told, &out);
	}
	if (shown)
		add_message(m, &out);
	if (out.len > 0)
		write_around_status(strbuf_str(&out));
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
}

static void log_args(enum log_level level, const char *subject, const struct log_place *place,
	const char *format, va_list args)
{
	if (level >= LOG_NONE)
		return;
	atomic_fetch_add_explicit(&counts[level], 1, memory_order_relaxed);
	if (level < state.level)
		return;
	char text[log_line_bytes_max];
	vsnprintf(text, sizeof text, format, args);
	if (state.taker != NULL) {
		struct log_taken line = {level, subject, format, str_c(text), {.topic = {NULL, 0}}};
		line.place = place == NULL ? line.place : *place;
		state.taker->take(state.taker, &line);
		return;
	}
	struct log_message m = {
		.level = level, .area = subject, .text = str_c(text), .place = place};
	print_message(&m, format);
}

void log_take(struct log_taker *taker)
{
	state.taker = taker;
}

void log_again(const struct log_taken *line)
{
	if (line->area == NULL) {
		log_print_line(line->text);
		return;
	}
	atomic_fetch_add_explicit(&counts[line->level], 1, memory_order_relaxed);
	struct log_message m = {.level = line->level,
		.area = line->area,
		.text = line->text,
		.place = line->place.topic.data == NULL ? NULL : &line->place};
	print_message(&m, line->format);
}

void log_line(enum log_level level, const char *subject, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_args(level, subject, NULL, format, args);
	va_end(args);
}

void log_record(enum log_level level, const char *subject, const struct log_place *place,
	const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_args(level, subject, place, format, args);
	va_end(args);
}

void log_tell_hidden(bool all)
{
	struct log_hidden told;
	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	while (log_repeat_next(&state.repeats, clock_monotonic_us(state.clock), all, &told))
		add_hidden(&told, &out);
	if (out.len > 0)
		write_around_status(strbuf_str(&out));
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
}

void log_print_error(const struct error *err)
{
	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	if (state.format == LOG_JSON)
		log_error_json(err, clock_wall_us(state.clock), &out);
	else
		log_error_text(err, state.color, &out);
	write_around_status(strbuf_str(&out));
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
}

void log_print_text(struct str text)
{
	pthread_mutex_lock(&state.lock);
	write_stderr(text.data, text.len);
	pthread_mutex_unlock(&state.lock);
}

void log_print_line(struct str line)
{
	if (state.taker != NULL) {
		struct log_taken taken = {.text = line};
		state.taker->take(state.taker, &taken);
		return;
	}
	struct strbuf out;
	strbuf_init(&out);
	pthread_mutex_lock(&state.lock);
	if (state.format == LOG_JSON) {
		struct log_message m = {.level = LOG_INFO,
			.area = "print",
			.text = line,
			.wall_us = clock_wall_us(state.clock)};
		log_line_json(&m, &out);
	} else {
		strbuf_add(&out, line);
		strbuf_add_byte(&out, '\n');
	}
	write_around_status(strbuf_str(&out));
	pthread_mutex_unlock(&state.lock);
	strbuf_release(&out);
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
	if (!isatty(STDERR_FILENO) || state.format == LOG_JSON) {
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
