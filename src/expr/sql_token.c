#include "expr/sql_token.h"

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
		|| (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c);
}

static size_t skip_comment(struct str text, size_t i)
{
	if (i + 1 >= text.len)
		return i;
	if (text.data[i] == '-' && text.data[i + 1] == '-') {
		while (i < text.len && text.data[i] != '\n')
			i++;
		return i;
	}
	if (text.data[i] == '/' && text.data[i + 1] == '*') {
		for (size_t j = i + 2; j + 1 < text.len; j++)
			if (text.data[j] == '*' && text.data[j + 1] == '/')
				return j + 2;
	}
	return i;
}

static size_t skip_space(struct str text, size_t i)
{
	for (;;) {
		while (i < text.len
			&& (text.data[i] == ' ' || (text.data[i] >= '\t' && text.data[i] <= '\r')))
			i++;
		size_t after = skip_comment(text, i);
		if (after == i)
			return i;
		i = after;
	}
}

/* End of a string or back-quoted name that begins at i, or 0 when it is not closed. */
static size_t quoted_end(struct str text, size_t i)
{
	char quote = text.data[i];
	for (size_t j = i + 1; j < text.len; j++) {
		if (text.data[j] == '\\' && quote != '`') {
			j++;
			continue;
		}
		if (text.data[j] != quote)
			continue;
		if (j + 1 < text.len && text.data[j + 1] == quote) {
			j++;
			continue;
		}
		return j + 1;
	}
	return 0;
}

static size_t digits_end(struct str text, size_t i)
{
	while (i < text.len && is_digit(text.data[i]))
		i++;
	return i;
}

static size_t number_end(struct str text, size_t i)
{
	i = digits_end(text, i);
	if (i < text.len && text.data[i] == '.')
		i = digits_end(text, i + 1);
	if (i < text.len && (text.data[i] == 'e' || text.data[i] == 'E')) {
		size_t j = i + 1;
		if (j < text.len && (text.data[j] == '+' || text.data[j] == '-'))
			j++;
		if (j < text.len && is_digit(text.data[j]))
			i = digits_end(text, j);
	}
	while (i < text.len && is_word(text.data[i])) /* a suffix: L S Y F D BD */
		i++;
	return i;
}

static size_t symbol_end(struct str text, size_t i)
{
	static const char *const longer[] = {"<=>", "<=", ">=", "<>", "!=", "==", "||", "::", "->"};
	for (size_t k = 0; k < sizeof(longer) / sizeof(longer[0]); k++)
		if (str_starts(str_sub(text, i, text.len - i), str_c(longer[k])))
			return i + strlen(longer[k]);
	return memchr("()[],.+-*/%=<>!~&|^:", text.data[i], 20) != NULL ? i + 1 : 0;
}

int sql_error_at(struct error *err, struct str text, size_t at, size_t len)
{
	if (err == NULL)
		return -CDCL_E_SQL;
	size_t start = at < text.len ? at : text.len;
	while (start > 0 && text.data[start - 1] != '\n')
		start--;
	size_t end = start;
	while (end < text.len && text.data[end] != '\n')
		end++;
	/* A long line is cut to a window around the caret. */
	size_t window = sizeof(err->source_line) - 1;
	if (at - start > window / 2 && end - start > window)
		start = at - window / 2;
	size_t n = end - start < window ? end - start : window;
	memcpy(err->source_line, text.data == NULL ? "" : text.data + start, n);
	err->source_line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (err->source_line[i] == '\t' || err->source_line[i] == '\r')
			err->source_line[i] = ' ';
	size_t column = at - start > n ? n : at - start;
	size_t room = n - column;
	err->caret_start = (int)column;
	err->caret_len = (int)(len < room ? len : room);
	if (err->caret_len < 1)
		err->caret_len = 1;
	return -(int)err->code;
}

static int bad_token(struct str text, size_t at, const char *what, struct error *err)
{
	error_set(err, CDCL_E_SQL, "%s", what);
	return sql_error_at(err, text, at, 1);
}

static int take(
	struct str text, size_t *at, size_t end, enum sql_token_kind kind, struct sql_token *out)
{
	*out = (struct sql_token){kind, str_sub(text, *at, end - *at), *at};
	*at = end;
	return 0;
}

