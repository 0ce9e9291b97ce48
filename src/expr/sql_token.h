#ifndef CDCL_SQL_TOKEN_H
#define CDCL_SQL_TOKEN_H

/*
 * SQL text to tokens. A token is a slice of the text; nothing is copied. Quoted tokens keep their
 * quotes; sql_token_unquote gives what they mean.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/str.h"

enum sql_token_kind {
	SQL_TOKEN_END,
	SQL_TOKEN_WORD, /* identifier or keyword */
	SQL_TOKEN_QUOTED_WORD, /* `name` */
	SQL_TOKEN_STRING, /* 'text' or "text" */
	SQL_TOKEN_NUMBER, /* 1 1.5 1e3 7L 1.5BD */
	SQL_TOKEN_METADATA, /* @offset */
	SQL_TOKEN_SYMBOL /* one operator or bracket */
};

struct sql_token {
	enum sql_token_kind kind;
	struct str text;
	size_t at; /* byte offset in the text */
};

/*
 * Reads the token at or after *at and moves *at behind it. Negative: a character that begins no
 * token.
 */
int sql_token_next(struct str text, size_t *at, struct sql_token *out, struct error *err);

/*
 * What a string or back-quoted name means: escapes as in Spark (\n \t \\ \% kept, \uXXXX, octal,
 * '' doubled).
 */
struct str sql_token_unquote(struct sql_token token, struct arena *arena);

/*
 * Fills caret and source line of `err` for the bytes at..at+len of `text`. Returns the error's
 * code, negative.
 */
int sql_error_at(struct error *err, struct str text, size_t at, size_t len);

#endif
