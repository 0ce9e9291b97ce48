#include "runtime/job_metrics.h"

#include "base/bounds.h"
#include "base/check.h"
#include "base/log.h"
#include "data/dead_letter.h"
#include "plan/merge_plan.h"
#include "script/luajit_version.h"
#include "source/kafka_version.h"
#include "source/source.h"

#include <stdio.h>

static const double batch_bounds_s[] = {
	0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

static const double turn_bounds_s[] = {
	0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

void job_metrics_init(struct job_metrics *m)
{
	*m = (struct job_metrics){.last_id = -1,
		.batch_s = {.bounds = batch_bounds_s, .bound_count = ARRAY_LEN(batch_bounds_s)},
		.turn_s = {.bounds = turn_bounds_s, .bound_count = ARRAY_LEN(turn_bounds_s)}};
}

void job_metrics_note_batch(struct job_metrics *m, const struct pipeline *p, int64_t wall_us)
{
	const struct batch_figures *f = pipeline_batch(p);
	int64_t busy_us = f->read_us + f->finish_us + f->publish_us + f->commit_us;
	exposition_observe(&m->batch_s, (double)busy_us / 1e6);
	m->rows_in += f->rows_in;
	m->read_us += f->read_us;
	m->finish_us += f->finish_us;
	m->publish_us += f->publish_us;
	m->commit_us += f->commit_us;
	m->last_id = f->id;
	m->last_us = wall_us;
	for (uint32_t i = 0; i < pipeline_sink_count(p) && i < sink_count_max; i++)
		m->sink_rows[i] += pipeline_sink(p, i)->rows_written;
}

void job_metrics_note_turn(struct job_metrics *m, const struct pipeline *p, int64_t now_us)
{
	struct checkpoint_figures f;
	if (!pipeline_checkpoint(p, &f))
		return;
	if (f.snapshot_runs && m->snapshot_since_us == 0)
		m->snapshot_since_us = now_us;
	if (f.snapshot_runs || m->snapshot_since_us == 0)
		return;
	m->snapshot_us = now_us - m->snapshot_since_us;
	m->snapshot_since_us = 0;
}

void job_metrics_note_turn_end(struct job_metrics *m, int64_t turn_us)
{
	exposition_observe(&m->turn_s, (double)turn_us / 1e6);
	m->turn_us_max = turn_us > m->turn_us_max ? turn_us : m->turn_us_max;
}

/* ---- families ---- */

/* A sample with one label. */
static void add_labelled(
	struct strbuf *out, const char *name, const char *label, struct str text, double value)
{
	struct exposition_label l = {label, text};
	exposition_sample(out, name, &l, 1, value);
}

static struct str number_text(int64_t n, char buffer[24])
{
	int len = snprintf(buffer, 24, "%lld", (long long)n);
	return (struct str){buffer, (size_t)len};
}

enum partition_figure { FIGURE_MESSAGES, FIGURE_POSITION, FIGURE_LATEST, FIGURE_LAG };

/* -1: not known. */
static int64_t figure_of(const struct source_partition *part, enum partition_figure which)
{
	switch (which) {
	case FIGURE_MESSAGES: return part->messages;
	case FIGURE_POSITION: return part->position;
	case FIGURE_LATEST:
		/* it is asked for rarely: what was read since is beyond it */
		return part->latest > part->position ? part->latest : part->position;
	case FIGURE_LAG: break;
	}
	if (part->latest < 0 || part->position < 0)
		return -1;
	return part->latest > part->position ? part->latest - part->position : 0;
}

static bool is_kafka(const struct source *s)
{
	return strcmp(s->ops->kind, "kafka") == 0;
}

/* Files are not shown one by one: there may be any number. */
static void add_partitions(struct strbuf *out, const char *name, const char *type,
	const char *help, const struct pipeline *p, enum partition_figure which)
{
	uint32_t left = metrics_partitions_max;
	int64_t unused;
	exposition_family(out, name, type, help);
	for (uint32_t i = 0; i < pipeline_source_count(p); i++) {
		const struct source *s = pipeline_source(p, i, &unused);
		char source[24];
		for (uint32_t k = 0; is_kafka(s) && k < s->partition_count && left > 0; k++) {
			const struct source_partition *part = &s->partitions[k];
			int64_t value = figure_of(part, which);
			char partition[24];
			struct exposition_label labels[] = {
				{"source", number_text(i, source)},
				{"topic", part->topic},
				{"partition", number_text(part->partition, partition)},
			};
			left--;
			if (value >= 0)
				exposition_sample(
					out, name, labels, ARRAY_LEN(labels), (double)value);
		}
	}
}

enum source_figure { SOURCE_MESSAGES, SOURCE_BYTES, SOURCE_PARTITIONS, SOURCE_UP };

static void add_sources(struct strbuf *out, const char *name, const char *type, const char *help,
	const struct pipeline *p, enum source_figure which)
{
	int64_t unused;
	exposition_family(out, name, type, help);
	for (uint32_t i = 0; i < pipeline_source_count(p); i++) {
		const struct source *s = pipeline_source(p, i, &unused);
		int64_t values[] = {
			s->messages_read, s->bytes_read, s->partition_count, !s->unreachable};
		char source[24];
		struct exposition_label labels[] = {
			{"source", number_text(i, source)}, {"description", s->description}};
		exposition_sample(out, name, labels, ARRAY_LEN(labels), (double)values[which]);
	}
}

/* What became of the messages: decoded ones, by message but for rows. */
static void add_outcomes(const struct pipeline *p, struct strbuf *out)
{
	static const char name[] = "cdcl_source_outcomes_total";
	exposition_family(out, name, "counter",
		"What records of a source became; checked at each batch: none is lost.");
	for (uint32_t i = 0; i < pipeline_source_count(p); i++) {
		const struct intake_tally *t = pipeline_tally(p, i);
		const struct {
			const char *outcome;
			int64_t count;
		} outcomes[] = {{"row", t->rows}, {"dropped", t->dropped}, {"skipped", t->skipped},
			{"refused", t->refused}, {"put_aside", t->put_aside}};
		char source[24];
		for (size_t k = 0; k < ARRAY_LEN(outcomes); k++) {
			struct exposition_label labels[] = {{"source", number_text(i, source)},
				{"outcome", str_c(outcomes[k].outcome)}};
			exposition_sample(out, name, labels, ARRAY_LEN(labels),
				(double)outcomes[k].count);
		}
	}
}

static void add_reading(const struct pipeline *p, struct strbuf *out)
{
	struct pipeline_totals totals;
	pipeline_totals(p, &totals);
	add_partitions(out, "cdcl_records_read_total", "counter",
		"Records read from a partition since the job started.", p, FIGURE_MESSAGES);
	add_partitions(out, "cdcl_partition_position", "gauge",
		"Offset of the next record that is read.", p, FIGURE_POSITION);
	add_partitions(out, "cdcl_partition_end", "gauge",
		"End of the partition as last known.", p, FIGURE_LATEST);
	add_partitions(out, "cdcl_partition_lag_records", "gauge",
		"Offsets between position and end.", p, FIGURE_LAG);
	add_sources(out, "cdcl_source_records_total", "counter", "Records read from a source.", p,
		SOURCE_MESSAGES);
	add_outcomes(p, out);
	add_sources(out, "cdcl_source_bytes_total", "counter",
		"Bytes of keys and values read from a source.", p, SOURCE_BYTES);
	add_sources(out, "cdcl_source_partitions", "gauge", "Partitions or files of a source.", p,
		SOURCE_PARTITIONS);
	add_sources(out, "cdcl_source_up", "gauge", "0 while no broker of the source answers.", p,
		SOURCE_UP);
	if (totals.lag >= 0)
		exposition_one(out, "cdcl_lag_records", "gauge",
			"Offsets between position and end, of all partitions.",
			(double)totals.lag);
}

static void add_bad(const struct pipeline *p, struct strbuf *out)
{
	const struct dead_letters *d = pipeline_dead_letters(p);
	exposition_family(out, "cdcl_bad_records_total", "counter",
		"Records that could not be used, by reason.");
	for (uint32_t i = 0; i < dead_letter_reason_count; i++)
		add_labelled(out, "cdcl_bad_records_total", "reason",
			str_c(dead_letter_reason_name((enum dead_letter_reason)i)),
			(double)d->counts[i]);
	exposition_one(out, "cdcl_dead_letters_total", "counter",
		"Records that were kept as dead letters.", (double)d->written);
}

static void add_phases(const struct job_metrics *m, struct strbuf *out)
{
	static const char name[] = "cdcl_batch_phase_seconds_total";
	exposition_family(out, name, "counter", "Where the time of batches went.");
	add_labelled(out, name, "phase", str_lit("read"), (double)m->read_us / 1e6);
	add_labelled(out, name, "phase", str_lit("finish"), (double)m->finish_us / 1e6);
	add_labelled(out, name, "phase", str_lit("publish"), (double)m->publish_us / 1e6);
	add_labelled(out, name, "phase", str_lit("commit"), (double)m->commit_us / 1e6);
}

static void add_batches(const struct job_metrics *m, struct strbuf *out)
{
	exposition_histogram(out, "cdcl_batch_duration_seconds",
		"Time spent on a batch: reading, applying, publishing, committing.", &m->batch_s);
	add_phases(m, out);
	exposition_one(out, "cdcl_rows_applied_total", "counter", "Records of published batches.",
		(double)m->rows_in);
	if (m->last_id < 0)
		return;
	exposition_one(out, "cdcl_last_batch_id", "gauge", "Number of the batch published last.",
		(double)m->last_id);
	exposition_one(out, "cdcl_last_batch_timestamp_seconds", "gauge",
		"When a batch was published last.", (double)m->last_us / 1e6);
}

static void add_sinks(const struct job_metrics *m, const struct pipeline *p, struct strbuf *out)
{
	exposition_family(out, "cdcl_sink_rows_total", "counter",
		"Rows given to a sink, of published batches.");
	for (uint32_t i = 0; i < pipeline_sink_count(p) && i < sink_count_max; i++) {
		char sink[24];
		const struct sink *s = pipeline_sink(p, i);
		struct exposition_label labels[] = {{"sink", number_text(i, sink)},
			{"kind", str_c(s->ops->kind)}, {"description", s->description}};
		exposition_sample(out, "cdcl_sink_rows_total", labels, ARRAY_LEN(labels),
			(double)m->sink_rows[i]);
	}
}

static void add_states(struct strbuf *out, const char *name, const char *help,
	const struct pipeline *p, bool bytes)
{
	const struct operator_state *s;
	exposition_family(out, name, "gauge", help);
	for (uint32_t i = 0; (s = pipeline_state(p, i)) != NULL; i++) {
		char number[24];
		struct exposition_label labels[] = {
			{"state", number_text(i, number)}, {"name", s->name}};
		exposition_sample(out, name, labels, ARRAY_LEN(labels),
			(double)(bytes ? s->memory_bytes : s->rows_total));
	}
}

static void add_events(const struct pipeline *p, struct strbuf *out)
{
	static const char name[] = "cdcl_table_events_total";
	const struct operator_state *s;
	exposition_family(
		out, name, "counter", "Change events of a table, by what became of them.");
	for (uint32_t i = 0; (s = pipeline_state(p, i)) != NULL; i++) {
		if (s->merge == NULL)
			continue;
		const struct {
			const char *result;
			int64_t count;
		} counts[] = {{"applied", s->merge->applied}, {"stale", s->merge->stale},
			{"ignored", s->merge->ignored}, {"refused", s->merge->refused}};
		for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
			struct exposition_label labels[] = {
				{"table", s->name}, {"result", str_c(counts[k].result)}};
			exposition_sample(out, name, labels, ARRAY_LEN(labels),
				(double)counts[k].count);
		}
	}
}

static void add_checkpoint(
	const struct job_metrics *m, const struct pipeline *p, struct strbuf *out)
{
	struct checkpoint_figures f;
	if (!pipeline_checkpoint(p, &f))
		return;
	exposition_one(out, "cdcl_checkpoint_log_bytes", "gauge",
		"Bytes of the log since the last snapshot: what a start has to read.",
		(double)f.log_bytes);
	exposition_one(out, "cdcl_checkpoint_written_bytes_total", "counter",
		"Bytes written to logs by this process.", (double)f.written_bytes);
	exposition_one(out, "cdcl_checkpoint_snapshot_bytes", "gauge",
		"Bytes of the last snapshot.", (double)f.snapshot_bytes);
	exposition_one(out, "cdcl_checkpoint_snapshots_total", "counter",
		"Snapshots taken by this process.", (double)f.snapshots);
	exposition_one(out, "cdcl_checkpoint_snapshot_running", "gauge",
		"1 while a snapshot is being taken.", f.snapshot_runs);
	exposition_one(out, "cdcl_checkpoint_snapshot_duration_seconds", "gauge",
		"How long the last snapshot took, beside the job's work.",
		(double)m->snapshot_us / 1e6);
}

static void add_turns(const struct job_metrics *m, struct strbuf *out)
{
	exposition_histogram(out, "cdcl_loop_turn_seconds",
		"Turns of the event loop: nothing else happens meanwhile.", &m->turn_s);
	exposition_one(out, "cdcl_loop_turn_max_seconds", "gauge",
		"The longest turn of the event loop since the process began.",
		(double)m->turn_us_max / 1e6);
}

static void add_log_lines(struct strbuf *out)
{
	static const enum log_level levels[] = {LOG_INFO, LOG_WARN, LOG_ERROR};
	exposition_family(out, "cdcl_log_lines_total", "counter", "Lines logged, by level.");
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		add_labelled(out, "cdcl_log_lines_total", "level", str_c(log_level_name(levels[i])),
			(double)log_count(levels[i]));
}

static void add_build(struct strbuf *out)
{
	const struct exposition_label labels[] = {{"version", str_lit(CDCL_VERSION)},
		{"librdkafka", str_c(kafka_version())}, {"luajit", str_c(luajit_version())}};
	exposition_family(out, "cdcl_build_info", "gauge", "What runs.");
	exposition_sample(out, "cdcl_build_info", labels, ARRAY_LEN(labels), 1);
}

void job_metrics_text(const struct job_metrics *m, const struct pipeline *p, struct strbuf *out)
{
	add_build(out);
	exposition_family(out, "cdcl_job_info", "gauge", "The job that runs.");
	add_labelled(out, "cdcl_job_info", "name", m->job_name, 1);
	exposition_one(out, "cdcl_job_restarts_total", "counter",
		"Starts of the job in this process after the first one.",
		(double)(m->starts > 0 ? m->starts - 1 : 0));
	add_log_lines(out);
	add_turns(m, out);
	add_batches(m, out);
	if (p == NULL)
		return;
	add_reading(p, out);
	add_bad(p, out);
	add_sinks(m, p, out);
	add_states(out, "cdcl_state_rows", "Rows or groups that a step holds.", p, false);
	add_states(out, "cdcl_state_bytes", "Memory that a step's state takes.", p, true);
	add_events(p, out);
	add_checkpoint(m, p, out);
}
