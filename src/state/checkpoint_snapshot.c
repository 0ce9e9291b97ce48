/* Snapshots, and which files they make unneeded. */

#include "state/checkpoint_part.h"

#include "base/check.h"
#include "base/file.h"

/* So much is written between two syncs, so that the last one is no pause. */
enum { unsynced_bytes_max = 16 * 1024 * 1024 };

static int append_head(struct checkpoint *c, struct frame_log *to, uint64_t number,
	struct error *err)
{
	strbuf_reset(&c->scratch);
	checkpoint_add_head(c, number, &c->scratch);
	return frame_log_append(to, FRAME_HEAD, strbuf_str(&c->scratch), err);
}

int checkpoint_next_log(struct checkpoint *c, uint64_t number, struct error *err)
{
	struct frame_log log;
	int r = frame_log_create(&log, checkpoint_path(c, "log", number), c->log.crc, err);
	if (r == 0)
		r = append_head(c, &log, number, err);
	if (r == 0)
		r = frame_log_sync(&log, err);
	if (r == 0)
		r = file_sync_folder(c->folder, err);
	struct manifest manifest = c->manifest;
	manifest.newest = number;
	if (r == 0)
		r = manifest_write(c->folder, &manifest, err);
	if (r < 0) {
		/* Which of the two logs counts is not known now: neither is written again. */
		c->log.failed = true;
		frame_log_close(&log);
		return r;
	}
	c->manifest.newest = number; /* its id is read by others meanwhile */
	c->older_log_bytes += c->log.bytes;
	c->older_written_bytes += c->log.bytes - c->log_begun_at;
	c->log_begun_at = 0;
	c->known_places = 0;
	frame_log_close(&c->log);
	c->log = log;
	frame_log_behind(&c->log, c->log_worker, false);
	return 0;
}

/* A log of its own from here on, and a snapshot that begins. */
static int begin(struct checkpoint *c, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	check(s->phase == SNAPSHOT_NONE);
	uint64_t number = c->manifest.newest + 1;
	int r = frame_log_sync(&c->log, err);
	if (r == 0)
		r = checkpoint_next_log(c, number, err);
	if (r < 0)
		return r;
	*s = (struct checkpoint_snapshot){.phase = SNAPSHOT_SCANNING, .number = number};
	r = frame_log_create(&s->file, checkpoint_path(c, "snap", number), 0, err);
	if (r < 0)
		return r;
	frame_log_behind(&s->file, c->snapshot_worker, true);
	return append_head(c, &s->file, number, err);
}

static int scan_some(struct checkpoint *c, size_t bytes_max, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	struct state_part *p = c->parts[s->part];
	strbuf_reset(&c->scratch);
	record_add_u32(&c->scratch, s->part);
	size_t before = c->scratch.len;
	if (!p->ops->scan(p, &s->at, bytes_max, &c->scratch)) {
		s->part++;
		s->at = 0;
	}
	if (c->scratch.len == before)
		return 0;
	s->frames++;
	return frame_log_append(&s->file, FRAME_ROWS, strbuf_str(&c->scratch), err);
}

static int end_scan(struct checkpoint *c, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	strbuf_reset(&c->scratch);
	record_add_u64(&c->scratch, s->frames);
	int r = frame_log_append(&s->file, FRAME_END, strbuf_str(&c->scratch), err);
	if (r == 0)
		r = frame_log_sync_begin(&s->file, c->folder, err);
	if (r == 0)
		s->phase = SNAPSHOT_SYNCING;
	return r;
}

static int scan_slice(struct checkpoint *c, size_t bytes_max, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	if (bytes_max > checkpoint_frame_bytes)
		bytes_max = checkpoint_frame_bytes;
	int64_t end = s->file.bytes + (int64_t)bytes_max;
	int r = 0;
	while (r == 0 && s->part < c->part_count && s->file.bytes < end)
		r = scan_some(c, bytes_max, err);
	if (r == 0 && s->file.bytes - s->file.asked >= unsynced_bytes_max)
		r = frame_log_sync_begin(&s->file, NULL, err);
	if (r == 0 && s->part == c->part_count)
		r = end_scan(c, err);
	return r;
}

