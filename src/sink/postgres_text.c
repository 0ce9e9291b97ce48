#include "sink/postgres_text.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

static void copy_escape(struct str s, struct strbuf *out)
{
	static const char letters[] = "bfnrtv";
	static const char bytes[] = "\b\f\n\r\t\v";
	size_t start = 0;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];
		const char *special = c == '\0' ? NULL : strchr(bytes, c);
		if (c != '\\' && special == NULL)
			continue;
		strbuf_add(out, str_sub(s, start, i - start));
		strbuf_add_byte(out, '\\');
		strbuf_add_byte(out, c == '\\' ? c : letters[special - bytes]);
		start = i + 1;
	}
	strbuf_add(out, str_sub(s, start, s.len - start));
}

static void add_binary(struct str s, struct strbuf *out)
{
	static const char digits[] = "0123456789abcdef";
	strbuf_add_c(out, "\\\\x");
	strbuf_reserve(out, 2 * s.len);
	for (size_t i = 0; i < s.len; i++) {
		strbuf_add_byte(out, digits[(unsigned char)s.data[i] >> 4]);
		strbuf_add_byte(out, digits[(unsigned char)s.data[i] & 15]);
	}
}

/* Spark's text has a sign where PostgreSQL has none, or "BC". */
static void add_day(const struct value *v, struct strbuf *out)
{
	const int64_t day_us = INT64_C(86400000000);
	int64_t us = v->type.id == TYPE_TIMESTAMP ? v->as.i64 % day_us : 0;
	us += us < 0 ? day_us : 0;
	int64_t days = v->type.id == TYPE_TIMESTAMP ? (v->as.i64 - us) / day_us : v->as.i32;
	int64_t year = 0;
	unsigned month = 0;
	unsigned day = 0;
	date_to_civil(days, &year, &month, &day);
	strbuf_addf(out, "%04lld-%02u-%02u", (long long)(year > 0 ? year : 1 - year), month, day);
	if (v->type.id == TYPE_TIMESTAMP) {
		int64_t s = us / 1000000;
		strbuf_addf(out, " %02d:%02d:%02d.%06d", (int)(s / 3600), (int)(s / 60 % 60),
			(int)(s % 60), (int)(us % 1000000));
	}
	if (year <= 0)
		strbuf_add_c(out, " BC");
}

void postgres_copy_value(const struct value *v, struct strbuf *out)
{
	if (v->is_null || v->type.id == TYPE_NULL) {
		strbuf_add_c(out, "\\N");
		return;
	}
	struct strbuf text;
	switch (v->type.id) {
	case TYPE_STRING: copy_escape(v->as.str, out); return;
	case TYPE_BINARY: add_binary(v->as.str, out); return;
	case TYPE_DATE:
	case TYPE_TIMESTAMP: add_day(v, out); return;
	case TYPE_JSON:
	case TYPE_ARRAY:
		strbuf_init(&text);
		value_text(v, VALUE_JSON, NULL, &text);
		copy_escape(strbuf_str(&text), out);
		strbuf_release(&text);
		return;
	default: value_text(v, VALUE_CAST, NULL, out); return;
	}
}

void postgres_type(struct type t, struct strbuf *out)
{
	static const char *const names[type_id_count] = {
		[TYPE_NULL] = "text",
		[TYPE_BOOLEAN] = "boolean",
		[TYPE_TINYINT] = "smallint",
		[TYPE_SMALLINT] = "smallint",
		[TYPE_INT] = "integer",
		[TYPE_BIGINT] = "bigint",
		[TYPE_FLOAT] = "real",
		[TYPE_DOUBLE] = "double precision",
		[TYPE_STRING] = "text",
		[TYPE_BINARY] = "bytea",
		[TYPE_DATE] = "date",
		[TYPE_TIMESTAMP] = "timestamp with time zone",
		[TYPE_JSON] = "json",
		[TYPE_ARRAY] = "json",
	};
	if (t.id == TYPE_DECIMAL)
		strbuf_addf(out, "numeric(%u,%u)", t.precision, t.scale);
	else
		strbuf_add_c(out, names[t.id]);
}

/* numeric, or numeric(p,s) with room on both sides of the point */
static bool numeric_holds(struct str found, unsigned whole, unsigned scale)
{
	char text[64];
	unsigned p = 0;
	unsigned s = 0;
	snprintf(text, sizeof(text), STR_FMT, STR_ARG(found));
	if (strcmp(text, "numeric") == 0)
		return true;
	return sscanf(text, "numeric(%u,%u)", &p, &s) == 2 && s >= scale && p >= s &&
		p - s >= whole;
}

static bool is_one_of(struct str found, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_eq(found, str_c(*names)))
			return true;
	return false;
}

/* Text goes into anything that has a text of its own (uuid, an enum, jsonb); not into these. */
static const char *const no_text[] = {"boolean", "smallint", "integer", "bigint", "real",
	"double precision", "numeric", "bytea", "date", "timestamp with time zone",
	"timestamp without time zone", NULL};

bool postgres_type_holds(struct str found, struct type t)
{
	bool integer4 = str_eq(found, str_lit("integer"));
	bool integer8 = str_eq(found, str_lit("bigint"));
	bool text = str_eq(found, str_lit("text")) ||
		str_starts(found, str_lit("character varying"));
	bool json = str_starts(found, str_lit("json"));
	bool number = str_starts(found, str_lit("numeric"));
	switch (t.id) {
	case TYPE_BOOLEAN: return str_eq(found, str_lit("boolean"));
	case TYPE_TINYINT:
	case TYPE_SMALLINT:
		return integer4 || integer8 || str_eq(found, str_lit("smallint")) ||
			numeric_holds(found, 5, 0);
	case TYPE_INT: return integer4 || integer8 || numeric_holds(found, 10, 0);
	case TYPE_BIGINT: return integer8 || numeric_holds(found, 19, 0);
	case TYPE_FLOAT:
		return str_eq(found, str_lit("real")) || str_eq(found, str_lit("double precision"));
	case TYPE_DOUBLE: return str_eq(found, str_lit("double precision"));
	case TYPE_DECIMAL: return numeric_holds(found, (unsigned)(t.precision - t.scale), t.scale);
	case TYPE_BINARY: return str_eq(found, str_lit("bytea"));
	case TYPE_DATE: return str_eq(found, str_lit("date"));
	case TYPE_TIMESTAMP:
		return str_eq(found, str_lit("timestamp with time zone")) ||
			str_eq(found, str_lit("timestamp without time zone"));
	case TYPE_JSON:
	case TYPE_ARRAY: return json || text;
	default: return !number && !is_one_of(found, no_text);
	}
}
