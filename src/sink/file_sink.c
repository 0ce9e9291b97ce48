#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "sink/csv_line.h"
#include "sink/row_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Rows as lines of a file: JSON (row_json.h) or CSV with a header (csv_line.h).
 *
 * Complete: the rows go to a temporary file beside it, which is made durable and takes the file's
 * place by one rename. A crash leaves the old file or the new one, and maybe a temporary file that
 * the next run writes over. When nothing changed, nothing is written.
 *
 * Append, changelog: the lines of a batch are held (beyond block_bytes in a temporary file) and
 * added when it is published. Adding cannot be one step, so what the file was is noted before, in
 * a file of its own: "BEFORE AFTER\n", its lengths. An open that finds a length in between cuts
 * the file back, so a crash leaves whole batches only. A disk that gets full is undone at once.
 *
 *	out/orders.csv   out/.orders.csv.part  temporary   out/.orders.csv.length  the note
 */

enum { block_bytes = 1024 * 1024, note_bytes_max = 64, header_bytes_max = 16 * 1024 * 1024 };

struct file_sink {
	struct sink base;
	enum sink_format format;
	/* with a NUL */
	struct strbuf path;
	struct strbuf folder;
	struct strbuf part;
	struct strbuf note;
	bool noted;                     /* it is there, and its name is on the disk */
	struct row_json json;
	struct strbuf header;           /* CSV's first line */
	struct strbuf lines;            /* not yet in the temporary file */
	int fd;                         /* of the temporary file; -1: none */
	int64_t part_bytes;
	bool ready;                     /* complete: the temporary file is whole */
	int64_t every_us;
	struct bucket_set changed;      /* complete: one bucket for all rows */
};

static struct file_sink *file_of(struct sink *s)
{
	return container_of(s, struct file_sink, base);
}

/* ---- open ---- */

static void set_path(struct strbuf *to, struct str folder, const char *before, struct str name,
	const char *after)
{
	strbuf_init(to);
	strbuf_add(to, folder);
	strbuf_addf(to, "%s" STR_FMT "%s%c", before, STR_ARG(name), after, '\0');
}

static void set_paths(struct file_sink *f, struct str path)
{
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/') {
		at--;
	}
	struct str folder = str_sub(path, 0, at), name = str_sub(path, at, path.len - at);
	set_path(&f->path, folder, "", name, "");
	set_path(&f->folder, at == 0 ? str_lit(".") : folder, "", str_lit(""), "");
	set_path(&f->part, folder, ".", name, ".part");
	set_path(&f->note, folder, ".", name, ".length");
}

/* The file's length; 0 when it is not there. */
static int length_of(const struct file_sink *f, int64_t *bytes, struct error *err)
{
	struct file_info info = {0};
	*bytes = 0;
	if (!file_exists(f->path.data)) {
		return 0;
	}
	int answer = file_stat(f->path.data, &info, err);
	if (answer == 0 && !info.is_regular) {
		return error_set(err, CDCL_E_DISK, "%s: is %s", f->path.data,
			info.is_folder ? "a folder" : "no regular file");
	}
	*bytes = info.bytes;
	return answer;
}

/* An earlier run may have ended while it was adding a batch. */
static int undo(struct file_sink *f, struct error *err)
{
	struct strbuf note;
	int64_t before = 0, after = 0, now = 0;
	char end = 0;
	if (!file_exists(f->note.data)) {
		return 0;
	}
	strbuf_init(&note);
	int answer = file_read_all(f->note.data, note_bytes_max, &note, err);
	strbuf_add_byte(&note, '\0');
	/* A note that is cut off was written before anything was added. */
	bool whole = answer == 0 &&
		sscanf(note.data, "%" SCNd64 " %" SCNd64 "%c", &before, &after, &end) == 3 &&
		end == '\n';
	strbuf_release(&note);
	if (answer == 0) {
		answer = length_of(f, &now, err);
	}
	if (answer == 0 && whole && now > before && now < after) {
		log_warn("file", "%s: cut back from %" PRId64 " to %" PRId64
			" bytes: an earlier run ended while it was adding a batch",
			f->path.data, now, before);
		answer = file_truncate(f->path.data, before, err);
	}
	return answer == 0 ? file_remove(f->note.data, err) : answer;
}