int checkpoint_step(struct checkpoint *c, size_t bytes_max, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	int r = checkpoint_turn_end(c, 0, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (s->phase != SNAPSHOT_SCANNING && s->phase != SNAPSHOT_SYNCING)
		return 0;
	r = frame_log_sync_end(&s->file, 0, err);
	if (r < 0)
		return r;
	/* Between two gathered blocks, so that no append has to wait for the disk. */
	if (s->phase == SNAPSHOT_SCANNING && !frame_log_is_busy(&s->file)) {
		r = scan_slice(c, bytes_max, err);
		if (r == 0)
			r = frame_log_sync_end(&s->file, 0, err);
		if (r < 0)
			return r;
	}
	if (s->phase == SNAPSHOT_SYNCING && r == 0)
		s->phase = SNAPSHOT_WHOLE;
	return s->phase == SNAPSHOT_SCANNING && !frame_log_is_busy(&s->file);
}

static int remove_numbers(
	struct checkpoint *c, const char *kind, uint64_t from, uint64_t to, struct error *err)
{
	int r = 0;
	for (uint64_t n = from; n < to && r == 0; n++)
		r = file_remove(checkpoint_path(c, kind, n), err);
	return r;
}

int checkpoint_snapshot_adopt(struct checkpoint *c, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	check(s->phase == SNAPSHOT_WHOLE);
	struct manifest manifest = c->manifest;
	manifest.older = manifest.snapshot;
	manifest.snapshot = s->number;
	/* What was scanned is at most as new as the batch that was published just now. */
	int r = frame_log_sync(&c->log, err);
	if (r == 0)
		r = manifest_write(c->folder, &manifest, err);
	if (r < 0) {
		/* Maybe it counts already, so it stays, and nothing is written after it. */
		c->log.failed = true;
		frame_log_close(&s->file);
		s->phase = SNAPSHOT_NONE;
		return r;
	}
	uint64_t first = c->manifest.older == 0 ? 1 : c->manifest.older;
	c->manifest.snapshot = manifest.snapshot;
	c->manifest.older = manifest.older;
	c->snapshot_bytes = s->file.bytes;
	c->older_log_bytes = 0;
	c->snapshots++;
	frame_log_close(&s->file);
	s->phase = SNAPSHOT_NONE;
	r = remove_numbers(c, "snap", first, manifest.older, err);
	return r < 0 ? r : remove_numbers(c, "log", first, manifest.older, err);
}

/* ---- turns ---- */

static bool wants_snapshot(const struct checkpoint *c)
{
	int64_t enough = c->snapshot_log_bytes_min > c->snapshot_bytes ? c->snapshot_log_bytes_min
								       : c->snapshot_bytes;
	return c->snapshot.phase == SNAPSHOT_NONE && checkpoint_log_bytes(c) >= enough;
}

static int turn(void *of, struct error *err)
{
	struct checkpoint *c = of;
	bool whole = c->snapshot.phase == SNAPSHOT_WHOLE;
	int r = 0;
	/* Maybe no batch is in the snapshot's log yet, which will be the oldest. */
	if (whole && c->ending)
		r = checkpoint_append_again(c, err);
	if (whole && r == 0)
		r = checkpoint_snapshot_adopt(c, err);
	bool more = !(whole && c->ending) && wants_snapshot(c);
	return r == 0 && more ? begin(c, err) : r;
}

void checkpoint_turn_begin(struct checkpoint *c)
{
	struct checkpoint_turn *t = &c->turn;
	if (c->snapshot.phase != SNAPSHOT_WHOLE && !wants_snapshot(c))
		return;
	checkpoint_figures(c, &t->figures);
	t->given = true;
	t->steps = c->turn_steps;
	t->work = (struct disk_work){.call = turn, .of = c};
	if (c->snapshot_worker != NULL)
		disk_worker_give(c->snapshot_worker, &t->work);
}

int checkpoint_turn_end(struct checkpoint *c, int64_t us_max, struct error *err)
{
	struct checkpoint_turn *t = &c->turn;
	if (!t->given)
		return 0;
	if (c->snapshot_worker == NULL) {
		if (us_max == 0 && t->steps > 0) {
			t->steps--;
			return 1;
		}
		t->given = false;
		return turn(c, err);
	}
	if (!disk_worker_wait(c->snapshot_worker, &t->work, us_max))
		return 1;
	t->given = false;
	if (t->work.result < 0 && err != NULL)
		*err = t->work.err;
	return t->work.result;
}

/* ---- the end of a run ---- */

static int not_yet(const struct checkpoint *c, bool at_once)
{
	return at_once || c->snapshot_worker == NULL ? CHECKPOINT_END_MORE : CHECKPOINT_END_WAIT;
}

static int end(struct checkpoint *c, struct error *err)
{
	int r = checkpoint_keep(c, err);
	return r < 0 ? r : CHECKPOINT_END_DONE;
}

int checkpoint_end(
	struct checkpoint *c, size_t bytes_max, int64_t start_bytes_max, struct error *err)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	int r = checkpoint_turn_end(c, 0, err);
	if (r != 0)
		return r < 0 ? r : not_yet(c, false);
	if (!c->ending) {
		int64_t start_bytes = c->snapshot_bytes + checkpoint_log_bytes(c);
		if (!c->is_published || start_bytes > start_bytes_max)
			return end(c, err);
		c->ending = true;
		checkpoint_turn_begin(c);
		if (c->turn.given)
			return not_yet(c, false);
	}
	if (s->phase == SNAPSHOT_NONE)
		return end(c, err);
	r = checkpoint_step(c, bytes_max, err);
	if (r < 0)
		return r;
	if (s->phase == SNAPSHOT_WHOLE)
		checkpoint_turn_begin(c);
	return not_yet(c, r == 1);
}

void checkpoint_snapshot_release(struct checkpoint *c)
{
	struct checkpoint_snapshot *s = &c->snapshot;
	if (s->phase == SNAPSHOT_NONE)
		return;
	frame_log_close(&s->file);
	/* Nobody would miss it; the next one overwrites it anyway. */
	file_remove(checkpoint_path(c, "snap", s->number), NULL);
	s->phase = SNAPSHOT_NONE;
}
