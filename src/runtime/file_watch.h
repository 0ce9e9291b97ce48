#ifndef CDCL_FILE_WATCH_H
#define CDCL_FILE_WATCH_H

/*
 * Notices that one of some files was saved: inotify on their folders, where a file written in place
 * as well as one moved over the old one is seen. (libev's ev_stat compares whole seconds, so
 * it would miss the second save within one.)
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>

struct file_watch;

struct file_watch *file_watch_open(struct error *err);
void file_watch_close(struct file_watch *w);

/* Beyond file_watch_files_max, and for what has no folder, an error. */
int file_watch_add(struct file_watch *w, struct str path, struct error *err);

/* Becomes readable when something happened in one of the folders. */
int file_watch_fd(const struct file_watch *w);

/* Reads what happened: was one of the files saved? */
bool file_watch_changed(struct file_watch *w);

#endif
