#include "sink/json_line.h"

#include "base/check.h"
#include "data/value.h"

#include <stdlib.h>

const char *row_kind_name(enum row_kind kind)
{
	static const char *const names[] = {
		[ROW_INSERT] = "+I",
		[ROW_UPDATE_BEFORE] = "-U",
		[ROW_UPDATE_AFTER] = "+U",
		[ROW_DELETE] = "-D",
	};
	check(kind <= ROW_DELETE);
	return names[kind];
}

void json_line_init(
	struct json_line *j, const struct schema *schema, const struct timezone *timezone)
{
	*j = (struct json_line){.schema = schema, .timezone = timezone};
	j->names = calloc(schema->column_count + 1, sizeof *j->names);
	check(j->names != NULL); /* out of memory */
	for (uint32_t i = 0; i < schema->column_count; i++) {
		strbuf_add_byte(&j->names[i], ',');
		json_text_string(schema->columns[i].name, &j->names[i]);
		strbuf_add_byte(&j->names[i], ':');
	}
}

void json_line_release(struct json_line *j)
{
	for (uint32_t i = 0; j->names != NULL && i < j->schema->column_count; i++) {
		strbuf_release(&j->names[i]);
	}
	free(j->names);
	*j = (struct json_line){.schema = NULL};
}

void json_line_add(const struct json_line *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out)
{
	size_t start = out->len;
	if (kind) {
		strbuf_addf(out, ",\"@kind\":\"%s\"", row_kind_name(chunk_kind(c, row)));
	}
	for (uint32_t i = 0; i < j->schema->column_count; i++) {
		struct value v =
			value_from_column(&c->columns[i], j->schema->columns[i].type, row);
		strbuf_add(out, strbuf_str(&j->names[i]));
		value_text(&v, VALUE_JSON, j->timezone, out);
	}
	if (out->len == start) {
		strbuf_add_byte(out, '{');
	} else {
		out->data[start] = '{'; /* the first comma */
	}
	strbuf_add_byte(out, '}');
}
