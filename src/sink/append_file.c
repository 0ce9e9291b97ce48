#include "sink/append_file.h"

#include "base/check.h"
#include "base/checked_line.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	block_bytes = 1024 * 1024,
	length_bytes_max = 64,
	note_bytes_max = 1024 * 1024,
	note_lines_max = 256,           /* then it is begun anew */
};

/* ---- paths ---- */

static void set_path(struct strbuf *to, struct str folder, const char *before, struct str name,
	const char *after)
{
	strbuf_init(to);
	strbuf_add(to, folder);
	strbuf_addf(to, "%s" STR_FMT "%s%c", before, STR_ARG(name), after, '\0');
}

void append_file_init(struct append_file *f, struct str path)
{
	*f = (struct append_file){.fd = -1, .cut_to = -1, .held = -1, .torn.batch = -1};
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/')
		at--;
	struct str folder = str_sub(path, 0, at), name = str_sub(path, at, path.len - at);
	set_path(&f->path, folder, "", name, "");
	set_path(&f->folder, at == 0 ? str_lit(".") : folder, "", str_lit(""), "");
	set_path(&f->part, folder, ".", name, ".part");
	set_path(&f->length_path, folder, ".", name, ".length");
	set_path(&f->batch_path, folder, ".", name, ".batch");
	strbuf_init(&f->lines);
}

void append_file_release(struct append_file *f)
{
	if (f->fd >= 0 || f->part_bytes > 0) {
		if (append_file_part_is_ours(f, NULL) == 0)
			file_remove(f->part.data, NULL);
		append_file_end_part(f);
	}
	if (f->noted)
		file_remove(f->length_path.data, NULL); /* what it notes is done */
	strbuf_release(&f->lines);
	strbuf_release(&f->path);
	strbuf_release(&f->folder);
	strbuf_release(&f->part);
	strbuf_release(&f->length_path);
	strbuf_release(&f->batch_path);
}

int append_file_length(const struct append_file *f, int64_t *bytes, struct error *err)
{
	struct file_info info = {0};
	*bytes = 0;
	if (!file_exists(f->path.data))
		return 0;
	int r = file_stat(f->path.data, &info, err);
	if (r == 0 && !info.is_regular)
		return error_set(err, CDCL_E_DISK, "%s: is %s", f->path.data,
			info.is_folder ? "a folder" : "no regular file");
	*bytes = info.bytes;
	return r;
}

/* ---- notes ---- */

void append_note_add(const struct append_note *note, struct str checkpoint, struct str job,
	struct strbuf *out)
{
	struct strbuf line;
	strbuf_init(&line);
	strbuf_addf(&line, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %08x %08x %d " STR_FMT
		" " STR_FMT, note->batch, note->before_batch, note->before, note->after,
		note->before_crc, note->crc, note->given_up, STR_ARG(checkpoint), STR_ARG(job));
	checked_line_add(strbuf_str(&line), out);
	strbuf_release(&line);
}

bool append_note_parse(
	struct str line, struct append_note *note, struct str *checkpoint, struct str *job)
{
	enum { fields_max = 256, id_bytes = random_name_bytes - 1 };
	char text[fields_max + 1];
	int given_up = 0, at = 0;
	struct str rest;
	if (!checked_line_rest(line, &rest))
		return false;
	size_t len = rest.len < fields_max ? rest.len : fields_max;
	memcpy(text, rest.data, len);
	text[len] = '\0';
	*note = (struct append_note){.batch = -1};
	if (sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %8x %8x %d %n",
		    &note->batch, &note->before_batch, &note->before, &note->after,
		    &note->before_crc, &note->crc, &given_up, &at) != 7)
		return false;
	note->given_up = given_up != 0;
	size_t id = (size_t)at, name = id + id_bytes + 1;
	if (name > rest.len || rest.data[name - 1] != ' ' || memchr(rest.data, 0, rest.len) ||
		note->before < 0 || note->after < note->before)
		return false;
	*checkpoint = str_sub(rest, id, id_bytes);
	*job = str_sub(rest, name, rest.len - name);
	return true;
}

