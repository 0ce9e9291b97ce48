#include "script/place.h"

#include <ctype.h>

enum { place_call_lines_max = 400 };

struct str place_line(struct str text, int line)
{
	size_t at = 0;
	for (int n = 1; n < line; n++) {
		const char *end =
			at < text.len ? memchr(text.data + at, '\n', text.len - at) : NULL;
		if (end == NULL)
			return (struct str){NULL, 0};
		at = (size_t)(end - text.data) + 1;
	}
	if (at >= text.len)
		return (struct str){NULL, 0};
	const char *end = memchr(text.data + at, '\n', text.len - at);
	size_t len = end == NULL ? text.len - at : (size_t)(end - text.data) - at;
	if (len > 0 && text.data[at + len - 1] == '\r')
		len--;
	return str_sub(text, at, len);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static bool stands_at(struct str text, size_t at, enum place_kind kind, struct str wanted)
{
	if (wanted.len == 0 || at + wanted.len > text.len ||
		memcmp(text.data + at, wanted.data, wanted.len) != 0)
		return false;
	if (kind == PLACE_TEXT)
		return true;
	return (at == 0 || !is_word(text.data[at - 1])) &&
	       (at + wanted.len == text.len || !is_word(text.data[at + wanted.len]));
}

/* Past a short string that begins at `at`; past the line's end for a comment; `at` for neither. */
static size_t skip_quoted(struct str text, size_t at)
{
	char c = text.data[at];
	if (c == '-' && at + 1 < text.len && text.data[at + 1] == '-') {
		while (at < text.len && text.data[at] != '\n')
			at++;
		return at;
	}
	if (c != '"' && c != '\'')
		return at;
	for (at++; at < text.len && text.data[at] != c && text.data[at] != '\n'; at++) {
		if (text.data[at] == '\\')
			at++;
	}
	return at < text.len ? at + 1 : text.len;
}

bool place_find(struct str text, int *line, enum place_kind kind, struct str wanted, int *column)
{
	struct str first = place_line(text, *line);
	if (first.data == NULL)
		return false;
	size_t at = (size_t)(first.data - text.data);
	size_t line_start = at;
	int n = *line;
	int depth = 0;
	while (at < text.len && n < *line + place_call_lines_max) {
		char c = text.data[at];
		if (stands_at(text, at, kind, wanted)) {
			*line = n;
			*column = (int)(at - line_start);
			return true;
		}
		size_t past = kind == PLACE_WORD ? skip_quoted(text, at) : at;
		if (past > at) {
			at = past;
			continue;
		}
		if (c == '(' || c == '{')
			depth++;
		else if (c == ')' || c == '}')
			depth--;
		at++;
		if (c == '\n') {
			if (depth <= 0 && n > *line)
				return false;
			n++;
			line_start = at;
		}
	}
	return false;
}

void place_show(struct error *err, struct str text, int line, int column, int len)
{
	struct str source = place_line(text, line);
	if (source.data == NULL)
		return;
	/* Of a long line, a window around the caret; whoever prints it cuts further. */
	size_t room = error_line_bytes - 1;
	size_t at = column > 0 ? (size_t)column : 0;
	size_t from = source.len > room && at > room / 2 ? at - room / 2 : 0;
	if (from > source.len)
		from = source.len;
	size_t n = source.len - from < room ? source.len - from : room;
	memcpy(err->source_line, source.data + from, n);
	err->source_line[n] = '\0';
	err->caret_start = -1;
	err->caret_len = 0;
	if (len > 0 && at - from < n) {
		err->caret_start = (int)(at - from);
		err->caret_len = at - from + (size_t)len <= n ? len : (int)(n - (at - from));
	}
}
