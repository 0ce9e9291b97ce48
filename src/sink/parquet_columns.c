#include "sink/parquet_columns.h"

#include "base/arena.h"
#include "base/checked_line.h"
#include "base/file.h"
#include "base/log.h"
#include "decode/ddl.h"

enum { columns_bytes_max = 4 * 1024 * 1024 };

const char parquet_columns_name[] = "_cdcl_columns";

/* NULL: there is none, or nothing that can be read. */
static struct schema *parse(struct str text, const char *path, struct arena *arena)
{
	struct schema *schema;
	struct error why;
	struct str line = text, rest;
	while (line.len > 0 && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len == 0)
		return NULL;
	error_init(&why);
	if (checked_line_rest(line, &rest) && ddl_parse(rest, arena, &schema, &why) == 0)
		return schema;
	log_warn("parquet", "%s: damaged, and written anew", path);
	return NULL;
}

static void tell(struct str folder, const struct schema_column *was, const struct schema_column *is)
{
	struct strbuf old, new;
	strbuf_init(&old);
	strbuf_init(&new);
	type_name(was->type, &old);
	type_name(is->type, &new);
	log_warn("parquet",
		STR_FMT ": column " STR_FMT " is " STR_FMT " from now on, and " STR_FMT
			" in the files before: readers must be told to unite them",
		STR_ARG(folder), STR_ARG(is->name), STR_ARG(strbuf_str(&new)),
		STR_ARG(strbuf_str(&old)));
	strbuf_release(&old);
	strbuf_release(&new);
}

/* `own`, and behind it what only older files have. */
static struct schema *unite(struct str folder, const struct schema *was, const struct schema *own,
	struct arena *arena)
{
	uint32_t most = own->column_count + (was == NULL ? 0 : was->column_count);
	struct schema *all = schema_alloc(arena, most);
	all->column_count = own->column_count;
	memcpy(all->columns, own->columns, own->column_count * sizeof(*own->columns));
	for (uint32_t i = 0; was != NULL && i < was->column_count; i++) {
		int at = schema_find(own, was->columns[i].name);
		if (at < 0)
			all->columns[all->column_count++] = was->columns[i];
		else if (!type_eq(own->columns[at].type, was->columns[i].type))
			tell(folder, &was->columns[i], &own->columns[at]);
	}
	return all;
}

int parquet_columns_follow(const char *path, struct str folder, const struct schema *own,
	struct strbuf *out, struct error *err)
{
	struct arena arena;
	struct strbuf text, ddl;
	strbuf_reset(out);
	strbuf_init(&text);
	int r = file_read_if_there(path, columns_bytes_max, &text, err);
	if (r >= 0) {
		arena_init(&arena, 4096);
		strbuf_init(&ddl);
		schema_text(unite(folder, parse(strbuf_str(&text), path, &arena), own, &arena),
			&ddl);
		checked_line_add(strbuf_str(&ddl), out);
		if (str_eq(strbuf_str(out), strbuf_str(&text)))
			strbuf_reset(out);
		strbuf_release(&ddl);
		arena_release(&arena);
	}
	strbuf_release(&text);
	return r < 0 ? r : 0;
}
