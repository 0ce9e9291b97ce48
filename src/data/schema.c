#include "data/schema.h"

#include "base/bounds.h"
#include "base/check.h"

static int find(const struct schema *s, struct str name, bool (*same)(struct str, struct str))
{
	int found = SCHEMA_MISSING;
	for (uint32_t i = 0; i < s->column_count; i++) {
		if (!same(s->columns[i].name, name)) {
			continue;
		}
		if (found >= 0) {
			return SCHEMA_AMBIGUOUS;
		}
		found = (int)i;
	}
	return found;
}

int schema_find(const struct schema *s, struct str name)
{
	return find(s, name, str_eq);
}

int schema_find_fold(const struct schema *s, struct str name)
{
	return find(s, name, str_eq_fold);
}

struct schema *schema_alloc_hidden(
	struct arena *arena, uint32_t column_count, uint32_t hidden_count)
{
	check(column_count <= schema_columns_max);
	check(hidden_count <= schema_columns_max);
	struct schema *s = ARENA_NEW(arena, struct schema);
	s->column_count = column_count;
	s->hidden_count = hidden_count;
	s->columns = ARENA_ARRAY(arena, struct schema_column, column_count + hidden_count);
	return s;
}

struct schema *schema_alloc(struct arena *arena, uint32_t column_count)
{
	return schema_alloc_hidden(arena, column_count, 0);
}

bool schema_widen(const struct schema *have, const struct schema *more, struct arena *arena,
	struct schema **out)
{
	uint32_t total = have->column_count + more->column_count;
	struct schema *s = ARENA_NEW(arena, struct schema);
	s->columns = ARENA_ARRAY(arena, struct schema_column, total + 1);
	bool changed = false;
	for (uint32_t i = 0; i < have->column_count; i++) {
		struct schema_column c = have->columns[i];
		int other = schema_find(more, c.name);
		if (other >= 0)
			c.type = type_widen(c.type, more->columns[other].type);
		changed |= !type_eq(c.type, have->columns[i].type);
		s->columns[s->column_count++] = c;
	}
	for (uint32_t i = 0; i < more->column_count; i++) {
		if (schema_find(have, more->columns[i].name) != SCHEMA_MISSING)
			continue;
		changed = true;
		s->columns[s->column_count++] = more->columns[i];
	}
	*out = s;
	return changed;
}

static struct type copy_type(struct type t, struct arena *arena)
{
	if (t.id != TYPE_ARRAY)
		return t;
	struct type *element = ARENA_NEW(arena, struct type);
	*element = copy_type(*t.element, arena);
	t.element = element;
	return t;
}

struct schema *schema_copy(const struct schema *from, struct arena *arena)
{
	struct schema *s = schema_alloc(arena, from->column_count);
	for (uint32_t i = 0; i < from->column_count; i++) {
		s->columns[i].name = str_dup(from->columns[i].name, arena);
		s->columns[i].type = copy_type(from->columns[i].type, arena);
	}
	return s;
}

static bool is_plain_name(struct str name)
{
	if (name.len == 0 || (name.data[0] >= '0' && name.data[0] <= '9')) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			    c == '_')) {
			return false;
		}
	}
	return true;
}

/* Names that DDL could not read back are quoted as it quotes them. */
static void add_name(struct str name, struct strbuf *out)
{
	if (is_plain_name(name)) {
		strbuf_add(out, name);
		return;
	}
	strbuf_add_byte(out, '`');
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '`') {
			strbuf_add_byte(out, '`');
		}
		strbuf_add_byte(out, name.data[i]);
	}
	strbuf_add_byte(out, '`');
}

void schema_text(const struct schema *s, struct strbuf *out)
{
	for (uint32_t i = 0; i < s->column_count; i++) {
		if (i > 0) {
			strbuf_add_c(out, ", ");
		}
		add_name(s->columns[i].name, out);
		strbuf_add_byte(out, ' ');
		type_name(s->columns[i].type, out);
	}
}
