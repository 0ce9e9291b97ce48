#include "state/checkpoint_change.h"

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/file.h"

#include <inttypes.h>

/* ---- opening without a script ---- */

/* What is read is only checked: nobody asks what the records mean. */
static int apply(struct state_part *p, struct str records, struct error *err)
{
	(void)p, (void)records, (void)err;
	return 0;
}

static void clear(struct state_part *p)
{
	(void)p;
}

static int ready(struct state_part *p, struct error *err)
{
	(void)p, (void)err;
	return 0;
}

static enum state_verdict fit(const struct state_part *p, const struct str *shapes, uint32_t count,
	struct arena *arena, const struct state_fit **how, struct strbuf *why)
{
	(void)p, (void)shapes, (void)count, (void)arena, (void)how, (void)why;
	return STATE_KEEP;
}

static const struct state_part_ops unread_ops = {
	.apply = apply, .clear = clear, .ready = ready, .fit = fit};

/* The parts and sources of the newest head, as if a script had them. */
static int take_newest(struct checkpoint *c, struct error *err)
{
	struct checkpoint_head head;
	int r = checkpoint_newest_head(c, &head, err);
	if (r < 0)
		return r;
	struct state_part **parts =
		ARENA_ARRAY(&c->arena, struct state_part *, head.part_count + 1);
	for (uint32_t i = 0; i < head.part_count; i++) {
		parts[i] = ARENA_NEW(&c->arena, struct state_part);
		*parts[i] = (struct state_part){&unread_ops, head.names[i], head.shapes[i]};
	}
	checkpoint_set_parts(c, parts, head.part_count);
	checkpoint_set_sources(c, head.sources, head.source_count, head.plan);
	return 0;
}

/* Locked, and with a manifest that is whole. */
static struct checkpoint *open_locked(const char *folder, struct error *err)
{
	struct manifest m;
	if (manifest_read_there(folder, &m, err) < 0)
		return NULL;
	struct checkpoint_config config = {.path = folder, .job = str_c(m.job)};
	struct checkpoint *c = checkpoint_open(&config, NULL, 0, err);
	if (c == NULL || take_newest(c, err) == 0)
		return c;
	checkpoint_close(c, NULL);
	return NULL;
}

/* ---- forget ---- */

/* "merge orders" goes with "table orders". */
static bool goes(struct str name, const char *prefix, struct str wanted)
{
	struct str table = str_lit("table "), merge = str_lit("merge ");
	size_t len = strlen(prefix);
	if (str_starts(wanted, str_c(prefix)) &&
		str_eq(str_sub(wanted, len, wanted.len - len), name))
		return true;
	return len == 0 && str_starts(wanted, table) && str_starts(name, merge) &&
		str_eq(str_sub(wanted, table.len, wanted.len),
			str_sub(name, merge.len, name.len));
}

static bool is_named(struct str name, const char *prefix, const struct str *names, uint32_t count,
	bool *found)
{
	bool any = false;
	for (uint32_t i = 0; i < count; i++)
		if (goes(name, prefix, names[i]))
			any = found[i] = true;
	return any;
}

static int not_there(const struct checkpoint *c, struct str name, struct error *err)
{
	struct strbuf all;
	strbuf_init(&all);
	for (uint32_t i = 0; i < c->part_count; i++)
		strbuf_addf(&all, " '" STR_FMT "'", STR_ARG(c->parts[i]->name));
	for (uint32_t i = 0; i < c->source_count; i++)
		strbuf_addf(&all, " 'source " STR_FMT "'", STR_ARG(c->sources[i].reads));
	error_set(err, CDCL_E_USAGE, "'" STR_FMT "' is not in the checkpoint", STR_ARG(name));
	error_help(err, "there are:" STR_FMT, STR_ARG(strbuf_str(&all)));
	strbuf_release(&all);
	return -(int)CDCL_E_USAGE;
}

static int leave_out(
	struct checkpoint *c, const struct str *names, uint32_t count, struct error *err)
{
	bool found[checkpoint_names_max] = {false};
	struct state_part **parts = ARENA_ARRAY(&c->arena, struct state_part *, c->part_count + 1);
	struct checkpoint_source *sources =
		ARENA_ARRAY(&c->arena, struct checkpoint_source, c->source_count + 1);
	uint32_t part_count = 0, source_count = 0;
	for (uint32_t i = 0; i < c->part_count; i++)
		if (!is_named(c->parts[i]->name, "", names, count, found))
			parts[part_count++] = c->parts[i];
	for (uint32_t i = 0; i < c->source_count; i++)
		if (!is_named(c->sources[i].reads, "source ", names, count, found))
			sources[source_count++] = c->sources[i];
	for (uint32_t i = 0; i < count; i++)
		if (!found[i])
			return not_there(c, names[i], err);
	c->parts = parts;
	c->part_count = part_count;
	checkpoint_set_sources(c, sources, source_count, c->plan);
	return 0;
}

int checkpoint_forget(
	const char *folder, const struct str *names, uint32_t count, struct error *err)
{
	check(count <= checkpoint_names_max);
	const struct checkpoint_found *found;
	struct checkpoint *c = open_locked(folder, err);
	if (c == NULL)
		return -(int)err->code;
	int r = checkpoint_recover(c, &found, err);
	if (r == 0)
		r = leave_out(c, names, count, err);
	if (r == 0)
		r = frame_log_sync(&c->log, err);
	/* A log whose head has them no more: nothing before it is read for them again. */
	if (r == 0)
		r = checkpoint_next_log(c, c->manifest.newest + 1, err);
	int closed = checkpoint_close(c, r == 0 ? err : NULL);
	return r < 0 ? r : closed;
}

