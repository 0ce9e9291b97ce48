#define _GNU_SOURCE /* memrchr */
#include "source/line_reader.h"

#include "base/bounds.h"
#include "base/file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
	packed_bytes = 64 * 1024,
	buffer_bytes_first = 64 * 1024,
	text_bytes_min = 4096, /* of one read to where the lines stay */
	text_bytes_max = 256 * 1024
};

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct line_reader {
	char *path;
	int fd;
	enum packing packing;
	z_stream zlib;
	bool zlib_open;
	bool frame_open; /* in the middle of a gzip member or zstd frame */
	ZSTD_DStream *zstd;
	char *packed; /* PACKING_NONE: not used */
	size_t packed_start;
	size_t packed_end;
	char *buffer;
	size_t capacity;
	size_t start; /* bytes before it are handed out */
	size_t scanned; /* no newline between start and here */
	size_t end;
	size_t line_bytes; /* of the lines that were taken last; 0: not known */
	bool began; /* the byte order mark was looked for */
	size_t replayed; /* of the kept bytes of standard input */
	bool input_ended;
	bool ended;
};

/* Standard input is one for the process, so is what is kept of it. */
static struct {
	struct strbuf bytes;
	bool on;
} kept;

void line_reader_keep_input(bool keep)
{
	kept.on = keep;
}

static enum packing packing_of(struct str path)
{
	if (path.len > 3 && str_eq(str_sub(path, path.len - 3, 3), str_lit(".gz")))
		return PACKING_GZIP;
	if (path.len > 4 && str_eq(str_sub(path, path.len - 4, 4), str_lit(".zst")))
		return PACKING_ZSTD;
	return PACKING_NONE;
}

static int open_packing(struct line_reader *r, struct error *err)
{
	r->packing = packing_of(str_c(r->path));
	if (r->packing == PACKING_NONE)
		return 0;
	r->packed = malloc(packed_bytes);
	if (r->packing == PACKING_GZIP)
		r->zlib_open = inflateInit2(&r->zlib, 15 + 16) == Z_OK;
	else
		r->zstd = ZSTD_createDStream();
	if (r->packed == NULL || (!r->zlib_open && r->zstd == NULL))
		return error_set(err, CDCL_E_MEMORY, "no memory to unpack %s", r->path);
	return 0;
}

struct line_reader *line_reader_open(const char *path, struct error *err)
{
	struct line_reader *r = calloc(1, sizeof(*r));
	if (r == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory to read %s", path);
		return NULL;
	}
	r->fd = -1;
	r->path = strdup(path);
	r->buffer = malloc(buffer_bytes_first);
	r->capacity = buffer_bytes_first;
	if (r->path == NULL || r->buffer == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory to read %s", path);
		goto fail;
	}
	if (open_packing(r, err) < 0)
		goto fail;
	r->fd = strcmp(path, "-") == 0 ? 0 : file_open_read(path, err);
	if (r->fd < 0)
		goto fail;
	return r;
fail:
	line_reader_close(r);
	return NULL;
}

void line_reader_close(struct line_reader *r)
{
	if (r == NULL)
		return;
	if (r->fd > 0)
		file_close(r->fd);
	if (r->zlib_open)
		inflateEnd(&r->zlib);
	if (r->zstd != NULL) /* not to load the library (base/late.h) for it */
		ZSTD_freeDStream(r->zstd);
	free(r->packed);
	free(r->buffer);
	free(r->path);
	free(r);
}

static void skip_byte_order_mark(struct line_reader *r)
{
	if (r->began || (r->end - r->start < 3 && !r->ended))
		return;
	r->began = true;
	if (r->end - r->start >= 3 && memcmp(r->buffer + r->start, "\xEF\xBB\xBF", 3) == 0)
		r->start += 3;
}

bool line_reader_next(struct line_reader *r, struct str *line)
{
	skip_byte_order_mark(r);
	if (!r->began)
		return false;
	if (r->scanned < r->start)
		r->scanned = r->start;
	const char *newline = memchr(r->buffer + r->scanned, '\n', r->end - r->scanned);
	if (newline != NULL) {
		*line = (struct str){
			r->buffer + r->start, (size_t)(newline - (r->buffer + r->start))};
		r->start += line->len + 1;
		return true;
	}
	r->scanned = r->end;
	if (!r->ended || r->start == r->end)
		return false;
	*line = (struct str){r->buffer + r->start, r->end - r->start};
	r->start = r->end;
	return true;
}

/* Small enough for a byte to count its newlines, many at a time. */
enum { piece_bytes = 128 };

static uint32_t count_newlines(const char *piece)
{
	uint8_t count = 0;
	for (uint32_t i = 0; i < piece_bytes; i++)
		count = (uint8_t)(count + (piece[i] == '\n'));
	return count;
}