/* What is added to a CSV file must have its columns. */
static int check_header(struct file_sink *f, struct error *err)
{
	int64_t bytes;
	int answer = length_of(f, &bytes, err);
	if (answer < 0 || bytes == 0 || f->header.len == 0) {
		return answer;
	}
	int fd = file_open_read(f->path.data, err);
	if (fd < 0) {
		return fd;
	}
	struct strbuf start;
	strbuf_init(&start);
	strbuf_reserve(&start, f->header.len);
	ssize_t n = 1;
	while (n > 0 && start.len < f->header.len) {
		n = file_read(fd, start.data + start.len, f->header.len - start.len);
		start.len += n > 0 ? (size_t)n : 0;
	}
	file_close(fd);
	if (!str_eq(strbuf_str(&start), strbuf_str(&f->header))) {
		answer = error_set(err, CDCL_E_STATE,
			"%s: is there with other columns than " STR_FMT, f->path.data,
			(int)f->header.len - 1, f->header.data);
		error_help(err, "move it away, or write to another path");
	}
	strbuf_release(&start);
	return answer;
}

static int open_file(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	struct file_sink *f = file_of(s);
	bool replaces = s->mode == OUTPUT_COMPLETE, kinds = s->mode == OUTPUT_CHANGELOG;
	*last_batch_id = -1; /* it does not say in a file what batch its rows are from */
	if (f->format == SINK_CSV) {
		csv_header_add(s->schema, kinds, &f->header);
	} else {
		row_json_init(&f->json, s->schema, s->timezone, false);
	}
	if (replaces) {
		bucket_set_init(&f->changed, 1, f->every_us);
		s->buckets = &f->changed;
	}
	int64_t bytes;
	int answer = file_make_dirs(f->folder.data, err);
	if (answer == 0) {
		answer = file_sync_name(f->path.data, err);
	}
	if (answer == 0) {
		answer = undo(f, err);
	}
	if (answer == 0) {
		answer = replaces ? length_of(f, &bytes, err) : check_header(f, err);
	}
	if (answer < 0) {
		return answer;
	}
	/* A folder that takes no files is told at the start. */
	int fd = file_open_write(f->part.data, false, err);
	file_close(fd);
	return fd < 0 ? error_prefix(err, "%s: ", f->path.data) : file_remove(f->part.data, err);
}

/* ---- rows ---- */

static int spill(struct file_sink *f, struct error *err)
{
	if (f->fd < 0) {
		f->fd = file_open_write(f->part.data, false, err);
		f->part_bytes = 0;
		if (f->fd < 0) {
			return -(int)err->code;
		}
		if (f->base.mode == OUTPUT_COMPLETE) {
			int answer = file_write_all(
				f->fd, strbuf_str(&f->header), f->part.data, err);
			if (answer < 0) {
				return answer;
			}
		}
	}
	int answer = file_write_all(f->fd, strbuf_str(&f->lines), f->part.data, err);
	f->part_bytes += (int64_t)f->lines.len;
	strbuf_reset(&f->lines);
	return answer;
}

static int write_rows(struct sink *s, const struct chunk *in, struct error *err)
{
	struct file_sink *f = file_of(s);
	bool kinds = s->mode == OUTPUT_CHANGELOG;
	check(in->column_count == schema_total(s->schema));
	for (uint32_t row = chunk_next_live(in, 0); row < chunk_rows_max;
		row = chunk_next_live(in, row + 1)) {
		if (f->format == SINK_CSV) {
			csv_line_add(in, s->schema, row, kinds, s->timezone, &f->lines);
		} else {
			row_json_object(&f->json, in, row, kinds, &f->lines);
			strbuf_add_byte(&f->lines, '\n');
		}
		s->rows_written++;
		int answer = f->lines.len >= block_bytes ? spill(f, err) : 0;
		if (answer < 0) {
			return answer;
		}
	}
	return 0;
}

static void end_part(struct file_sink *f)
{
	file_close(f->fd);
	f->fd = -1;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	struct file_sink *f = file_of(s);
	if (s->mode != OUTPUT_COMPLETE) {
		end_part(f);
		return 0;
	}
	s->pending = bucket_set_any(&f->changed);
	s->due_us = f->changed.given_us + f->changed.every_us;
	if (!s->pending || !bucket_set_due(&f->changed, b)) {
		return 0;
	}
	int answer = spill(f, err);
	if (answer == 0) {
		answer = file_sync(f->fd, f->part.data, err);
	}
	end_part(f);
	f->ready = answer == 0;
	return answer;
}

/* ---- publish ---- */

static int replace(struct file_sink *f, const struct batch *b, struct error *err)
{
	if (!f->ready) {
		return 0;
	}
	int answer = file_rename(f->part.data, f->path.data, err);
	if (answer == 0) {
		answer = file_sync_folder(f->folder.data, err);
	}
	f->ready = false;
	f->base.pending = false;
	bucket_set_clear(&f->changed, b);
	return answer;
}

