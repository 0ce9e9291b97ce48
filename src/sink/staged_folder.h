#ifndef CDCL_STAGED_FOLDER_H
#define CDCL_STAGED_FOLDER_H

/*
 * A folder that a process fills before it gives it its name, and whether it is still the one that
 * was made: another process on the same target removes what is not published when it starts, and
 * may make it anew.
 */

#include "sink/full_disk.h"

#include <stdbool.h>
#include <stdint.h>

/* All zeros: none. */
struct staged_folder {
	bool begun;
	uint64_t inode;
	int fd;                 /* while it is begun: no other can get that number */
};

/* 1: it is there already, and somebody else's. */
int staged_folder_begin(
	struct staged_folder *s, const char *path, struct full_disk *full, struct error *err);
/* What is at the path is what was begun. */
bool staged_folder_is_ours(const struct staged_folder *s, const char *path);
/* It has its name, or is given up. */
void staged_folder_end(struct staged_folder *s);

#endif
