/* Sinks: `:to(cdcl.console {...})`. */

#include "script/bind.h"

static const struct {
	const char *name;
	enum sink_kind kind;
} kinds[] = {
	{"console", SINK_CONSOLE},
	{"changes", SINK_CHANGES},
	{"memory", SINK_MEMORY},
	{"foreach_batch", SINK_FOREACH_BATCH},
};

static void read_mode(struct str name, struct sink_config *config)
{
	config->mode_given = name.data != NULL;
	for (int m = 0; m < output_mode_count && config->mode_given; m++) {
		if (str_eq(name, str_c(output_mode_name((enum output_mode)m))))
			config->mode = (enum output_mode)m;
	}
}

/* core.sink(node, kind, options, batch_function or nil) */
static int sink(lua_State *L)
{
	struct script *s = bind_script(L);
	struct plan_node *node = bind_node(L, 1);
	const char *kind = luaL_checkstring(L, 2);
	struct sink_config config = {.kind = SINK_CONSOLE};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) == 0)
			config.kind = kinds[i].kind;
	}
	read_mode(bind_field_string(L, 3, "output_mode"), &config);
	config.truncate = bind_field_boolean(L, 3, "truncate", true);
	config.num_rows = bind_field_integer(L, 3, "num_rows", 20);
	config.name = bind_field_string(L, 3, "name");
	config.function = lua_touserdata(L, 4);
	if (plan_sink(s->plan, node, &config, bind_place(L), &s->error) < 0)
		bind_fail(L);
	return 0;
}

void bind_sink_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"sink", sink}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
