#include "script/leaf.h"

#include "base/bounds.h"
#include "base/check.h"
#include "data/chunk.h"
#include "decode/ddl.h"

#include <stdio.h>

/* "attempt to perform arithmetic on field 'quantity' (a nil value)" */
struct str leaf_null_field(
	const struct schema *schema, const struct row_cursor *at, const struct error *why)
{
	if (at->columns == NULL || strstr(why->text, "nil") == NULL)
		return (struct str){NULL, 0};
	const char *name = strstr(why->text, "field '");
	const char *end = name == NULL ? NULL : strchr(name + 7, '\'');
	if (end != NULL) {
		int i = schema_find(schema, (struct str){name + 7, (size_t)(end - name - 7)});
		if (i >= 0 && column_is_null(&at->columns[i], (uint32_t)at->row))
			return schema->columns[i].name;
	}
	return (struct str){NULL, 0};
}

struct str leaf_null_last(
	const struct schema *schema, const struct row_cursor *at, const struct error *why)
{
	if (at->columns == NULL || strstr(why->text, "nil") == NULL)
		return (struct str){NULL, 0};
	if (at->null_column >= 0 && (uint32_t)at->null_column < schema->column_count)
		return schema->columns[at->null_column].name;
	return (struct str){NULL, 0};
}

/* What the user should read: where, which column was NULL, in which function. */
static void explain(struct leaf *leaf, struct error *why)
{
	if (leaf->kind == LEAF_MERGE) {
		leaf_merge_explain(leaf, why);
		return;
	}
	error_at(why, STR_FMT, STR_ARG(leaf->place));
	struct str null = leaf_null_field(leaf->in, &leaf->cursor, why);
	if (null.data == NULL)
		null = leaf_null_last(leaf->in, &leaf->cursor, why);
	if (null.data != NULL) {
		size_t n = strlen(why->text);
		snprintf(why->text + n, sizeof(why->text) - n, ": column " STR_FMT " is NULL",
			STR_ARG(null));
	}
	error_prefix(why, "%s: ", leaf->what);
}

int leaf_call(struct leaf *leaf, int arguments, int results, struct error *why)
{
	struct script *s = leaf->script;
	error_init(why);
	int result = vm_call(&s->vm, arguments, results, &leaf->watch, why);
	if (result == 0)
		return 0;
	if (s->vm.trap_is_script_error) {
		*why = s->error;
		/* A name that stands in the script; one made of the made-up rows says nothing. */
		if (s->rehearsal && !s->mistake_found && s->error.caret_start >= 0) {
			s->mistake = s->error;
			s->mistake_found = true;
		}
	}
	why->code = CDCL_E_LUA;
	explain(leaf, why);
	return -(int)CDCL_E_LUA;
}

void leaf_leave(struct leaf *leaf)
{
	leaf->cursor.columns = NULL;
	leaf->cursor.chunk = NULL;
	leaf->state.columns = NULL;
	leaf->watch.chunk = NULL;
	leaf->script->generation++;
	arena_reset(&leaf->script->scratch);
}

void leaf_enter(struct leaf *leaf, const struct chunk *in)
{
	leaf->cursor.columns = in->columns;
	leaf->cursor.chunk = in;
	leaf->cursor.null_column = -1;
	leaf_set_row(leaf, 0);
	leaf->watch.chunk = in;
}

int leaf_lose_row(struct leaf *leaf, struct chunk *in, const struct error *why,
	struct dead_letters *dead, struct error *err)
{
	uint32_t row = (uint32_t)leaf->cursor.row;
	check(row < in->row_count);
	bit_clear(in->live, row);
	if (leaf->script->rehearsal)
		return leaf->script->vm.was_overdue ? -(int)CDCL_E_LUA : 0;
	/* Every row from here on would fail, and none of them is to blame. */
	if (leaf->script->vm.full) {
		*err = *why;
		return error_prefix(err, "the script itself keeps nearly all of that: ");
	}
	return dead_letter_add(dead, DEAD_LUA, in, row, why, err);
}

/* filter, map, with: the driver runs to the end of the chunk, or to a row that fails. */
static int call_rows(struct row_function *f, struct chunk *in, struct chunk *out,
	struct dead_letters *dead, struct error *err)
{
	struct leaf *leaf = container_of(f, struct leaf, function);
	lua_State *L = leaf->script->vm.L;
	leaf_enter(leaf, in);
	int result = 0;
	uint32_t start = chunk_next_live(in, 0);
	while (start < in->row_count && result >= 0) {
		leaf_set_row(leaf, start);
		lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->driver);
		lua_pushlightuserdata(L, in);
		lua_pushlightuserdata(L, out);
		lua_pushinteger(L, (lua_Integer)start);
		lua_pushinteger(L, (lua_Integer)in->row_count - 1);
		struct error why;
		if (leaf_call(leaf, 4, 0, &why) == 0)
			break;
		result = leaf_lose_row(leaf, in, &why, dead, err);
		if (out != NULL)
			bit_clear(out->live, (uint32_t)leaf->cursor.row);
		start = chunk_next_live(in, (uint32_t)leaf->cursor.row + 1);
	}
	leaf_leave(leaf);
	return result < 0 ? result : 0;
}

