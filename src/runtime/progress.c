#include "runtime/progress.h"

#include "base/file.h"
#include "base/secret.h"
#include "data/value.h"

#include <stdlib.h>
#include <xxhash.h>

struct progress {
	char *path;
	int fd; /* 0: none */
	const struct clock *clock;
	struct strbuf line;
	struct strbuf name; /* as a JSON string */
	char id[40];
	char run_id[40];
	int64_t last_us; /* wall: the batch before */
};

static void uuid_text(const uint8_t bytes[16], char out[40])
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[len++] = '-';
		out[len++] = digits[bytes[i] >> 4];
		out[len++] = digits[bytes[i] & 15];
	}
	out[len] = 0;
}

/* The id is the same for every run of a job of this name, the run's id for none. */
static void make_ids(struct progress *g, struct str job_name, const struct clock *clock)
{
	XXH128_hash_t id = XXH3_128bits(job_name.data, job_name.len);
	uuid_text((const uint8_t *)&id, g->id);
	int64_t moments[2] = {clock_wall_us(clock), clock_monotonic_us(clock)};
	XXH128_hash_t run_id = XXH3_128bits_withSeed(moments, sizeof(moments), id.low64);
	uuid_text((const uint8_t *)&run_id, g->run_id);
}

struct progress *progress_open(const char *path, bool append, struct str job_name,
	const struct clock *clock, struct error *err)
{
	struct progress *g = calloc(1, sizeof(*g));
	char *copy = strdup(path == NULL ? "" : path);
	if (g == NULL || copy == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for --progress");
		free(g);
		free(copy);
		return NULL;
	}
	g->path = copy;
	g->clock = clock;
	g->last_us = clock_wall_us(clock);
	strbuf_init(&g->line);
	strbuf_init(&g->name);
	json_text_string(job_name, &g->name);
	make_ids(g, job_name, clock);
	if (path == NULL)
		return g;
	g->fd = strcmp(path, "-") == 0 ? 1 : file_open_write(path, append, err);
	if (g->fd < 0) {
		error_prefix(err, "--progress: ");
		progress_close(g);
		return NULL;
	}
	return g;
}

void progress_close(struct progress *g)
{
	if (g == NULL)
		return;
	if (g->fd > 1)
		file_close(g->fd);
	strbuf_release(&g->line);
	strbuf_release(&g->name);
	free(g->path);
	free(g);
}

static void add_time(struct strbuf *out, int64_t us)
{
	int64_t ms = us / 1000;
	int64_t year;
	unsigned month;
	unsigned day;
	date_to_civil(ms / 86400000, &year, &month, &day);
	int of_day = (int)(ms % 86400000);
	strbuf_addf(out, "\"%04d-%02u-%02uT%02d:%02d:%02d.%03dZ\"", (int)year, month, day,
		of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60, of_day % 1000);
}

static double per_second(int64_t rows, int64_t us)
{
	return us <= 0 ? 0.0 : (double)rows * 1e6 / (double)us;
}

enum which_offset { OFFSET_START, OFFSET_END, OFFSET_LATEST };

static int64_t offset_of(const struct source_partition *part, enum which_offset which)
{
	if (which == OFFSET_START)
		return part->batch_start;
	return which == OFFSET_END || part->latest < 0 ? part->position : part->latest;
}

/* {"topic":{"0":23,"1":7}}; partitions of a topic stand together. */
static void add_offsets(
	struct strbuf *out, const char *name, const struct source *s, enum which_offset which)
{
	strbuf_addf(out, ",\"%s\":{", name);
	for (uint32_t i = 0; i < s->partition_count; i++) {
		const struct source_partition *part = &s->partitions[i];
		bool same = i > 0 && str_eq(s->partitions[i - 1].topic, part->topic);
		if (!same) {
			strbuf_add_c(out, i > 0 ? "}," : "");
			json_text_string(part->topic, out);
			strbuf_add_c(out, ":{");
		}
		strbuf_addf(out, "%s\"%d\":%lld", same ? "," : "", part->partition,
			(long long)offset_of(part, which));
	}
	strbuf_add_c(out, s->partition_count > 0 ? "}}" : "}");
}

static void add_behind(struct strbuf *out, const struct source *s)
{
	int64_t least = 0;
	int64_t most = 0;
	int64_t sum = 0;
	for (uint32_t i = 0; i < s->partition_count; i++) {
		int64_t behind =
			offset_of(&s->partitions[i], OFFSET_LATEST) - s->partitions[i].position;
		behind = behind < 0 ? 0 : behind;
		least = i == 0 || behind < least ? behind : least;
		most = behind > most ? behind : most;
		sum += behind;
	}
	double mean = s->partition_count == 0 ? 0.0 : (double)sum / s->partition_count;
	strbuf_addf(out,
		",\"metrics\":{\"avgOffsetsBehindLatest\":\"%.1f\",\"maxOffsetsBehindLatest\":\"%"
		"lld\","
		"\"minOffsetsBehindLatest\":\"%lld\"}",
		mean, (long long)most, (long long)least);
}

