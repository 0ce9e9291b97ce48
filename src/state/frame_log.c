#define _GNU_SOURCE /* memmem */

#include "state/frame_log.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/file.h"

#include <stdlib.h>

enum { frame_magic = 0x4c444331, gather_bytes_max = 1024 * 1024, read_ahead_bytes = 64 * 1024 };
/* A frame of so much is worth a write of its own. */
enum { write_bytes_min = 64 * 1024 };
/* Works that a slice of a snapshot may give. */
enum { room_kept = 4 };

struct frame_header {
	uint32_t magic;
	uint32_t len;
	uint32_t crc;
	uint32_t previous;
	uint64_t durable;
	uint32_t kind;
	uint32_t zero;
};

_Static_assert(sizeof(struct frame_header) == frame_header_bytes, "as it lies on disk");

static uint32_t crc_of(struct frame_header h, struct str payload)
{
	h.crc = 0;
	return crc32c(crc32c(0, (struct str){(const char *)&h, sizeof(h)}), payload);
}

static char *copy_path(const char *path)
{
	char *copy = strdup(path);
	check(copy != NULL);
	return copy;
}

/* ---- writing ---- */

int frame_log_create(
	struct frame_log *log, const char *path, uint32_t continues, struct error *err)
{
	*log = (struct frame_log){.fd = file_open_write(path, false, err), .crc = continues};
	if (log->fd < 0)
		return log->fd;
	log->path = copy_path(path);
	strbuf_init(&log->buffer);
	return 0;
}

/* ---- what the worker has ---- */

/* What is done is ours again; the first error is the log's. */
static int reap(struct frame_log *log, struct error *err)
{
	struct frame_works *w = log->works;
	int r = 0;
	while (w != NULL && w->count > 0 && disk_work_done(&w->work[w->first])) {
		struct disk_work *work = &w->work[w->first];
		if (work->result < 0 && !log->failed) {
			log->failed = true;
			r = work->result;
			if (err != NULL)
				*err = work->err;
		} else if (work->sync && !log->failed) {
			log->durable = w->bytes[w->first];
		}
		strbuf_reset(&work->bytes);
		w->first = (w->first + 1) % frame_works_max;
		w->count--;
	}
	return r;
}

static int wait_for_room(struct frame_log *log, struct error *err)
{
	struct frame_works *w = log->works;
	int r = reap(log, err);
	if (r == 0 && w->count == frame_works_max) {
		disk_worker_wait(log->worker, &w->work[w->first], -1);
		r = reap(log, err);
	}
	return r;
}

static int give(struct frame_log *log, bool sync, const char *folder, struct error *err)
{
	struct frame_works *w = log->works;
	int r = wait_for_room(log, err);
	if (r < 0)
		return r;
	uint32_t at = (w->first + w->count++) % frame_works_max;
	struct disk_work *work = &w->work[at];
	struct strbuf empty = work->bytes;
	work->fd = log->fd;
	work->path = log->path;
	work->sync = sync;
	work->folder = folder;
	w->bytes[at] = log->bytes;
	if (log->writes_behind) {
		work->bytes = log->buffer;
		log->buffer = empty;
	}
	disk_worker_give(log->worker, work);
	return 0;
}

void frame_log_behind(struct frame_log *log, struct disk_worker *worker, bool writes)
{
	check(log->works == NULL);
	if (worker == NULL)
		return;
	log->works = calloc(1, sizeof(*log->works));
	check(log->works != NULL);
	for (uint32_t i = 0; i < frame_works_max; i++)
		strbuf_init(&log->works->work[i].bytes);
	log->worker = worker;
	log->writes_behind = writes;
}

static void release_works(struct frame_log *log)
{
	struct frame_works *w = log->works;
	if (w == NULL)
		return;
	for (; w->count > 0; w->count--, w->first = (w->first + 1) % frame_works_max)
		disk_worker_wait(log->worker, &w->work[w->first], -1);
	for (uint32_t i = 0; i < frame_works_max; i++)
		strbuf_release(&w->work[i].bytes);
	free(w);
}