/* ---- bindings: rows.lua makes a leaf, gives it to a node, then gives it the driver ---- */

struct str leaf_definition_place(lua_State *L, int function)
{
	lua_Debug at;
	lua_pushvalue(L, function);
	lua_getinfo(L, ">S", &at);
	if (at.source[0] != '@')
		return bind_place(L);
	return str_printf(bind_script(L)->plan->arena, "%s:%d", at.source + 1, at.linedefined);
}

static const struct {
	const char *name;
	enum leaf_kind kind;
} kinds[] = {
	{"filter", LEAF_FILTER},
	{"with", LEAF_MAP},
	{"map", LEAF_MAP},
	{"flat_map", LEAF_FLAT_MAP},
	{"aggregate", LEAF_AGGREGATE},
	{"foreach_batch", LEAF_BATCH},
};

/* core.leaf(what, node, function) -> leaf, whether its rows are a Table's */
static int leaf_new(lua_State *L)
{
	struct script *s = bind_script(L);
	const char *what = luaL_checkstring(L, 1);
	struct plan_node *node = bind_node(L, 2);
	struct leaf *leaf = ARENA_NEW(s->plan->arena, struct leaf);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, what) != 0)
			continue;
		leaf->what = kinds[i].name;
		leaf->kind = kinds[i].kind;
	}
	check(leaf->what != NULL);
	leaf->script = s;
	leaf->in = node->schema;
	leaf->place = leaf_definition_place(L, 3);
	leaf->watch = (struct watch){.what = leaf->what,
		.place = leaf->place,
		.row = (const uint32_t *)&leaf->cursor.row};
	leaf->function = (struct row_function){.place = leaf->place};
	if (leaf->kind == LEAF_FLAT_MAP) {
		leaf->function.call_flat = leaf_call_flat;
		leaf->emit = ARENA_NEW(s->plan->arena, struct leaf_emit);
	} else {
		leaf->function.call = call_rows;
	}
	leaf->batch.call = leaf_batch_call;
	leaf->driver = leaf->finish_driver = LUA_NOREF;
	leaf->next = s->leaves;
	s->leaves = leaf;
	lua_pushlightuserdata(L, leaf);
	lua_pushboolean(L, node->is_table);
	return 2;
}

static struct leaf *leaf_at(lua_State *L, int index)
{
	struct leaf *leaf = lua_touserdata(L, index);
	check(leaf != NULL);
	return leaf;
}

/* core.add_leaf(leaf, node, ddl or nil) -> node, is_table, base: adds the step that calls the leaf
 */
static int add_leaf(lua_State *L)
{
	struct leaf *leaf = leaf_at(L, 1);
	struct plan_node *in = bind_node(L, 2);
	struct str ddl = bind_string(L, 3);
	struct script *s = leaf->script;
	struct str place = bind_place(L);
	struct plan_node *node;
	if (leaf->kind == LEAF_FILTER)
		node = plan_filter_function(s->plan, in, &leaf->function, place, &s->error);
	else if (strcmp(leaf->what, "with") == 0)
		node = plan_with_function(s->plan, in, ddl, &leaf->function, place, &s->error);
	else
		node = plan_map(s->plan, in, ddl, &leaf->function, leaf->kind == LEAF_FLAT_MAP,
			place, &s->error);
	if (node == NULL)
		bind_fail(L);
	/* `with` may have put a projection on top, for a column that takes another's place. */
	const struct plan_node *step = node;
	while (step->function != &leaf->function)
		step = step->inputs[0];
	leaf->out = step->schema;
	leaf->keeps = leaf->kind == LEAF_MAP ? step->map_keeps : 0;
	lua_pushlightuserdata(L, node);
	lua_pushboolean(L, node->is_table);
	lua_pushinteger(L, (lua_Integer)leaf->keeps);
	return 3;
}

