#ifndef CDCL_FILE_WATCH_H
#define CDCL_FILE_WATCH_H

/*
 * Notices that a script, or a module that it may require, was saved: inotify on the script's
 * folder, where files that are written in place as well as files moved over the old one are seen.
 * (libev's ev_stat compares whole seconds, so it would miss the second save within one.)
 */

#include "cdcl/error.h"

#include <stdbool.h>

struct file_watch;

struct file_watch *file_watch_open(const char *script_path, struct error *err);
void file_watch_close(struct file_watch *w);

/* Becomes readable when something happened in the folder. */
int file_watch_fd(const struct file_watch *w);

/* Reads what happened: was a Lua file saved? */
bool file_watch_changed(struct file_watch *w);

#endif
