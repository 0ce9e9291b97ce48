/*
 * Sources: checked options to a struct source_config, with what the command line says put over it
 * (--input replaces every source, --from and -X go to every Kafka source, --brokers wins).
 */

#include "script/bind_peek.h"

#include "base/check.h"
#include "base/log.h"
#include "source/kafka_lane.h"
#include "source/offsets_parse.h"

#include <stdio.h>
#include <stdlib.h>

enum { fetch_memory_default = 64 * 1024 * 1024 };

struct str bind_brokers(const struct script *s, struct str of_script)
{
	if (s->options.brokers.data != NULL)
		return str_dup(s->options.brokers, s->plan->arena);
	const char *environment = getenv("CDCL_BROKERS");
	if (environment != NULL && environment[0] != '\0')
		return str_dup(str_c(environment), s->plan->arena);
	return of_script.data != NULL ? of_script : str_lit("localhost:9092");
}

static void read_starting(lua_State *L, struct str text, struct starting_offsets *out)
{
	struct script *s = bind_script(L);
	bool of_command_line = s->options.from.data != NULL;
	if (of_command_line)
		text = s->options.from;
	if (text.data == NULL)
		return;
	if (starting_offsets_parse(text, s->plan->timezone, s->options.clock, s->plan->arena, out,
		    &s->error) < 0) {
		if (of_command_line) {
			error_at(&s->error, "--from");
			bind_raise(L);
		}
		s->error.code = CDCL_E_SCRIPT;
		snprintf(
			s->error.source_line, sizeof(s->error.source_line), STR_FMT, STR_ARG(text));
		bind_fail(L);
	}
}

/* kafka = { ["fetch.min.bytes"] = 1 }: an array of {name, value} made by lib-lua in name order. */
void bind_kafka_settings(lua_State *L, int options, struct setting **out, uint32_t *count)
{
	struct script *s = bind_script(L);
	struct str place = bind_place(L);
	lua_getfield(L, options, "kafka");
	size_t n = lua_istable(L, -1) ? lua_objlen(L, -1) : 0;
	uint32_t more = s->options.kafka_setting_count;
	*out = ARENA_ARRAY(s->plan->arena, struct setting, n + more + 1);
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		struct setting *to = &(*out)[(*count)++];
		to->name = bind_field_string(L, -1, "name");
		to->value = bind_field_string(L, -1, "value");
		to->place = place;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	for (uint32_t i = 0; i < more; i++) {
		const struct setting *from = &s->options.kafka_settings[i];
		struct setting *to = &(*out)[(*count)++];
		to->name = str_dup(from->name, s->plan->arena);
		to->value = str_dup(from->value, s->plan->arena);
		to->place = from->place.data != NULL ? str_dup(from->place, s->plan->arena)
						     : str_lit("-X");
	}
}

static void read_kafka(lua_State *L, struct kafka_config *k)
{
	struct script *s = bind_script(L);
	k->brokers = bind_brokers(s, bind_field_string(L, 2, "brokers"));
	lua_getfield(L, 2, "topic");
	k->topics = bind_strings(L, lua_gettop(L), &k->topic_count);
	lua_pop(L, 1);
	k->topic_pattern = bind_field_string(L, 2, "topic_pattern");
	struct str data_loss = bind_field_string(L, 2, "on_data_loss");
	k->continue_on_data_loss = data_loss.data != NULL && str_eq(data_loss, str_lit("continue"));
	kafka_lane_parse(bind_field_string(L, 2, "lane"), &k->lane);
	k->fetch_memory_bytes = bind_field_integer(L, 2, "fetch_memory", fetch_memory_default);
	k->max_offsets_per_trigger = bind_field_integer(L, 2, "max_offsets_per_trigger", 0);
	bind_kafka_settings(L, 2, &k->settings, &k->setting_count);
	read_starting(L, bind_field_string(L, 2, "starting_offsets"), &k->starting);
}

