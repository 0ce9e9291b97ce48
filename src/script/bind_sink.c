/*
 * Sinks: `:to(cdcl.console {...})`. A kind is a row of the table below: its name in lib-lua, and
 * what reads the options that only it has.
 */

#include "script/bind.h"

#include "base/check.h"

static void read_console(lua_State *L, int options, struct sink_config *config)
{
	config->truncate = bind_field_boolean(L, options, "truncate", true);
	config->num_rows = bind_field_integer(L, options, "num_rows", 20);
}

static void read_memory(lua_State *L, int options, struct sink_config *config)
{
	config->name = bind_field_string(L, options, "name");
}

static void read_on_error(lua_State *L, int options, struct sink_config *config)
{
	struct str on_error = bind_field_string(L, options, "on_error");
	if (on_error.data != NULL && str_eq(on_error, str_lit("retry")))
		config->on_error = SINK_RETRY;
}

static void read_file(lua_State *L, int options, struct sink_config *config)
{
	struct str format = bind_field_string(L, options, "format");
	config->path = bind_field_string(L, options, "path");
	config->every_us = bind_field_integer(L, options, "every", 0);
	config->format = format.data != NULL && str_eq(format, str_lit("csv")) ? SINK_CSV
									      : SINK_JSONL;
	read_on_error(L, options, config);
}

static void read_parquet(lua_State *L, int options, struct sink_config *config)
{
	struct str compression = bind_field_string(L, options, "compression");
	config->path = bind_field_string(L, options, "path");
	config->every_us = bind_field_integer(L, options, "every", 0);
	config->parquet.buckets = bind_field_integer(L, options, "buckets", 16);
	config->parquet.keep_snapshots = bind_field_integer(L, options, "keep_snapshots", 2);
	config->parquet.partition_by = bind_field_string(L, options, "partition_by");
	if (compression.data != NULL && str_eq(compression, str_lit("snappy")))
		config->parquet.compression = PARQUET_SNAPPY;
	else if (compression.data != NULL && str_eq(compression, str_lit("none")))
		config->parquet.compression = PARQUET_NONE;
	read_on_error(L, options, config);
}

static void read_kafka(lua_State *L, int options, struct sink_config *config)
{
	struct kafka_sink_config *k = &config->kafka;
	struct str format = bind_field_string(L, options, "format");
	config->format_given = format.data != NULL;
	if (config->format_given && str_eq(format, str_lit("debezium")))
		config->format = SINK_DEBEZIUM;
	else if (config->format_given && str_eq(format, str_lit("raw")))
		config->format = SINK_RAW;
	k->brokers = bind_brokers(bind_script(L), bind_field_string(L, options, "brokers"));
	k->topic = bind_field_string(L, options, "topic");
	k->key = bind_field_string(L, options, "key");
	struct str delivery = bind_field_string(L, options, "delivery");
	if (delivery.data != NULL)
		k->delivery = str_eq(delivery, str_lit("exactly_once")) ? DELIVERY_EXACTLY_ONCE
									: DELIVERY_AT_LEAST_ONCE;
	k->ignore_null_fields = bind_field_boolean(L, options, "ignore_null_fields", false);
	bind_kafka_settings(L, options, &k->settings, &k->setting_count);
	read_on_error(L, options, config);
}

static void read_sqlite(lua_State *L, int options, struct sink_config *config)
{
	config->path = bind_field_string(L, options, "path");
	config->table = bind_field_string(L, options, "table");
	read_on_error(L, options, config);
}

static void read_postgres(lua_State *L, int options, struct sink_config *config)
{
	config->connection = bind_field_string(L, options, "connection");
	config->table = bind_field_string(L, options, "table");
	read_on_error(L, options, config);
}

static const struct {
	const char *name;
	enum sink_kind kind;
	void (*read)(lua_State *L, int options, struct sink_config *config); /* NULL: nothing */
} kinds[] = {
	{"console", SINK_CONSOLE, read_console},
	{"changes", SINK_CHANGES, NULL},
	{"memory", SINK_MEMORY, read_memory},
	{"foreach_batch", SINK_FOREACH_BATCH, NULL},
	{"file_sink", SINK_FILE, read_file},
	{"parquet_sink", SINK_PARQUET, read_parquet},
	{"kafka_sink", SINK_KAFKA, read_kafka},
	{"sqlite_sink", SINK_SQLITE, read_sqlite},
	{"postgres_sink", SINK_POSTGRES, read_postgres},
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
	enum { options = 3 };
	struct script *s = bind_script(L);
	struct plan_node *node = bind_node(L, 1);
	const char *kind = luaL_checkstring(L, 2);
	struct sink_config config = {.kind = SINK_CONSOLE};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		config.kind = kinds[i].kind;
		if (kinds[i].read != NULL)
			kinds[i].read(L, options, &config);
	}
	read_mode(bind_field_string(L, options, "output_mode"), &config);
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