/*
 * The last line that is whole; only the very last may be torn, and then nothing was added for it:
 * a line is durable before its batch is. 0: there is no note.
 */
static int last_note(const char *path, struct strbuf *text, struct append_note *note,
	struct str *checkpoint, struct str *job, struct error *err)
{
	int r = file_read_if_there(path, note_bytes_max, text, err);
	if (r <= 0)
		return r;
	struct str all = strbuf_str(text), last = {NULL, 0}, earlier = {NULL, 0};
	for (size_t at = 0; at < all.len;) {
		const char *end = memchr(all.data + at, '\n', all.len - at);
		if (end == NULL)
			break;
		earlier = last;
		last = str_sub(all, at, (size_t)(end - all.data) - at);
		at += last.len + 1;
	}
	if (last.data != NULL && append_note_parse(last, note, checkpoint, job))
		return 1;
	if (earlier.data != NULL && append_note_parse(earlier, note, checkpoint, job))
		return 1;
	error_set(err, CDCL_E_DISK, "%s: is damaged, it says what batch the file is at", path);
	error_help(err, "remove it, and the file counts as a new target");
	return -(int)CDCL_E_DISK;
}

/* ---- what is there ---- */

/* CRC of the bytes from..to; negative with the error. */
static int64_t crc_between(
	const struct append_file *f, int64_t from, int64_t to, struct error *err)
{
	if (from == to)
		return 0;
	int fd = file_open_read(f->path.data, err);
	if (fd < 0)
		return fd;
	struct strbuf block;
	strbuf_init(&block);
	strbuf_reserve(&block, block_bytes);
	uint32_t crc = 0;
	int r = file_seek(fd, from, f->path.data, err);
	for (int64_t left = to - from; left > 0 && r == 0;) {
		ssize_t n = file_read(fd, block.data,
			left < block_bytes ? (size_t)left : (size_t)block_bytes);
		if (n <= 0)
			r = error_set(err, CDCL_E_DISK, "%s: cannot be read", f->path.data);
		else
			crc = crc32c(crc, (struct str){block.data, (size_t)n});
		left -= n;
	}
	strbuf_release(&block);
	file_close(fd);
	return r < 0 ? r : (int64_t)crc;
}

static int64_t tail_crc(const struct append_file *f, int64_t at, struct error *err)
{
	int64_t from = at > append_tail_bytes ? at - append_tail_bytes : 0;
	return crc_between(f, from, at, err);
}

static int cut_back(struct append_file *f, int64_t to, int64_t now, struct error *err)
{
	log_warn("file", "%s: cut back from %" PRId64 " to %" PRId64
		" bytes: an earlier run ended while it was adding a batch",
		f->path.data, now, to);
	return file_truncate(f->path.data, to, err);
}

/* A run without a checkpoint may have ended while it was adding a batch. */
static int undo(struct append_file *f, struct error *err)
{
	struct strbuf text;
	int64_t before = 0, after = 0, now = 0;
	char end = 0;
	strbuf_init(&text);
	int r = file_read_if_there(f->length_path.data, length_bytes_max, &text, err);
	strbuf_add_byte(&text, '\0');
	/* A note that is cut off was written before anything was added. */
	bool whole = r == 1 &&
		sscanf(text.data, "%" SCNd64 " %" SCNd64 "%c", &before, &after, &end) == 3 &&
		end == '\n';
	strbuf_release(&text);
	if (r <= 0)
		return r;
	r = append_file_length(f, &now, err);
	if (r == 0 && whole && now > before && now < after)
		r = cut_back(f, before, now, err);
	return r == 0 ? file_remove(f->length_path.data, err) : r;
}