static void read_file(lua_State *L, struct file_config *f)
{
	f->path = bind_field_string(L, 2, "path");
	struct str format = bind_field_string(L, 2, "format");
	f->format = format.data != NULL && str_eq(format, str_lit("records")) ? FILE_RECORDS
									      : FILE_LINES;
	f->max_files_per_trigger = bind_field_integer(L, 2, "max_files_per_trigger", 0);
	f->null_value = bind_field_string(L, 2, "null_value");
	lua_getfield(L, 2, "topic");
	f->topics = bind_strings(L, lua_gettop(L), &f->topic_count);
	lua_pop(L, 1);
}

static void read_generate(lua_State *L, struct generate_config *g)
{
	struct str kind = bind_field_string(L, 2, "kind");
	g->kind = str_eq(kind, str_lit("customers")) ? GENERATE_CUSTOMERS : GENERATE_ORDERS;
	g->rate = bind_field_integer(L, 2, "rate", 10);
	g->count = bind_field_integer(L, 2, "count", 0);
	g->keys = bind_field_integer(L, 2, "keys", 100);
	g->seed = (uint64_t)bind_field_integer(L, 2, "seed", 1);
	g->skew = bind_field_number(L, 2, "skew", 0);
	g->malformed = bind_field_number(L, 2, "malformed", 0);
	g->duplicates = bind_field_number(L, 2, "duplicates", 0);
	g->late = bind_field_number(L, 2, "late", 0);
}

static void read_json_options(lua_State *L, struct json_config *json)
{
	struct script *s = bind_script(L);
	struct str mode = bind_field_string(L, 2, "mode");
	if (mode.data != NULL && str_eq(mode, str_lit("failfast")))
		json->mode = JSON_FAILFAST;
	else if (mode.data != NULL && str_eq(mode, str_lit("drop")))
		json->mode = JSON_DROP;
	struct str strict = bind_field_string(L, 2, "json");
	json->strict = strict.data != NULL && str_eq(strict, str_lit("strict"));
	json->timezone = s->plan->timezone;
	json->clock = s->options.clock;
}

static enum envelope_kind read_envelope_kind(lua_State *L)
{
	static const enum envelope_kind kinds[] = {ENVELOPE_AUTO, ENVELOPE_FLAT, ENVELOPE_DEBEZIUM,
		ENVELOPE_MAXWELL, ENVELOPE_CANAL, ENVELOPE_OGG};
	struct str said = bind_field_string(L, 2, "envelope");
	for (size_t i = 0; said.data != NULL && i < ARRAY_LEN(kinds); i++)
		if (str_eq(said, str_c(envelope_name(kinds[i]))))
			return kinds[i];
	return ENVELOPE_AUTO;
}

/* A source of which nothing was said reads flat rows, unless its first messages were others. */
static void set_envelope(lua_State *L, struct plan_node *node)
{
	enum envelope_kind seen =
		node->looked != NULL ? node->looked->sample.kind : ENVELOPE_AUTO;
	struct str table = bind_field_string(L, 2, "table");
	bool said = bind_field_string(L, 2, "envelope").data != NULL;
	bool events = seen != ENVELOPE_AUTO && seen != ENVELOPE_FLAT;
	if ((!said && table.data == NULL && !events) || node->raw)
		return;
	node->envelope = ARENA_NEW(bind_script(L)->plan->arena, struct envelope_config);
	node->envelope->kind = read_envelope_kind(L);
	node->envelope->json = node->json;
	node->envelope->table = table;
}

/* --input FILE|-: any source becomes this file, with the schema and topic it had. */
static void replace_input(const struct script *s, struct source_config *config)
{
	struct file_config file = {.path = str_dup(s->options.input, s->plan->arena)};
	if (config->kind == SOURCE_FILE || config->kind == SOURCE_STDIN) {
		file.format = config->file.format;
		file.null_value = config->file.null_value;
		file.topics = config->file.topics;
		file.topic_count = config->file.topic_count;
		file.max_files_per_trigger = config->file.max_files_per_trigger;
	}
	*config = (struct source_config){.kind = SOURCE_FILE, .file = file};
	if (str_eq(file.path, str_lit("-")))
		config->kind = SOURCE_STDIN;
}

