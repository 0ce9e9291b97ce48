/*
 * A snapshot into the parts.
 *
 * Only its last frame says that it is whole, and nothing of a damaged one may be used. To look
 * through it first would be to read it twice. So a part that can let go of what it was given (a
 * table) takes its frames as they come; frames of others are passed over, and taken once the end
 * was seen.
 */

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "state/frame_ahead.h"

#include <inttypes.h>
#include <stdlib.h>

enum { progress_us = 1000000 };

/* ---- frames ---- */

int checkpoint_bad_frame(const char *path, const struct frame *frame, struct error *err)
{
	error_set(err, CDCL_E_STATE, "%s: the frame at byte %" PRId64 " cannot be read", path,
		frame->start);
	return frame_log_lost(err);
}

int checkpoint_take_first(
	struct checkpoint *c, struct frame_reader *r, uint64_t number, uint32_t *version,
	struct error *err)
{
	struct frame frame;
	struct checkpoint_head head;
	int result = frame_reader_next(r, &frame, err);
	if (result < 0)
		return result;
	if (result == 0 || frame.kind != FRAME_HEAD) {
		error_set(err, CDCL_E_STATE, "%s: has no head", r->path);
		return frame_log_lost(err);
	}
	result = checkpoint_take_head(c, frame.payload, number, r->path, &head, err);
	if (result == 0 && version != NULL)
		*version = head.version;
	return result;
}

/* NULL: of one that is let go. The records are behind the part's number. */
static int part_of(const struct checkpoint *c, const struct frame *frame,
	const struct checkpoint_map *map, const char *path, struct state_part **part,
	struct error *err)
{
	struct record_reader r = {.bytes = frame->payload};
	uint32_t number = record_u32(&r);
	if (r.bad || number >= map->count)
		return checkpoint_bad_frame(path, frame, err);
	uint32_t at = map->part_of[number];
	*part = at == checkpoint_no_part ? NULL : c->parts[at];
	return 0;
}

int checkpoint_take_frame(struct checkpoint *c, const struct frame *frame,
	const struct checkpoint_map *map, const char *path, struct error *err)
{
	struct state_part *p = NULL;
	int result = part_of(c, frame, map, path, &p, err);
	if (result < 0 || p == NULL)
		return result;
	struct record_reader r = {.bytes = frame->payload};
	const struct state_fit *fit = map->fits[record_u32(&r)];
	struct str records = str_sub(r.bytes, r.at, record_left(&r));
	result = fit == NULL ? p->ops->apply(p, records, err)
			     : p->ops->convert(p, fit, records, err);
	return result < 0 ? error_prefix(err, "%s at byte %" PRId64 ": ", path, frame->start) : 0;
}

/* A line a second: a start with much state is no hanging one. */
void checkpoint_tell_taken(struct checkpoint *c, int64_t bytes)
{
	int64_t now_us = clock_monotonic_us(&clock_system);
	c->take.taken_bytes += bytes;
	if (c->take.told_us == 0)
		c->take.told_us = now_us;
	if (now_us - c->take.told_us < progress_us)
		return;
	c->take.told_us = now_us;
	log_info("state", "%" PRId64 " of %" PRId64 " MB of state taken",
		c->take.taken_bytes / 1000000, c->take.bytes / 1000000);
}

/* ---- one snapshot ---- */

/* Frames side by side that are taken at the end; `crc` is that of the frame before them. */
struct passed_over {
	int64_t start;
	int64_t end;
	uint32_t crc;
};

struct taking {
	struct checkpoint *checkpoint;
	const struct checkpoint_map *map;
	struct frame_reader reader;
	struct passed_over *passed;     /* malloc */
	uint32_t passed_count;
	bool damaged;                   /* an error is that of the file, not of what is in it */
};

static void pass_over(struct taking *t, const struct frame *frame, uint32_t crc)
{
	if (t->passed_count > 0 && t->passed[t->passed_count - 1].end == frame->start) {
		t->passed[t->passed_count - 1].end = frame->end;
		return;
	}
	t->passed = realloc(t->passed, (t->passed_count + 1) * sizeof(*t->passed));
	check(t->passed != NULL);
	t->passed[t->passed_count++] = (struct passed_over){frame->start, frame->end, crc};
}

static int take_or_pass(
	struct taking *t, const struct frame *frame, uint32_t crc, struct error *err)
{
	struct checkpoint *c = t->checkpoint;
	struct state_part *p = NULL;
	int r = part_of(c, frame, t->map, t->reader.path, &p, err);
	if (r < 0 || p == NULL)
		return r;
	if (p->ops->clear == NULL) {
		pass_over(t, frame, crc);
		return 0;
	}
	checkpoint_tell_taken(c, frame->end - frame->start);
	return checkpoint_take_frame(c, frame, t->map, t->reader.path, err);
}

