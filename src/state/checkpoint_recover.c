/*
 * Reading a checkpoint: once to see that it is whole and where it ends, once to take it.
 *
 *	snap-7   HEAD ROWS ROWS ... END
 *	log-7    HEAD INTENT CHANGES BATCH PUBLISHED INTENT CHANGES ...
 *	log-8    HEAD ... INTENT CHANGES BATCH                           (and a torn tail maybe)
 *	                       ^ keep: what is after it is cut off
 */

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <inttypes.h>

enum { progress_us = 1000000 };

/* What the first reading of the logs finds. */
struct walk {
	uint64_t first;         /* logs first..newest */
	uint64_t log;           /* the one that is read */
	uint32_t crc;           /* of the frame before */
	bool open;              /* a BATCH stands there that nobody has said to be published */
	int64_t open_end;
	struct checkpoint_batch open_batch;
	uint64_t take_log;      /* changes up to take_end of this log are taken */
	int64_t take_end;
	int64_t keep;           /* of the newest log: this much stays */
	uint32_t keep_crc;
};

static int bad_frame(const char *path, const struct frame *frame, struct error *err)
{
	return error_set(err, CDCL_E_STATE, "%s: the frame at byte %" PRId64 " cannot be read",
		path, frame->start);
}

/* ---- first reading ---- */

static void accept(struct checkpoint *c, struct walk *w)
{
	c->found.any = true;
	c->found.batch = w->open_batch;
	w->take_log = w->log;
	w->take_end = w->open_end;
	w->open = false;
}

static int note_frame(struct checkpoint *c, struct walk *w, const char *path,
	const struct frame *frame, struct error *err)
{
	struct record_reader r = {.bytes = frame->payload};
	switch (frame->kind) {
	case FRAME_HEAD:
	case FRAME_INTENT:
		if (w->open)
			accept(c, w);
		if (frame->kind == FRAME_HEAD)
			break;
		if (!checkpoint_take_intent(frame->payload, &c->arena, &c->found.intent))
			return bad_frame(path, frame, err);
		c->found.interrupted = true;
		break;
	case FRAME_CHANGES:
		if (w->open)
			accept(c, w);
		return 0; /* kept with its batch */
	case FRAME_BATCH:
		if (w->open)
			accept(c, w);
		if (!checkpoint_take_batch(frame->payload, &c->arena, &w->open_batch))
			return bad_frame(path, frame, err);
		w->open = true;
		w->open_end = frame->end;
		return 0;
	case FRAME_PUBLISHED:
		if (!w->open || record_i64(&r) != w->open_batch.id || record_left(&r) != 0)
			return bad_frame(path, frame, err);
		accept(c, w);
		break;
	default:
		return bad_frame(path, frame, err);
	}
	w->keep = frame->end;
	w->keep_crc = frame->crc;
	return 0;
}

static int head_of(struct checkpoint *c, struct frame_reader *r, uint64_t number,
	struct error *err)
{
	struct frame frame;
	struct checkpoint_head head;
	int result = frame_reader_next(r, &frame, err);
	if (result < 0)
		return result;
	if (result == 0 || frame.kind != FRAME_HEAD)
		return error_set(err, CDCL_E_STATE, "%s: has no head", r->path);
	return checkpoint_take_head(c, frame.payload, number, r->path, &head, err);
}

static int walk_log(struct checkpoint *c, struct walk *w, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	const char *path = checkpoint_path(c, "log", w->log);
	if (!file_exists(path))
		return error_set(err, CDCL_E_STATE, "%s: is gone", path);
	/* The first one continues a log that may be gone. */
	int result = w->log == w->first ? frame_reader_open_first(&r, path, err)
					: frame_reader_open(&r, path, w->crc, err);
	if (result == 0)
		result = head_of(c, &r, w->log, err);
	if (result >= 0) {
		w->keep = r.at;
		w->keep_crc = r.crc;
		if (w->open)
			accept(c, w);
		result = 1;
	}
	while (result == 1 && (result = frame_reader_next(&r, &frame, err)) == 1) {
		int noted = note_frame(c, w, path, &frame, err);
		result = noted < 0 ? noted : 1;
	}
	if (result == 0 && w->log < c->manifest.newest && r.at != r.bytes)
		result = error_set(err, CDCL_E_STATE, "%s: damaged at byte %" PRId64, path, r.at);
	w->crc = r.crc;
	c->found.bytes_read += r.at;
	if (w->log < c->manifest.newest)
		c->older_log_bytes += r.at;
	frame_reader_close(&r);
	return result;
}

