#ifndef CDCL_HELD_FILE_H
#define CDCL_HELD_FILE_H

/*
 * A file that one process replaces again and again, and no other one while it runs: it keeps the
 * file that it put there open and locked. Who wants to replace a file that is locked has met
 * another writer, exit 7: the one that comes second with a batch, not the one that started second.
 *
 *	claim     the file at the path is ours, or nobody's and locked now, or there is none
 *	lock      the next one, as soon as it is there under another name
 *	(rename)
 *	take      the next one is held, the one before is let go
 *
 * In this order, so that of two one goes on.
 *
 * What a person does by hand raises no alarm: a file that was removed, edited, or replaced by an
 * editor's has no lock, nor has one whose process died. Where locks are not to be had (some network
 * file systems), another writer is not noticed.
 */

#include "cdcl/error.h"

#include <stdbool.h>
#include <stdint.h>

struct held_file {
	int fd; /* -1: none */
	uint64_t inode;
};

void held_file_init(struct held_file *h);
void held_file_release(struct held_file *h);
/* `next`: the other name, under which another process may be at one. */
int held_file_claim(
	struct held_file *h, const char *path, const char *next, struct error *err);
/* Somebody who runs is at it. */
bool held_file_is_locked(const char *path);
int held_file_lock(int fd, const char *path, struct error *err);
/* The descriptor is the holder's from now on. */
void held_file_take(struct held_file *h, int fd, uint64_t inode);

#endif
