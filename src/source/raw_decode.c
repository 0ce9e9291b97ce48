#include "source/raw_decode.h"

static void fill_bytes(struct column *c, const struct str *from, uint32_t count)
{
	memcpy(c->data, from, count * sizeof(*from));
	for (uint32_t i = 0; i < count; i++)
		if (from[i].data == NULL)
			bit_set(c->nulls, i);
}

static void fill_timestamp(struct column *c, const struct messages *in)
{
	memcpy(c->data, in->timestamp_us, in->count * sizeof(int64_t));
	for (uint32_t i = 0; i < in->count; i++)
		if (in->timestamp_us[i] < 0)
			bit_set(c->nulls, i);
}

static bool fill_column(struct str name, struct column *c, const struct messages *in)
{
	if (str_eq(name, str_lit("value")))
		fill_bytes(c, in->value, in->count);
	else if (str_eq(name, str_lit("key")))
		fill_bytes(c, in->key, in->count);
	else if (str_eq(name, str_lit("topic")))
		fill_bytes(c, in->topic, in->count);
	else if (str_eq(name, str_lit("partition")))
		memcpy(c->data, in->partition, in->count * sizeof(int32_t));
	else if (str_eq(name, str_lit("offset")))
		memcpy(c->data, in->offset, in->count * sizeof(int64_t));
	else if (str_eq(name, str_lit("timestamp")))
		fill_timestamp(c, in);
	else if (str_eq(name, str_lit("timestampType")))
		memcpy(c->data, in->timestamp_type, in->count * sizeof(int32_t));
	else
		return false;
	return true;
}

int raw_decode(const struct schema *schema, const struct messages *in, struct chunk **out,
	struct error *err)
{
	struct chunk *c = chunk_alloc(in->arena, schema);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		memset(c->columns[i].nulls, 0, sizeof(c->columns[i].nulls));
		if (!fill_column(schema->columns[i].name, &c->columns[i], in))
			return error_set(err, CDCL_E_INTERNAL,
				"a source without a schema has no column '" STR_FMT "'",
				STR_ARG(schema->columns[i].name));
	}
	c->messages = in;
	chunk_set_rows(c, in->count);
	*out = c;
	return 0;
}