int sql_token_next(struct str text, size_t *at, struct sql_token *out, struct error *err)
{
	size_t i = skip_space(text, *at);
	*at = i;
	if (i >= text.len)
		return take(text, at, i, SQL_TOKEN_END, out);
	char c = text.data[i];
	char next = i + 1 < text.len ? text.data[i + 1] : '\0';
	if (c == '\'' || c == '"' || c == '`') {
		size_t end = quoted_end(text, i);
		if (end == 0)
			return bad_token(text, i, "this quote is not closed", err);
		return take(
			text, at, end, c == '`' ? SQL_TOKEN_QUOTED_WORD : SQL_TOKEN_STRING, out);
	}
	if (is_digit(c) || (c == '.' && is_digit(next)))
		return take(text, at, number_end(text, i), SQL_TOKEN_NUMBER, out);
	if (is_word_start(c) || (c == '@' && is_word_start(next))) {
		size_t end = i + 1;
		while (end < text.len && is_word(text.data[end]))
			end++;
		return take(text, at, end, c == '@' ? SQL_TOKEN_METADATA : SQL_TOKEN_WORD, out);
	}
	size_t end = symbol_end(text, i);
	if (end == 0)
		return bad_token(
			text, i, "this character has no meaning in an SQL expression", err);
	return take(text, at, end, SQL_TOKEN_SYMBOL, out);
}

static int hex_value(struct str digits)
{
	int value = 0;
	for (size_t i = 0; i < digits.len; i++) {
		char c = digits.data[i];
		int d = is_digit(c)			     ? c - '0'
			: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
							     : -1;
		if (d < 0)
			return -1;
		value = value * 16 + d;
	}
	return value;
}

static size_t put_utf8(char *out, int code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* A \u escape of four digits, or \U of eight; 0 when it is none. Advances *i behind it. */
static size_t unicode_escape(struct str s, size_t *i, char *out)
{
	size_t digits = s.data[*i] == 'u' ? 4 : 8;
	if (*i + digits >= s.len + 0 || s.len - *i - 1 < digits)
		return 0;
	int code = hex_value(str_sub(s, *i + 1, digits));
	if (code < 0 || code > 0x10FFFF)
		return 0;
	*i += digits + 1;
	if (code >= 0xD800 && code < 0xDC00 && *i + 5 < s.len && s.data[*i] == '\\'
		&& s.data[*i + 1] == 'u') {
		int low = hex_value(str_sub(s, *i + 2, 4));
		if (low >= 0xDC00 && low < 0xE000) {
			*i += 6;
			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		}
	}
	return put_utf8(out, code);
}

/* One escape; *i is behind the backslash. Spark keeps the backslash of \% and \_ for like. */
static size_t unescape(struct str s, size_t *i, char *out)
{
	static const char from[] = "0'\"bnrtZ\\";
	static const char to[] = {'\0', '\'', '"', '\b', '\n', '\r', '\t', 26, '\\'};
	char c = s.data[*i];
	if (c == 'u' || c == 'U') {
		size_t n = unicode_escape(s, i, out);
		if (n > 0)
			return n;
	}
	if (c >= '0' && c <= '1' && s.len - *i >= 3 && hex_value(str_sub(s, *i, 3)) >= 0) {
		char b = s.data[*i + 1], d = s.data[*i + 2];
		if (b >= '0' && b <= '7' && d >= '0' && d <= '7') {
			*i += 3;
			return put_utf8(out, (c - '0') * 64 + (b - '0') * 8 + (d - '0'));
		}
	}
	*i += 1;
	if (c == '%' || c == '_') {
		out[0] = '\\';
		out[1] = c;
		return 2;
	}
	const char *found = memchr(from, c, sizeof(from) - 1);
	out[0] = found == NULL ? c : to[found - from];
	return 1;
}

struct str sql_token_unquote(struct sql_token token, struct arena *arena)
{
	if (token.kind != SQL_TOKEN_STRING && token.kind != SQL_TOKEN_QUOTED_WORD)
		return token.text;
	char quote = token.text.data[0];
	struct str s = str_sub(token.text, 1, token.text.len - 2);
	char *out = arena_alloc(arena, s.len + 4, 1);
	size_t n = 0;
	for (size_t i = 0; i < s.len;) {
		char c = s.data[i++];
		if (c == '\\' && quote != '`' && i < s.len) {
			n += unescape(s, &i, out + n);
			continue;
		}
		out[n++] = c;
		if (c == quote && i < s.len && s.data[i] == quote)
			i++;
	}
	return (struct str){out, n};
}
