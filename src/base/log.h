#ifndef CDCL_LOG_H
#define CDCL_LOG_H

/*
 * Lines for people, on stderr. stdout is data and is never written here. When a status line is on
 * the terminal, it is cleared before a log line and drawn again after it (log_set_status).
 * One line per event: "12:04:05.123 INFO  batch  rows=5,120 12.4ms lag=0".
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>

struct clock;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_NONE };

void log_init(const struct clock *clock, enum log_level level, bool color);
enum log_level log_level(void);
bool log_color(void);

void log_line(enum log_level level, const char *subject, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_debug(subject, ...) log_line(LOG_DEBUG, (subject), __VA_ARGS__)
#define log_info(subject, ...) log_line(LOG_INFO, (subject), __VA_ARGS__)
#define log_warn(subject, ...) log_line(LOG_WARN, (subject), __VA_ARGS__)
#define log_error(subject, ...) log_line(LOG_ERROR, (subject), __VA_ARGS__)

/* Text for people on stderr, as it is. */
void log_print_text(struct str text);

/*
 * Prints an error as people read it: "cdcl: place: text", the source line, the caret, "help: ...".
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
