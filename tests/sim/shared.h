#ifndef SIM_SHARED_H
#define SIM_SHARED_H

/*
 * Memory that outlives a process: what the models of disk, broker and sinks are made of. The
 * program under test runs in a child, which may die at any moment; parent and later children see
 * what it left. One thread at a time.
 */

#include <stddef.h>
#include <stdint.h>

void shared_open(size_t bytes);
void shared_reset(void); /* every block is free again */
void *shared_realloc(void *block, size_t bytes);
void *shared_zeroed(size_t bytes);
void shared_free(void *block);
size_t shared_used(void);

#endif