/* Whole lines of bytes, no newline before `at`: how many, at most lines_max, and *bytes of them. */
static uint32_t whole_lines(struct str all, size_t at, uint32_t lines_max, size_t *bytes)
{
	uint32_t lines = 0, more = 0;
	for (; all.len - at >= piece_bytes; at += piece_bytes, lines += more) {
		more = count_newlines(all.data + at);
		if (lines + more > lines_max)
			break;
	}
	*bytes = 0;
	if (lines > 0) {
		const char *last = memrchr(all.data, '\n', at);
		*bytes = at = (size_t)(last + 1 - all.data);
	}
	for (; lines < lines_max && at < all.len; lines++) {
		const char *newline = memchr(all.data + at, '\n', all.len - at);
		if (newline == NULL)
			break;
		*bytes = at = (size_t)(newline + 1 - all.data);
	}
	return lines;
}

uint32_t line_reader_text(struct line_reader *r, uint32_t lines_max, struct str *text)
{
	skip_byte_order_mark(r);
	if (!r->began)
		return 0;
	struct str all = {r->buffer + r->start, r->end - r->start};
	size_t scanned = r->scanned > r->start ? r->scanned - r->start : 0;
	uint32_t lines = whole_lines(all, scanned, lines_max, &all.len);
	if (lines == 0)
		return line_reader_next(r, text);
	*text = all;
	r->start += all.len;
	r->line_bytes = all.len / lines;
	return lines;
}

/* Room for more bytes: what is not handed out moves to the front, the buffer grows with a long
 * line. */
static int make_room(struct line_reader *r, struct error *err)
{
	if (r->start > 0) {
		memmove(r->buffer, r->buffer + r->start, r->end - r->start);
		r->end -= r->start;
		r->scanned -= r->scanned > r->start ? r->start : r->scanned;
		r->start = 0;
	}
	/* A line at its bound and its end fill the buffer: a longer one is never whole in it. */
	size_t most = (size_t)file_line_bytes_max + 1;
	if (r->end < r->capacity / 2 || (r->capacity == most && r->end < most))
		return 0;
	if (r->end == most)
		return error_set(err, CDCL_E_DATA, "%s: a line is longer than %d bytes", r->path,
			file_line_bytes_max);
	size_t capacity = r->capacity > most / 2 ? most : r->capacity * 2;
	char *larger = realloc(r->buffer, capacity);
	if (larger == NULL)
		return error_set(err, CDCL_E_MEMORY, "%s: no memory for a line of %zu bytes",
			r->path, r->end);
	r->buffer = larger;
	r->capacity = capacity;
	return 0;
}

/* Bytes as they are in the file: the count, 0 at its end, LINES_BLOCKED as -1 apart in *blocked. */
static ssize_t read_input(
	struct line_reader *r, char *into, size_t bytes, bool *blocked, struct error *err)
{
	*blocked = false;
	if (r->fd == 0 && r->replayed < kept.bytes.len) {
		size_t left = kept.bytes.len - r->replayed;
		size_t count = left < bytes ? left : bytes;
		memcpy(into, kept.bytes.data + r->replayed, count);
		r->replayed += count;
		return (ssize_t)count;
	}
	if (r->fd == 0) {
		struct pollfd p = {.fd = 0, .events = POLLIN};
		/* A signal ends it, too: what is not known to be there is not read. */
		if (poll(&p, 1, 0) <= 0) {
			*blocked = true;
			return 0;
		}
	}
	ssize_t n = file_read(r->fd, into, bytes);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		*blocked = true;
		return 0;
	}
	if (n < 0)
		return error_set(err, CDCL_E_DISK, "%s: cannot read: %s", r->path, strerror(errno));
	r->input_ended = n == 0;
	if (r->fd == 0 && kept.on) {
		strbuf_add(&kept.bytes, (struct str){into, (size_t)n});
		r->replayed = kept.bytes.len;
	}
	return n;
}

/* About lines_max more lines; a bit more, since the rest would be a read for a line or two. */
static size_t text_bytes(const struct line_reader *r, uint32_t lines_max)
{
	size_t bytes = r->line_bytes * lines_max;
	bytes += bytes / 16;
	return bytes < text_bytes_min ? text_bytes_min
				      : bytes < text_bytes_max ? bytes : text_bytes_max;
}

/* What was read beyond the lines is what the buffer has. */
static int keep_rest(struct line_reader *r, struct str rest, struct error *err)
{
	if (rest.len > r->capacity) {
		char *larger = realloc(r->buffer, rest.len);
		if (larger == NULL)
			return error_set(err, CDCL_E_MEMORY, "%s: no memory for %zu bytes",
				r->path, rest.len);
		r->buffer = larger;
		r->capacity = rest.len;
	}
	if (rest.len > 0)
		memcpy(r->buffer, rest.data, rest.len);
	r->start = r->scanned = 0;
	r->end = rest.len;
	return 0;
}

