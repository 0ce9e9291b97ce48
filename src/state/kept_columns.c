#include "state/kept_columns.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/checked_line.h"
#include "base/file.h"
#include "base/json_text.h"
#include "data/value.h"
#include "decode/ddl.h"
#include "decode/envelope_look.h"
#include "decode/json_path.h"
#include "decode/json_scan.h"

#include <inttypes.h>

/* ---- writing ---- */

static void add_text(const char *name, struct str text, struct strbuf *out)
{
	strbuf_addf(out, ",\"%s\":", name);
	if (text.data == NULL)
		strbuf_add_c(out, "null");
	else
		json_text_string(text, out);
}

static void add_schema(const char *name, const struct schema *s, struct strbuf *out)
{
	struct strbuf text;
	strbuf_init(&text);
	schema_text(s, &text);
	add_text(name, strbuf_str(&text), out);
	strbuf_release(&text);
}

static void add_source(const struct kept_columns *k, struct strbuf *out)
{
	const struct envelope_sample *s = &k->sample;
	strbuf_add_c(out, "{\"reads\":");
	json_text_string(k->reads, out);
	add_text("asked", str_c(envelope_name(k->asked)), out);
	add_text("table", k->table, out);
	add_text("envelope", str_c(envelope_name(s->kind)), out);
	strbuf_addf(out, ",\"unwrapped\":%s,\"said\":%s", s->unwrapped ? "true" : "false",
		s->schema_in_message ? "true" : "false");
	add_schema("columns", s->schema, out);
	add_schema("first", s->first, out);
	strbuf_add_c(out, ",\"key\":[");
	for (uint32_t i = 0; i < s->key_count; i++) {
		strbuf_add_c(out, i == 0 ? "" : ",");
		json_text_string(s->key_columns[i], out);
	}
	strbuf_add_c(out, "]");
	add_text("op", s->op_column, out);
	add_text("of_table", s->table, out);
	strbuf_addf(out, ",\"tables\":%u,\"messages\":%" PRId64 ",\"rows\":%" PRId64 "}",
		s->table_count, s->messages, s->rows);
}

void kept_columns_text(const struct kept_columns *list, uint32_t count, struct strbuf *out)
{
	struct strbuf line;
	strbuf_init(&line);
	strbuf_addf(&line, "{\"columns\":%d,\"sources\":%u}", kept_columns_version, count);
	checked_line_add(strbuf_str(&line), out);
	for (uint32_t i = 0; i < count; i++) {
		strbuf_reset(&line);
		add_source(&list[i], &line);
		checked_line_add(strbuf_str(&line), out);
	}
	strbuf_release(&line);
}

/* ---- reading ---- */

static bool take(struct str line, const char *name, enum json_kind kind, struct str *out)
{
	struct json_step step = {.field = str_c(name)};
	return json_path_find(line, &step, 1, out) && json_kind_of(*out) == kind;
}

static bool take_text(struct str line, const char *name, struct arena *arena, struct str *out)
{
	struct str value;
	if (!take(line, name, JSON_KIND_STRING, &value))
		return false;
	*out = str_dup(json_unquote(value, arena), arena);
	return true;
}

/* A text, or null. */
static bool take_any_text(struct str line, const char *name, struct arena *arena, struct str *out)
{
	struct str null;
	*out = (struct str){NULL, 0};
	return take(line, name, JSON_KIND_NULL, &null) || take_text(line, name, arena, out);
}

static bool take_number(struct str line, const char *name, int64_t max, int64_t *out)
{
	struct str value;
	return take(line, name, JSON_KIND_NUMBER, &value) && int64_parse(value, out) &&
		*out >= 0 && *out <= max;
}

static bool take_bool(struct str line, const char *name, bool *out)
{
	struct str value;
	bool found = take(line, name, JSON_KIND_BOOLEAN, &value);
	*out = found && value.data[0] == 't';
	return found;
}

static bool take_kind(struct str line, const char *name, struct arena *arena,
	enum envelope_kind *out)
{
	struct str word;
	return take_text(line, name, arena, &word) && envelope_kind_parse(word, out);
}

static bool take_schema(struct str line, const char *name, struct arena *arena,
	struct schema **out)
{
	struct str text;
	struct error unseen; /* the line is what is wrong */
	error_init(&unseen);
	return take_text(line, name, arena, &text) && ddl_parse(text, arena, out, &unseen) == 0;
}

static bool take_key(struct str line, struct arena *arena, struct envelope_sample *s)
{
	struct str list, name, value;
	if (!take(line, "key", JSON_KIND_ARRAY, &list))
		return false;
	for (size_t at = 0; json_next(list, &at, &name, &value);) {
		if (s->key_count == ARRAY_LEN(s->key_columns) ||
			json_kind_of(value) != JSON_KIND_STRING)
			return false;
		struct str column = str_dup(json_unquote(value, arena), arena);
		if (schema_find(s->schema, column) < 0)
			return false;
		s->key_columns[s->key_count++] = column;
	}
	return true;
}