static int walk_logs(struct checkpoint *c, struct walk *w, struct error *err)
{
	int r = 0;
	for (w->log = w->first; w->log <= c->manifest.newest && r == 0; w->log++)
		r = walk_log(c, w, err);
	struct checkpoint_found *f = &c->found;
	if (f->any && f->interrupted && f->intent.id <= f->batch.id)
		f->interrupted = false;
	return r;
}

/* ---- second reading ---- */

/* Records of one frame to their part. */
static int apply_frame(struct checkpoint *c, const struct frame *frame,
	const struct checkpoint_map *map, const char *path, struct error *err)
{
	struct record_reader r = {.bytes = frame->payload};
	uint32_t part = record_u32(&r);
	if (r.bad || part >= map->count)
		return bad_frame(path, frame, err);
	if (map->part_of[part] == checkpoint_no_part)
		return 0;
	struct state_part *p = c->parts[map->part_of[part]];
	struct str records = str_sub(r.bytes, r.at, record_left(&r));
	int result = map->fits[part] == NULL
		? p->ops->apply(p, records, err)
		: p->ops->convert(p, map->fits[part], records, err);
	return result < 0 ? error_prefix(err, "%s at byte %" PRId64 ": ", path, frame->start) : 0;
}

/* A line a second: a start with much state is no hanging one. */
static void tell_progress(struct checkpoint *c, int64_t bytes)
{
	int64_t now_us = clock_monotonic_us(&clock_system);
	c->taken_bytes += bytes;
	if (c->told_us == 0)
		c->told_us = now_us;
	if (now_us - c->told_us < progress_us)
		return;
	c->told_us = now_us;
	log_info("state", "%" PRId64 " of %" PRId64 " MB of state taken",
		c->taken_bytes / 1000000, c->found.bytes_read / 1000000);
}

