/* The rules of a merge: on_insert, on_update, on_delete, by one driver in the order of rows. */

#include "script/leaf.h"

#include "base/check.h"
#include "data/chunk.h"

#include <stdio.h>

enum { rule_none, rule_insert, rule_update, rule_delete };

/* Called by the driver for a row whose old is what an earlier row of the chunk became. */
void leaf_merge_link(struct merge_cursor *at, int32_t row)
{
	merge_rows_link(container_of(at, struct leaf_merge, at)->rows, row);
}

/* Place, rule and the NULL column of an error in a rule. */
void leaf_merge_explain(struct leaf *leaf, struct error *why)
{
	const struct merge_cursor *at = &leaf->merge->at;
	const struct watch_part *rule = &leaf->merge->rules[at->rule];
	const struct {
		const struct row_cursor *row;
		const struct schema *schema;
		const char *name;
	} rows[] = {
		{&at->next, leaf->out, "new"},
		{&at->old, leaf->out, "old"},
		{&leaf->cursor, leaf->in, "the event"},
	};
	error_at(why, STR_FMT, STR_ARG(rule->place));
	struct str null = {NULL, 0};
	const char *of = NULL;
	/* First the named column that was read as NULL last, then one that is NULL, then any. */
	for (size_t i = 0; i < 3 * ARRAY_LEN(rows) && null.data == NULL; i++) {
		size_t k = i % ARRAY_LEN(rows);
		struct str field = leaf_null_field(rows[k].schema, rows[k].row, why);
		struct str last = leaf_null_last(rows[k].schema, rows[k].row, why);
		of = rows[k].name;
		if (i >= 2 * ARRAY_LEN(rows))
			null = last;
		else if (i >= ARRAY_LEN(rows) || field.data == last.data)
			null = field;
	}
	if (null.data != NULL) {
		size_t n = strlen(why->text);
		snprintf(why->text + n, sizeof(why->text) - n, ": column " STR_FMT " of %s is NULL",
			STR_ARG(null), of);
	}
	error_prefix(why, "%s: ", rule->what);
}

static void enter(struct leaf *leaf, struct merge_rows *rows)
{
	struct leaf_merge *m = leaf->merge;
	m->rows = rows;
	leaf_enter(leaf, rows->event);
	m->at = (struct merge_cursor){
		.old = {.columns = rows->old->columns, .chunk = rows->old, .null_column = -1},
		.next = {.columns = rows->next->columns, .chunk = rows->next, .null_column = -1},
		.arena = rows->next->arena,
		.rows = rows->rows,
		.link = rows->link,
		.has_old = rows->has_old,
		.action = rows->action,
		.op = rows->op,
		.outcome = rows->outcome,
	};
}

static void leave(struct leaf *leaf)
{
	leaf->merge->at = (struct merge_cursor){.rule = rule_none};
	leaf->merge->rows = NULL;
	leaf_leave(leaf);
}

/* One call of the driver from row `start` on: 0 all done, 1 a rule refused the row at the cursor
 * or failed in it (why). */
static int drive(struct leaf *leaf, uint32_t start, struct error *why)
{
	lua_State *L = leaf->script->vm.L;
	struct leaf_merge *m = leaf->merge;
	m->at.old.row = (int32_t)start;
	leaf_set_row(leaf, m->rows->rows[start]);
	lua_rawgeti(L, LUA_REGISTRYINDEX, leaf->driver);
	lua_pushinteger(L, (lua_Integer)start);
	lua_pushinteger(L, (lua_Integer)m->rows->count - 1);
	if (leaf_call(leaf, 2, 1, why) < 0)
		return 1;
	size_t len;
	const char *reason = lua_tolstring(L, -1, &len);
	int refused = reason != NULL;
	if (refused) {
		error_init(why);
		error_set(why, CDCL_E_LUA, "%.*s", (int)(len < 400 ? len : 400), reason);
		const struct watch_part *rule = &m->rules[m->at.rule];
		error_at(why, STR_FMT, STR_ARG(rule->place));
		error_prefix(why, "%s: ", rule->what);
	}
	lua_pop(L, 1);
	return refused;
}

