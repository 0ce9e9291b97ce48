#ifndef CDCL_SQL_CURSOR_H
#define CDCL_SQL_CURSOR_H

/*
 * A text of SQL with the token that is being looked at, and errors that say where they are in it.
 * One token is enough for all of the grammar (sql_parse.c).
 */

#include "expr/sql_token.h"

#include <stdbool.h>
#include <stdint.h>

struct sql_cursor {
	struct str text;
	struct arena *arena;
	struct error *err;
	struct sql_token token; /* the one being looked at */
	size_t next; /* where the token after it begins */
	size_t end; /* end of the token before it */
	uint32_t depth;
};

int sql_cursor_start(
	struct sql_cursor *p, struct str text, struct arena *arena, struct error *err);
int sql_cursor_advance(struct sql_cursor *p);
bool sql_cursor_is_symbol(const struct sql_cursor *p, const char *symbol);
bool sql_cursor_is_word(const struct sql_cursor *p, const char *word);
/* 1 and moves on when the token is this word or symbol, else 0. */
int sql_cursor_accept(struct sql_cursor *p, const char *text);
/* So, or an error. */
int sql_cursor_expect(struct sql_cursor *p, const char *text);

/* Of bytes of the text, or of the token, with what was wanted instead. Negative. */
int sql_cursor_fail_at(struct sql_cursor *p, size_t at, size_t len, const char *what);
int sql_cursor_fail(struct sql_cursor *p, const char *wanted);

#endif
