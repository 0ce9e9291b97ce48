/*
 * get_json_object(text, '$.a[*].b'), as Spark's evaluator walks: the first field of a name that
 * gives something counts; a JSON null that a name leads to is nothing; [*] gives an array of what
 * its elements give, but of one the thing itself; two of them in a row flatten. A text that is no
 * JSON gives NULL, what stands behind it is not looked at. Values are written as a string column
 * writes them (decode/json_rewrite.h).
 */

#include "expr/kernel_row.h"

#include "base/check.h"
#include "decode/json_rewrite.h"
#include "expr/resolve.h"

enum step_kind { STEP_NAME, STEP_INDEX, STEP_EACH };

struct object_step {
	enum step_kind kind;
	struct str name;
	int64_t index;
};

struct object_path {
	struct object_step *steps;
	uint32_t count;
};

/* How a string is written, and whether an array at the end of the path is taken apart. */
enum object_style { STYLE_BARE, STYLE_QUOTED, STYLE_FLAT };

struct object_walk {
	const struct object_path *path;
	struct arena *arena;
};

/* Where values go: inside an array commas come between, outside (names that repeat) a space. */
struct object_out {
	struct strbuf *text;
	bool array;
	bool begun;
};

static bool walk(const struct object_walk *w, uint32_t at, struct str value,
	enum object_style style, struct object_out *out);

static void begin_value(struct object_out *out)
{
	if (out->begun)
		strbuf_add_byte(out->text, out->array ? ',' : ' ');
	out->begun = true;
}

static void put_value(struct str value, struct object_out *out)
{
	struct json_token t = {.text = value, .kind = JSON_KIND_ARRAY};
	begin_value(out);
	json_rewrite(&t, out->text);
}

/* Does any, how many of the elements give something? */
static uint32_t walk_elements(const struct object_walk *w, uint32_t at, struct str array,
	enum object_style style, struct object_out *out)
{
	struct str name, value;
	uint32_t found = 0;
	for (size_t i = 0; json_next(array, &i, &name, &value);)
		found += walk(w, at, value, style, out);
	return found;
}

static uint32_t walk_bracketed(const struct object_walk *w, uint32_t at, struct str array,
	enum object_style style, struct strbuf *text)
{
	struct object_out inner = {.text = text, .array = true};
	strbuf_add_byte(text, '[');
	uint32_t found = walk_elements(w, at, array, style, &inner);
	strbuf_add_byte(text, ']');
	return found;
}

/* [*]: `at` is the step behind it. */
static bool walk_each(const struct object_walk *w, uint32_t at, struct str array,
	enum object_style style, struct object_out *out)
{
	bool twice = at < w->path->count && w->path->steps[at].kind == STEP_EACH;
	if (twice || style == STYLE_QUOTED) {
		begin_value(out);
		return walk_bracketed(w, at + twice, array, twice ? STYLE_FLAT : STYLE_QUOTED,
			       out->text) > 0;
	}
	struct strbuf b;
	strbuf_init(&b);
	uint32_t found = walk_bracketed(
		w, at, array, style == STYLE_FLAT ? STYLE_FLAT : STYLE_QUOTED, &b);
	struct str text = strbuf_str(&b);
	if (found == 1) /* no array of one */
		text = str_sub(text, 1, text.len - 2);
	if (found > 0) {
		begin_value(out);
		strbuf_add(out->text, text);
	}
	strbuf_release(&b);
	return found > 0;
}

static bool walk_index(const struct object_walk *w, uint32_t at, struct str array,
	enum object_style style, struct object_out *out)
{
	int64_t index = w->path->steps[at].index;
	bool then_each = at + 1 < w->path->count && w->path->steps[at + 1].kind == STEP_EACH;
	struct str name, value;
	size_t i = 0;
	for (int64_t k = 0; json_next(array, &i, &name, &value); k++)
		if (k == index)
			return walk(w, at + 1, value, then_each ? STYLE_QUOTED : style, out);
	return false;
}

static bool walk_name(const struct object_walk *w, uint32_t at, struct str object,
	enum object_style style, struct object_out *out)
{
	struct str name, value;
	bool found = false;
	for (size_t i = 0; !found && json_next(object, &i, &name, &value);) {
		if (memchr(name.data, '\\', name.len) != NULL)
			name = json_unquote((struct str){name.data - 1, name.len + 2}, w->arena);
		if (str_eq(name, w->path->steps[at].name) && json_kind_of(value) != JSON_KIND_NULL)
			found = walk(w, at + 1, value, style, out);
	}
	return found;
}

