#ifndef CDCL_LOG_LINE_H
#define CDCL_LOG_LINE_H

/*
 * How a log line is laid out; base/log.c decides what is written and when. What comes from outside
 * (a topic's name, a record) must not move the cursor, fake another line or hide what it is:
 * control characters, broken UTF-8 and marks that turn the direction of writing are escaped.
 */

#include "base/log.h"

struct log_message {
	enum log_level level;
	const char *area;
	struct str text;
	const struct log_place *place;  /* NULL: of no record */
	int64_t wall_us;
};

/* "12:04:05.123 INFO  batch  rows=5,120 12.4ms lag=0" */
void log_line_text(const struct log_message *m, bool color, struct strbuf *out);

/* For the journal, which knows the time: "<6>batch  rows=5,120", the level as syslog counts it. */
void log_line_journal(const struct log_message *m, struct strbuf *out);

/* {"ts":"2026-11-29T06:14:46.123Z","level":"info","area":"batch","message":"rows=5,120 ..."} */
void log_line_json(const struct log_message *m, struct strbuf *out);

/* "cdcl: place: text", the source line, the caret, "help: ..." */
void log_error_text(const struct error *err, bool color, struct strbuf *out);
void log_error_json(const struct error *err, int64_t wall_us, struct strbuf *out);

/* Tabs stay, and line ends become `line_end`. */
void log_add_printable(struct str text, const char *line_end, struct strbuf *out);

#endif