static int changed(const struct append_file *f, int64_t now, struct error *err)
{
	bool gone = !file_exists(f->path.data);
	error_set(err, CDCL_E_DISK, "%s: %s since batch %" PRId64 " was added to it (%" PRId64
		" bytes, and there were %" PRId64 ")", f->path.data,
		gone ? "was removed" : "was changed by somebody else", f->last.batch, now,
		f->last.after);
	error_help(err, "put it back as it was; or remove %s too, and it counts as a new target",
		f->batch_path.data);
	return -(int)CDCL_E_DISK;
}

/*
 * The note is of this checkpoint. The file is as it was after the batch, or as it was before, or
 * between: while it was added, or because a disk lost bytes that were not synced. All of that is
 * before the batch is published.
 */
static int match(struct append_file *f, int64_t now, struct error *err)
{
	const struct append_note *n = &f->last;
	if (now < n->before || now > n->after)
		return changed(f, now, err);
	int64_t before = tail_crc(f, n->before, err);
	int64_t added = before < 0 || now < n->after ? before
						     : crc_between(f, n->before, now, err);
	if (added < 0)
		return (int)added;
	if (before != (int64_t)n->before_crc)
		return changed(f, now, err);
	bool whole = now == n->after && added == (int64_t)n->crc;
	f->held = whole && !n->given_up ? n->batch : n->before_batch;
	if (f->held != n->batch && now > n->before)
		f->cut_to = n->before;
	if (!whole && !n->given_up) {
		f->torn.batch = n->batch;
		changed(f, now, &f->torn.changed);
	}
	return 0;
}

static int sync_lines(const struct append_file *f, struct error *err)
{
	int fd = file_exists(f->path.data) ? file_open_read(f->path.data, err) : -1;
	int r = fd >= 0 ? file_sync(fd, f->path.data, err) : 0;
	file_close(fd);
	return r;
}

/*
 * What was found may be with the kernel only: the process before died, or its sync failed. It is
 * durable before anybody hears that the batch is there.
 */
static int keep_found(struct append_file *f, struct error *err)
{
	struct strbuf line;
	int r = sync_lines(f, err);
	strbuf_init(&line);
	append_note_add(&f->last, f->checkpoint, f->job, &line);
	if (r == 0)
		r = file_replace(f->batch_path.data, strbuf_str(&line), err);
	strbuf_release(&line);
	return r;
}

int append_file_open(struct append_file *f, struct str job, struct str checkpoint, bool *others,
	struct error *err)
{
	struct strbuf text;
	struct str of = {NULL, 0}, by = {NULL, 0};
	int64_t now = 0;
	f->job = job;
	f->checkpoint = checkpoint;
	*others = false;
	/* the folders, and what an earlier run made and did not live to sync */
	int r = file_sync_name(f->path.data, err);
	if (r == 0)
		r = undo(f, err);
	if (r == 0)
		r = append_file_length(f, &now, err);
	if (r < 0)
		return r;
	strbuf_init(&text);
	r = last_note(f->batch_path.data, &text, &f->last, &of, &by, err);
	if (r == 1 && checkpoint.data != NULL && str_eq(of, checkpoint) && str_eq(by, job)) {
		r = match(f, now, err);
		if (r == 0)
			r = keep_found(f, err);
	} else if (r == 1) {
		*others = true;
		r = now > f->last.before && now < f->last.after
			? cut_back(f, f->last.before, now, err)
			: 0;
	}
	strbuf_release(&text);
	return r < 0 ? r : append_file_length(f, &f->length, err);
}

/* ---- lines ---- */

/* A new one: what is there may be another process's, which goes on in it without a name. */
static int begin_part(struct append_file *f, struct error *err)
{
	struct file_info info;
	int r = file_remove(f->part.data, err);
	errno = 0;
	f->part_bytes = 0;
	if (r == 0)
		r = f->fd = file_open_new(f->part.data, err);
	if (r < 0 && errno == EEXIST)
		r = error_set(err, CDCL_E_FENCED, "%s: another process writes to it",
			f->path.data);
	if (r >= 0)
		r = file_stat(f->part.data, &info, err);
	f->part_inode = r < 0 ? 0 : info.inode;
	return r;
}