int line_reader_read_text(struct line_reader *r, uint32_t lines_max, struct arena *arena,
	struct str *text, uint32_t *lines, struct error *err)
{
	size_t begun = r->end - r->start;
	if (r->packing != PACKING_NONE || r->fd == 0 || r->line_bytes == 0 || r->ended ||
		begun > text_bytes_max)
		return LINES_BLOCKED;
	size_t bytes = text_bytes(r, lines_max);
	char *into = arena_alloc(arena, begun + bytes, 1);
	bool blocked = false;
	ssize_t n = read_input(r, into + begun, bytes, &blocked, err);
	if (n <= 0)
		return n < 0 ? (int)n : LINES_BLOCKED;
	memcpy(into, r->buffer + r->start, begun);
	struct str all = {into, begun + (size_t)n};
	*lines = whole_lines(all, begun, lines_max, &text->len);
	text->data = into;
	if (*lines > 0)
		r->line_bytes = text->len / *lines;
	int answer = keep_rest(r, str_sub(all, text->len, all.len), err);
	return answer < 0 ? answer : LINES_MORE;
}

static int unpack_gzip(struct line_reader *r, struct error *err)
{
	r->zlib.next_in = (unsigned char *)r->packed + r->packed_start;
	r->zlib.avail_in = (unsigned)(r->packed_end - r->packed_start);
	size_t room = r->capacity - r->end;
	r->zlib.next_out = (unsigned char *)r->buffer + r->end;
	r->zlib.avail_out = (unsigned)room;
	int z = inflate(&r->zlib, Z_NO_FLUSH);
	r->end += room - r->zlib.avail_out;
	r->packed_start = r->packed_end - r->zlib.avail_in;
	if (z == Z_STREAM_END) { /* another member may follow */
		r->frame_open = false;
		inflateReset(&r->zlib);
		return 0;
	}
	r->frame_open = true;
	if (z != Z_OK && z != Z_BUF_ERROR)
		return error_set(err, CDCL_E_DATA, "%s: damaged gzip file: %s", r->path,
			r->zlib.msg != NULL ? r->zlib.msg : "unexpected data");
	return 0;
}

static int unpack_zstd(struct line_reader *r, struct error *err)
{
	ZSTD_inBuffer in = {r->packed, r->packed_end, r->packed_start};
	ZSTD_outBuffer out = {r->buffer, r->capacity, r->end};
	size_t z = ZSTD_decompressStream(r->zstd, &out, &in);
	if (ZSTD_isError(z))
		return error_set(err, CDCL_E_DATA, "%s: damaged zstd file: %s", r->path,
			ZSTD_getErrorName(z));
	r->packed_start = in.pos;
	r->end = out.pos;
	r->frame_open = z != 0;
	return 0;
}

/* Answers like line_reader_more. */
static int more_packed(struct line_reader *r, struct error *err)
{
	if (r->packed_start == r->packed_end && !r->input_ended) {
		bool blocked = false;
		ssize_t n = read_input(r, r->packed, packed_bytes, &blocked, err);
		if (n < 0)
			return (int)n;
		if (blocked)
			return LINES_BLOCKED;
		r->packed_start = 0;
		r->packed_end = (size_t)n;
	}
	size_t before = r->end;
	bool had_packed = r->packed_start < r->packed_end;
	if (had_packed || r->frame_open) {
		int answer = r->packing == PACKING_GZIP ? unpack_gzip(r, err) : unpack_zstd(r, err);
		if (answer < 0)
			return answer;
	}
	if (r->end > before || had_packed || !r->input_ended)
		return LINES_MORE;
	if (r->frame_open)
		return error_set(
			err, CDCL_E_DATA, "%s: the compressed file ends too early", r->path);
	r->ended = true;
	return LINES_END;
}

static int more_plain(struct line_reader *r, struct error *err)
{
	bool blocked = false;
	ssize_t n = read_input(r, r->buffer + r->end, r->capacity - r->end, &blocked, err);
	if (n < 0)
		return (int)n;
	if (blocked)
		return LINES_BLOCKED;
	r->end += (size_t)n;
	r->ended = n == 0;
	return r->ended ? LINES_END : LINES_MORE;
}

int line_reader_more(struct line_reader *r, struct error *err)
{
	if (r->ended)
		return LINES_END;
	int answer = make_room(r, err);
	if (answer < 0)
		return answer;
	return r->packing == PACKING_NONE ? more_plain(r, err) : more_packed(r, err);
}
