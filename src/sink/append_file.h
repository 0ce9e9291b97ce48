#ifndef CDCL_APPEND_FILE_H
#define CDCL_APPEND_FILE_H

/*
 * A file that grows by whole batches of lines. Lines are held (beyond a block in a temporary file)
 * and added when their batch is published. Adding cannot be one step, so what the file was, and
 * what it will be, is noted before, in a file beside it: its lengths, and the CRC-32C of the bytes
 * that end there (of the batch; of the 4 KB before it).
 *
 *	out/orders.jsonl   out/.orders.jsonl.part     temporary
 *	                   out/.orders.jsonl.length   without a checkpoint, removed at the end
 *	                   out/.orders.jsonl.batch    with one: a line for each batch
 *
 * An open that finds a length in between cuts the file back, so a crash leaves whole batches only.
 * A disk that gets full is undone at once. With a checkpoint the note says the last batch that is
 * in the file, and for ever: a file that somebody else has removed, cut, or added to since is an
 * error and not written to. A file that ends before the note's batch does is what a crash leaves
 * while it is added, and then that batch was not published: only the checkpoint tells this from a
 * cut by somebody else (sink_judge), so nothing is taken from the file before it was asked, but
 * with the batch that comes next. Lines of a batch that failed (append_file_give_up) are there to
 * be read, and go when the batch comes again.
 */

#include "cdcl/error.h"
#include "base/random.h"
#include "base/str.h"
#include "sink/sink.h"

struct append_note {
	int64_t batch;          /* that ends at `after`; -1: none */
	int64_t before_batch;   /* that ended at `before`; -1: none */
	int64_t before;
	int64_t after;
	uint32_t before_crc;    /* of at most append_tail_bytes before `before` */
	uint32_t crc;           /* of what is between */
	bool given_up;          /* not a whole batch */
};

enum { append_tail_bytes = 4096 };

struct append_file {
	/* with a NUL */
	struct strbuf path;
	struct strbuf folder;
	struct strbuf part;
	struct strbuf length_path;      /* the note of a run without a checkpoint */
	struct strbuf batch_path;       /* and of one with a checkpoint */
	struct strbuf lines;            /* not yet in the temporary file: the caller adds to it */
	struct str job;
	struct str checkpoint;          /* its id; data NULL: none */
	int fd;                         /* of the temporary file; -1: none */
	uint64_t part_inode;
	int64_t part_bytes;
	bool noted;                     /* without a checkpoint: the note is there */
	int note_lines;                 /* with one: since it was begun; 0: it is to be begun */
	struct append_note last;        /* as found */
	int64_t held;                   /* the last batch of this checkpoint; -1: none */
	struct sink_torn torn;          /* batch -1: what was found is whole */
	int64_t length;                 /* as this process left or found it */
	bool full;                      /* the last failure was a full disk: try again */
	int64_t cut_to;                 /* what is after it goes with the next batch; -1: nothing */
};

void append_file_init(struct append_file *f, struct str path);
void append_file_release(struct append_file *f);

/*
 * Finds what is held, and how what a crash left is to be mended. `checkpoint` data NULL: none.
 * *others: the note is of another checkpoint.
 */
int append_file_open(struct append_file *f, struct str job, struct str checkpoint, bool *others,
	struct error *err);
/* The length; 0: it is not there. */
int append_file_length(const struct append_file *f, int64_t *bytes, struct error *err);
static inline bool append_file_full(const struct append_file *f)
{
	return f->lines.len >= 1024 * 1024;
}
/* The lines go to the temporary file, which begins with `header`; after a failure they are kept. */
int append_file_spill(struct append_file *f, struct str header, struct error *err);
void append_file_end_part(struct append_file *f);
/* Its descriptor is the caller's: it has another name now. */
int append_file_take_part(struct append_file *f);
/* The temporary file is still the one that was begun; else exit 7. */
int append_file_part_is_ours(const struct append_file *f, struct error *err);
/* All lines, after `header` when the file is empty, durable as batch `id`. */
int append_file_publish(
	struct append_file *f, int64_t id, struct str header, struct error *err);
/* The same of a batch that will come again: its lines are there until then. */
int append_file_give_up(struct append_file *f, int64_t id, struct error *err);

/* A line of a note without its end; false: it is torn, or none. Strings are part of `line`. */
bool append_note_parse(
	struct str line, struct append_note *note, struct str *checkpoint, struct str *job);
void append_note_add(const struct append_note *note, struct str checkpoint, struct str job,
	struct strbuf *out);

#endif
