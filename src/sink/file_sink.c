#include "sink/sink_kinds.h"

#include "base/check.h"
#include "base/file.h"
#include "sink/append_file.h"
#include "sink/csv_line.h"
#include "sink/full_disk.h"
#include "sink/held_file.h"
#include "sink/row_json.h"

#include <stdlib.h>

/*
 * Rows as lines of a file: JSON (row_json.h) or CSV with a header (csv_line.h).
 *
 * Complete: the rows go to a temporary file beside it, which is made durable and takes the file's
 * place by one rename. A crash leaves the old file or the new one, and maybe a temporary file that
 * the next run writes over. When nothing changed, nothing is written.
 *
 * Another process that replaces it meanwhile is met (held_file.h).
 *
 * It does not remember a batch: a start gives it all rows anyway, and twice the same is the same.
 *
 * Append, changelog: lines are added batch by batch (append_file.h).
 */

struct file_sink {
	struct sink base;
	enum sink_on_error on_error;    /* retry: while the disk is full, what is staged stays */
	enum sink_format format;
	struct append_file out;
	struct held_file held;          /* complete: what is at the path */
	struct row_json json;
	struct strbuf header;           /* CSV's first line */
	bool ready;                     /* complete: the temporary file is whole */
	int64_t every_us;
	struct bucket_set changed;      /* complete: one bucket for all rows */
};

static struct file_sink *file_of(struct sink *s)
{
	return container_of(s, struct file_sink, base);
}

/* ---- open ---- */

/* What is added to a CSV file must have its columns. */
static int check_header(struct file_sink *f, struct error *err)
{
	int64_t bytes;
	int answer = append_file_length(&f->out, &bytes, err);
	bytes = f->out.cut_to >= 0 ? f->out.cut_to : bytes;
	if (answer < 0 || bytes == 0 || f->header.len == 0) {
		return answer;
	}
	int fd = file_open_read(f->out.path.data, err);
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
			"%s: is there with other columns than " STR_FMT, f->out.path.data,
			(int)f->header.len - 1, f->header.data);
		/* the note alone would say that somebody removed the file */
		bool noted = f->base.remembers && file_exists(f->out.batch_path.data);
		error_help(err, "move it away%s%s, or write to another path",
			noted ? " together with " : "",
			noted ? f->out.batch_path.data : "");
	}
	strbuf_release(&start);
	return answer;
}

static int open_file(struct sink *s, int64_t *last_batch_id, struct error *err)
{
	struct file_sink *f = file_of(s);
	bool replaces = s->mode == OUTPUT_COMPLETE, kinds = s->mode == OUTPUT_CHANGELOG;
	*last_batch_id = -1;
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
	bool kept = s->writer != NULL && !replaces;
	int answer = file_make_dirs(f->out.folder.data, err);
	if (answer == 0) {
		answer = append_file_open(&f->out, kept ? s->writer->job : str_c(NULL),
			kept ? s->writer->checkpoint : str_c(NULL), &s->others, err);
	}
	s->remembers = kept;
	s->torn = &f->out.torn;
	*last_batch_id = f->out.held;
	if (answer == 0) {
		answer = replaces ? append_file_length(&f->out, &bytes, err) : check_header(f, err);
	}
	if (answer < 0) {
		return answer;
	}
	if (held_file_is_locked(f->out.part.data) ||
		(replaces && held_file_is_locked(f->out.path.data))) {
		return 0; /* another process is at it: who comes second with a batch ends */
	}
	answer = file_remove(f->out.part.data, err);
	/* A folder that takes no files is told at the start. */
	int fd = answer < 0 ? answer : file_open_write(f->out.part.data, false, err);
	file_close(fd);
	return fd < 0 ? error_prefix(err, "%s: ", f->out.path.data)
		      : file_remove(f->out.part.data, err);
}

/* ---- rows ---- */

