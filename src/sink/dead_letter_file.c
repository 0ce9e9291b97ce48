#include "sink/dead_letter_sink.h"

#include "base/check.h"
#include "base/file.h"
#include "sink/append_file.h"
#include "sink/dead_letter_line.h"
#include "sink/sink.h"

#include <stdlib.h>

/*
 * With a checkpoint the letters of a batch are in the file once: those of a batch that it holds
 * already are left out, and those of one that failed are replaced when it comes again.
 */

struct dead_letter_file {
	struct dead_letter_writer base;
	const struct batch *batch;      /* the current one */
	struct append_file out;
};

static struct dead_letter_file *file_of(struct dead_letter_writer *w)
{
	return container_of(w, struct dead_letter_file, base);
}

static bool is_held(const struct dead_letter_file *f)
{
	return f->batch->id <= f->out.held;
}

static int told(int r, struct error *err)
{
	return r < 0 ? error_prefix(err, "dead letters: ") : 0;
}

static int write_letter(struct dead_letter_writer *w, enum dead_letter_reason reason,
	const struct chunk *c, uint32_t row, const struct error *why, struct error *err)
{
	struct dead_letter_file *f = file_of(w);
	if (is_held(f))
		return 0;
	dead_letter_line(reason, c, row, why, &f->out.lines);
	strbuf_add_byte(&f->out.lines, '\n');
	return append_file_full(&f->out) ? told(append_file_spill(&f->out, str_lit(""), err), err)
					 : 0;
}

static int publish(struct dead_letter_writer *w, struct error *err)
{
	struct dead_letter_file *f = file_of(w);
	if (is_held(f))
		return 0;
	return told(append_file_publish(&f->out, f->batch->id, str_lit(""), err), err);
}

static int give_up(struct dead_letter_writer *w, struct error *err)
{
	struct dead_letter_file *f = file_of(w);
	if (is_held(f))
		return 0;
	return told(append_file_give_up(&f->out, f->batch->id, err), err);
}

static void close_file(struct dead_letter_writer *w)
{
	struct dead_letter_file *f = file_of(w);
	append_file_release(&f->out);
	free(f);
}

static int open_file(struct dead_letter_file *f, const struct sink_writer *writer, bool again,
	struct error *err)
{
	struct sink s = {.mode = OUTPUT_APPEND,
		.target = str_c(f->out.path.data),
		.remembers = writer != NULL,
		.torn = &f->out.torn};
	int r = file_make_dirs(f->out.folder.data, err);
	if (r == 0)
		r = append_file_open(&f->out, writer == NULL ? str_c(NULL) : writer->job,
			writer == NULL ? str_c(NULL) : writer->checkpoint, &s.others, err);
	s.held = f->out.held;
	if (r == 0)
		r = sink_judge(&s, f->batch->id - 1, again ? f->batch->id : -1, err);
	if (r < 0)
		return r;
	/* now, and not at the first bad record */
	int fd = file_open_write(f->out.path.data, true, err);
	file_close(fd);
	return fd < 0 ? fd : file_sync_name(f->out.path.data, err);
}

struct dead_letter_writer *dead_letter_file_open(struct str path, const struct batch *batch,
	const struct sink_writer *writer, bool again, struct error *err)
{
	struct dead_letter_file *f = calloc(1, sizeof(*f));
	check(f != NULL); /* out of memory */
	f->base = (struct dead_letter_writer){write_letter, publish, close_file, give_up};
	f->batch = batch;
	append_file_init(&f->out, path);
	if (open_file(f, writer, again, err) == 0)
		return &f->base;
	error_prefix(err, "dead letters in %s: ", f->out.path.data);
	close_file(&f->base);
	return NULL;
}

void dead_letter_writer_close(struct dead_letter_writer *w)
{
	if (w != NULL)
		w->close(w);
}
