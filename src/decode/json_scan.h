#ifndef CDCL_JSON_SCAN_H
#define CDCL_JSON_SCAN_H

/*
 * JSON text to tokens. The scanner knows grammar and nothing of columns: it says where a value
 * begins and ends, of what kind it is, and refuses what is no JSON, down to the last byte of values
 * that nobody wants. It builds nothing and copies nothing.
 *
 *	lenient (Spark's Jackson)              strict (RFC 8259)
 *	'single' quotes, \' in any string      refused
 *	NaN Infinity -Infinity +INF ...        refused
 *	invalid UTF-8 in a string (repaired)   refused
 *
 * Both refuse comments, unquoted names, leading zeros, raw control characters in strings, trailing
 * commas, a byte order mark. Both have Jackson's bounds: nesting json_depth_max, digits of a
 * number json_number_bytes_max, characters of a name json_name_bytes_max.
 *
 * No byte at or past `end` is read: messages have no padding.
 */

#include "base/str.h"
#include "decode/json_path.h"

struct json_scan {
	const char *begin;
	const char *at;
	const char *end;
	bool strict;
	const char *expected; /* after a failure: what was wanted at `at`; static text */
	/* json_string_stop, or a kernel's */
	const char *(*string_stop)(const char *begin, const char *p, const char *end);
};

struct json_token {
	struct str text; /* exact text; of a string what is between the quotes */
	enum json_kind kind;
	bool escaped; /* string: has a backslash */
	bool wide; /* string: has bytes above 0x7F */
	bool integer; /* number: neither fraction nor exponent */
	bool special; /* number: NaN, Infinity and their like */
};

/*
 * Where a string may end: the first quote, backslash, control or byte above 0x7F from p, or `end`.
 * The text begins at `begin`: bytes before p may be looked at too, which spares a loop at the end.
 */
const char *json_string_stop(const char *begin, const char *p, const char *end);

static inline void json_scan_init(struct json_scan *s, struct str text, bool strict)
{
	*s = (struct json_scan){.begin = text.data,
		.at = text.data,
		.end = text.data + text.len,
		.string_stop = json_string_stop,
		.strict = strict};
}

static inline void json_skip_space(struct json_scan *s)
{
	if (s->at < s->end && (unsigned char)*s->at > ' ')
		return; /* as nearly always */
	while (s->at < s->end &&
		(*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

/* The next byte that is no white space, or 0 at the end; `at` stands on it. */
static inline char json_peek(struct json_scan *s)
{
	json_skip_space(s);
	return s->at < s->end ? *s->at : '\0';
}

static inline bool json_is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Always false: a failure at `at`. */
bool json_scan_fail(struct json_scan *s, const char *expected);

/*
 * One whole value from `at` (white space before it is skipped), `depth` containers being open
 * around it. Containers are walked to their end. False: not JSON, `expected` says why and `at`
 * where.
 */
bool json_scan_value(struct json_scan *s, unsigned depth, struct json_token *t);

/* A field's name, from its opening quote, and the colon after it. */
bool json_scan_name(struct json_scan *s, struct json_token *t);

/*
 * A string token's characters: the text itself when it has nothing to decode, else a copy in
 * `arena`. Malformed UTF-8 becomes U+FFFD; a lone surrogate escape its three bytes.
 */
struct str json_string_value(const struct json_token *t, struct arena *arena);

/*
 * Is the whole text JSON? Strict: one value and white space around it. Lenient: also anything after
 * the closing brace of an object. *error_at is the offset of the first byte that is wrong.
 */
bool json_validate(struct str text, bool strict, size_t *error_at);

#endif
