#ifndef CDCL_FRAME_AHEAD_H
#define CDCL_FRAME_AHEAD_H

/*
 * The frames of a long file, read and summed by a disk worker before they are asked for:
 *
 *	worker  [ run 1 ][ run 2 ][ run 3 ]
 *	taker            [ run 1 ][ run 2 ][ ...
 *
 * A run is whole frames in one buffer, of which there are two. The reader is the worker's from
 * begin to end.
 */

#include "state/frame_log.h"

struct frame_ahead {
	struct frame_reader *reader;
	struct disk_worker *worker;     /* NULL: each frame is read when it is asked for */
	struct disk_work work;          /* the next run */
	struct strbuf spare;            /* the buffer that the reader has not */
	const char *run;                /* whole frames of the file from run_start to run_end */
	int64_t run_start;
	int64_t run_end;
	int64_t at;
	uint32_t crc;                   /* of the frame before; the reader's is the worker's */
};

/* A file that is short is not worth the worker. */
void frame_ahead_begin(
	struct frame_ahead *a, struct frame_reader *r, struct disk_worker *worker);
/* As frame_reader_next; what frames there are ends at a->at. */
int frame_ahead_next(struct frame_ahead *a, struct frame *frame, struct error *err);
/* The reader is the caller's again and stands anywhere. */
void frame_ahead_end(struct frame_ahead *a);

#endif
