/* stream:merge { ... }: checked options to a struct merge_options. */

#include "script/bind_peek.h"

#include "base/check.h"

/* op_map = { neu = "insert" }: an array of {name, value} made by lib-lua in name order. */
static void read_op_map(lua_State *L, int options, struct merge_options *out)
{
	lua_getfield(L, options, "op_map");
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	out->op_words = ARENA_ARRAY(bind_script(L)->plan->arena, struct str, 2 * n + 1);
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		out->op_words[2 * i] = bind_field_string(L, -1, "name");
		out->op_words[2 * i + 1] = bind_field_string(L, -1, "value");
		out->op_word_count++;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_rules(lua_State *L, int options, struct merge_options *out)
{
	lua_getfield(L, options, "rules");
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	struct arena *arena = bind_script(L)->plan->arena;
	out->rule_names = ARENA_ARRAY(arena, const char *, n + 1);
	out->rule_columns = ARENA_ARRAY(arena, struct str, n + 1);
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		out->rule_names[i] = bind_field_string(L, -1, "name").data;
		out->rule_columns[i] = bind_field_string(L, -1, "column");
		out->rule_count++;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_options(lua_State *L, int options, struct merge_options *out)
{
	static const struct {
		const char *name;
		size_t at;
	} texts[] = {
		{"name", offsetof(struct merge_options, name)},
		{"key", offsetof(struct merge_options, key)},
		{"op", offsetof(struct merge_options, op)},
		{"sequence_by", offsetof(struct merge_options, sequence_by)},
		{"update", offsetof(struct merge_options, update)},
		{"null_means", offsetof(struct merge_options, null_means)},
		{"except", offsetof(struct merge_options, except)},
		{"keep", offsetof(struct merge_options, keep)},
		{"on_insert_existing", offsetof(struct merge_options, on_insert_existing)},
		{"on_update_missing", offsetof(struct merge_options, on_update_missing)},
		{"on_delete_missing", offsetof(struct merge_options, on_delete_missing)},
		{"on_truncate", offsetof(struct merge_options, on_truncate)},
		{"ttl_by", offsetof(struct merge_options, ttl_by)},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str *to = (struct str *)(void *)((char *)out + texts[i].at);
		*to = bind_field_string(L, options, texts[i].name);
	}
	out->ttl_us = bind_field_integer(L, options, "ttl", 0);
	out->tombstone_ttl_us = bind_field_integer(L, options, "tombstone_ttl", -1);
	out->max_rows = bind_field_integer(L, options, "max_rows", 0);
	out->order_free = bind_field_boolean(L, options, "order_free", false);
	read_op_map(L, options, out);
	read_rules(L, options, out);
}

/* core.merge(node, options) */
static int merge(lua_State *L)
{
	struct script *s = bind_script(L);
	struct merge_options options = {.max_rows = 0};
	struct plan_node *in = bind_node(L, 1);
	read_options(L, 2, &options);
	if (options.key.data == NULL && !in->is_table)
		options.key = bind_peek_key(L, in);
	struct plan_node *node = plan_merge(s->plan, in, &options, bind_place(L), &s->error);
	if (node == NULL)
		bind_fail_at(L, str_lit("merge"));
	lua_pushlightuserdata(L, node);
	lua_pushboolean(L, node->is_table);
	return 2;
}

void bind_merge_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"merge", merge}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
