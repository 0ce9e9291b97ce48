#ifndef CDCL_ERROR_H
#define CDCL_ERROR_H

/*
 * What went wrong, filled where it happens and passed up (error last in every signature).
 *
 *	return error_set(err, CDCL_E_JSON, "orders/3@8812: expected ':' at byte 41");
 *
 * A function that can fail returns 0 or a positive answer when it succeeded and a negative error
 * code when it failed; error_set returns that negative code. Callers pass the error up and add only
 * what they alone know (error_prefix, error_at). Nothing here allocates: text too long is cut.
 */

#include <stdarg.h>
#include <stdbool.h>

/* code, exit code of the process that ends with it (design: 0 1 2 3 4 5 6 7 8 130), text */
#define CDCL_ERROR_CODES(X)                                                                        \
	X(CDCL_E_INTERNAL, 1, "internal error")                                                    \
	X(CDCL_E_JOB, 1, "job failed")                                                             \
	X(CDCL_E_LUA, 1, "Lua error")                                                              \
	X(CDCL_E_EXPR, 1, "expression failed")                                                     \
	X(CDCL_E_MEMORY, 1, "out of memory")                                                       \
	X(CDCL_E_USAGE, 2, "usage")                                                                \
	X(CDCL_E_SCRIPT, 3, "script invalid")                                                      \
	X(CDCL_E_SQL, 3, "SQL expression invalid")                                                 \
	X(CDCL_E_DDL, 3, "schema invalid")                                                         \
	X(CDCL_E_UNREACHABLE, 4, "broker or sink unreachable")                                     \
	X(CDCL_E_REFUSED, 4, "refused by a broker") /* and would be again */                       \
	X(CDCL_E_DATA, 5, "data policy")                                                           \
	X(CDCL_E_JSON, 5, "malformed record")                                                      \
	X(CDCL_E_STATE, 6, "state corrupt or incompatible")                                        \
	X(CDCL_E_FENCED, 7, "fenced or locked by another")                                         \
	X(CDCL_E_DISK, 8, "disk error")                                                            \
	X(CDCL_E_CLOSED, 0, "output closed") /* stdout's reader went away: end quietly */

enum error_code {
	CDCL_OK = 0,
#define CDCL_ERROR_ENUM(code, exit_code, text) code,
	CDCL_ERROR_CODES(CDCL_ERROR_ENUM)
#undef CDCL_ERROR_ENUM
};

enum { error_text_bytes = 2048, error_place_bytes = 512, error_line_bytes = 512 };

/*
 * `place` is where it is as a person would type it ("orders.lua:14", "orders_cdc/3@8812"), empty
 * when not known. For scripts and SQL the offending source line and a column range are kept too, so
 * that the message can be printed with a caret; `help` is one line on what to do ("did you mean
 * ...").
 */
struct error {
	enum error_code code;
	char text[error_text_bytes];
	char place[error_place_bytes];
	char source_line[error_line_bytes];
	int caret_start;    /* byte column in source_line, from 0; -1: no caret */
	int caret_len;      /* bytes under the caret, at least 1 when caret_start >= 0 */
	char help[error_place_bytes];
};

#pragma GCC visibility push(default)

void error_init(struct error *err);

/* Sets code and text; returns -code. `err` may be NULL: then only the code is returned. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds words before the text already there; returns -code of it. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says where; does not overwrite a place set deeper down. Returns -code. */
int error_at(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void error_help(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

int error_exit_code(enum error_code code);
const char *error_code_text(enum error_code code);

#pragma GCC visibility pop

#endif
