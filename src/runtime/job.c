#include "runtime/job.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "base/service.h"
#include "runtime/loop.h"
#include "runtime/merge_report.h"
#include "runtime/monitor.h"
#include "runtime/pipeline.h"
#include "runtime/progress.h"
#include "runtime/status.h"
#include "runtime/file_watch.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { turn_chunks_max = 16, stdout_look_us = 1000000 };

struct job {
	struct job_options options;
	struct plan *plan;
	struct pipeline *pipeline;
	struct loop *loop;
	struct progress *progress;
	struct file_watch *watch;
	struct status status;
	struct pipeline_wait wait;
	atomic_bool stop_asked;
	bool draining;
};

/* ---- a restart in place reads on from where the first start began ---- */

static bool knows_topic(const struct job_options *o, struct str topic)
{
	for (uint32_t i = 0; i < o->resolved_count; i++)
		if (str_eq(o->resolved[i].topic, topic))
			return true;
	return false;
}

static bool knows_all(const struct job_options *o, const struct kafka_config *k)
{
	for (uint32_t i = 0; i < k->topic_count; i++)
		if (!knows_topic(o, k->topics[i]))
			return false;
	return k->topic_count > 0;
}

static bool has_topic(const struct kafka_config *k, struct str topic)
{
	for (uint32_t i = 0; i < k->topic_count; i++)
		if (str_eq(k->topics[i], topic))
			return true;
	return false;
}

static void apply_resolved(struct plan *plan, const struct job_options *o)
{
	for (uint32_t i = 0; i < plan->node_count; i++) {
		struct plan_node *node = plan->nodes[i];
		if (node->kind != PLAN_SOURCE || node->source.kind != SOURCE_KAFKA)
			continue;
		struct kafka_config *k = &node->source.kafka;
		if (!knows_all(o, k))
			continue;
		struct starting_offsets *s = &k->starting;
		s->kind = OFFSETS_EXPLICIT;
		s->resumed = true;
		s->explicit_offsets =
			ARENA_ARRAY(plan->arena, struct partition_offset, o->resolved_count);
		s->explicit_count = 0;
		for (uint32_t r = 0; r < o->resolved_count; r++)
			if (has_topic(k, o->resolved[r].topic))
				s->explicit_offsets[s->explicit_count++] = o->resolved[r];
	}
}

static uint32_t resolved(const struct job *j, struct arena *arena, struct partition_offset **out)
{
	uint32_t count = 0;
	int64_t messages = 0;
	for (uint32_t i = 0; i < pipeline_source_count(j->pipeline); i++)
		count += pipeline_source(j->pipeline, i, &messages)->partition_count;
	*out = ARENA_ARRAY(arena, struct partition_offset, count + 1);
	count = 0;
	for (uint32_t i = 0; i < pipeline_source_count(j->pipeline); i++) {
		const struct source *s = pipeline_source(j->pipeline, i, &messages);
		for (uint32_t k = 0; k < s->partition_count; k++)
			if (s->partitions[k].first >= 0)
				(*out)[count++] = (struct partition_offset){
					.topic = str_dup(s->partitions[k].topic, arena),
					.partition = s->partitions[k].partition,
					.offset = s->partitions[k].first,
				};
	}
	return count;
}

void job_keep_resolved(const struct job *j, struct arena *arena, struct job_options *o)
{
	struct partition_offset *found = NULL;
	uint32_t found_count = resolved(j, arena, &found);
	struct partition_offset *all =
		ARENA_ARRAY(arena, struct partition_offset, o->resolved_count + found_count + 1);
	uint32_t count = o->resolved_count;
	if (count > 0)
		memcpy(all, o->resolved, count * sizeof(*all));
	for (uint32_t i = 0; i < found_count; i++)
		if (!knows_topic(o, found[i].topic))
			all[count++] = found[i];
	o->resolved = all;
	o->resolved_count = count;
	o->restarted = true;
}

/* ---- open, close ---- */

static int open_watch(struct job *j, struct error *err)
{
	j->watch = file_watch_open(err);
	if (j->watch == NULL)
		return -(int)err->code;
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < j->options.watch_count; i++)
		r = file_watch_add(j->watch, j->options.watch_paths[i], err);
	return r;
}

struct job *job_open(struct plan *plan, const struct job_options *options, struct error *err)
{
	struct job *j = calloc(1, sizeof(*j));
	if (j == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the job");
		return NULL;
	}
	j->options = *options;
	j->plan = plan;
	apply_resolved(plan, options);
	if (options->progress_path != NULL || options->monitor != NULL) {
		j->progress = progress_open(options->progress_path, options->restarted,
			plan->job_name, options->clock, err);
		if (j->progress == NULL)
			goto fail;
	}
	if (options->watch_count > 0 && open_watch(j, err) < 0)
		goto fail;
	j->loop = loop_open(options->catch_signals, err);
	if (j->loop == NULL)
		goto fail;
	j->pipeline = options->previous != NULL
		? pipeline_follow(plan, options->previous->pipeline, options->batches_max, err)
		: pipeline_open(plan, options->clock, options->batches_max, err);
	if (j->pipeline == NULL)
		goto fail;
	monitor_start(options->monitor, plan->job_name);
	status_init(
		&j->status, plan->job_name, options->clock, isatty(STDERR_FILENO) && log_color());
	return j;
fail:
	job_close(j);
	return NULL;
}

