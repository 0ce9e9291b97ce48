#ifndef CDCL_LOG_H
#define CDCL_LOG_H

/*
 * Lines for people, or for machines as JSON, on stderr. stdout is data and is never written here.
 * When a status line is on the terminal, it is cleared before a log line and drawn again after it
 * (log_set_status). One line per event: "12:04:05.123 INFO  batch  rows=5,120 12.4ms lag=0".
 *
 * Warnings and errors that repeat are counted instead (base/log_repeat.h); what is of a record says
 * so by a log_place. Layout and escapes are base/log_line.h.
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct clock;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };
enum log_format { LOG_TEXT, LOG_JSON };

/* The record that a line is about. */
struct log_place {
	struct str topic;
	int32_t partition;
	int64_t offset;
	/* of what happened to it, of which lines repeat; 0: that is told by the words */
	uint64_t kind;
};

void log_init(const struct clock *clock, enum log_level level, bool color);
/* In a process that was just forked: another thread may have held the lock, and the live line is
 * the parent's. */
void log_forked(void);
void log_set_format(enum log_format format);
enum log_format log_format(void);

/*
 * A line that another process is to write, in its turn among other things (runtime/workers.h):
 * what is said goes to the taker instead, until it is NULL again; there log_again says it.
 */
struct log_taken {
	enum log_level level;
	const char *area; /* NULL: a script printed it */
	const char *format;
	struct str text;
	struct log_place place; /* of a record; topic absent: of none */
};
struct log_taker {
	void (*take)(struct log_taker *t, const struct log_taken *line);
};
void log_take(struct log_taker *taker);
void log_again(const struct log_taken *line);
enum log_level log_level(void);
const char *log_level_name(enum log_level level); /* "warn" */
bool log_color(void);

void log_line(enum log_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* `place` NULL: of no record. */
void log_record(enum log_level level, const char *subject, const struct log_place *place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#define log_debug(subject, ...) log_line(LOG_DEBUG, (subject), __VA_ARGS__)
#define log_info(subject, ...) log_line(LOG_INFO, (subject), __VA_ARGS__)
#define log_warn(subject, ...) log_line(LOG_WARN, (subject), __VA_ARGS__)
#define log_error(subject, ...) log_line(LOG_ERROR, (subject), __VA_ARGS__)

/* How many lines of a level there were, hidden ones too; for metrics. */
int64_t log_count(enum log_level level);

/*
 * Tells what was hidden as repetition, of minutes that are over, or (all) what there is: now and
 * then while a job runs, and at its end.
 */
void log_tell_hidden(bool all);

/* Text for people on stderr, as it is. */
void log_print_text(struct str text);
/* A line that a script prints. */
void log_print_line(struct str line);

/*
 * Prints an error as people read it: "cdcl: place: text", the source line, the caret, "help: ...";
 * or as one line of JSON.
 */
void log_print_error(const struct error *err);

/*
 * One live line at the bottom of a terminal; NULL or "" removes it. No-op unless stderr is a
 * terminal.
 */
void log_set_status(const char *line);

/*
 * Around a write to stdout: when that is the terminal too, the live line must not stand in the
 * middle of it.
 */
void log_hide_status(void);
void log_show_status(void);

#endif