bool frame_log_is_busy(const struct frame_log *log)
{
	const struct frame_works *w = log->works;
	return w != NULL && w->count + room_kept > frame_works_max &&
		!disk_work_done(&w->work[w->first]);
}

void frame_log_close(struct frame_log *log)
{
	if (log->path == NULL)
		return;
	release_works(log);
	file_close(log->fd);
	strbuf_release(&log->buffer);
	free(log->path);
	*log = (struct frame_log){.fd = -1};
}

static int failed_before(const struct frame_log *log, struct error *err)
{
	return error_set(
		err, CDCL_E_DISK, "%s: the disk failed before, nothing more is written", log->path);
}

static int flush(struct frame_log *log, struct error *err)
{
	if (log->writes_behind)
		return give(log, false, NULL, err);
	int r = file_write_all(log->fd, strbuf_str(&log->buffer), log->path, err);
	strbuf_reset(&log->buffer);
	log->failed = r < 0;
	return r;
}

/* A large payload, without a copy of it; what was gathered before it comes first. */
static int write_through(struct frame_log *log, struct str payload, struct error *err)
{
	int r = flush(log, err);
	if (r == 0)
		r = file_write_all(log->fd, payload, log->path, err);
	log->failed = r < 0;
	return r;
}

int frame_log_append(struct frame_log *log, uint32_t kind, struct str payload, struct error *err)
{
	check(payload.len <= frame_payload_bytes_max);
	if (log->failed)
		return failed_before(log, err);
	struct frame_header h = {.magic = frame_magic,
		.len = (uint32_t)payload.len,
		.previous = log->crc,
		.durable = (uint64_t)log->durable,
		.kind = kind};
	h.crc = crc_of(h, payload);
	strbuf_add(&log->buffer, (struct str){(const char *)&h, sizeof(h)});
	log->crc = h.crc;
	log->bytes += (int64_t)(sizeof(h) + payload.len);
	if (payload.len >= write_bytes_min && !log->writes_behind)
		return write_through(log, payload, err);
	strbuf_add(&log->buffer, payload);
	return log->buffer.len >= gather_bytes_max ? flush(log, err) : 0;
}

int frame_log_flush(struct frame_log *log, struct error *err)
{
	if (log->failed)
		return failed_before(log, err);
	return log->buffer.len > 0 ? flush(log, err) : 0;
}

static int sync_here(struct frame_log *log, const char *folder, struct error *err)
{
	int r = file_sync_data(log->fd, log->path, err);
	if (r == 0 && folder != NULL)
		r = file_sync_folder(folder, err);
	log->failed = r < 0;
	if (r == 0)
		log->durable = log->bytes;
	return r;
}

int frame_log_sync_begin(struct frame_log *log, const char *folder, struct error *err)
{
	int r = log->writes_behind ? 0 : frame_log_flush(log, err);
	if (r == 0 && log->failed)
		r = failed_before(log, err);
	if (r < 0 || log->asked == log->bytes)
		return r;
	log->asked = log->bytes;
	return log->works == NULL ? sync_here(log, folder, err) : give(log, true, folder, err);
}

int frame_log_sync_end(struct frame_log *log, int64_t us_max, struct error *err)
{
	struct frame_works *w = log->works;
	int r = reap(log, err);
	if (r == 0 && w != NULL && w->count > 0) {
		uint32_t last = (w->first + w->count - 1) % frame_works_max;
		disk_worker_wait(log->worker, &w->work[last], us_max);
		r = reap(log, err);
	}
	if (r == 0 && log->failed)
		r = failed_before(log, err);
	return r < 0 ? r : w != NULL && w->count > 0;
}

int frame_log_sync(struct frame_log *log, struct error *err)
{
	int r = frame_log_sync_begin(log, NULL, err);
	return r < 0 ? r : frame_log_sync_end(log, -1, err);
}