/* After a failure: whether it is to be tried again, and then not at once. */
static bool waits(struct file_sink *f, struct retry *retry, struct error *err)
{
	return f->on_error == SINK_RETRY && f->out.full &&
		retry_wait(retry, full_disk_ms_max, "file", err);
}

static int append(struct file_sink *f, struct str header, struct error *err)
{
	struct retry retry = {.wait_ms = 0};
	int answer = append_file_spill(&f->out, header, err);
	while (answer < 0 && waits(f, &retry, err)) {
		answer = append_file_spill(&f->out, header, err);
	}
	return answer;
}

/* A file that will take the place of the one at the path. */
static int spill(struct file_sink *f, struct error *err)
{
	bool begins = f->out.fd < 0;
	int answer = 0;
	if (f->base.mode != OUTPUT_COMPLETE) {
		return append(f, str_lit(""), err);
	}
	if (begins) {
		answer = held_file_claim(
			&f->held, f->out.path.data, f->out.part.data, err);
	}
	if (answer == 0) {
		answer = append(f, strbuf_str(&f->header), err);
	}
	if (answer == 0 && begins) {
		answer = held_file_lock(f->out.fd, f->out.path.data, err);
	}
	return answer;
}

static int add_batch(struct file_sink *f, const struct batch *b, struct error *err)
{
	struct str header = strbuf_str(&f->header);
	struct retry retry = {.wait_ms = 0};
	int answer = append_file_publish(&f->out, b->id, header, err);
	while (answer < 0 && waits(f, &retry, err)) {
		answer = append_file_publish(&f->out, b->id, header, err);
	}
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
			csv_line_add(in, s->schema, row, kinds, s->timezone, &f->out.lines);
		} else {
			row_json_object(&f->json, in, row, kinds, &f->out.lines);
			strbuf_add_byte(&f->out.lines, '\n');
		}
		s->rows_written++;
		int answer = append_file_full(&f->out) ? spill(f, err) : 0;
		if (answer < 0) {
			return answer;
		}
	}
	return 0;
}

static int prepare(struct sink *s, const struct batch *b, struct error *err)
{
	struct file_sink *f = file_of(s);
	if (s->mode != OUTPUT_COMPLETE) {
		return 0;
	}
	s->pending = bucket_set_any(&f->changed);
	s->due_us = f->changed.given_us + f->changed.every_us;
	if (!s->pending || !bucket_set_due(&f->changed, b)) {
		return 0;
	}
	int answer = spill(f, err);
	if (answer == 0) {
		answer = file_sync(f->out.fd, f->out.part.data, err);
	}
	f->ready = answer == 0; /* it stays open: no other file can get its inode */
	return answer;
}

/* ---- publish ---- */

static int replace(struct file_sink *f, const struct batch *b, struct error *err)
{
	if (!f->ready) {
		return 0;
	}
	int answer = append_file_part_is_ours(&f->out, err);
	if (answer == 0) {
		answer = file_rename(f->out.part.data, f->out.path.data, err);
	}
	if (answer == 0) {
		answer = file_sync_folder(f->out.folder.data, err);
		held_file_take(&f->held, append_file_take_part(&f->out), f->out.part_inode);
	}
	append_file_end_part(&f->out);
	f->ready = false;
	f->out.part_bytes = 0;
	f->base.pending = false;
	bucket_set_clear(&f->changed, b);
	return answer;
}

static int publish(struct sink *s, const struct batch *b, struct error *err)
{
	struct file_sink *f = file_of(s);
	return s->mode == OUTPUT_COMPLETE ? replace(f, b, err) : add_batch(f, b, err);
}

/* ---- close ---- */

static void close_file(struct sink *s)
{
	struct file_sink *f = file_of(s);
	append_file_release(&f->out);
	held_file_release(&f->held);
	row_json_release(&f->json);
	strbuf_release(&f->header);
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
	f->on_error = config->on_error;
	append_file_init(&f->out, config->path);
	held_file_init(&f->held);
	strbuf_init(&f->header);
	return &f->base;
}
