#ifndef CDCL_SHARED_MEMORY_H
#define CDCL_SHARED_MEMORY_H

/*
 * Memory that a process and those it forks from then on have at the same address, so that what one
 * of them builds there, pointers and all, is read by another as it stands. Address space is taken,
 * memory only where something is written.
 */

#include "cdcl/error.h"

#include <stddef.h>

/* Zeroed. NULL with the error filled. */
void *shared_memory_open(size_t bytes, struct error *err);
void shared_memory_close(void *memory, size_t bytes);

/* The system gets the pages of [from, to) back; they read as zeros afterwards. */
void shared_memory_give_back(void *from, void *to);

#endif