int append_file_part_is_ours(const struct append_file *f, struct error *err)
{
	struct file_info info;
	if (file_stat(f->part.data, &info, NULL) == 0 && info.inode == f->part_inode)
		return 0;
	return error_set(err, CDCL_E_FENCED, "%s: another process writes to it", f->path.data);
}

int append_file_spill(struct append_file *f, struct str header, struct error *err)
{
	int r = f->fd < 0 ? begin_part(f, err) : 0;
	if (r == 0 && f->part_bytes == 0)
		r = file_write_all(f->fd, header, f->part.data, err);
	if (r == 0)
		r = file_write_all(f->fd, strbuf_str(&f->lines), f->part.data, err);
	f->full = r < 0 && file_disk_is_full();
	if (r < 0) {
		/* What was written of it goes, or it cannot be tried again. */
		f->full = f->full &&
			(f->fd < 0 || file_cut(f->fd, f->part_bytes, f->part.data, NULL) == 0);
		return r;
	}
	f->part_bytes += (int64_t)(f->part_bytes == 0 ? header.len : 0) + (int64_t)f->lines.len;
	strbuf_reset(&f->lines);
	return 0;
}

void append_file_end_part(struct append_file *f)
{
	file_close(f->fd);
	f->fd = -1;
}

int append_file_take_part(struct append_file *f)
{
	int fd = f->fd;
	f->fd = -1;
	return fd;
}

/* The temporary file's lines to `fd`, -1: nowhere; and on with their CRC. */
static int copy_part(struct append_file *f, int fd, uint32_t *crc, struct error *err)
{
	struct strbuf block;
	if (f->part_bytes == 0)
		return 0;
	int part = append_file_part_is_ours(f, err);
	if (part == 0)
		part = file_open_read(f->part.data, err);
	if (part < 0)
		return part;
	strbuf_init(&block);
	strbuf_reserve(&block, block_bytes);
	int r = 0;
	for (int64_t left = f->part_bytes; left > 0 && r == 0;) {
		ssize_t n = file_read(part, block.data, block_bytes);
		if (n <= 0) {
			r = error_set(err, CDCL_E_DISK, "%s: cannot be read back", f->part.data);
			break;
		}
		left -= n;
		struct str read = {block.data, (size_t)n};
		if (fd < 0)
			*crc = crc32c(*crc, read);
		else
			r = file_write_all(fd, read, f->path.data, err);
	}
	strbuf_release(&block);
	file_close(part);
	return r;
}

/* ---- publishing ---- */

/* Without a checkpoint: for the next run, if this one ends in the middle. */
static int note_length(struct append_file *f, const struct append_note *n, struct error *err)
{
	char text[length_bytes_max];
	int len = snprintf(text, sizeof text, "%" PRId64 " %" PRId64 "\n", n->before, n->after);
	int r = file_write_synced(f->length_path.data, false, (struct str){text, (size_t)len}, err);
	if (r == 0 && !f->noted)
		r = file_sync_folder(f->folder.data, err);
	f->noted = r == 0;
	return r;
}

static int note_batch(struct append_file *f, const struct append_note *n, struct error *err)
{
	struct strbuf line;
	strbuf_init(&line);
	append_note_add(n, f->checkpoint, f->job, &line);
	bool anew = f->note_lines == 0 || f->note_lines >= note_lines_max;
	int r = anew ? file_replace(f->batch_path.data, strbuf_str(&line), err)
		     : file_write_synced(f->batch_path.data, true, strbuf_str(&line), err);
	/* After a failure the last line may be torn: it is begun anew. */
	f->note_lines = r < 0 ? 0 : anew ? 1 : f->note_lines + 1;
	strbuf_release(&line);
	return r;
}

