#ifndef CDCL_LINE_READER_H
#define CDCL_LINE_READER_H

/*
 * Lines of a file or of standard input, plain, gzip (.gz) or zstd (.zst). A line ends with "\n"
 * alone (a "\r" before it stays in the line, as in Spark with lineSep=\n) or with the file; a UTF-8
 * byte order mark at the start of the file is dropped.
 *
 *	file --file_read--> packed --zlib, zstd--> buffer [taken | lines not yet handed out | free]
 *
 * line_reader_next answers slices of `buffer`, which die at the next line_reader_more. Where lines
 * are only counted, and go on to somebody else, a plain file is read to where they stay
 * (line_reader_read_text); `buffer` keeps what was read beyond them.
 */

#include "cdcl/error.h"
#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_reader;

enum line_more {
	LINES_MORE, /* bytes came: try line_reader_next again */
	LINES_BLOCKED, /* nothing to read now (a pipe) */
	LINES_END /* the end of the file: what is left without a newline is the last line */
};

/* "-" is standard input. NULL with the error filled. */
struct line_reader *line_reader_open(const char *path, struct error *err);
void line_reader_close(struct line_reader *r);

/*
 * While on, what is read of standard input is kept, and each line_reader_open("-") from then on
 * begins with it: a look at the first lines takes nothing away. Off: no more is added.
 */
void line_reader_keep_input(bool keep);

/* The next complete line (the last one, at the end, needs no newline); false: ask line_reader_more.
 */
bool line_reader_next(struct line_reader *r, struct str *line);

/*
 * Whole lines as they stand in the buffer, one after the other, at most lines_max: how many, 0
 * where line_reader_next would say false. The last line of the file may lack its newline.
 */
uint32_t line_reader_text(struct line_reader *r, uint32_t lines_max, struct str *text);

/*
 * Where line_reader_text found none: bytes of a file are read into the arena, about as many as so
 * many lines have. LINES_MORE with *lines of them in *text, which may be none yet (try
 * line_reader_text again); LINES_BLOCKED: not of this file, or not now, line_reader_more reads it;
 * negative as there.
 */
int line_reader_read_text(struct line_reader *r, uint32_t lines_max, struct arena *arena,
	struct str *text, uint32_t *lines, struct error *err);

/* Reads some bytes. A line longer than file_line_bytes_max, damaged compression, a failing disk:
 * negative. */
int line_reader_more(struct line_reader *r, struct error *err);

#endif
