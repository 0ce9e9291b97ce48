#ifndef CDCL_RECORD_SPACE_H
#define CDCL_RECORD_SPACE_H

/*
 * Memory for the records of batches that were compressed: a few buffers, shared by all partitions
 * of a source. Batches stand in a buffer one behind the other.
 *
 *	buffer   last chunk   open
 *	  0          7          1      partition 3 is in the middle of a batch
 *	  1          7          0      all is read; the block of messages points into it
 *	  2          6          1      partition 0 is in the middle, the block does not point here
 *	  3          5          0      free
 *
 * Slices live until the block of messages that they were given to is emptied. Nobody says when:
 * whoever fills an empty block begins the next chunk (record_space_chunk), and a buffer that no
 * message of it comes from may be used again. Those where nobody is in the middle go first; then
 * the others are taken away, and their partitions unpack again when their turns come. So the
 * bytes are bounded whatever the number of partitions.
 */

#include "source/record_codec.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	record_space_padding = 32,              /* bytes behind a batch that may be read */
	record_space_buffers = 16,
	record_space_buffer_bytes = 1024 * 1024 /* at least */
};

struct record_buffer {
	char *data;
	size_t capacity;
	size_t used;
	uint64_t chunk;                 /* the last that it was used in */
	uint64_t generation;            /* rises when it is emptied */
	uint32_t open;                  /* batches that somebody is in the middle of */
};

struct record_space {
	struct record_buffer buffers[record_space_buffers];
	uint32_t current;               /* where the next batch is put, when it fits */
	uint64_t chunk;
	size_t bytes_held;
	size_t bytes_max;               /* of all; one batch always fits */
	size_t batch_bytes_max;         /* of one, unpacked */
	struct record_codec codec;
};

/* The place of one batch. Zeroed: none. */
struct record_lease {
	uint32_t buffer;
	uint64_t generation;            /* 0: none */
	size_t start;
};

void record_space_init(struct record_space *s, size_t bytes_max);
void record_space_release(struct record_space *s);

/* The block of messages is empty: what was given before is dead. */
static inline void record_space_chunk(struct record_space *s)
{
	s->chunk++;
}

/* Room for `bytes`; NULL: not in this chunk. In a chunk's first call there is room. */
char *record_space_take(struct record_space *s, size_t bytes, struct record_lease *lease);
/* Fewer bytes were needed; none: ends the lease, too. */
void record_space_trim(struct record_space *s, struct record_lease *lease, size_t bytes);
/* Whether it is still there; if so, it belongs to this chunk, too. */
bool record_space_use(struct record_space *s, struct record_lease *lease);
/* Nobody is in the middle of the batch any more. */
void record_space_end(struct record_space *s, struct record_lease *lease);

#endif