static int add_lines(struct append_file *f, struct str header, bool made, struct error *err)
{
	int fd = file_open_write(f->path.data, true, err);
	if (fd < 0)
		return fd;
	int r = file_write_all(fd, header, f->path.data, err);
	if (r == 0)
		r = copy_part(f, fd, NULL, err);
	if (r == 0)
		r = file_write_all(fd, strbuf_str(&f->lines), f->path.data, err);
	if (r == 0)
		r = file_sync(fd, f->path.data, err);
	file_close(fd);
	return r == 0 && made ? file_sync_folder(f->folder.data, err) : r;
}

/* Durable before a note counts from there. */
static int cut_off(struct append_file *f, struct error *err)
{
	int r = f->torn.batch >= 0 ? cut_back(f, f->cut_to, f->length, err)
				   : file_truncate(f->path.data, f->cut_to, err);
	if (r < 0)
		return r;
	f->length = f->cut_to;
	f->torn.batch = -1;
	f->cut_to = -1;
	return sync_lines(f, err);
}

/* Where the batch begins. With a checkpoint nobody else may have been here. */
static int begin(struct append_file *f, int64_t *at, struct error *err)
{
	int r = append_file_length(f, at, err);
	if (r < 0 || f->checkpoint.data == NULL)
		return r;
	if (*at != f->length)
		return error_set(err, CDCL_E_FENCED,
			"%s: another process writes to it: %" PRId64 " bytes, and there were %"
			PRId64, f->path.data, *at, f->length);
	r = f->cut_to >= 0 ? cut_off(f, err) : 0;
	*at = f->length;
	return r;
}

static int describe(struct append_file *f, struct str header, struct append_note *n,
	struct error *err)
{
	n->before_batch = f->held;
	n->after = n->before + (int64_t)header.len + f->part_bytes + (int64_t)f->lines.len;
	if (f->checkpoint.data == NULL)
		return 0;
	int64_t tail = tail_crc(f, n->before, err);
	n->before_crc = (uint32_t)tail;
	n->crc = crc32c(0, header);
	int r = tail < 0 ? (int)tail : copy_part(f, -1, &n->crc, err);
	n->crc = crc32c(n->crc, strbuf_str(&f->lines));
	return r;
}

static int add_batch(struct append_file *f, struct append_note *n, struct str header,
	struct error *err)
{
	int r = begin(f, &n->before, err);
	bool made = r == 0 && !file_exists(f->path.data);
	header.len = r == 0 && n->before == 0 ? header.len : 0;
	if (r == 0)
		r = describe(f, header, n, err);
	bool kept = f->checkpoint.data != NULL;
	if (r < 0 || (!kept && n->after == n->before && !made))
		return r;
	r = kept ? note_batch(f, n, err) : note_length(f, n, err);
	f->full = r < 0 && file_disk_is_full();
	if (r < 0 || (n->after == n->before && !made))
		return r;
	r = add_lines(f, header, made, err);
	if (r < 0) {
		f->full = file_disk_is_full();
		/* The first error is the one to tell; the note stays when this fails too. */
		bool undone = file_truncate(f->path.data, n->before, NULL) == 0;
		f->full = f->full && undone;
		f->noted = f->noted && undone;
	}
	return r;
}

static int publish(struct append_file *f, struct append_note *n, struct str header,
	struct error *err)
{
	append_file_end_part(f);
	errno = 0;
	int r = add_batch(f, n, header, err);
	if (r < 0)
		return r;
	f->length = n->after;
	f->held = n->given_up ? f->held : n->batch;
	strbuf_reset(&f->lines);
	r = f->part_bytes > 0 ? file_remove(f->part.data, err) : 0;
	f->part_bytes = 0;
	return r;
}

int append_file_publish(struct append_file *f, int64_t id, struct str header, struct error *err)
{
	struct append_note n = {.batch = id};
	return publish(f, &n, header, err);
}

int append_file_give_up(struct append_file *f, int64_t id, struct error *err)
{
	struct append_note n = {.batch = id, .given_up = true};
	int r = publish(f, &n, str_lit(""), err);
	f->cut_to = n.before;
	return r;
}