static int apply_file(struct checkpoint *c, const char *kind, uint64_t number, uint32_t frame_kind,
	int64_t end, struct error *err)
{
	struct frame_reader r;
	struct frame frame;
	const struct checkpoint_map *map = &c->maps[number - c->maps_first];
	const char *path = checkpoint_path(c, kind, number);
	int result = frame_reader_open_first(&r, path, err);
	if (result == 0)
		result = head_of(c, &r, number, err);
	result = result < 0 ? result : 1;
	while (result == 1 && r.at < end && (result = frame_reader_next(&r, &frame, err)) == 1) {
		tell_progress(c, frame.end - frame.start);
		if (frame.kind != frame_kind)
			continue;
		int taken = apply_frame(c, &frame, map, path, err);
		result = taken < 0 ? taken : 1;
	}
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

static int apply_logs(struct checkpoint *c, const struct walk *w, struct error *err)
{
	int r = 0;
	for (uint64_t n = w->first; r == 0 && c->found.any && n <= w->take_log; n++)
		r = apply_file(c, "log", n, FRAME_CHANGES,
			n == w->take_log ? w->take_end : INT64_MAX, err);
	return r;
}

/* ---- snapshots ---- */

/* Reads it to its end without taking anything: whole, or CDCL_E_STATE. */
static int verify_snapshot(struct checkpoint *c, uint64_t number, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	const char *path = checkpoint_path(c, "snap", number);
	if (!file_exists(path))
		return error_set(err, CDCL_E_STATE, "%s: is gone", path);
	int result = frame_reader_open(&r, path, 0, err);
	if (result == 0)
		result = head_of(c, &r, number, err);
	uint64_t rows = 0;
	bool whole = false;
	while (result >= 0 && !whole && (result = frame_reader_next(&r, &frame, err)) == 1) {
		struct record_reader said = {.bytes = frame.payload};
		whole = frame.kind == FRAME_END && record_u64(&said) == rows;
		rows += frame.kind == FRAME_ROWS;
	}
	if (result >= 0 && (!whole || r.at != r.bytes))
		result = error_set(err, CDCL_E_STATE, "%s: damaged at byte %" PRId64, path, r.at);
	c->snapshot_bytes = r.bytes;
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

/* Which snapshot recovery begins with: the newest, else the older one (0: the empty state). */
static int choose_snapshot(struct checkpoint *c, uint64_t *chosen, struct error *err)
{
	*chosen = c->manifest.snapshot;
	if (*chosen == 0)
		return 0;
	int r = verify_snapshot(c, *chosen, err);
	if (r != -(int)CDCL_E_STATE)
		return r;
	uint64_t older = c->manifest.older;
	if (!file_exists(checkpoint_path(c, "log", older == 0 ? 1 : older)))
		return r;
	struct error first = *err;
	r = older == 0 ? 0 : verify_snapshot(c, older, err);
	if (r < 0)
		return r;
	log_warn("state", "%s; going back to the snapshot before it", first.text);
	*chosen = c->manifest.snapshot = older;
	c->manifest.older = 0;
	c->found.from_older = true;
	return 0;
}

/* ---- all of it ---- */

/* Without a manifest the folder is new, unless batches were written there once. */
static int check_new(struct checkpoint *c, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	const char *path = checkpoint_path(c, "log", 1);
	if (!file_exists(path))
		return 0;
	int result = frame_reader_open(&r, path, 0, err);
	for (int i = 0; result >= 0 && i < 2; i++) {
		result = frame_reader_next(&r, &frame, err);
		if (result == 1 && i == 1)
			result = error_set(err, CDCL_E_STATE,
				"%s: there is state, but its MANIFEST is gone", c->folder);
		else if (result == 0)
			break;
	}
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

static int start_new(struct checkpoint *c, struct error *err)
{
	int r = check_new(c, err);
	return r < 0 ? r : checkpoint_next_log(c, 1, err);
}

static int resume_log(struct checkpoint *c, const struct walk *w, struct error *err)
{
	struct frame_reader r;
	int result = frame_reader_open(
		&r, checkpoint_path(c, "log", c->manifest.newest), 0, err);
	if (result == 0)
		result = frame_log_resume(&c->log, &r, w->keep, w->keep_crc, err);
	c->log_begun_at = c->log.bytes;
	frame_reader_close(&r);
	return result;
}

static int read_all(struct checkpoint *c, struct walk *w, struct error *err)
{
	uint64_t snapshot = 0;
	int r = choose_snapshot(c, &snapshot, err);
	w->first = snapshot == 0 ? 1 : snapshot;
	if (r == 0)
		r = checkpoint_fit(c, w->first, err);
	if (r == 0)
		r = walk_logs(c, w, err);
	if (r == 0 && snapshot != 0) {
		c->found.bytes_read += c->snapshot_bytes;
		r = apply_file(c, "snap", snapshot, FRAME_ROWS, INT64_MAX, err);
	}
	if (r == 0)
		r = apply_logs(c, w, err);
	for (uint32_t i = 0; i < c->part_count && r == 0; i++)
		r = c->parts[i]->ops->ready(c->parts[i], err);
	return r;
}

static int recover(struct checkpoint *c, struct error *err)
{
	struct walk w = {0};
	int r = read_all(c, &w, err);
	return r < 0 ? r : resume_log(c, &w, err);
}

int checkpoint_read(struct checkpoint *c, struct error *err)
{
	struct walk w = {0};
	return read_all(c, &w, err);
}

int checkpoint_recover(
	struct checkpoint *c, const struct checkpoint_found **found, struct error *err)
{
	check(!c->recovered);
	int r = c->is_new ? start_new(c, err) : recover(c, err);
	if (r == 0 && c->log.works == NULL)
		frame_log_behind(&c->log, c->log_worker, false);
	c->recovered = r == 0;
	*found = &c->found;
	return r;
}
