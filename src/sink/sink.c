#include "sink/sink.h"

#include "base/check.h"
#include "base/log.h"
#include "sink/parquet_sink.h"
#include "sink/sink_kinds.h"

#include <inttypes.h>

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

struct str sink_target(const struct sink_config *config, struct arena *arena)
{
	const char *kind = "";
	switch (config->kind) {
	case SINK_CONSOLE:
	case SINK_CHANGES:
		return str_lit("stdout");
	case SINK_FOREACH_BATCH:
		return str_lit("foreach_batch");
	case SINK_MEMORY:
		return str_printf(arena, "memory " STR_FMT, STR_ARG(config->name));
	case SINK_KAFKA:
		return str_printf(arena, "topic " STR_FMT, STR_ARG(config->kafka.topic));
	case SINK_POSTGRES:
		return str_printf(arena, "postgres " STR_FMT, STR_ARG(config->table));
	case SINK_SQLITE:
		return str_printf(arena, "sqlite " STR_FMT " " STR_FMT, STR_ARG(config->path),
			STR_ARG(config->table));
	case SINK_FILE:
		kind = "file";
		break;
	case SINK_PARQUET:
		kind = "parquet";
		break;
	}
	return str_printf(arena, "%s " STR_FMT, kind, STR_ARG(config->path));
}

bool sink_upserts(const struct sink_config *c, bool is_table)
{
	bool by_key = c->kind == SINK_KAFKA || c->kind == SINK_SQLITE || c->kind == SINK_POSTGRES;
	return by_key && c->mode == OUTPUT_UPDATE && is_table;
}

/* ---- what the target holds against what the checkpoint knows ---- */

static int differs(const struct sink *s, int64_t published, struct error *err)
{
	bool newer = s->held > published;
	error_set(err, CDCL_E_STATE,
		STR_FMT ": holds batch %" PRId64 " of this checkpoint, which is at batch %" PRId64
		": %s", STR_ARG(s->target), s->held, published,
		newer ? "the checkpoint is older than the target (a restored copy?)"
		      : "the target is older than the checkpoint (the script did without it for "
			"some batches, or a restored copy?)");
	error_help(err, newer
		? "put the newer checkpoint back; or remove the checkpoint and begin anew "
		  "(docs/operations.md, When target and checkpoint differ)"
		: "put the newer target back; or make it forget the job, and it begins anew "
		  "(docs/operations.md, When target and checkpoint differ)");
	return -(int)CDCL_E_STATE;
}

static int judge_new(const struct sink *s, int64_t published)
{
	bool all_rows = s->is_table && (s->mode == OUTPUT_COMPLETE || s->mode == OUTPUT_UPDATE);
	if (published < 0) {
		if (s->others && !all_rows)
			log_warn("sink", STR_FMT ": holds what another checkpoint wrote; rows are "
				"added to it", STR_ARG(s->target));
		return SINK_BEGINS;
	}
	log_info("sink", STR_FMT ": new to this checkpoint: %s", STR_ARG(s->target),
		all_rows ? "it gets all current rows"
			 : "it begins with the next batch, what came before is not there");
	return all_rows ? SINK_RESYNCS : SINK_BEGINS;
}

int sink_judge(const struct sink *s, int64_t published, int64_t again, struct error *err)
{
	if (s->torn != NULL && s->torn->batch >= 0 && s->torn->batch <= published) {
		*err = s->torn->changed;
		return -(int)err->code;
	}
	if (!s->remembers || s->held == published)
		return s->remembers && published < 0 ? judge_new(s, published) : SINK_GOES_ON;
	if (s->held < 0)
		return judge_new(s, published);
	if (s->held > published && s->held == again)
		return SINK_HAS_BATCH;
	if (s->held < published && s->mode == OUTPUT_COMPLETE)
		return SINK_RESYNCS;
	return differs(s, published, err);
}

int sink_begin_anew(struct sink *s, const char *why, struct error *err)
{
	log_info("sink", STR_FMT ": holds batch %" PRId64 ", but %s", STR_ARG(s->target), s->held,
		why);
	int r = s->ops->forget == NULL ? 0 : s->ops->forget(s, err);
	if (r == 0)
		s->held = -1;
	return r;
}

/* ---- open and close ---- */

struct sink *sink_open(const struct sink_config *config, const struct schema *schema,
	const struct row_key *key, bool is_table, const struct timezone *timezone,
	struct error *err)
{
	struct sink_rows rows = {.schema = schema,
		.key = key,
		.is_table = is_table,
		.timezone = timezone,
		.target = str_lit("")};
	return sink_open_rows(config, &rows, err);
}

struct sink *sink_open_rows(
	const struct sink_config *config, const struct sink_rows *rows, struct error *err)
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
	s->schema = rows->schema;
	s->timezone = rows->timezone;
	s->key = rows->key;
	s->is_table = rows->is_table;
	s->writer = rows->writer;
	s->target = rows->target;
	s->twin = rows->twin;
	s->held = -1;
	if (s->ops->open(s, &s->held, err) < 0) {
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
