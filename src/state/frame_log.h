#ifndef CDCL_FRAME_LOG_H
#define CDCL_FRAME_LOG_H

/*
 * A file of frames that is only ever appended to. The log of a checkpoint is one, and so is each
 * snapshot.
 *
 *	[ magic 4 | len 4 | crc 4 | previous 4 | durable 8 | kind 4 | zero 4 | payload ... ] [ ...
 *
 *	crc       CRC-32C of the frame without this field
 *	previous  crc of the frame before; of the first, what the file continues (0: nothing)
 *	durable   so many bytes of the file were known to be on disk when the frame was written
 *
 * After a power cut the end of a file may be missing or garbage, also in the middle of what was
 * written since the last sync, as pages reach the disk in any order. So a damaged frame ends the
 * file (and is cut off), unless it lies below the `durable` of a frame after it: what was synced
 * must be whole, and that is damage.
 *
 * A disk that failed once is not asked again: after an error of write or sync every later call
 * fails (a second fsync would answer "fine" for bytes that were lost).
 */

#include "cdcl/error.h"
#include "base/str.h"
#include "state/disk_worker.h"

enum {
	frame_header_bytes = 32,
	frame_payload_bytes_max = 512 * 1024 * 1024,
	frame_works_max = 8,
};

/* What the worker has of a log, oldest first. */
struct frame_works {
	struct disk_work work[frame_works_max];
	int64_t bytes[frame_works_max]; /* durable when that is synced */
	uint32_t first;
	uint32_t count;
};

struct frame_log {
	int fd;
	char *path;
	int64_t bytes;          /* all whole frames */
	int64_t durable;        /* those that were synced */
	int64_t asked;          /* those whose sync was begun */
	uint32_t crc;           /* of the last frame */
	bool failed;
	struct strbuf buffer;   /* frames that were not given to the disk yet */
	struct disk_worker *worker;     /* NULL: the caller's own thread does all of it */
	bool writes_behind;             /* the worker writes, too, and not only syncs */
	struct frame_works *works;      /* with a worker */
};

/* An empty file in place of what was there; its name is durable when the folder is synced. */
int frame_log_create(
	struct frame_log *log, const char *path, uint32_t continues, struct error *err);
void frame_log_close(struct frame_log *log);    /* accepts a zeroed one; does not sync */

/* Adds a frame; small ones are gathered in memory until the next sync. */
int frame_log_append(struct frame_log *log, uint32_t kind, struct str payload, struct error *err);
/* All that was appended is in the file: it outlives this process, not the machine. */
int frame_log_flush(struct frame_log *log, struct error *err);
/* All that was appended is on disk when it returns 0. */
int frame_log_sync(struct frame_log *log, struct error *err);

/* From now on the worker syncs (and writes): it outlives the log. */
void frame_log_behind(struct frame_log *log, struct disk_worker *worker, bool writes);
/*
 * The same as sync in two steps; `folder` (NULL: none) is synced after it. end: 0 done, 1 not
 * within us_max (-1: waits until it is). Without a worker begin does it all.
 */
int frame_log_sync_begin(struct frame_log *log, const char *folder, struct error *err);
int frame_log_sync_end(struct frame_log *log, int64_t us_max, struct error *err);
/* The worker has so much to do that a few more megabytes and a sync would wait for it. */
bool frame_log_is_busy(const struct frame_log *log);

/* ---- reading ---- */

struct frame {
	uint32_t kind;
	struct str payload;     /* until the next read */
	int64_t start;          /* where the frame begins in its file */
	int64_t end;
	uint32_t crc;
};

/* After an error that a file is damaged or gone: says what helps. Answers CDCL_E_STATE. */
int frame_log_lost(struct error *err);

struct frame_reader {
	int fd;
	char *path;
	int64_t bytes;          /* of the file */
	int64_t at;
	uint32_t crc;           /* of the frame before */
	bool any_first;
	size_t read_bytes;      /* at least so many at once */
	struct strbuf buffer;   /* bytes from buffer_start on */
	int64_t buffer_start;
};

/* The path is copied. `continues` as for frame_log_create. */
int frame_reader_open(
	struct frame_reader *r, const char *path, uint32_t continues, struct error *err);
/* The first frame may continue anything. */
int frame_reader_open_first(struct frame_reader *r, const char *path, struct error *err);
void frame_reader_close(struct frame_reader *r);        /* accepts a zeroed one */
/*
 * The next frame: 1, or 0 at the end, which is r->at (a torn tail may follow it). CDCL_E_STATE with
 * file and byte when what was durable is damaged.
 */
int frame_reader_next(struct frame_reader *r, struct frame *frame, struct error *err);
/* Goes on at `at`, where a frame begins; `crc` is that of the one before it. */
int frame_reader_go(struct frame_reader *r, int64_t at, uint32_t crc, struct error *err);

/* The same of a frame that was read already, whole and next in the chain; false: another look. */
bool frame_reader_next_here(struct frame_reader *r, struct frame *frame);
/* `buffer` gets what was read behind r->at and becomes the reader's; *buffer is its old one. */
void frame_reader_swap(struct frame_reader *r, struct strbuf *buffer);
/* Of the file from `at` on, which the buffer has: until the next read. */
const char *frame_reader_bytes(const struct frame_reader *r, int64_t at);
/* The frame in these bytes, at `start` of its file: whole, as it was seen to be. */
struct frame frame_seen(const char *bytes, int64_t start);

/* Goes on writing where a reader ended: cuts the torn tail off. Closes the reader. */
int frame_log_resume(
	struct frame_log *log, struct frame_reader *r, int64_t bytes, uint32_t crc,
	struct error *err);

#endif