int frame_log_resume(struct frame_log *log, struct frame_reader *r, int64_t bytes, uint32_t crc,
	struct error *err)
{
	*log = (struct frame_log){.fd = file_open_update(r->path, err), .crc = crc};
	if (log->fd < 0)
		return log->fd;
	log->path = copy_path(r->path);
	frame_reader_close(r);
	strbuf_init(&log->buffer);
	int result = file_cut(log->fd, bytes, log->path, err);
	/* What was read may so far be in memory only. */
	if (result == 0)
		result = file_sync(log->fd, log->path, err);
	log->bytes = log->durable = log->asked = bytes;
	log->failed = result < 0;
	return result;
}

/* ---- reading ---- */

int frame_reader_open(
	struct frame_reader *r, const char *path, uint32_t continues, struct error *err)
{
	*r = (struct frame_reader){.fd = file_open_read(path, err),
		.crc = continues,
		.read_bytes = read_ahead_bytes};
	if (r->fd < 0)
		return r->fd;
	r->path = copy_path(path);
	strbuf_init(&r->buffer);
	r->bytes = file_bytes(r->fd, path, err);
	return r->bytes < 0 ? (int)r->bytes : 0;
}

int frame_reader_open_first(struct frame_reader *r, const char *path, struct error *err)
{
	int result = frame_reader_open(r, path, 0, err);
	r->any_first = true;
	return result;
}

void frame_reader_close(struct frame_reader *r)
{
	if (r->path == NULL)
		return;
	file_close(r->fd);
	strbuf_release(&r->buffer);
	free(r->path);
	*r = (struct frame_reader){.fd = -1};
}

int frame_reader_go(struct frame_reader *r, int64_t at, uint32_t crc, struct error *err)
{
	strbuf_reset(&r->buffer);
	r->buffer_start = r->at = at;
	r->crc = crc;
	return file_seek(r->fd, at, r->path, err);
}

/* Lets the bytes before `at` go. */
static void drop_before(struct frame_reader *r, int64_t at)
{
	size_t used = (size_t)(at - r->buffer_start);
	if (used == 0)
		return;
	if (used > r->buffer.len)
		used = r->buffer.len;
	memmove(r->buffer.data, r->buffer.data + used, r->buffer.len - used);
	r->buffer.len -= used;
	r->buffer_start += (int64_t)used;
}

/* Bytes at..at+len-1 of the file, which has them: in *out. */
static int look(
	struct frame_reader *r, int64_t at, size_t len, const char **out, struct error *err)
{
	check(at >= r->buffer_start && at + (int64_t)len <= r->bytes);
	if (at + (int64_t)len > r->buffer_start + (int64_t)r->buffer.len)
		drop_before(r, at);
	int64_t missing;
	while ((missing = at + (int64_t)len - r->buffer_start - (int64_t)r->buffer.len) > 0) {
		/* A large frame and the next one's header: then nothing of it has to move. */
		size_t bytes = (size_t)missing + frame_header_bytes;
		bytes = bytes < r->read_bytes ? r->read_bytes : bytes;
		strbuf_reserve(&r->buffer, bytes);
		ssize_t n = file_read(r->fd, r->buffer.data + r->buffer.len, bytes);
		if (n <= 0)
			return error_set(err, CDCL_E_DISK, "%s: cannot read: %s", r->path,
				n == 0 ? "it became shorter" : "disk error");
		r->buffer.len += (size_t)n;
	}
	*out = r->buffer.data + (at - r->buffer_start);
	return 0;
}

/* It may be the head of a frame of which `left` bytes are there. */
static bool may_be(const struct frame_header *h, int64_t left)
{
	return h->magic == frame_magic && h->zero == 0 && h->len <= frame_payload_bytes_max &&
		(int64_t)h->len <= left - frame_header_bytes;
}

/* 1: a whole frame is at `at` (the chain is not looked at); 0: there is none. */
static int frame_at(struct frame_reader *r, int64_t at, struct frame_header *h,
	struct str *payload, struct error *err)
{
	const char *bytes;
	if (r->bytes - at < frame_header_bytes)
		return 0;
	int result = look(r, at, sizeof(*h), &bytes, err);
	if (result < 0)
		return result;
	memcpy(h, bytes, sizeof(*h));
	if (!may_be(h, r->bytes - at))
		return 0;
	result = look(r, at, sizeof(*h) + h->len, &bytes, err);
	if (result < 0)
		return result;
	*payload = (struct str){bytes + sizeof(*h), h->len};
	return crc_of(*h, *payload) == h->crc;
}

