#include "sink/sink.h"

#include "base/check.h"
#include "sink/parquet_sink.h"
#include "sink/sink_kinds.h"

static struct sink *parquet_sink_open(const struct sink_config *config)
{
	return config->mode == OUTPUT_COMPLETE ? parquet_snapshot_open(config)
					       : parquet_append_open(config);
}

static const struct {
	struct str description;
	struct sink *(*open)(const struct sink_config *config);
} kinds[] = {
	[SINK_CONSOLE] = {str_lit("ConsoleTable"), console_sink_open},
	[SINK_CHANGES] = {str_lit("changes"), changes_sink_open},
	[SINK_MEMORY] = {str_lit("MemorySink"), memory_sink_open},
	[SINK_FOREACH_BATCH] = {str_lit("ForeachBatchSink"), foreach_batch_sink_open},
	[SINK_FILE] = {str_lit("file"), file_sink_open},
	[SINK_PARQUET] = {str_lit("parquet"), parquet_sink_open},
	[SINK_KAFKA] = {str_lit("KafkaSink"), kafka_sink_open},
	[SINK_SQLITE] = {str_lit("SqliteSink"), sqlite_sink_open},
	[SINK_POSTGRES] = {str_lit("PostgresSink"), postgres_sink_open},
};

const char *output_mode_name(enum output_mode mode)
{
	static const char *const names[output_mode_count] = {
		[OUTPUT_APPEND] = "append",
		[OUTPUT_UPDATE] = "update",
		[OUTPUT_COMPLETE] = "complete",
		[OUTPUT_CHANGELOG] = "changelog",
	};
	check(mode < output_mode_count);
	return names[mode];
}

void bucket_set_mark_all(struct bucket_set *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		bit_set(s->dirty, i);
	}
}

void bucket_set_init(struct bucket_set *s, uint32_t count, int64_t every_us)
{
	check(count > 0 && count <= bucket_count_max);
	*s = (struct bucket_set){.count = count, .every_us = every_us, .given_us = INT64_MIN / 2};
	bucket_set_mark_all(s);
}

void bucket_set_clear(struct bucket_set *s, const struct batch *b)
{
	memset(s->dirty, 0, sizeof(s->dirty));
	s->changes = 0;
	s->given_us = b->time_us;
}

static struct sink *(*stand_in)(const struct sink_config *config);

void sink_stand_in(struct sink *(*make)(const struct sink_config *config))
{
	stand_in = make;
}

struct sink *sink_open(const struct sink_config *config, const struct schema *schema,
	const struct row_key *key, bool is_table, const struct timezone *timezone,
	struct error *err)
{
	check((size_t)config->kind < ARRAY_LEN(kinds));
	if (kinds[config->kind].open == NULL) {
		error_set(err, CDCL_E_INTERNAL, "this sink is not built in");
		return NULL;
	}
	struct sink *s = stand_in == NULL ? NULL : stand_in(config);
	if (s == NULL)
		s = kinds[config->kind].open(config);
	s->description = kinds[config->kind].description;
	s->mode = config->mode;
	s->schema = schema;
	s->timezone = timezone;
	s->key = key;
	s->is_table = is_table;
	int64_t last_batch_id = -1;
	if (s->ops->open(s, &last_batch_id, err) < 0) {
		sink_close(s);
		return NULL;
	}
	return s;
}

void sink_close(struct sink *s)
{
	if (s != NULL) {
		s->ops->close(s);
	}
}
