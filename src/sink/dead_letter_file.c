#include "sink/dead_letter_sink.h"

#include "base/check.h"
#include "base/file.h"
#include "sink/dead_letter_line.h"

#include <stdlib.h>

enum { block_bytes = 1024 * 1024 };

struct dead_letter_file {
	struct dead_letter_writer base;
	char *path;
	int fd;                 /* -1: nothing was written yet */
	bool unsynced;
	struct strbuf lines;
};

static struct dead_letter_file *file_of(struct dead_letter_writer *w)
{
	return container_of(w, struct dead_letter_file, base);
}

/* A line that a crash cut off ends here: an empty line is none. */
static int open_file(struct dead_letter_file *f, struct error *err)
{
	f->fd = file_open_write(f->path, true, err);
	struct file_info info;
	if (f->fd < 0)
		return -(int)err->code;
	int r = file_stat(f->path, &info, err);
	if (r == 0 && info.bytes > 0)
		r = file_write_all(f->fd, str_lit("\n"), f->path, err);
	return r < 0 ? r : file_sync_name(f->path, err);
}

static int write_lines(struct dead_letter_file *f, struct error *err)
{
	int r = f->fd >= 0 ? 0 : open_file(f, err);
	if (r == 0)
		r = file_write_all(f->fd, strbuf_str(&f->lines), f->path, err);
	strbuf_reset(&f->lines);
	f->unsynced = true;
	return r < 0 ? error_prefix(err, "dead letters: ") : 0;
}

static int write_letter(struct dead_letter_writer *w, enum dead_letter_reason reason,
	const struct chunk *c, uint32_t row, const struct error *why, struct error *err)
{
	struct dead_letter_file *f = file_of(w);
	dead_letter_line(reason, c, row, why, &f->lines);
	strbuf_add_byte(&f->lines, '\n');
	return f->lines.len < block_bytes ? 0 : write_lines(f, err);
}

static int publish(struct dead_letter_writer *w, struct error *err)
{
	struct dead_letter_file *f = file_of(w);
	int r = f->lines.len == 0 ? 0 : write_lines(f, err);
	if (r == 0 && f->unsynced)
		r = file_sync(f->fd, f->path, err);
	f->unsynced = r < 0;
	return r;
}

static void close_file(struct dead_letter_writer *w)
{
	struct dead_letter_file *f = file_of(w);
	file_close(f->fd);
	strbuf_release(&f->lines);
	free(f->path);
	free(f);
}

struct dead_letter_writer *dead_letter_file_open(struct str path, struct error *err)
{
	struct dead_letter_file *f = calloc(1, sizeof(*f));
	check(f != NULL); /* out of memory */
	f->base = (struct dead_letter_writer){write_letter, publish, close_file};
	strbuf_init(&f->lines);
	f->path = strndup(path.data, path.len);
	check(f->path != NULL);
	f->fd = -1;
	if (open_file(f, err) < 0) { /* now, and not at the first bad record */
		close_file(&f->base);
		return NULL;
	}
	return &f->base;
}

void dead_letter_writer_close(struct dead_letter_writer *w)
{
	if (w != NULL)
		w->close(w);
}