/* ---- rewind ---- */

/* A published batch in the logs. */
struct rewind_place {
	bool found;
	int64_t batch;
	uint64_t log;
	int64_t end;
	uint32_t crc;
};

struct rewind_walk {
	uint64_t base;          /* the snapshot it goes on from; 0: none */
	uint64_t from;          /* logs since here may be gone back to */
	int64_t to;
	int64_t oldest;         /* that could be */
	int64_t newest;
	int64_t intended;       /* that was begun last */
	struct rewind_place place;
};

static int look_through(struct checkpoint *c, struct rewind_walk *w, uint64_t log,
	int64_t *last, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	int result = frame_reader_open_first(&r, checkpoint_path(c, "log", log), err);
	while (result >= 0 && (result = frame_reader_next(&r, &frame, err)) == 1) {
		struct record_reader record = {.bytes = frame.payload};
		int64_t id = frame.kind == FRAME_PUBLISHED ? record_i64(&record) : -1;
		bool starts = frame.kind == FRAME_HEAD && log == w->from && *last >= 0;
		if (id >= 0)
			*last = w->newest = id;
		if (frame.kind == FRAME_INTENT)
			w->intended = record_i64(&record);
		/* where the newer snapshot began is the state after the batch before */
		if ((id < 0 && !starts) || log < w->from)
			continue;
		w->oldest = w->oldest < 0 ? *last : w->oldest;
		if (w->to < 0 ? !w->place.found : *last == w->to)
			w->place = (struct rewind_place){true, *last, log, frame.end, frame.crc};
	}
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

/* Where it is, and a batch was begun since, which targets may hold: only a run ends that. */
static int check_goes_back(const struct checkpoint *c, const struct rewind_walk *w,
	struct error *err)
{
	if (w->place.batch < w->newest || w->intended <= w->newest)
		return 0;
	error_set(err, CDCL_E_USAGE,
		"%s: there is nothing to rewind: it is at batch %" PRId64 ", and batch %" PRId64
		" was interrupted", c->folder, w->newest, w->intended);
	error_help(err, "a run finishes batch %" PRId64, w->intended);
	return -(int)CDCL_E_USAGE;
}

static int find_place(struct checkpoint *c, struct rewind_walk *w, struct error *err)
{
	int64_t last = -1;
	int r = 0;
	for (uint64_t log = w->base == 0 ? 1 : w->base; log <= c->manifest.newest && r == 0; log++)
		r = look_through(c, w, log, &last, err);
	if (r < 0 || w->place.found)
		return r < 0 ? r : check_goes_back(c, w, err);
	if (w->oldest < 0)
		return error_set(err, CDCL_E_STATE, "%s: holds no batch to go back to", c->folder);
	error_set(err, CDCL_E_USAGE, "%s: cannot go back to batch %" PRId64, c->folder, w->to);
	error_help(err, "there are batches %" PRId64 " to %" PRId64, w->oldest, w->newest);
	return -(int)CDCL_E_USAGE;
}

static int cut_log(struct checkpoint *c, const struct rewind_place *p, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame_log log = {.fd = -1};
	int result = frame_reader_open_first(&r, checkpoint_path(c, "log", p->log), err);
	if (result == 0)
		result = frame_log_resume(&log, &r, p->end, p->crc, err);
	frame_reader_close(&r);
	if (log.path != NULL)
		frame_log_close(&log);
	return result;
}

/* The manifest first: with it every later moment is one at which some batch was the last. */
static int go_back(struct checkpoint *c, const struct rewind_walk *w, struct error *err)
{
	struct manifest before = c->manifest;
	c->manifest.snapshot = w->base;
	c->manifest.older = 0;
	c->manifest.newest = w->place.log;
	int r = manifest_write(c->folder, &c->manifest, err);
	if (r == 0)
		r = cut_log(c, &w->place, err);
	if (r == 0 && before.snapshot != w->base)
		r = file_remove(checkpoint_path(c, "snap", before.snapshot), err);
	for (uint64_t n = w->place.log + 1; n <= before.newest && r == 0; n++)
		r = file_remove(checkpoint_path(c, "log", n), err);
	return r == 0 ? file_sync_folder(c->folder, err) : r;
}

int checkpoint_rewind(
	const char *folder, int64_t to, int64_t *was, int64_t *now, struct error *err)
{
	struct checkpoint *c = open_locked(folder, err);
	if (c == NULL)
		return -(int)err->code;
	struct rewind_walk w = {.base = c->manifest.older,
		.from = c->manifest.snapshot,
		.to = to,
		.oldest = -1,
		.newest = -1,
		.intended = -1};
	int r = 0;
	/* the logs of a single generation may begin in the middle: then nothing is before it */
	if (w.base == 0 && w.from != 0 && !file_exists(checkpoint_path(c, "log", 1)))
		r = error_set(err, CDCL_E_STATE, "%s: only its newest state is left", folder);
	else if (w.base == 0)
		w.from = 1;
	if (r == 0)
		r = find_place(c, &w, err);
	if (r == 0)
		r = checkpoint_forget_end(c, err);
	if (r == 0)
		r = go_back(c, &w, err);
	*was = w.newest;
	*now = w.place.batch;
	checkpoint_close(c, NULL);
	return r;
}
