#include "data/row_pack.h"

#include "base/check.h"
#include "data/row_codec.h"

#include <stdlib.h>

static bool in_key(const struct row_key *key, uint32_t column)
{
	for (uint32_t i = 0; key != NULL && i < key->count; i++)
		if (key->columns[i] == column)
			return true;
	return false;
}

void row_pack_init(struct row_pack *p, const struct schema *schema, const struct row_key *key,
	const int32_t *columns)
{
	uint32_t total = schema_total(schema);
	*p = (struct row_pack){.schema = schema};
	p->order = malloc(((size_t)total + row_key_columns_max) * sizeof(*p->order));
	check(p->order != NULL);
	for (uint32_t i = 0; key != NULL && i < key->count; i++)
		p->order[p->count++] = key->columns[i];
	p->key_count = p->count;
	for (uint32_t i = 0; i < total; i++)
		if (!in_key(key, i) && (columns == NULL || columns[i] >= 0))
			p->order[p->count++] = i;
	if (key == NULL)
		p->key_count = p->count;
}

void row_pack_release(struct row_pack *p)
{
	free(p->order);
	*p = (struct row_pack){.schema = NULL};
}

void row_pack_add(
	const struct row_pack *p, const struct chunk *c, uint32_t row, struct strbuf *out)
{
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t column = p->order[i];
		struct type type = p->schema->columns[column].type;
		struct value v = value_from_column(&c->columns[column], type, row);
		row_codec_add(out, &v);
	}
}

struct str row_pack_key(const struct row_pack *p, struct str packed)
{
	size_t at = 0;
	for (uint32_t i = 0; i < p->key_count; i++)
		row_codec_read(packed, &at, p->schema->columns[p->order[i]].type);
	return str_sub(packed, 0, at);
}

void row_pack_read(const struct row_pack *p, struct str packed, size_t *at, struct chunk *out,
	uint32_t row, const int32_t *columns)
{
	bool absent = *at == packed.len;
	for (uint32_t i = 0; i < p->count; i++) {
		uint32_t column = p->order[i];
		struct type type = p->schema->columns[column].type;
		struct value v = absent ? value_null(type) : row_codec_read(packed, at, type);
		int32_t to = columns == NULL ? (int32_t)column : columns[column];
		if (to >= 0)
			value_to_column(&v, &out->columns[to], row);
	}
}
