#include "sink/row_json.h"

#include "base/check.h"

#include <stdlib.h>

void row_json_init(struct row_json *j, const struct schema *schema,
	const struct timezone *timezone, bool leave_nulls_out)
{
	uint32_t count = schema_total(schema);
	*j = (struct row_json){schema, timezone, leave_nulls_out, NULL};
	j->names = calloc((size_t)count + 1, sizeof(*j->names));
	check(j->names != NULL); /* out of memory */
	for (uint32_t i = 0; i < count; i++) {
		json_text_string(schema->columns[i].name, &j->names[i]);
		strbuf_add_byte(&j->names[i], ':');
	}
}

void row_json_release(struct row_json *j)
{
	for (uint32_t i = 0; j->names != NULL && i < schema_total(j->schema); i++)
		strbuf_release(&j->names[i]);
	free(j->names);
	j->names = NULL;
}

void row_json_add_column(const struct row_json *j, const struct chunk *c, uint32_t column,
	uint32_t row, struct strbuf *out)
{
	struct value v =
		value_from_column(&c->columns[column], j->schema->columns[column].type, row);
	strbuf_add(out, strbuf_str(&j->names[column]));
	value_text(&v, VALUE_JSON, j->timezone, out);
}

uint32_t row_json_add(const struct row_json *j, const struct chunk *c, uint32_t row,
	struct strbuf *out)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < j->schema->column_count; i++) {
		if (j->leave_nulls_out && column_is_null(&c->columns[i], row))
			continue;
		if (count++ > 0)
			strbuf_add_byte(out, ',');
		row_json_add_column(j, c, i, row, out);
	}
	return count;
}

void row_json_object(const struct row_json *j, const struct chunk *c, uint32_t row, bool kind,
	struct strbuf *out)
{
	strbuf_add_byte(out, '{');
	if (kind) {
		strbuf_addf(out, "\"@kind\":\"%s\"%s", row_kind_name(chunk_kind(c, row)),
			j->schema->column_count > 0 ? "," : "");
	}
	row_json_add(j, c, row, out);
	strbuf_add_byte(out, '}');
}
