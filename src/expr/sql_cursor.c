#include "expr/sql_cursor.h"

#include "base/bounds.h"

#include <stdio.h>

int sql_cursor_start(
	struct sql_cursor *p, struct str text, struct arena *arena, struct error *err)
{
	*p = (struct sql_cursor){.text = text, .arena = arena, .err = err};
	if (text.len > sql_text_bytes_max)
		return error_set(err, CDCL_E_SQL, "the expression has %zu bytes, more than %d",
			text.len, sql_text_bytes_max);
	return sql_cursor_advance(p);
}

int sql_cursor_advance(struct sql_cursor *p)
{
	p->end = p->token.at + p->token.text.len;
	return sql_token_next(p->text, &p->next, &p->token, p->err);
}

int sql_cursor_fail_at(struct sql_cursor *p, size_t at, size_t len, const char *what)
{
	error_set(p->err, CDCL_E_SQL, "%s", what);
	return sql_error_at(p->err, p->text, at, len);
}

int sql_cursor_fail(struct sql_cursor *p, const char *wanted)
{
	if (p->token.kind == SQL_TOKEN_END)
		error_set(p->err, CDCL_E_SQL,
			"[PARSE_SYNTAX_ERROR] Syntax error at or near end of input: %s", wanted);
	else
		error_set(p->err, CDCL_E_SQL,
			"[PARSE_SYNTAX_ERROR] Syntax error at or near '" STR_FMT "': %s",
			STR_ARG(str_sub(p->token.text, 0, 100)), wanted);
	return sql_error_at(p->err, p->text, p->token.at, p->token.text.len);
}

bool sql_cursor_is_symbol(const struct sql_cursor *p, const char *symbol)
{
	return p->token.kind == SQL_TOKEN_SYMBOL && str_eq(p->token.text, str_c(symbol));
}

bool sql_cursor_is_word(const struct sql_cursor *p, const char *word)
{
	return p->token.kind == SQL_TOKEN_WORD && str_eq_fold(p->token.text, str_c(word));
}

int sql_cursor_accept(struct sql_cursor *p, const char *text)
{
	if (!sql_cursor_is_symbol(p, text) && !sql_cursor_is_word(p, text))
		return 0;
	int rc = sql_cursor_advance(p);
	return rc < 0 ? rc : 1;
}

int sql_cursor_expect(struct sql_cursor *p, const char *text)
{
	int rc = sql_cursor_accept(p, text);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return 0;
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "expected %s", text);
	return sql_cursor_fail(p, wanted);
}