int frame_log_lost(struct error *err)
{
	error_help(err, "put a copy of the whole folder back, or begin anew with an empty one "
			"(docs/operations.md, A checkpoint that does not fit)");
	return -(int)CDCL_E_STATE;
}

static int damaged(const struct frame_reader *r, int64_t at, struct error *err)
{
	error_set(err, CDCL_E_STATE, "%s: damaged at byte %lld", r->path, (long long)at);
	return frame_log_lost(err);
}

/* A frame after `at` that knows the one at `at` to have been durable? Then that one is damaged. */
static int check_tail(struct frame_reader *r, int64_t at, struct error *err)
{
	const uint32_t magic = frame_magic;
	for (int64_t to = at + 1; to + frame_header_bytes <= r->bytes; to++) {
		const char *bytes;
		size_t len = r->bytes - to < 4096 ? (size_t)(r->bytes - to) : 4096;
		int result = look(r, to, len, &bytes, err);
		if (result < 0)
			return result;
		const char *hit = memmem(bytes, len, &magic, sizeof(magic));
		if (hit == NULL) {
			to += (int64_t)len - (int64_t)sizeof(magic);
			continue;
		}
		to += hit - bytes;
		struct frame_header h;
		struct str payload;
		result = frame_at(r, to, &h, &payload, err);
		if (result < 0)
			return result;
		if (result == 1 && h.durable > (uint64_t)at)
			return damaged(r, at, err);
	}
	return 0;
}

struct frame frame_seen(const char *bytes, int64_t start)
{
	struct frame_header h;
	memcpy(&h, bytes, sizeof(h));
	return (struct frame){.kind = h.kind,
		.payload = {bytes + sizeof(h), h.len},
		.start = start,
		.end = start + frame_header_bytes + (int64_t)h.len,
		.crc = h.crc};
}

static void take(struct frame_reader *r, const char *bytes, struct frame *frame)
{
	*frame = frame_seen(bytes, r->at);
	r->at = frame->end;
	r->crc = frame->crc;
}

int frame_reader_next(struct frame_reader *r, struct frame *frame, struct error *err)
{
	struct frame_header h = {0};
	struct str payload;
	int64_t at = r->at;
	if (at == r->bytes)
		return 0;
	int result = frame_at(r, at, &h, &payload, err);
	if (result < 0)
		return result;
	bool chained = h.previous == r->crc || (at == 0 && r->any_first);
	if (result == 0 || !chained)
		return check_tail(r, at, err);
	take(r, payload.data - sizeof(h), frame);
	return 1;
}

const char *frame_reader_bytes(const struct frame_reader *r, int64_t at)
{
	check(at >= r->buffer_start && at <= r->buffer_start + (int64_t)r->buffer.len);
	return r->buffer.data + (at - r->buffer_start);
}

bool frame_reader_next_here(struct frame_reader *r, struct frame *frame)
{
	struct frame_header h;
	int64_t left = r->buffer_start + (int64_t)r->buffer.len - r->at;
	const char *bytes = frame_reader_bytes(r, r->at);
	if (left < frame_header_bytes)
		return false;
	memcpy(&h, bytes, sizeof(h));
	if (!may_be(&h, left) || h.previous != r->crc ||
		crc_of(h, (struct str){bytes + sizeof(h), h.len}) != h.crc)
		return false;
	take(r, bytes, frame);
	return true;
}

void frame_reader_swap(struct frame_reader *r, struct strbuf *buffer)
{
	struct strbuf old = r->buffer;
	size_t left = (size_t)(r->buffer_start + (int64_t)old.len - r->at);
	check(left <= old.len);
	strbuf_reset(buffer);
	if (left > 0) /* else there may be no buffer yet */
		strbuf_add(buffer, (struct str){old.data + old.len - left, left});
	r->buffer = *buffer;
	r->buffer_start = r->at;
	*buffer = old;
}
