/*
 * What a checkpoint keeps of a merge: the table's rows (state/table_state.h), and as a second part
 * what the rows refer to: the numbers of the streams they came from, and the newest event time.
 */

#include "ops/operator_merge.h"

#include "base/check.h"
#include "state/record.h"
#include "state/table_state.h"

#include <stdlib.h>

enum { kept_time = 0, kept_stream = 1, streams_max = 1000000 };

struct merge_state {
	struct state_part part;
	struct operator_merge *merge;
	struct strbuf name;
	uint32_t streams_given;
	int64_t time_given;
};

static void add_stream_record(const struct operator_merge *self, uint32_t at, struct strbuf *out)
{
	const struct merge_stream *s = &self->streams[at];
	record_add_u8(out, kept_stream);
	record_add_u32(out, at);
	record_add_u32(out, s->source_id);
	record_add_u32(out, (uint32_t)s->partition);
	record_add_str(out, s->topic);
	record_add_i64(out, s->epoch);
}

static void add_time_record(const struct operator_merge *self, struct strbuf *out)
{
	record_add_u8(out, kept_time);
	record_add_i64(out, self->newest_us);
}

static bool changes(struct state_part *p, size_t bytes_max, struct strbuf *out)
{
	struct merge_state *kept = container_of(p, struct merge_state, part);
	(void)bytes_max;
	for (uint32_t i = 0; i < kept->merge->stream_count; i++) {
		struct merge_stream *s = &kept->merge->streams[i];
		if (i < kept->streams_given && s->epoch == s->epoch_kept)
			continue;
		add_stream_record(kept->merge, i, out);
		s->epoch_kept = s->epoch;
	}
	kept->streams_given = kept->merge->stream_count;
	if (kept->time_given != kept->merge->newest_us)
		add_time_record(kept->merge, out);
	kept->time_given = kept->merge->newest_us;
	return false;
}

static bool scan(struct state_part *p, uint64_t *at, size_t bytes_max, struct strbuf *out)
{
	const struct operator_merge *self = container_of(p, struct merge_state, part)->merge;
	if (*at == 0)
		add_time_record(self, out);
	size_t end = out->len + bytes_max; /* after it, or a small slice gets no further */
	for (; *at < self->stream_count && out->len < end; ++*at)
		add_stream_record(self, (uint32_t)*at, out);
	return *at < self->stream_count;
}

static bool take_stream(struct operator_merge *self, bool numbered, struct record_reader *r)
{
	uint32_t at = record_u32(r), source_id = record_u32(r);
	int32_t partition = (int32_t)record_u32(r);
	struct str name = record_str(r);
	int64_t epoch = record_i64(r);
	if (r->bad || at > self->stream_count || at >= streams_max || name.data == NULL)
		return false;
	source_id = numbered ? source_id : merge_any_source;
	if (at == self->stream_count)
		merge_add_stream(self,
			(struct merge_stream){
				.source_id = source_id, .partition = partition, .topic = name});
	self->streams[at].epoch = epoch;
	return str_eq(self->streams[at].topic, name);
}

static int take_records(struct state_part *p, const struct state_fit *how, struct str records,
	struct error *err)
{
	struct operator_merge *self = container_of(p, struct merge_state, part)->merge;
	struct record_reader r = {.bytes = records};
	while (record_left(&r) > 0) {
		uint8_t kind = record_u8(&r);
		bool good = kind <= kept_stream;
		if (kind == kept_time)
			self->newest_us = record_i64(&r);
		else if (kind == kept_stream)
			good = take_stream(self, how == NULL, &r);
		if (!good || r.bad)
			return error_set(err, CDCL_E_STATE,
				STR_FMT ": a record that cannot be, at byte %zu", STR_ARG(p->name),
				r.at);
	}
	return 0;
}

static int apply(struct state_part *p, struct str records, struct error *err)
{
	return take_records(p, NULL, records, err);
}

/* Of version 2: its sources were numbered as steps of the script. */
struct state_fit {
	bool any_source;
};

static enum state_verdict fit(const struct state_part *p, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	static const struct state_fit unnumbered = {true};
	(void)p, (void)count, (void)arena;
	*how = str_eq(shapes[0], str_lit("2")) ? &unnumbered : NULL;
	if (*how == NULL && !str_eq(shapes[0], str_lit("3"))) {
		strbuf_addf(why, "kept in version " STR_FMT ", this cdcl knows 2 and 3",
			STR_ARG(shapes[0]));
		return STATE_REFUSE;
	}
	strbuf_add_c(why, "from an older cdcl");
	return STATE_CONVERT;
}

/* The table's part is ready before it. */
static int ready(struct state_part *p, struct error *err)
{
	struct merge_state *kept = container_of(p, struct merge_state, part);
	(void)err;
	merge_expire_all_later(kept->merge);
	for (uint32_t i = 0; i < kept->merge->stream_count; i++) {
		struct merge_stream *s = &kept->merge->streams[i];
		s->epoch_before = s->epoch_kept = s->epoch;
	}
	kept->streams_given = kept->merge->stream_count;
	kept->time_given = kept->merge->newest_us;
	return 0;
}

static const struct state_part_ops merge_state_ops = {
	.changes = changes,
	.scan = scan,
	.apply = apply,
	.ready = ready,
	.fit = fit,
	.convert = take_records};

int merge_parts(
	struct operator *op, struct state_part **parts, uint32_t parts_max, struct error *err)
{
	struct operator_merge *self = (struct operator_merge *)op;
	check(parts_max >= 3 && self->kept == NULL);
	int r = merge_start(self, err);
	if (r < 0)
		return r;
	struct merge_state *kept = operator_alloc(sizeof(*kept));
	strbuf_init(&kept->name);
	strbuf_addf(&kept->name, "merge " STR_FMT, STR_ARG(self->plan->name));
	kept->merge = self;
	kept->time_given = self->newest_us;
	kept->part = (struct state_part){
		.ops = &merge_state_ops, .name = strbuf_str(&kept->name), .shape = str_lit("3")};
	self->kept = kept;
	parts[0] = table_state_part(self->table);
	parts[1] = &kept->part;
	if (self->history == NULL)
		return 2;
	parts[2] = table_state_part(self->history);
	return 3;
}

void merge_restore(struct operator *op)
{
	struct operator_merge *self = (struct operator_merge *)op;
	table_state_touch_all(self->shown);
	self->resumed = true;
}

void merge_state_release(struct operator_merge *self)
{
	if (self->kept == NULL)
		return;
	strbuf_release(&self->kept->name);
	free(self->kept);
}
