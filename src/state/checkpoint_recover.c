/*
 * Reading a checkpoint: its snapshot (checkpoint_take.c), then its logs, once to see that they are
 * whole and where they end, once to take them.
 *
 *	snap-7   HEAD ROWS ROWS ... END
 *	log-7    HEAD INTENT CHANGES BATCH PUBLISHED INTENT CHANGES ...
 *	log-8    HEAD ... INTENT CHANGES BATCH                           (and a torn tail maybe)
 *	                       ^ keep: what is after it is cut off
 */

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/file.h"

#include <inttypes.h>

/* What the first reading of the logs finds. */
struct walk {
	uint64_t first;         /* logs first..newest */
	uint64_t log;           /* the one that is read */
	uint32_t version;       /* of its format */
	uint32_t crc;           /* of the frame before */
	uint32_t places;        /* positions that the log has so far */
	bool open;              /* a BATCH stands there that nobody has said to be published */
	int64_t open_end;
	struct checkpoint_moves open_batch;
	uint64_t take_log;      /* changes up to take_end of this log are taken */
	int64_t take_end;
	int64_t keep;           /* of the newest log: this much stays */
	uint32_t keep_crc;
};

/* ---- first reading ---- */

static void accept(struct checkpoint *c, struct walk *w)
{
	checkpoint_positions_move(&c->read, &w->open_batch);
	c->found.any = true;
	c->found.batch = (struct checkpoint_batch){w->open_batch.id, w->open_batch.time_us,
		c->read.at, c->read.count};
	w->places = c->read.count;
	w->take_log = w->log;
	w->take_end = w->open_end;
	w->open = false;
}

/* It goes on from the one before it in its log, or has all. */
static bool take_batch(struct checkpoint *c, struct walk *w, struct str payload)
{
	struct checkpoint_moves *m = &w->open_batch;
	return checkpoint_take_batch(payload, w->version, &c->arena, m) &&
		(m->known == 0 || m->known == w->places);
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
			return checkpoint_bad_frame(path, frame, err);
		c->found.interrupted = true;
		break;
	case FRAME_CHANGES:
		if (w->open)
			accept(c, w);
		return 0; /* kept with its batch */
	case FRAME_BATCH:
		if (w->open)
			accept(c, w);
		if (!take_batch(c, w, frame->payload))
			return checkpoint_bad_frame(path, frame, err);
		w->open = true;
		w->open_end = frame->end;
		return 0;
	case FRAME_PUBLISHED:
		if (!w->open || record_i64(&r) != w->open_batch.id || record_left(&r) != 0)
			return checkpoint_bad_frame(path, frame, err);
		accept(c, w);
		break;
	default:
		return checkpoint_bad_frame(path, frame, err);
	}
	w->keep = frame->end;
	w->keep_crc = frame->crc;
	return 0;
}

static int walk_log(struct checkpoint *c, struct walk *w, struct error *err)
{
	struct frame_reader r = {.fd = -1};
	struct frame frame;
	const char *path = checkpoint_path(c, "log", w->log);
	if (!file_exists(path)) {
		error_set(err, CDCL_E_STATE, "%s: is gone", path);
		return frame_log_lost(err);
	}
	/* The first one continues a log that may be gone. */
	int result = w->log == w->first ? frame_reader_open_first(&r, path, err)
					: frame_reader_open(&r, path, w->crc, err);
	if (result == 0)
		result = checkpoint_take_first(c, &r, w->log, &w->version, err);
	if (result >= 0) {
		w->keep = r.at;
		w->keep_crc = r.crc;
		if (w->open)
			accept(c, w);
		result = 1;
	}
	w->places = 0;
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
	checkpoint_moves_release(&w->open_batch);
	struct checkpoint_found *f = &c->found;
	if (f->any && f->interrupted && f->intent.id <= f->batch.id)
		f->interrupted = false;
	return r;
}

/* ---- second reading ---- */

static int apply_log(struct checkpoint *c, uint64_t number, int64_t end, struct error *err)
{
	struct frame_reader r;
	struct frame frame;
	const struct checkpoint_map *map = &c->maps[number - c->maps_first];
	int result = frame_reader_open_first(&r, checkpoint_path(c, "log", number), err);
	if (result == 0)
		result = checkpoint_take_first(c, &r, number, NULL, err);
	result = result < 0 ? result : 1;
	while (result == 1 && r.at < end && (result = frame_reader_next(&r, &frame, err)) == 1) {
		checkpoint_tell_taken(c, frame.end - frame.start);
		if (frame.kind != FRAME_CHANGES)
			continue;
		int taken = checkpoint_take_frame(c, &frame, map, r.path, err);
		result = taken < 0 ? taken : 1;
	}
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

static int apply_logs(struct checkpoint *c, const struct walk *w, struct error *err)
{
	int r = 0;
	for (uint64_t n = w->first; r == 0 && c->found.any && n <= w->take_log; n++)
		r = apply_log(c, n, n == w->take_log ? w->take_end : INT64_MAX, err);
	return r;
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
		if (result == 0)
			break;
		if (result == 1 && i == 1) {
			error_set(err, CDCL_E_STATE, "%s: there is state, but its MANIFEST is gone",
				c->folder);
			result = frame_log_lost(err);
		}
	}
	frame_reader_close(&r);
	return result < 0 ? result : 0;
}

static int start_new(struct checkpoint *c, struct error *err)
{
	int r = check_new(c, err);
	/* Files were removed, but not LOCK: what ended was another state. */
	if (r == 0 && c->last.at_end >= 0)
		r = checkpoint_forget_end(c, err);
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
	int r = checkpoint_take_snapshot(c, &w->first, err);
	if (r == 0)
		r = walk_logs(c, w, err);
	if (r == 0)
		r = checkpoint_check_end(c, err);
	c->last.published = c->found.any ? c->found.batch.id : -1;
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
