#include "sink/csv_line.h"

#include "base/utf8.h"
#include "data/value.h"

/* What stands in `out` from `start` on becomes one field. */
static void quote_field(struct strbuf *out, size_t start)
{
	size_t len = out->len - start, quotes = 0;
	bool special = len == 0;
	for (size_t i = start; i < out->len; i++) {
		char c = out->data[i];
		quotes += c == '"';
		special |= c == '"' || c == ',' || c == '\n' || c == '\r';
	}
	if (!special) {
		return;
	}
	strbuf_reserve(out, quotes + 2);
	char *to = out->data + out->len + quotes + 2;
	*--to = '"';
	for (size_t i = out->len; i > start; i--) {
		char c = out->data[i - 1];
		*--to = c;
		if (c == '"') {
			*--to = '"';
		}
	}
	*--to = '"';
	out->len += quotes + 2;
}

static bool is_json(struct type type)
{
	return type.id == TYPE_JSON || type.id == TYPE_ARRAY;
}

static void add_field(const struct value *v, const struct timezone *timezone, struct strbuf *out)
{
	size_t start = out->len;
	if (v->type.id == TYPE_STRING) {
		utf8_add_repaired(v->as.str, out);
	} else if (v->type.id == TYPE_BINARY) {
		value_text(v, VALUE_JSON, timezone, out);
		out->len--; /* a JSON string: without its quotes */
		memmove(out->data + start, out->data + start + 1, --out->len - start);
	} else {
		value_text(v, is_json(v->type) ? VALUE_JSON : VALUE_CAST, timezone, out);
	}
	quote_field(out, start);
}

void csv_header_add(const struct schema *schema, bool kinds, struct strbuf *out)
{
	if (kinds) {
		strbuf_add_c(out, schema->column_count > 0 ? "@kind," : "@kind");
	}
	for (uint32_t i = 0; i < schema->column_count; i++) {
		if (i > 0) {
			strbuf_add_byte(out, ',');
		}
		size_t start = out->len;
		strbuf_add(out, schema->columns[i].name);
		quote_field(out, start);
	}
	strbuf_add_byte(out, '\n');
}

void csv_line_add(const struct chunk *c, const struct schema *schema, uint32_t row, bool kinds,
	const struct timezone *timezone, struct strbuf *out)
{
	if (kinds) {
		strbuf_add_c(out, row_kind_name(chunk_kind(c, row)));
	}
	for (uint32_t i = 0; i < schema->column_count; i++) {
		if (i > 0 || kinds) {
			strbuf_add_byte(out, ',');
		}
		struct value v = value_from_column(&c->columns[i], schema->columns[i].type, row);
		if (!v.is_null) {
			add_field(&v, timezone, out);
		}
	}
	strbuf_add_byte(out, '\n');
}