/* Up to the frame that says how many were before it. */
static int take_frames(struct taking *t, struct frame_ahead *a, struct error *err)
{
	struct frame frame;
	uint32_t crc = a->crc;
	uint64_t rows = 0;
	bool whole = false;
	int result = 1;
	while (!whole && (result = frame_ahead_next(a, &frame, err)) == 1) {
		struct record_reader said = {.bytes = frame.payload};
		whole = frame.kind == FRAME_END && record_u64(&said) == rows;
		if (frame.kind == FRAME_ROWS) {
			rows++;
			int taken = take_or_pass(t, &frame, crc, err);
			if (taken < 0)
				return taken;
		}
		crc = a->crc;
	}
	if (result >= 0 && (!whole || a->at != t->reader.bytes)) {
		error_set(err, CDCL_E_STATE, "%s: damaged at byte %" PRId64, t->reader.path, a->at);
		result = frame_log_lost(err);
	}
	t->damaged = result == -(int)CDCL_E_STATE;
	return result < 0 ? result : 0;
}

static int take_ahead(struct taking *t, struct error *err)
{
	struct frame_ahead ahead;
	frame_ahead_begin(&ahead, &t->reader, t->checkpoint->snapshot_worker);
	int r = take_frames(t, &ahead, err);
	frame_ahead_end(&ahead);
	return r;
}

static int take_passed(struct taking *t, struct error *err)
{
	struct frame_reader *r = &t->reader;
	struct frame frame;
	int result = 0;
	for (uint32_t i = 0; i < t->passed_count && result == 0; i++) {
		const struct passed_over *p = &t->passed[i];
		result = frame_reader_go(r, p->start, p->crc, err);
		while (result == 0 && r->at < p->end) {
			result = frame_reader_next(r, &frame, err);
			if (result == 0)
				return error_set(err, CDCL_E_DISK, "%s: it changed", r->path);
			checkpoint_tell_taken(t->checkpoint, frame.end - frame.start);
			if (result == 1)
				result = checkpoint_take_frame(
					t->checkpoint, &frame, t->map, r->path, err);
		}
	}
	return result;
}

static int open_taking(struct taking *t, uint64_t number, struct error *err)
{
	const char *path = checkpoint_path(t->checkpoint, "snap", number);
	if (!file_exists(path)) {
		t->damaged = true;
		error_set(err, CDCL_E_STATE, "%s: is gone", path);
		return frame_log_lost(err);
	}
	int r = frame_reader_open(&t->reader, path, 0, err);
	if (r == 0)
		r = checkpoint_take_first(t->checkpoint, &t->reader, number, NULL, err);
	t->damaged = r == -(int)CDCL_E_STATE;
	return r;
}

/* `damaged`: the parts hold what must not be used. */
static int take_one(struct checkpoint *c, uint64_t number, bool *damaged, struct error *err)
{
	struct taking t = {.checkpoint = c,
		.map = &c->maps[number - c->maps_first],
		.reader = {.fd = -1}};
	int r = open_taking(&t, number, err);
	if (r == 0)
		r = take_ahead(&t, err);
	if (r == 0)
		r = take_passed(&t, err);
	c->snapshot_bytes = t.reader.bytes;
	*damaged = t.damaged;
	frame_reader_close(&t.reader);
	free(t.passed);
	return r;
}

/* ---- which one ---- */

static void clear_parts(struct checkpoint *c)
{
	for (uint32_t i = 0; i < c->part_count; i++)
		if (c->parts[i]->ops->clear != NULL)
			c->parts[i]->ops->clear(c->parts[i]);
}

static int64_t bytes_of(struct checkpoint *c, const char *kind, uint64_t number)
{
	struct file_info info;
	const char *path = checkpoint_path(c, kind, number);
	return file_exists(path) && file_stat(path, &info, NULL) == 0 ? info.bytes : 0;
}

/* Snapshot `number`, or of 0 nothing, and the parts fit the logs from there on. */
static int take_generation(
	struct checkpoint *c, uint64_t number, bool *damaged, struct error *err)
{
	uint64_t first = number == 0 ? 1 : number;
	*damaged = false;
	int r = checkpoint_fit(c, first, err);
	if (r < 0)
		return r;
	c->take.taken_bytes = 0;
	c->take.bytes = number == 0 ? 0 : bytes_of(c, "snap", number);
	for (uint64_t n = first; n <= c->manifest.newest; n++)
		c->take.bytes += bytes_of(c, "log", n);
	r = number == 0 ? 0 : take_one(c, number, damaged, err);
	c->found.bytes_read = number == 0 ? 0 : c->snapshot_bytes;
	return r;
}

/* The newest, else the older one (0: the empty state). */
int checkpoint_take_snapshot(struct checkpoint *c, uint64_t *first, struct error *err)
{
	bool damaged;
	uint64_t newest = c->manifest.snapshot, older = c->manifest.older;
	*first = newest == 0 ? 1 : newest;
	int r = take_generation(c, newest, &damaged, err);
	if (r == 0 || !damaged)
		return r;
	*first = older == 0 ? 1 : older;
	if (!file_exists(checkpoint_path(c, "log", *first)))
		return r;
	struct error damage = *err;
	clear_parts(c);
	r = take_generation(c, older, &damaged, err);
	if (r < 0) {
		clear_parts(c);
		return r;
	}
	log_warn("state", "%s; going back to the snapshot before it", damage.text);
	c->manifest.snapshot = older;
	c->manifest.older = 0;
	c->found.from_older = true;
	return 0;
}
