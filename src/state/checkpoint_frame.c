/* How the frames of a checkpoint are laid out (state/checkpoint.h says what they mean). */

#include "state/checkpoint_part.h"

#include "base/check.h"

/* ---- head ---- */

void checkpoint_add_head(const struct checkpoint *c, uint64_t number, struct strbuf *out)
{
	record_add_u32(out, checkpoint_version);
	record_add_u64(out, number);
	record_add_str(out, c->job);
	record_add_u32(out, c->part_count);
	for (uint32_t i = 0; i < c->part_count; i++) {
		record_add_str(out, c->parts[i]->name);
		record_add_str(out, c->parts[i]->shape);
	}
	record_add_u32(out, c->plan);
	record_add_u32(out, c->source_count);
	for (uint32_t i = 0; i < c->source_count; i++) {
		record_add_u32(out, c->sources[i].number);
		record_add_str(out, c->sources[i].reads);
	}
	record_add_str(out, str_c(c->manifest.id));
}

static void take_sources(
	struct record_reader *r, struct arena *arena, struct checkpoint_head *head)
{
	head->plan = record_u32(r);
	uint32_t count = record_u32(r);
	r->bad = r->bad || count > checkpoint_parts_max;
	head->source_count = r->bad ? 0 : count;
	struct checkpoint_source *sources =
		ARENA_ARRAY(arena, struct checkpoint_source, head->source_count + 1);
	for (uint32_t i = 0; i < head->source_count && !r->bad; i++) {
		sources[i].number = record_u32(r);
		sources[i].reads = str_dup(record_str(r), arena);
		r->bad = r->bad || sources[i].reads.data == NULL;
	}
	head->sources = sources;
}

int checkpoint_read_head(struct str payload, const char *path, struct arena *arena,
	struct checkpoint_head *head, struct error *err)
{
	struct record_reader r = {.bytes = payload};
	uint32_t version = record_u32(&r);
	if (!r.bad && (version == 0 || version > checkpoint_version)) {
		error_set(err, CDCL_E_STATE, "%s: format %u, this cdcl knows %d", path, version,
			checkpoint_version);
		error_help(err, "a newer cdcl wrote it: use that one");
		return -(int)CDCL_E_STATE;
	}
	*head = (struct checkpoint_head){.version = version, .number = record_u64(&r)};
	head->job = str_dup(record_str(&r), arena);
	uint32_t count = record_u32(&r);
	r.bad = r.bad || count > checkpoint_parts_max;
	head->part_count = r.bad ? 0 : count;
	struct str *names = ARENA_ARRAY(arena, struct str, head->part_count + 1);
	struct str *shapes = ARENA_ARRAY(arena, struct str, head->part_count + 1);
	for (uint32_t i = 0; i < head->part_count && !r.bad; i++) {
		names[i] = str_dup(record_str(&r), arena);
		shapes[i] = str_dup(record_str(&r), arena);
		r.bad = r.bad || names[i].data == NULL || shapes[i].data == NULL;
	}
	if (version > 1)
		take_sources(&r, arena, head);
	if (version > 3)
		head->id = str_dup(record_str(&r), arena);
	head->names = names;
	head->shapes = shapes;
	if (!r.bad && record_left(&r) == 0)
		return 0;
	error_set(err, CDCL_E_STATE, "%s: its head cannot be read", path);
	return frame_log_lost(err);
}

int checkpoint_take_head(struct checkpoint *c, struct str payload, uint64_t number,
	const char *path, struct checkpoint_head *head, struct error *err)
{
	int r = checkpoint_read_head(payload, path, &c->arena, head, err);
	if (r < 0)
		return r;
	return checkpoint_judge_head(c, head, number, path, err);
}

int checkpoint_judge_head(const struct checkpoint *c, const struct checkpoint_head *head,
	uint64_t number, const char *path, struct error *err)
{
	if (!str_eq(head->job, c->job))
		return error_set(err, CDCL_E_STATE, "%s: is of the job " STR_FMT, path,
			STR_ARG(head->job));
	bool same = head->id.len == 0 || str_eq(head->id, str_c(c->manifest.id));
	if (same && head->number == number)
		return 0;
	error_set(err, CDCL_E_STATE, "%s: is of another checkpoint", path);
	error_help(err, "a folder's files belong together: copy all of them");
	return -(int)CDCL_E_STATE;
}

/* ---- intents ---- */

static struct str take_topic(struct record_reader *r, struct arena *arena)
{
	return str_dup(record_str(r), arena);
}

void checkpoint_add_intent(const struct checkpoint_intent *intent, struct strbuf *out)
{
	check(intent->range_count <= checkpoint_ranges_max);
	record_add_i64(out, intent->id);
	record_add_i64(out, intent->time_us);
	record_add_u32(out, intent->range_count);
	for (uint32_t i = 0; i < intent->range_count; i++) {
		const struct checkpoint_range *range = &intent->ranges[i];
		record_add_u32(out, range->source);
		record_add_str(out, range->topic);
		record_add_u32(out, (uint32_t)range->partition);
		record_add_i64(out, range->from);
		record_add_i64(out, range->to);
	}
	check(intent->run_count <= checkpoint_runs_max);
	record_add_u32(out, intent->run_count);
	for (uint32_t i = 0; i < intent->run_count; i++) {
		record_add_u32(out, intent->runs[i].range);
		record_add_i64(out, intent->runs[i].to);
	}
}

/* Intents of the first version end before them. */
static void take_runs(
	struct record_reader *r, struct arena *arena, struct checkpoint_intent *intent)
{
	intent->runs = NULL;
	intent->run_count = record_left(r) == 0 ? 0 : record_count(r, checkpoint_runs_max, 12);
	struct checkpoint_run *runs =
		ARENA_ARRAY(arena, struct checkpoint_run, intent->run_count + 1);
	for (uint32_t i = 0; i < intent->run_count; i++) {
		runs[i].range = record_u32(r);
		runs[i].to = record_i64(r);
		r->bad = r->bad || runs[i].range >= intent->range_count;
	}
	intent->runs = runs;
}

bool checkpoint_take_intent(
	struct str payload, struct arena *arena, struct checkpoint_intent *intent)
{
	struct record_reader r = {.bytes = payload};
	*intent = (struct checkpoint_intent){.id = record_i64(&r)};
	intent->time_us = record_i64(&r);
	intent->range_count = record_count(&r, checkpoint_ranges_max, 28);
	struct checkpoint_range *to =
		ARENA_ARRAY(arena, struct checkpoint_range, intent->range_count + 1);
	for (uint32_t i = 0; i < intent->range_count; i++) {
		to[i].source = record_u32(&r);
		to[i].topic = take_topic(&r, arena);
		to[i].partition = (int32_t)record_u32(&r);
		to[i].from = record_i64(&r);
		to[i].to = record_i64(&r);
		r.bad = r.bad || to[i].from > to[i].to;
	}
	intent->ranges = to;
	take_runs(&r, arena, intent);
	return !r.bad && record_left(&r) == 0 && intent->id >= 0;
}