/* ---- schema = "auto" ---- */

static enum schema_change read_schema_change(lua_State *L)
{
	struct str said = bind_field_string(L, 2, "on_schema_change");
	if (said.data != NULL && str_eq(said, str_lit("fail")))
		return SCHEMA_CHANGE_FAIL;
	if (said.data != NULL && str_eq(said, str_lit("ignore")))
		return SCHEMA_CHANGE_IGNORE;
	return SCHEMA_CHANGE_ADD;
}

static void tell_schema(
	const struct envelope_sample *sample, struct str place, struct str table, struct str ddl)
{
	log_info("schema", STR_FMT ": %s, %lld messages looked at; columns %s: " STR_FMT,
		STR_ARG(place), envelope_name(sample->kind), (long long)sample->messages,
		sample->kept			? "as the checkpoint kept them"
			: sample->schema_in_message ? "as the messages say"
						    : "inferred from the values",
		STR_ARG(ddl));
	if (sample->table_count > 1 && table.data == NULL)
		log_warn("schema",
			STR_FMT ": %u tables in these messages; the columns are those of " STR_FMT,
			STR_ARG(place), sample->table_count, STR_ARG(sample->table));
}

/* The columns that the first messages have, as DDL. */
static struct str auto_schema(lua_State *L, const struct source_config *config,
	enum schema_change on_change, const struct plan_looked **looked)
{
	struct script *s = bind_script(L);
	struct strbuf text;
	*looked = bind_peek(L, config, read_envelope_kind(L), bind_field_string(L, 2, "table"),
		str_lit("auto"));
	const struct envelope_sample *sample = &(*looked)->sample;
	strbuf_init(&text);
	schema_text(on_change == SCHEMA_CHANGE_ADD ? sample->schema : sample->first, &text);
	struct str ddl = str_dup(strbuf_str(&text), s->plan->arena);
	strbuf_release(&text);
	if (!s->rehearsal)
		tell_schema(sample, bind_place(L), bind_field_string(L, 2, "table"), ddl);
	return ddl;
}

/* core.source(kind, options) -> node */
static int source(lua_State *L)
{
	struct script *s = bind_script(L);
	const char *kind = luaL_checkstring(L, 1);
	struct source_config config = {.kind = SOURCE_KAFKA};
	struct json_config json = {.mode = JSON_PERMISSIVE};
	if (strcmp(kind, "kafka") == 0) {
		read_kafka(L, &config.kafka);
	} else if (strcmp(kind, "generate") == 0) {
		config.kind = SOURCE_GENERATE;
		read_generate(L, &config.generate);
	} else {
		config.kind = strcmp(kind, "stdin") == 0 ? SOURCE_STDIN : SOURCE_FILE;
		read_file(L, &config.file);
		if (config.kind == SOURCE_STDIN)
			config.file.path = str_lit("-");
	}
	read_json_options(L, &json);
	if (s->options.input.data != NULL)
		replace_input(s, &config);
	struct str ddl = bind_field_string(L, 2, "schema");
	const struct plan_looked *looked = NULL;
	enum schema_change on_change = read_schema_change(L);
	if (ddl.data != NULL && str_eq_fold(str_trim(ddl), str_lit("auto")))
		ddl = auto_schema(L, &config, on_change, &looked);
	struct plan_node *node =
		plan_source(s->plan, &config, ddl, &json, bind_place(L), &s->error);
	if (node == NULL)
		bind_fail(L);
	node->looked = looked;
	node->on_schema_change = on_change;
	set_envelope(L, node);
	lua_pushlightuserdata(L, node);
	return 1;
}

void bind_source_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"source", source}, {NULL, NULL}};
	luaL_register(L, NULL, functions);
}