static int call_rules(struct merge_function *f, struct merge_rows *rows, struct dead_letters *dead,
	struct error *err)
{
	struct leaf_merge *m = container_of(f, struct leaf_merge, function);
	struct leaf *leaf = m->leaf;
	enter(leaf, rows);
	int result = 0;
	uint32_t start = 0;
	while (start < rows->count && result >= 0) {
		struct error why;
		if (drive(leaf, start, &why) == 0)
			break;
		uint32_t row = (uint32_t)m->at.old.row;
		check(row >= start && row < rows->count);
		rows->outcome[row] = MERGE_OUTCOME_REFUSED;
		if (!leaf->script->rehearsal)
			result = dead_letter_add(
				dead, DEAD_LUA, rows->event, rows->rows[row], &why, err);
		else if (leaf->script->vm.was_overdue)
			result = -(int)CDCL_E_LUA;
		start = row + 1;
	}
	leave(leaf);
	return result < 0 ? result : 0;
}

/* ---- bindings ---- */

/*
 * core.merge_leaf(node, on_insert, on_update, on_delete) -> leaf, names of
 * the key's columns. The functions may be nil; the rules become the merge's.
 */
static int merge_leaf(lua_State *L)
{
	static const char *const names[leaf_rule_count] = {
		"a merge rule", "on_insert", "on_update", "on_delete"};
	struct script *s = bind_script(L);
	struct plan_node *node = bind_node(L, 1);
	check(node->merge != NULL);
	struct leaf *leaf = ARENA_NEW(s->plan->arena, struct leaf);
	struct leaf_merge *m = ARENA_NEW(s->plan->arena, struct leaf_merge);
	m->leaf = leaf;
	for (int i = leaf_rule_count - 1; i > 0; i--) {
		m->rules[i].what = names[i];
		if (lua_isnil(L, i + 1))
			continue;
		m->rules[i].place = leaf_definition_place(L, i + 1);
		leaf->place = m->rules[i].place;
	}
	m->rules[rule_none] = (struct watch_part){names[rule_none], leaf->place};
	m->function = (struct merge_function){
		.call = call_rules,
		.has_insert = !lua_isnil(L, 1 + rule_insert),
		.has_update = !lua_isnil(L, 1 + rule_update),
		.has_delete = !lua_isnil(L, 1 + rule_delete),
		.place = leaf->place,
	};
	leaf->merge = m;
	leaf->kind = LEAF_MERGE;
	leaf->what = names[rule_none];
	leaf->script = s;
	leaf->in = node->inputs[0]->schema;
	leaf->out = node->schema;
	leaf->watch = (struct watch){.what = leaf->what,
		.place = leaf->place,
		.row = (const uint32_t *)&leaf->cursor.row,
		.parts = m->rules,
		.part = &m->at.rule};
	leaf->driver = leaf->finish_driver = LUA_NOREF;
	leaf->next = s->leaves;
	s->leaves = leaf;
	node->merge->function = &m->function;
	lua_pushlightuserdata(L, leaf);
	const struct row_key *key = &node->merge->key;
	lua_createtable(L, (int)key->count, 0);
	for (uint32_t i = 0; i < key->count; i++) {
		struct str name = node->schema->columns[key->columns[i]].name;
		lua_pushlstring(L, name.data, name.len);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 2;
}

/* core.change_ops() -> names of operations, by number */
static int change_ops(lua_State *L)
{
	lua_createtable(L, change_op_count, 0);
	for (int i = 0; i < change_op_count; i++) {
		lua_pushstring(L, change_op_name((enum change_op)i));
		lua_rawseti(L, -2, i);
	}
	return 1;
}

void bind_merge_rules_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"merge_leaf", merge_leaf}, {"change_ops", change_ops}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
