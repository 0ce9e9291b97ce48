#include "state/table_shape.h"

#include "decode/ddl.h"

void table_shape_text(const struct schema *s, const struct row_key *key, struct strbuf *out)
{
	schema_text(s, out);
	if (s->hidden_count > 0) {
		struct schema hidden = {.column_count = s->hidden_count,
			.columns = s->columns + s->column_count};
		strbuf_add_c(out, "; hidden ");
		schema_text(&hidden, out);
	}
	for (uint32_t i = 0; i < key->count; i++)
		strbuf_addf(out, "%s" STR_FMT, i == 0 ? "; key " : ", ",
			STR_ARG(s->columns[key->columns[i]].name));
}

/* What is behind the last `mark`, and *text what is before it; false: there is none. */
static bool split_last(struct str *text, const char *mark, struct str *behind)
{
	size_t len = strlen(mark);
	for (size_t at = text->len; at-- > 0;) {
		if (at + len > text->len || memcmp(text->data + at, mark, len) != 0)
			continue;
		*behind = str_sub(*text, at + len, text->len - at - len);
		text->len = at;
		return true;
	}
	return false;
}

static bool take_key(const struct schema *s, struct str names, struct row_key *key)
{
	struct str name;
	bool more = true;
	*key = (struct row_key){.count = 0};
	for (uint32_t n = 0; n < row_key_columns_max && more; n++) {
		more = split_last(&names, ", ", &name);
		if (!more)
			name = names;
		uint32_t at = 0;
		while (at < schema_total(s) && !str_eq(s->columns[at].name, name))
			at++;
		if (at == schema_total(s))
			return false;
		memmove(key->columns + 1, key->columns, key->count * sizeof(*key->columns));
		key->columns[0] = at;
		key->count++;
	}
	return !more;
}

static const struct schema *take_columns(struct str shape, struct arena *arena)
{
	struct schema *shown, *hidden = NULL;
	struct str words;
	struct error unseen;
	error_init(&unseen);
	bool any = split_last(&shape, "; hidden ", &words);
	if (ddl_parse(shape, arena, &shown, &unseen) < 0 ||
		(any && ddl_parse_hidden(words, arena, &hidden, &unseen) < 0))
		return NULL;
	uint32_t count = shown->column_count, more = any ? hidden->column_count : 0;
	struct schema *all = schema_alloc_hidden(arena, count, more);
	memcpy(all->columns, shown->columns, count * sizeof(*all->columns));
	if (more > 0)
		memcpy(all->columns + count, hidden->columns, more * sizeof(*all->columns));
	return all;
}

bool table_shape_parse(
	struct str shape, struct arena *arena, const struct schema **schema, struct row_key *key)
{
	struct str names;
	if (!split_last(&shape, "; key ", &names))
		return false;
	*schema = take_columns(shape, arena);
	return *schema != NULL && take_key(*schema, names, key);
}