/* No deeper than the text is nested: each step and each array taken apart goes down one level. */
static bool walk(const struct object_walk *w, uint32_t at, struct str value,
	enum object_style style, struct object_out *out)
{
	enum json_kind kind = json_kind_of(value);
	if (at == w->path->count) {
		if (kind == JSON_KIND_ARRAY && style == STYLE_FLAT)
			return walk_elements(w, at, value, style, out) > 0;
		if (kind == JSON_KIND_STRING && style == STYLE_BARE)
			strbuf_add(out->text, json_unquote(value, w->arena));
		else
			put_value(value, out);
		return true;
	}
	switch (w->path->steps[at].kind) {
	case STEP_NAME:
		return kind == JSON_KIND_OBJECT && walk_name(w, at, value, style, out);
	case STEP_INDEX:
		return kind == JSON_KIND_ARRAY && walk_index(w, at, value, style, out);
	case STEP_EACH:
		return kind == JSON_KIND_ARRAY && walk_each(w, at + 1, value, style, out);
	}
	return false;
}

static int json_object_row(const struct expr *e, const struct run *run, const struct vector *args,
	uint32_t row, struct vector *out)
{
	struct json_scan s;
	struct json_token t;
	struct strbuf b;
	json_scan_init(&s, row_str(&args[0], row), false);
	json_skip_space(&s);
	const char *from = s.at;
	if (from == s.end || !json_scan_value(&s, 0, &t))
		return ROW_NULL;
	if (t.kind == JSON_KIND_NUMBER && s.at < s.end && (unsigned char)*s.at > ' ')
		return ROW_NULL; /* 5x */
	struct object_walk w = {.path = e->prepared, .arena = run->arena};
	strbuf_init(&b);
	struct object_out to = {.text = &b};
	int rc = ROW_NULL;
	if (walk(&w, 0, (struct str){from, (size_t)(s.at - from)}, STYLE_BARE, &to)) {
		rc = run_has_room(run, b.len) ? EXPR_FINE : EXPR_OVERFLOW;
		if (rc == EXPR_FINE)
			row_set_str(out, row,
				str_dup(b.data == NULL ? str_lit("") : strbuf_str(&b), run->arena));
	}
	strbuf_release(&b);
	return rc;
}

KERNEL_OF_ROWS(kernel_json_object, json_object_row)

/* ---- the path ---- */

/* What stands up to one of `ends`, at least one character. */
static bool read_name(struct str path, size_t *i, const char *ends, struct object_step *step)
{
	size_t start = *i;
	while (*i < path.len && (path.data[*i] == '\0' || strchr(ends, path.data[*i]) == NULL))
		++*i;
	step->kind = STEP_NAME;
	step->name = str_sub(path, start, *i - start);
	return *i > start && !str_eq(step->name, str_lit("*"));
}

static bool read_index(struct str path, size_t *i, struct object_step *step)
{
	size_t start = *i;
	step->kind = STEP_INDEX;
	for (; *i < path.len && path.data[*i] >= '0' && path.data[*i] <= '9'; ++*i) {
		step->index = step->index * 10 + (path.data[*i] - '0');
		if (step->index > INT32_MAX)
			return false;
	}
	return *i > start;
}

static bool read_char(struct str path, size_t *i, char c)
{
	bool there = *i < path.len && path.data[*i] == c;
	*i += there;
	return there;
}

static bool read_step(struct str path, size_t *i, struct object_step *step)
{
	*step = (struct object_step){.kind = STEP_EACH};
	if (read_char(path, i, '.'))
		return read_name(path, i, ".[", step);
	if (!read_char(path, i, '['))
		return false;
	if (read_char(path, i, '\'')) {
		if (!read_name(path, i, "'?", step) || !read_char(path, i, '\''))
			return false;
	} else if (!read_char(path, i, '*') && !read_index(path, i, step)) {
		return false;
	}
	return read_char(path, i, ']');
}

int resolve_json_object(struct checker *c, const struct sql_node *node, const struct function *f,
	struct expr **args, uint32_t count, struct expr **out)
{
	check(count == 2);
	if (args[1]->kind != EXPR_LITERAL || args[1]->type.id != TYPE_STRING
		|| args[1]->literal.is_null)
		return checker_fail(c, node, "the path of %s must be a constant string", f->name);
	struct str text = args[1]->literal.as.str;
	struct object_path *path = ARENA_NEW(c->arena, struct object_path);
	path->steps = ARENA_ARRAY(c->arena, struct object_step, text.len + 1);
	size_t i = 0;
	bool good = read_char(text, &i, '$');
	while (good && i < text.len)
		good = read_step(text, &i, &path->steps[path->count++]);
	if (!good)
		return checker_fail(c, node->args[1],
			"a path is $ and then .name, ['name'], [0] or [*], as often as wanted");
	int rc = args[0]->type.id == TYPE_JSON
		? 0
		: checker_cast(c, node, args[0], type_of(TYPE_STRING), &args[0]);
	if (rc == 0)
		*out = checker_prepared(
			c, node, f->kernel, f->flags, type_of(TYPE_STRING), args, count, path);
	return rc;
}
