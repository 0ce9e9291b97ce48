#ifndef CDCL_MALLOC_TRANSFER_H
#define CDCL_MALLOC_TRANSFER_H

/*
 * How many free pieces tcmalloc's threads give each other at a time.
 *
 * librdkafka's thread for a broker takes 400 bytes for each message, which the engine's thread
 * frees: all that memory goes round between two cores. By 32 pieces, as tcmalloc has it, what its
 * exchange does not hold (2,048) goes back to pages one by one, where both threads meet in the same
 * lines. With more a message costs a sixth less. tcmalloc asks for the number when the process
 * starts, by a function of its own that is found in the program first; what the environment says
 * (TCMALLOC_TRANSFER_NUM_OBJ) still counts. A process of one thread does not change, because a
 * thread begins with one piece.
 */

#include <stdbool.h>

/* tcmalloc has asked. */
bool malloc_transfer_was_asked(void);

#endif
