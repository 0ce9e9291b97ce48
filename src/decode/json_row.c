#include "decode/json_row.h"

bool json_row_store(struct json_row *r, int32_t column, const struct json_token *t)
{
	enum json_fit fit = r->store != NULL ? r->store(r, column, t)
					     : json_field_store(r->values,
						       r->schema->columns[column].type, t,
						       &r->chunk->columns[column], r->index);
	switch (fit) {
	case JSON_FIT_BAD:
		if (r->bad_fields < json_bad_columns_kept)
			r->bad_columns[r->bad_fields] = column;
		if (r->bad_fields++ == 0)
			r->bad_column = column;
		return true;
	case JSON_FIT_BREAKS_ROW:
		r->scan.at = t->text.data;
		return json_scan_fail(&r->scan, "base64 in whole groups of four");
	case JSON_FIT_VALUE:
	case JSON_FIT_NULL:
		break;
	}
	return true;
}

const char *json_row_value(struct json_row *r, int32_t column, const char *p)
{
	struct json_token t;
	r->scan.at = p;
	if (!json_scan_value(&r->scan, 1, &t))
		return NULL;
	const char *end = r->scan.at;
	if (column != JSON_NO_COLUMN && !json_row_store(r, column, &t))
		return NULL;
	return end;
}

void json_row_clear(struct json_row *r)
{
	for (uint32_t i = 0; i < r->chunk->column_count; i++)
		bit_set(r->chunk->columns[i].nulls, r->index);
	r->bad_fields = 0;
	r->bad_column = JSON_NO_COLUMN;
	r->scan.at = r->scan.begin;
}