static int take_note(struct file_sink *f, int64_t before, int64_t after, struct error *err)
{
	char text[note_bytes_max];
	int len = snprintf(text, sizeof text, "%" PRId64 " %" PRId64 "\n", before, after);
	int fd = file_open_write(f->note.data, false, err);
	if (fd < 0) {
		return fd;
	}
	int answer = file_write_all(fd, (struct str){text, (size_t)len}, f->note.data, err);
	if (answer == 0) {
		answer = file_sync(fd, f->note.data, err);
	}
	file_close(fd);
	if (answer == 0 && !f->noted) {
		answer = file_sync_folder(f->folder.data, err);
	}
	f->noted = answer == 0;
	return answer;
}

/* The temporary file's lines to `fd`. */
static int copy_part(struct file_sink *f, int fd, struct error *err)
{
	struct strbuf block;
	int part = file_open_read(f->part.data, err);
	if (part < 0) {
		return part;
	}
	strbuf_init(&block);
	strbuf_reserve(&block, block_bytes);
	int answer = 0;
	for (int64_t left = f->part_bytes; left > 0 && answer == 0;) {
		ssize_t n = file_read(part, block.data, block_bytes);
		if (n <= 0) {
			answer = error_set(err, CDCL_E_DISK, "%s: cannot be read back",
				f->part.data);
			break;
		}
		left -= n;
		answer = file_write_all(fd, (struct str){block.data, (size_t)n}, f->path.data, err);
	}
	strbuf_release(&block);
	file_close(part);
	return answer;
}

static int add_lines(struct file_sink *f, int fd, bool first, struct error *err)
{
	int answer = 0;
	if (first) {
		answer = file_write_all(fd, strbuf_str(&f->header), f->path.data, err);
	}
	if (answer == 0 && f->part_bytes > 0) {
		answer = copy_part(f, fd, err);
	}
	if (answer == 0) {
		answer = file_write_all(fd, strbuf_str(&f->lines), f->path.data, err);
	}
	return answer == 0 ? file_sync(fd, f->path.data, err) : answer;
}

static int append(struct file_sink *f, struct error *err)
{
	int64_t before;
	int answer = length_of(f, &before, err);
	int64_t more = f->part_bytes + (int64_t)f->lines.len;
	more += before == 0 ? (int64_t)f->header.len : 0;
	if (answer < 0 || (more == 0 && file_exists(f->path.data))) {
		return answer;
	}
	answer = take_note(f, before, before + more, err);
	int fd = answer < 0 ? answer : file_open_write(f->path.data, true, err);
	if (fd < 0) {
		return fd;
	}
	answer = add_lines(f, fd, before == 0, err);
	file_close(fd);
	if (answer == 0 && before == 0) {
		answer = file_sync_folder(f->folder.data, err);
	}
	if (answer < 0) {
		/* The first error is the one to tell; the note stays when this fails too. */
		f->noted = file_truncate(f->path.data, before, NULL) == 0;
		return answer;
	}
	strbuf_reset(&f->lines);
	answer = f->part_bytes > 0 ? file_remove(f->part.data, err) : 0;
	f->part_bytes = 0;
	return answer;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct file_sink *f = file_of(s);
	return s->mode == OUTPUT_COMPLETE ? replace(f, b, err) : append(f, err);
}

/* ---- close ---- */

static void close_file(struct sink *s)
{
	struct file_sink *f = file_of(s);
	if (f->fd >= 0 || f->part_bytes > 0 || f->ready) {
		end_part(f);
		file_remove(f->part.data, NULL);
	}
	if (f->noted) {
		file_remove(f->note.data, NULL); /* what it notes is done */
	}
	row_json_release(&f->json);
	strbuf_release(&f->header);
	strbuf_release(&f->lines);
	strbuf_release(&f->path);
	strbuf_release(&f->folder);
	strbuf_release(&f->part);
	strbuf_release(&f->note);
	free(f);
}

static const struct sink_ops file_ops = {
	.kind = "file_sink",
	.open = open_file,
	.write = write_rows,
	.prepare = prepare,
	.publish = publish,
	.close = close_file,
};

struct sink *file_sink_open(const struct sink_config *config)
{
	struct file_sink *f = calloc(1, sizeof *f);
	check(f != NULL); /* out of memory */
	f->base.ops = &file_ops;
	f->format = config->format;
	f->every_us = config->every_us;
	f->fd = -1;
	set_paths(f, config->path);
	strbuf_init(&f->header);
	strbuf_init(&f->lines);
	return &f->base;
}
