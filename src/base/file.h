#ifndef CDCL_FILE_H
#define CDCL_FILE_H

/*
 * The disk seam: the only door to the file system. `struct disk` is the set of system calls that
 * the fault tests stand in for; the functions below use the process-wide disk (disk_system unless a
 * test set another).
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct disk {
	int (*open)(const char *path, int flags, int mode);
	ssize_t (*read)(int fd, void *buffer, size_t bytes);
	ssize_t (*write)(int fd, const void *buffer, size_t bytes);
	int (*fsync)(int fd);
	int (*rename)(const char *from, const char *to);
	int (*close)(int fd);
	int (*link)(const char *from, const char *to);
	int (*symlink)(const char *target, const char *path);
	int (*unlink)(const char *path);
	int (*truncate)(const char *path, off_t bytes);
	int (*fdatasync)(int fd);
	int (*ftruncate)(int fd, off_t bytes);
	off_t (*seek)(int fd, off_t offset, int whence);
	int (*lock)(int fd);                    /* exclusive, does not wait; until close */
	int (*mkdir)(const char *path, mode_t mode);
	int (*access)(const char *path, int how);
	int (*stat)(const char *path, struct stat *st);
	int (*lstat)(const char *path, struct stat *st);
	ssize_t (*readlink)(const char *path, char *target, size_t bytes);
	int (*rmdir)(const char *path);
	/* each name in a folder but "." and "..", in any order */
	int (*list)(const char *path, void (*name)(void *names, const char *name), void *names);
};

extern const struct disk disk_system;
void disk_use(const struct disk *disk);         /* NULL: disk_system */
/* What stands in for it need not know threads. */
bool disk_is_system(void);

/* Writes all of it or fails with CDCL_E_DISK and the path in the message. */
int file_write_all(int fd, struct str bytes, const char *path, struct error *err);

/*
 * To stdout, whole. CDCL_E_CLOSED when its reader went away (`| head`): the run ends quietly.
 * SIGPIPE must be ignored.
 */
int file_write_stdout(struct str bytes, struct error *err);

/* stdout is a terminal that shows colours, and NO_COLOR does not forbid them. */
bool file_stdout_has_color(void);

/* Reads a whole file, at most bytes_max, into `out` (appended). */
int file_read_all(const char *path, size_t bytes_max, struct strbuf *out, struct error *err);

int file_open_read(const char *path, struct error *err);        /* fd or negative */
int file_open_write(const char *path, bool append, struct error *err);
int file_open_new(const char *path, struct error *err);         /* not one that is there: EEXIST */
ssize_t file_read(int fd, void *buffer, size_t bytes);
void file_close(int fd);

/* For files that are appended to and, after a crash, cut: read and write, made when absent. */
int file_open_update(const char *path, struct error *err);
int64_t file_bytes(int fd, const char *path, struct error *err);
/* Cuts or extends, and stands at the new end. */
int file_cut(int fd, int64_t bytes, const char *path, struct error *err);
int file_seek(int fd, int64_t to, const char *path, struct error *err);
/* 1: nobody else has it, and it is ours until file_close; 0: somebody has it. */
int file_lock(int fd, const char *path, struct error *err);
/* What is not there: 0 and nothing appended; else 1. */
int file_read_if_there(
	const char *path, size_t bytes_max, struct strbuf *out, struct error *err);
/* A file made anew, or added to; synced, its name is not. */
int file_write_synced(const char *path, bool append, struct str bytes, struct error *err);
/*
 * Replaces a file in one step that a crash cannot half-do: a file beside it, synced, renamed over
 * it, and the folder synced. Whoever reads `path` sees the old bytes or the new ones.
 */
int file_replace(const char *path, struct str bytes, struct error *err);
bool file_exists(const char *path);

struct file_info {
	int64_t bytes;
	int64_t modified_us;
	uint64_t inode;         /* another file under the same name has another */
	bool is_folder;
	bool is_regular;
};

int file_stat(const char *path, struct file_info *info, struct error *err);
int file_make_dirs(const char *path, struct error *err);
/* One folder: 1 made, 0 it is there already. */
int file_make_dir(const char *path, struct error *err);

/* Just after a failure: it was for want of room. */
bool file_disk_is_full(void);

/* ---- what makes a change durable, or visible in one step ---- */

int file_sync(int fd, const char *path, struct error *err);
int file_sync_data(int fd, const char *path, struct error *err); /* contents and length */
int file_sync_folder(const char *path, struct error *err);      /* the names in it */
/* Of a file that may be new, in folders that may be: its name and theirs. */
int file_sync_name(const char *path, struct error *err);
int file_rename(const char *from, const char *to, struct error *err);
int file_link(const char *from, const char *to, struct error *err);
int file_symlink(const char *target, const char *path, struct error *err);
/* 1 and the target appended to `out`; 0: there is no such link (or it is something else). */
int file_read_link(const char *path, struct strbuf *out, struct error *err);
int file_truncate(const char *path, int64_t bytes, struct error *err);
int file_remove(const char *path, struct error *err);           /* what is not there is fine */
/* A folder and all in it, at most so many levels deep; a symlink is removed, not followed. */
enum { file_tree_depth_max = 16 };
int file_remove_tree(const char *path, struct error *err);

/*
 * Paths that match a shell pattern ("in/\*.jsonl"; a folder means all its files), sorted by name,
 * NUL-terminated in `arena`. Names that begin with '.' or '_' are left out (a writer has not
 * finished them), unless the pattern is exactly that path. Returns the count, or negative.
 */
struct arena;
int file_glob(const char *pattern, struct arena *arena, struct str **paths, struct error *err);

/* All names in a folder, hidden ones too, sorted, NUL-terminated; the count, or negative. */
int file_list(const char *path, struct arena *arena, struct str **names, struct error *err);

#endif