static void add_sources(
	struct strbuf *out, const struct pipeline *p, int64_t between_us, int64_t busy_us)
{
	strbuf_add_c(out, ",\"sources\":[");
	for (uint32_t i = 0; i < pipeline_source_count(p); i++) {
		int64_t messages = 0;
		const struct source *s = pipeline_source(p, i, &messages);
		strbuf_add_c(out, i > 0 ? ",{\"description\":" : "{\"description\":");
		json_text_string(s->description, out);
		add_offsets(out, "startOffset", s, OFFSET_START);
		add_offsets(out, "endOffset", s, OFFSET_END);
		add_offsets(out, "latestOffset", s, OFFSET_LATEST);
		strbuf_addf(out,
			",\"numInputRows\":%lld,\"inputRowsPerSecond\":%.1f,"
			"\"processedRowsPerSecond\":%.1f",
			(long long)messages, per_second(messages, between_us),
			per_second(messages, busy_us));
		add_behind(out, s);
		strbuf_add_byte(out, '}');
	}
	strbuf_add_byte(out, ']');
}

static void add_states(struct strbuf *out, const struct pipeline *p)
{
	const struct operator_state *s;
	strbuf_add_c(out, ",\"stateOperators\":[");
	for (uint32_t i = 0; (s = pipeline_state(p, i)) != NULL; i++)
		strbuf_addf(out,
			"%s{\"operatorName\":\"stateStoreSave\",\"numRowsTotal\":%lld,"
			"\"numRowsUpdated\":%lld,\"numRowsRemoved\":%lld,\"memoryUsedBytes\":%lld}",
			i > 0 ? "," : "", (long long)s->rows_total, (long long)s->rows_updated,
			(long long)s->rows_removed, (long long)s->memory_bytes);
	strbuf_add_byte(out, ']');
}

static void add_sink(struct strbuf *out, const struct sink *s)
{
	strbuf_add_c(out, "{\"description\":");
	json_text_string(s->description, out);
	strbuf_addf(out, ",\"numOutputRows\":%lld", (long long)s->rows_written);
	const struct sink_rewrite *r = s->rewrite;
	if (r != NULL)
		strbuf_addf(out,
			",\"metrics\":{\"snapshots\":%lld,\"filesWritten\":%lld,"
			"\"rowsWritten\":%lld,\"bytesWritten\":%lld,\"rowsChanged\":%lld}",
			(long long)r->snapshots, (long long)r->files, (long long)r->rows,
			(long long)r->bytes, (long long)r->changes);
	strbuf_add_byte(out, '}');
}

static void add_sinks(struct strbuf *out, const struct pipeline *p)
{
	if (pipeline_sink_count(p) > 0) {
		strbuf_add_c(out, ",\"sink\":");
		add_sink(out, pipeline_sink(p, 0));
	}
	strbuf_add_c(out, ",\"sinks\":[");
	for (uint32_t i = 0; i < pipeline_sink_count(p); i++) {
		strbuf_add_c(out, i > 0 ? "," : "");
		add_sink(out, pipeline_sink(p, i));
	}
	strbuf_add_byte(out, ']');
}

int progress_write(struct progress *g, const struct pipeline *p, struct error *err)
{
	const struct batch_figures *f = pipeline_batch(p);
	struct pipeline_totals totals;
	pipeline_totals(p, &totals);
	int64_t between_us = f->time_us - g->last_us;
	int64_t add_us = f->read_us + f->finish_us + f->publish_us;
	int64_t busy_us = add_us + f->commit_us;
	g->last_us = f->time_us;
	struct strbuf *out = &g->line;
	strbuf_reset(out);
	strbuf_addf(out,
		"{\"id\":\"%s\",\"runId\":\"%s\",\"name\":" STR_FMT ",\"timestamp\":", g->id,
		g->run_id, STR_ARG(strbuf_str(&g->name)));
	add_time(out, f->time_us);
	strbuf_addf(out,
		",\"batchId\":%lld,\"batchDuration\":%lld,\"numInputRows\":%lld,"
		"\"inputRowsPerSecond\":%.1f,"
		"\"processedRowsPerSecond\":%.1f,\"durationMs\":{\"addBatch\":%lld,"
		"\"commitOffsets\":%lld,"
		"\"triggerExecution\":%lld},\"eventTime\":{}",
		(long long)f->id, (long long)(busy_us / 1000), (long long)f->rows_in,
		per_second(f->rows_in, between_us), per_second(f->rows_in, busy_us),
		(long long)(add_us / 1000), (long long)(f->commit_us / 1000),
		(long long)(f->trigger_us / 1000));
	add_states(out, p);
	add_sources(out, p, between_us, busy_us);
	add_sinks(out, p);
	strbuf_addf(out, ",\"badRecords\":%lld}\n", (long long)totals.bad_records);
	secret_hide_quoted(out);
	if (g->fd == 0)
		return 0;
	if (g->fd == 1)
		return file_write_stdout(strbuf_str(out), err);
	return file_write_all(g->fd, strbuf_str(out), g->path, err);
}

struct str progress_line(const struct progress *g)
{
	return strbuf_str(&g->line);
}