static bool parse_source(struct str line, struct arena *arena, struct kept_columns *k)
{
	struct envelope_sample *s = &k->sample;
	size_t wrong;
	int64_t tables = 0;
	if (!json_validate(line, true, &wrong) ||
		!take_text(line, "reads", arena, &k->reads) ||
		!take_kind(line, "asked", arena, &k->asked) ||
		!take_any_text(line, "table", arena, &k->table) ||
		!take_kind(line, "envelope", arena, &s->kind) ||
		!take_bool(line, "unwrapped", &s->unwrapped) ||
		!take_bool(line, "said", &s->schema_in_message) ||
		!take_schema(line, "columns", arena, &s->schema) ||
		!take_schema(line, "first", arena, &s->first) || !take_key(line, arena, s) ||
		!take_any_text(line, "op", arena, &s->op_column) ||
		!take_any_text(line, "of_table", arena, &s->table) ||
		!take_number(line, "tables", UINT32_MAX, &tables) ||
		!take_number(line, "messages", INT64_MAX, &s->messages) ||
		!take_number(line, "rows", INT64_MAX, &s->rows))
		return false;
	s->table_count = (uint32_t)tables;
	return true;
}

/* The next line's rest; false: torn or damaged. */
static bool next_line(struct str text, size_t *at, struct str *rest)
{
	struct str left = str_sub(text, *at, text.len);
	const char *from = left.data;
	const char *end = left.len == 0 ? NULL : memchr(from, '\n', left.len);
	if (end == NULL)
		return false;
	*at += (size_t)(end - from) + 1;
	return checked_line_rest((struct str){from, (size_t)(end - from)}, rest);
}

static int damaged(const char *path, uint32_t line, struct error *err)
{
	error_set(err, CDCL_E_STATE, "%s: line %u is damaged", path, line);
	error_help(err, "without the file the columns are looked for anew in the messages where "
			"the job began; or write them into the script");
	return -(int)CDCL_E_STATE;
}

int kept_columns_parse(struct str text, const char *path, struct arena *arena,
	struct kept_columns **list, uint32_t *count, struct error *err)
{
	struct str line;
	size_t at = 0, wrong;
	int64_t version, sources;
	*list = NULL;
	*count = 0;
	if (!next_line(text, &at, &line) || !json_validate(line, true, &wrong) ||
		!take_number(line, "columns", UINT32_MAX, &version))
		return damaged(path, 1, err);
	if (version != kept_columns_version) {
		error_set(err, CDCL_E_STATE, "%s: format %" PRId64 ", this cdcl knows %d", path,
			version, kept_columns_version);
		error_help(err, "a newer cdcl wrote it: use that one");
		return -(int)CDCL_E_STATE;
	}
	if (!take_number(line, "sources", plan_nodes_max, &sources))
		return damaged(path, 1, err);
	*list = ARENA_ARRAY(arena, struct kept_columns, (size_t)sources + 1);
	for (; *count < sources; ++*count)
		if (!next_line(text, &at, &line) || !parse_source(line, arena, *list + *count))
			return damaged(path, *count + 2, err);
	return at == text.len ? 0 : damaged(path, *count + 2, err);
}

/* ---- the file ---- */

static const char *path_in(const char *folder, struct arena *arena)
{
	return str_printf(arena, "%s/COLUMNS", folder).data;
}

int kept_columns_read(const char *folder, struct arena *arena, struct kept_columns **list,
	uint32_t *count, struct error *err)
{
	struct strbuf text;
	const char *path = path_in(folder, arena);
	strbuf_init(&text);
	*list = NULL;
	*count = 0;
	int r = file_read_if_there(path, kept_columns_bytes_max, &text, err);
	if (r == 1)
		r = kept_columns_parse(strbuf_str(&text), path, arena, list, count, err);
	strbuf_release(&text);
	return r < 0 ? r : 0;
}

static int replace(const char *folder, const char *path, struct str text, bool none,
	struct error *err)
{
	struct strbuf old;
	strbuf_init(&old);
	int r = file_read_if_there(path, kept_columns_bytes_max, &old, err);
	bool same = r == 1 ? !none && str_eq(strbuf_str(&old), text) : r == 0 && none;
	if (r >= 0 && !same)
		r = none ? file_remove(path, err) : file_replace(path, text, err);
	if (r >= 0 && !same && none)
		r = file_sync_folder(folder, err);
	strbuf_release(&old);
	return r < 0 ? r : 0;
}

int kept_columns_write(const char *folder, const struct kept_columns *list, uint32_t count,
	struct error *err)
{
	struct arena arena;
	struct strbuf text;
	arena_init(&arena, 4096);
	strbuf_init(&text);
	kept_columns_text(list, count, &text);
	int r = replace(folder, path_in(folder, &arena), strbuf_str(&text), count == 0, err);
	strbuf_release(&text);
	arena_release(&arena);
	return r;
}