void job_close(struct job *j)
{
	if (j == NULL)
		return;
	if (j->pipeline != NULL)
		monitor_end(j->options.monitor, j->pipeline);
	pipeline_close(j->pipeline);
	loop_close(j->loop);
	file_watch_close(j->watch);
	progress_close(j->progress);
	free(j);
}

void job_stop(struct job *j)
{
	atomic_store(&j->stop_asked, true);
	loop_wake(j->loop);
}

/* ---- running ---- */

static void drain(struct job *j)
{
	if (j->draining)
		return;
	j->draining = true;
	monitor_set_phase(j->options.monitor, MONITOR_DRAINING);
	pipeline_drain(j->pipeline);
}

static bool stdout_closed(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = 0};
	return poll(&p, 1, 0) > 0 && (p.revents & POLLERR) != 0;
}

static int64_t sooner(int64_t a_us, int64_t b_us)
{
	return a_us < 0 || b_us < a_us ? b_us : a_us;
}

/* Waits as the last step's answer allows and tells what came. */
static unsigned wait_turn(struct job *j, int result)
{
	struct pipeline_wait *w = &j->wait;
	pipeline_wait(j->pipeline, w);
	if (!j->options.quiet && (j->status.live || j->status.applied > 0))
		w->timeout_us = sooner(w->timeout_us, status_wait_us(&j->status));
	if (j->options.stop_on_closed_stdout)
		w->timeout_us = sooner(w->timeout_us, stdout_look_us);
	if (j->options.monitor != NULL)
		w->timeout_us = sooner(w->timeout_us, monitor_wait_us(j->options.monitor));
	if (result != PIPELINE_WAIT)
		w->timeout_us = 0;
	if (j->watch != NULL)
		w->fds[w->fd_count++] = file_watch_fd(j->watch);
	return loop_wait(j->loop, w->fds, w->fd_count, w->timeout_us);
}

static int note_batch(struct job *j, struct error *err)
{
	const struct batch_figures *f = pipeline_batch(j->pipeline);
	status_note_batch(&j->status, f);
	log_debug("batch", "id=%lld rows=%lld out=%lld %.1f ms", (long long)f->id,
		(long long)f->rows_in, (long long)f->rows_out,
		(double)(f->read_us + f->finish_us + f->publish_us + f->commit_us) / 1e3);
	int r = j->progress == NULL ? 0 : progress_write(j->progress, j->pipeline, err);
	if (r == 0 && j->options.monitor != NULL)
		monitor_batch(j->options.monitor, j->pipeline, progress_line(j->progress));
	return r;
}

static int run(struct job *j, struct error *err)
{
	int result = PIPELINE_BUSY;
	for (;;) {
		monitor_turn_end(j->options.monitor);
		unsigned notes = wait_turn(j, result);
		if (notes & LOOP_SIGNAL)
			log_info("signal",
				"draining: the batch is finished, then the job ends; once more to "
				"stop now");
		if ((notes & LOOP_SIGNAL) || atomic_load(&j->stop_asked))
			drain(j);
		if ((notes & LOOP_TIMEOUT) && j->options.stop_on_closed_stdout && stdout_closed())
			drain(j);
		if (j->watch != NULL && !j->draining && file_watch_changed(j->watch))
			return JOB_CHANGED;
		service_beat();
		monitor_turn(j->options.monitor, j->pipeline);
		result = pipeline_step(j->pipeline, turn_chunks_max, err);
		if (result < 0)
			return result;
		if (result == PIPELINE_BATCH && note_batch(j, err) < 0)
			return -(int)err->code;
		if (result == PIPELINE_DONE)
			return JOB_DONE;
		if (result == PIPELINE_WIDER)
			return JOB_WIDER;
		if (!j->options.quiet)
			status_tick(&j->status, j->pipeline);
	}
}

bool job_may_go_back(const struct job *j, const struct error *err)
{
	struct pipeline_totals totals;
	pipeline_totals(j->pipeline, &totals);
	return err->code == CDCL_E_UNREACHABLE && j->plan->checkpoint.data != NULL &&
		!j->draining && totals.messages > 0;
}

void job_add_sums(const struct job *j, struct job_sums *sums)
{
	struct pipeline_totals totals;
	pipeline_totals(j->pipeline, &totals);
	sums->batches += totals.batches;
	sums->messages += totals.messages - totals.open_messages;
	sums->bad_records += totals.bad_records - totals.open_bad_records;
}

/* Messages that a drain left unread in an open batch count as read, as ever. */
static void tell_sums(const struct job *j)
{
	struct pipeline_totals totals;
	struct job_sums sums = j->options.before;
	pipeline_totals(j->pipeline, &totals);
	sums.batches += totals.batches;
	sums.messages += totals.messages;
	sums.bad_records += totals.bad_records;
	status_sum(&j->status, &sums);
}

bool job_wider(const struct job *j, uint32_t index, struct source_columns *out)
{
	return pipeline_wider(j->pipeline, index, out);
}

void job_leave_out(struct job *j, enum leave_out what)
{
	pipeline_leave_out(j->pipeline, what);
}

int job_keep(struct job *j, struct error *err)
{
	return pipeline_keep(j->pipeline, err);
}

int job_run(struct job *j, struct error *err)
{
	int r = run(j, err);
	if ((r == JOB_CHANGED || r == JOB_WIDER) && job_keep(j, err) < 0)
		r = -(int)err->code;
	status_end(&j->status);
	if (r == JOB_DONE)
		tell_sums(j);
	if (r != JOB_CHANGED && r != JOB_WIDER && j->options.report)
		merge_report_print(j->pipeline);
	return r;
}
