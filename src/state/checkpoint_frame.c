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
}

static int of_another(const char *path, const char *what, struct str name, struct error *err)
{
	return error_set(err, CDCL_E_STATE, "%s: %s " STR_FMT, path, what, STR_ARG(name));
}

static int match_part(const struct checkpoint *c, struct str name, struct str shape,
	const char *path, bool *taken, struct error *err)
{
	for (uint32_t i = 0; i < c->part_count; i++) {
		const struct state_part *p = c->parts[i];
		if (taken[i] || !str_eq(p->name, name))
			continue;
		taken[i] = true;
		if (str_eq(p->shape, shape))
			return (int)i;
		return error_set(err, CDCL_E_STATE,
			"%s: " STR_FMT " is kept as (" STR_FMT "), the script has (" STR_FMT ")",
			path, STR_ARG(name), STR_ARG(shape), STR_ARG(p->shape));
	}
	return of_another(path, "holds state that the script does not have:", name, err);
}

static int match_parts(const struct checkpoint *c, struct record_reader *r, uint32_t count,
	const char *path, uint32_t *part_of, struct error *err)
{
	bool taken[checkpoint_parts_max] = {false};
	for (uint32_t i = 0; i < count && !r->bad; i++) {
		struct str name = record_str(r), shape = record_str(r);
		int part = r->bad ? 0 : match_part(c, name, shape, path, taken, err);
		if (part < 0)
			return part;
		part_of[i] = (uint32_t)part;
	}
	for (uint32_t i = 0; i < c->part_count && !r->bad; i++)
		if (!taken[i])
			return of_another(path, "has nothing of the script's", c->parts[i]->name,
				err);
	return 0;
}

int checkpoint_take_head(const struct checkpoint *c, struct str payload, uint64_t number,
	const char *path, uint32_t *part_of, struct error *err)
{
	struct record_reader r = {.bytes = payload};
	uint32_t version = record_u32(&r);
	if (!r.bad && version != checkpoint_version)
		return error_set(err, CDCL_E_STATE, "%s: format %u, this cdcl knows %d", path,
			version, checkpoint_version);
	uint64_t its_number = record_u64(&r);
	struct str job = record_str(&r);
	uint32_t count = record_u32(&r);
	if (!r.bad && !str_eq(job, c->job))
		return of_another(path, "is of the job", job, err);
	if (!r.bad && its_number == number && count <= checkpoint_parts_max) {
		int result = match_parts(c, &r, count, path, part_of, err);
		if (result < 0)
			return result;
		if (!r.bad && record_left(&r) == 0)
			return (int)count;
	}
	return error_set(err, CDCL_E_STATE, "%s: its head cannot be read", path);
}

/* ---- batches ---- */

void checkpoint_add_batch(const struct checkpoint_batch *batch, struct strbuf *out)
{
	check(batch->position_count <= checkpoint_positions_max);
	record_add_i64(out, batch->id);
	record_add_i64(out, batch->time_us);
	record_add_u32(out, batch->position_count);
	for (uint32_t i = 0; i < batch->position_count; i++) {
		const struct checkpoint_position *p = &batch->positions[i];
		record_add_u32(out, p->source);
		record_add_str(out, p->topic);
		record_add_u32(out, (uint32_t)p->partition);
		record_add_i64(out, p->next);
	}
}

static struct str take_topic(struct record_reader *r, struct arena *arena)
{
	return str_dup(record_str(r), arena);
}

/* A count of things of at least `bytes` bytes each, all of which must still be there. */
static uint32_t take_count(struct record_reader *r, uint32_t max, size_t bytes)
{
	uint32_t count = record_u32(r);
	if (count > max || count > record_left(r) / bytes)
		r->bad = true;
	return r->bad ? 0 : count;
}

bool checkpoint_take_batch(struct str payload, struct arena *arena, struct checkpoint_batch *batch)
{
	struct record_reader r = {.bytes = payload};
	*batch = (struct checkpoint_batch){.id = record_i64(&r)};
	batch->time_us = record_i64(&r);
	batch->position_count = take_count(&r, checkpoint_positions_max, 20);
	struct checkpoint_position *p =
		ARENA_ARRAY(arena, struct checkpoint_position, batch->position_count + 1);
	for (uint32_t i = 0; i < batch->position_count; i++) {
		p[i].source = record_u32(&r);
		p[i].topic = take_topic(&r, arena);
		p[i].partition = (int32_t)record_u32(&r);
		p[i].next = record_i64(&r);
	}
	batch->positions = p;
	return !r.bad && record_left(&r) == 0 && batch->id >= 0;
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
}

bool checkpoint_take_intent(
	struct str payload, struct arena *arena, struct checkpoint_intent *intent)
{
	struct record_reader r = {.bytes = payload};
	*intent = (struct checkpoint_intent){.id = record_i64(&r)};
	intent->time_us = record_i64(&r);
	intent->range_count = take_count(&r, checkpoint_ranges_max, 28);
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
	return !r.bad && record_left(&r) == 0 && intent->id >= 0;
}
