/* The steps of a Stream or Table: each checks its arguments and adds one node to the plan. */

#include "script/bind.h"

#include "base/check.h"

/* `method`: what the caret goes under when the mistake is in no text of its own. */
static int push_node(lua_State *L, struct plan_node *node, const char *method)
{
	if (node == NULL)
		bind_fail_at(L, str_c(method));
	lua_pushlightuserdata(L, node);
	lua_pushboolean(L, node->is_table);
	return 2;
}

/* core.filter(node, sql) */
static int filter(lua_State *L)
{
	struct script *s = bind_script(L);
	return push_node(L,
		plan_filter(s->plan, bind_node(L, 1), bind_string(L, 2), bind_place(L), &s->error),
		"filter");
}

/* core.select(node, texts), core.with(node, texts), core.order_by(node, texts) */
static int list_step(
	lua_State *L, const char *method,
	struct plan_node *(*add)(struct plan *, struct plan_node *, const struct str *, uint32_t,
		struct str, struct error *))
{
	struct script *s = bind_script(L);
	uint32_t count;
	struct plan_node *in = bind_node(L, 1);
	struct str *texts = bind_strings(L, 2, &count);
	return push_node(L, add(s->plan, in, texts, count, bind_place(L), &s->error),
		method);
}

static int select_columns(lua_State *L)
{
	return list_step(L, "select", plan_select);
}

static int with(lua_State *L)
{
	return list_step(L, "with", plan_with);
}

static int order_by(lua_State *L)
{
	return list_step(L, "order_by", plan_order_by);
}

/* core.drop_columns(node, "a, b") */
static int drop_columns(lua_State *L)
{
	struct script *s = bind_script(L);
	return push_node(L,
		plan_drop_columns(s->plan, bind_node(L, 1), bind_string(L, 2), bind_place(L),
			&s->error),
		"drop_columns");
}

/* core.rename(node, old, new) */
static int rename_column(lua_State *L)
{
	struct script *s = bind_script(L);
	return push_node(L,
		plan_rename(s->plan, bind_node(L, 1), bind_string(L, 2), bind_string(L, 3),
			bind_place(L), &s->error),
		"rename");
}

/* core.limit(node, n) */
static int limit(lua_State *L)
{
	struct script *s = bind_script(L);
	int64_t n = (int64_t)luaL_checknumber(L, 2);
	return push_node(
		L, plan_limit(s->plan, bind_node(L, 1), n, bind_place(L), &s->error), "limit");
}

/* core.union({node, ...}) */
static int union_streams(lua_State *L)
{
	struct script *s = bind_script(L);
	uint32_t count = (uint32_t)lua_objlen(L, 1);
	struct plan_node **nodes = ARENA_ARRAY(s->plan->arena, struct plan_node *, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		lua_rawgeti(L, 1, (int)i + 1);
		nodes[i] = bind_node(L, -1);
		lua_pop(L, 1);
	}
	return push_node(
		L, plan_union(s->plan, nodes, count, bind_place(L), &s->error), "union");
}

/* core.group(node, keys, aggregates): an aggregate is an SQL text or a custom one (light userdata)
 */
static int group(lua_State *L)
{
	struct script *s = bind_script(L);
	uint32_t key_count;
	struct str *keys = bind_strings(L, 2, &key_count);
	uint32_t count = (uint32_t)lua_objlen(L, 3);
	struct aggregate_source *list =
		ARENA_ARRAY(s->plan->arena, struct aggregate_source, count + 1);
	for (uint32_t i = 0; i < count; i++) {
		lua_rawgeti(L, 3, (int)i + 1);
		if (lua_islightuserdata(L, -1))
			list[i].custom = lua_touserdata(L, -1);
		else
			list[i].text = bind_string(L, -1);
		lua_pop(L, 1);
	}
	return push_node(L,
		plan_group(s->plan, bind_node(L, 1), keys, key_count, list, count, bind_place(L),
			&s->error),
		"agg");
}

/* core.top(node, keys, n, by) */
static int top(lua_State *L)
{
	struct script *s = bind_script(L);
	uint32_t key_count;
	struct plan_node *in = bind_node(L, 1);
	struct str *keys = bind_strings(L, 2, &key_count);
	int64_t n = (int64_t)luaL_checknumber(L, 3);
	return push_node(L,
		plan_top(s->plan, in, keys, key_count, n, bind_string(L, 4), bind_place(L),
			&s->error),
		"top");
}

/* core.join(left, right, on, kind) */
static int join(lua_State *L)
{
	struct script *s = bind_script(L);
	bool left = str_eq(bind_string(L, 4), str_lit("left"));
	return push_node(L,
		plan_join(s->plan, bind_node(L, 1), bind_node(L, 2), bind_string(L, 3),
			left ? JOIN_LEFT : JOIN_INNER, bind_place(L), &s->error),
		"join");
}

void bind_stream_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"filter", filter},
		{"select", select_columns},
		{"with", with},
		{"order_by", order_by},
		{"drop_columns", drop_columns},
		{"rename", rename_column},
		{"limit", limit},
		{"union", union_streams},
		{"group", group},
		{"top", top},
		{"join", join},
		{NULL, NULL},
	};
	luaL_register(L, NULL, functions);
}