/* core.set_driver(leaf, driver, finish driver or nil) */
static int set_driver(lua_State *L)
{
	struct leaf *leaf = leaf_at(L, 1);
	if (!lua_isnoneornil(L, 3)) {
		lua_pushvalue(L, 3);
		leaf->finish_driver = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_pushvalue(L, 2);
	leaf->driver = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static void push_schema(lua_State *L, const struct schema *schema)
{
	static const char *const phys_names[phys_count] = {
		[PHYS_BOOL] = "bool",
		[PHYS_I32] = "i32",
		[PHYS_I64] = "i64",
		[PHYS_F32] = "f32",
		[PHYS_F64] = "f64",
		[PHYS_I128] = "i128",
		[PHYS_STR] = "str",
	};
	struct strbuf text;
	strbuf_init(&text);
	lua_createtable(L, (int)schema->column_count, 0);
	for (uint32_t i = 0; i < schema->column_count; i++) {
		const struct schema_column *c = &schema->columns[i];
		lua_createtable(L, 0, 8);
		lua_pushlstring(L, c->name.data, c->name.len);
		lua_setfield(L, -2, "name");
		strbuf_reset(&text);
		type_name(c->type, &text);
		lua_pushlstring(L, text.data, text.len);
		lua_setfield(L, -2, "type");
		lua_pushstring(L, phys_names[type_phys(c->type)]);
		lua_setfield(L, -2, "phys");
		lua_pushinteger(L, c->type.precision);
		lua_setfield(L, -2, "precision");
		lua_pushinteger(L, c->type.scale);
		lua_setfield(L, -2, "scale");
		lua_rawseti(L, -2, (int)i + 1);
	}
	strbuf_release(&text);
}

/* core.schema(leaf, "in" | "out" | "state") */
static int schema_of(lua_State *L)
{
	struct leaf *leaf = leaf_at(L, 1);
	const char *which = luaL_checkstring(L, 2);
	if (strcmp(which, "in") == 0)
		push_schema(L, leaf->in);
	else if (strcmp(which, "out") == 0)
		push_schema(L, leaf->out);
	else
		push_schema(L, leaf->aggregate.state);
	return 1;
}

/* core.cursors(leaf) -> its row, emit, state and merge cursors */
static int cursors(lua_State *L)
{
	struct leaf *leaf = leaf_at(L, 1);
	lua_pushlightuserdata(L, &leaf->cursor);
	lua_pushlightuserdata(L, leaf->emit == NULL ? NULL : &leaf->emit->cursor);
	lua_pushlightuserdata(L, &leaf->state);
	lua_pushlightuserdata(L, leaf->merge == NULL ? NULL : &leaf->merge->at);
	return 4;
}

static int parse_columns(lua_State *L, struct str ddl, struct schema **out)
{
	struct script *s = bind_script(L);
	if (ddl_parse(ddl, s->plan->arena, out, &s->error) < 0)
		bind_fail(L);
	return 0;
}

/* A state is kept outside of the chunk's memory, so its columns have a fixed size. */
static void check_state(lua_State *L, const struct schema *state)
{
	struct script *s = bind_script(L);
	for (uint32_t i = 0; i < state->column_count; i++) {
		if (type_phys(state->columns[i].type) != PHYS_STR)
			continue;
		error_set(&s->error, CDCL_E_SCRIPT,
			"cdcl.aggregate: state column " STR_FMT " has no fixed size",
			STR_ARG(state->columns[i].name));
		error_help(&s->error, "use numbers, boolean, date or timestamp");
		bind_fail(L);
	}
}

/* core.aggregate(leaf, "mean_x double", "n bigint, s double", has retract) -> custom aggregate */
static int aggregate(lua_State *L)
{
	struct leaf *leaf = leaf_at(L, 1);
	struct script *s = leaf->script;
	struct schema *out = NULL;
	struct schema *state = NULL;
	parse_columns(L, bind_string(L, 2), &out);
	parse_columns(L, bind_string(L, 3), &state);
	if (out->column_count != 1) {
		error_set(&s->error, CDCL_E_SCRIPT, "cdcl.aggregate: one result column, not %u",
			out->column_count);
		bind_fail(L);
	}
	check_state(L, state);
	leaf->out = out;
	leaf->aggregate = (struct custom_aggregate){
		.state = state,
		.name = out->columns[0].name,
		.type = out->columns[0].type,
		.has_retract = lua_toboolean(L, 4) != 0,
		.add = leaf_aggregate_add,
		.finish = leaf_aggregate_finish,
		.place = leaf->place,
	};
	leaf->state.undo = ARENA_ARRAY(s->plan->arena, int128, state->column_count);
	leaf->state.undo_nulls = ARENA_ARRAY(s->plan->arena, uint8_t, state->column_count);
	lua_pushlightuserdata(L, &leaf->aggregate);
	return 1;
}

/* core.batch(leaf) -> batch function */
static int batch(lua_State *L)
{
	lua_pushlightuserdata(L, &leaf_at(L, 1)->batch);
	return 1;
}

void bind_leaf_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"leaf", leaf_new},
		{"add_leaf", add_leaf},
		{"set_driver", set_driver},
		{"schema", schema_of},
		{"cursors", cursors},
		{"aggregate", aggregate},
		{"batch", batch},
		{NULL, NULL},
	};
	luaL_register(L, NULL, functions);
	bind_border_open(L);
	bind_merge_rules_open(L);
}
