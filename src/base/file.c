#include "base/file.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { read_bytes = 64 * 1024, glob_paths_max = 1000000 };
enum { list_names_max = 1000000 };

static int system_open(const char *path, int flags, int mode)
{
	return open(path, flags | O_CLOEXEC, mode);
}

static int system_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB);
}

static int system_list(const char *path, void (*name)(void *names, const char *name), void *names)
{
	DIR *folder = opendir(path);
	if (folder == NULL)
		return -1;
	struct dirent *entry;
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			name(names, entry->d_name);
	closedir(folder);
	return 0;
}

const struct disk disk_system = {
	.open = system_open,
	.read = read,
	.write = write,
	.fsync = fsync,
	.rename = rename,
	.close = close,
	.link = link,
	.symlink = symlink,
	.unlink = unlink,
	.truncate = truncate,
	.fdatasync = fdatasync,
	.ftruncate = ftruncate,
	.seek = lseek,
	.lock = system_lock,
	.mkdir = mkdir,
	.access = access,
	.stat = stat,
	.lstat = lstat,
	.readlink = readlink,
	.rmdir = rmdir,
	.list = system_list,
};

static const struct disk *disk = &disk_system;

void disk_use(const struct disk *d)
{
	disk = d == NULL ? &disk_system : d;
}

bool disk_is_system(void)
{
	return disk == &disk_system;
}

bool file_disk_is_full(void)
{
	return errno == ENOSPC || errno == EDQUOT;
}

int file_write_all(int fd, struct str bytes, const char *path, struct error *err)
{
	while (bytes.len > 0) {
		ssize_t n = disk->write(fd, bytes.data, bytes.len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return error_set(err, CDCL_E_DISK, "%s: cannot write: %s", path,
				n == 0 ? "nothing was taken" : strerror(errno));
		}
		bytes.data += n;
		bytes.len -= (size_t)n;
	}
	return 0;
}

static int write_stdout(struct str bytes, struct error *err)
{
	while (bytes.len > 0) {
		ssize_t n = disk->write(STDOUT_FILENO, bytes.data, bytes.len);
		if (n > 0) {
			bytes.data += n;
			bytes.len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			/* Somebody who shares the pipe made it non-blocking. */
			poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
		} else if (n < 0 && errno == EPIPE) {
			return error_set(err, CDCL_E_CLOSED, "stdout was closed");
		} else if (n == 0 || errno != EINTR) {
			return error_set(err, CDCL_E_DISK, "cannot write to stdout: %s",
				n == 0 ? "nothing was taken" : strerror(errno));
		}
	}
	return 0;
}

int file_write_stdout(struct str bytes, struct error *err)
{
	log_hide_status();
	int answer = write_stdout(bytes, err);
	log_show_status();
	return answer;
}

bool file_stdout_has_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	if (no_color != NULL && *no_color != '\0')
		return false;
	return isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

static int open_file(const char *path, int flags)
{
	for (;;) {
		int fd = disk->open(path, flags, 0666);
		if (fd >= 0 || errno != EINTR)
			return fd;
	}
}

int file_open_read(const char *path, struct error *err)
{
	int fd = open_file(path, O_RDONLY);
	return fd >= 0 ? fd : error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

int file_open_write(const char *path, bool append, struct error *err)
{
	int fd = open_file(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC));
	return fd >= 0 ? fd : error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

int file_open_new(const char *path, struct error *err)
{
	int fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
	return fd >= 0 ? fd : error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

ssize_t file_read(int fd, void *buffer, size_t bytes)
{
	for (;;) {
		ssize_t n = disk->read(fd, buffer, bytes);
		if (n >= 0 || errno != EINTR) {
			return n;
		}
	}
}

void file_close(int fd)
{
	if (fd >= 0) {
		disk->close(fd);
	}
}

static int read_all(
	int fd, const char *path, size_t bytes_max, struct strbuf *out, struct error *err)
{
	size_t start = out->len;
	for (;;) {
		if (out->capacity - out->len < read_bytes / 2)
			strbuf_reserve(out, read_bytes);
		ssize_t n = file_read(fd, out->data + out->len, out->capacity - out->len);
		if (n < 0)
			return error_set(
				err, CDCL_E_DISK, "%s: cannot read: %s", path, strerror(errno));
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len - start > bytes_max)
			return error_set(
				err, CDCL_E_DISK, "%s: larger than %zu bytes", path, bytes_max);
	}
}

int file_read_all(const char *path, size_t bytes_max, struct strbuf *out, struct error *err)
{
	int fd = file_open_read(path, err);
	if (fd < 0)
		return fd;
	int answer = read_all(fd, path, bytes_max, out, err);
	file_close(fd);
	return answer;
}

int file_open_update(const char *path, struct error *err)
{
	int fd = open_file(path, O_RDWR | O_CREAT);
	return fd >= 0 ? fd : error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

static int64_t seek_to(int fd, off_t offset, int whence, const char *path, struct error *err)
{
	off_t at = disk->seek(fd, offset, whence);
	return at >= 0 ? (int64_t)at
		       : error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

int64_t file_bytes(int fd, const char *path, struct error *err)
{
	int64_t here = seek_to(fd, 0, SEEK_CUR, path, err);
	int64_t end = here < 0 ? here : seek_to(fd, 0, SEEK_END, path, err);
	int64_t back = end < 0 ? end : seek_to(fd, (off_t)here, SEEK_SET, path, err);
	return back < 0 ? back : end;
}

int file_seek(int fd, int64_t to, const char *path, struct error *err)
{
	int64_t at = seek_to(fd, (off_t)to, SEEK_SET, path, err);
	return at < 0 ? (int)at : 0;
}

int file_cut(int fd, int64_t bytes, const char *path, struct error *err)
{
	if (disk->ftruncate(fd, (off_t)bytes) != 0)
		return error_set(err, CDCL_E_DISK, "%s: cannot cut: %s", path, strerror(errno));
	return file_seek(fd, bytes, path, err);
}

int file_lock(int fd, const char *path, struct error *err)
{
	if (disk->lock(fd) == 0)
		return 1;
	if (errno == EWOULDBLOCK)
		return 0;
	return error_set(err, CDCL_E_DISK, "%s: cannot lock: %s", path, strerror(errno));
}

int file_read_if_there(const char *path, size_t bytes_max, struct strbuf *out, struct error *err)
{
	int fd = open_file(path, O_RDONLY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
	int r = read_all(fd, path, bytes_max, out, err);
	file_close(fd);
	return r < 0 ? r : 1;
}

int file_write_synced(const char *path, bool append, struct str bytes, struct error *err)
{
	int fd = file_open_write(path, append, err);
	if (fd < 0)
		return fd;
	int r = file_write_all(fd, bytes, path, err);
	if (r == 0)
		r = file_sync(fd, path, err);
	file_close(fd);
	return r;
}

/* The folder that a path is in, as text. */
static int folder_of(const char *path, char folder[PATH_MAX], struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL || slash == path ? 1 : (size_t)(slash - path);
	if (len >= PATH_MAX)
		return error_set(err, CDCL_E_DISK, "%s: the path is too long", path);
	memcpy(folder, slash == NULL ? "." : path, len);
	folder[len] = '\0';
	return 0;
}

int file_sync_name(const char *path, struct error *err)
{
	char folder[PATH_MAX], above[PATH_MAX];
	int r = folder_of(path, folder, err);
	if (r == 0)
		r = file_sync_folder(folder, err);
	while (r == 0 && strcmp(folder, "/") != 0 && strcmp(folder, ".") != 0) {
		r = folder_of(folder, above, err);
		/* One that may not be read was not made by us. */
		if (r == 0 && file_sync_folder(above, err) < 0 && errno != EACCES)
			return -(int)err->code;
		strcpy(folder, above);
	}
	return r;
}

int file_replace(const char *path, struct str bytes, struct error *err)
{
	char beside[PATH_MAX], folder[PATH_MAX];
	int len = snprintf(beside, sizeof(beside), "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof(beside))
		return error_set(err, CDCL_E_DISK, "%s: the path is too long", path);
	int r = folder_of(path, folder, err);
	if (r == 0)
		r = file_write_synced(beside, false, bytes, err);
	if (r == 0)
		r = file_rename(beside, path, err);
	return r < 0 ? r : file_sync_folder(folder, err);
}

bool file_exists(const char *path)
{
	return disk->access(path, F_OK) == 0;
}

int file_stat(const char *path, struct file_info *info, struct error *err)
{
	struct stat st;
	if (disk->stat(path, &st) != 0) {
		return error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
	}
	*info = (struct file_info){
		.bytes = (int64_t)st.st_size,
		.modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000,
		.inode = (uint64_t)st.st_ino,
		.is_folder = S_ISDIR(st.st_mode),
		.is_regular = S_ISREG(st.st_mode),
	};
	return 0;
}

int file_make_dir(const char *path, struct error *err)
{
	if (disk->mkdir(path, 0777) == 0)
		return 1;
	if (errno == EEXIST)
		return 0;
	return error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
}

int file_make_dirs(const char *path, struct error *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len == 0 || len >= sizeof part) {
		return error_set(err, CDCL_E_DISK, "%s: not a usable path", path);
	}
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0') {
			continue;
		}
		memcpy(part, path, i);
		part[i] = '\0';
		if (disk->mkdir(part, 0777) != 0 && errno != EEXIST) {
			return error_set(err, CDCL_E_DISK, "%s: %s", part, strerror(errno));
		}
	}
	struct file_info info = {0};
	int answer = file_stat(path, &info, err);
	if (answer == 0 && !info.is_folder) {
		return error_set(err, CDCL_E_DISK, "%s: is not a folder", path);
	}
	return answer;
}

static int compare_paths(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* Hidden files and those that a writer has not finished (Spark's rule: _ and .) are not input. */
static bool is_input(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	struct stat st;
	if (name[0] == '.' || name[0] == '_')
		return false;
	/* What cannot be looked at is left to the one who opens it, to be told. */
	return stat(path, &st) == 0 ? !S_ISDIR(st.st_mode) : errno == EACCES;
}

/* glob says of a folder that it may not read what it says of an empty one. */
static int check_folder(const char *pattern, struct error *err)
{
	char folder[PATH_MAX];
	size_t len = strcspn(pattern, "*?[");
	while (len > 0 && pattern[len - 1] != '/')
		len--;
	if (len >= sizeof(folder))
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)len, pattern);
	DIR *opened = opendir(len == 0 ? "." : folder);
	int code = errno;
	if (opened != NULL)
		closedir(opened);
	return opened != NULL || code != EACCES
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot list files: %s",
			  len == 0 ? "." : folder, strerror(code));
}

int file_glob(const char *pattern, struct arena *arena, struct str **paths, struct error *err)
{
	struct strbuf whole;
	strbuf_init(&whole);
	strbuf_add_c(&whole, pattern);
	struct stat st;
	if (stat(pattern, &st) == 0 && S_ISDIR(st.st_mode)) {
		strbuf_add_c(
			&whole, whole.len > 0 && whole.data[whole.len - 1] == '/' ? "*" : "/*");
	}
	strbuf_add_byte(&whole, '\0');
	glob_t found = {0};
	int answer = glob(whole.data, 0, NULL, &found);
	int unreadable = answer == GLOB_NOMATCH ? check_folder(whole.data, err) : 0;
	strbuf_release(&whole);
	if (unreadable < 0)
		return unreadable;
	if (answer != 0 && answer != GLOB_NOMATCH) {
		globfree(&found);
		return error_set(err, CDCL_E_DISK, "%s: cannot list files", pattern);
	}
	size_t count = 0;
	*paths = ARENA_ARRAY(arena, struct str, found.gl_pathc + 1);
	for (size_t i = 0; i < found.gl_pathc && answer == 0; i++) {
		/* A path that was named in full is taken as it is. */
		if (is_input(found.gl_pathv[i]) || strcmp(found.gl_pathv[i], pattern) == 0) {
			(*paths)[count++] = str_dup(str_c(found.gl_pathv[i]), arena);
		}
	}
	globfree(&found);
	if (count > glob_paths_max) {
		return error_set(
			err, CDCL_E_DISK, "%s: more than %d files", pattern, glob_paths_max);
	}
	qsort(*paths, count, sizeof **paths, compare_paths);
	return (int)count;
}

int file_sync(int fd, const char *path, struct error *err)
{
	return disk->fsync(fd) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot sync: %s", path, strerror(errno));
}

int file_sync_data(int fd, const char *path, struct error *err)
{
	return disk->fdatasync(fd) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot sync: %s", path, strerror(errno));
}

int file_sync_folder(const char *path, struct error *err)
{
	int fd = open_file(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0) {
		return error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
	}
	/* EINVAL: a file system that keeps no names, as /proc; nothing can be made durable. */
	int answer = disk->fsync(fd) == 0 || errno == EINVAL
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot sync: %s", path, strerror(errno));
	file_close(fd);
	return answer;
}

int file_rename(const char *from, const char *to, struct error *err)
{
	return disk->rename(from, to) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot rename to %s: %s", from, to,
			  strerror(errno));
}

int file_link(const char *from, const char *to, struct error *err)
{
	return disk->link(from, to) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot link as %s: %s", from, to,
			  strerror(errno));
}

int file_symlink(const char *target, const char *path, struct error *err)
{
	return disk->symlink(target, path) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot link to %s: %s", path, target,
			  strerror(errno));
}

int file_read_link(const char *path, struct strbuf *out, struct error *err)
{
	char target[PATH_MAX];
	ssize_t n = disk->readlink(path, target, sizeof target);
	if (n < 0 && (errno == ENOENT || errno == EINVAL)) {
		return 0;
	}
	if (n < 0 || n == (ssize_t)sizeof target) {
		return error_set(err, CDCL_E_DISK, "%s: cannot read the link: %s", path,
			n < 0 ? strerror(errno) : "too long");
	}
	strbuf_add(out, (struct str){target, (size_t)n});
	return 1;
}

int file_truncate(const char *path, int64_t bytes, struct error *err)
{
	return disk->truncate(path, (off_t)bytes) == 0
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot cut it to %lld bytes: %s", path,
			  (long long)bytes, strerror(errno));
}

int file_remove(const char *path, struct error *err)
{
	return disk->unlink(path) == 0 || errno == ENOENT
		? 0
		: error_set(err, CDCL_E_DISK, "%s: cannot remove: %s", path, strerror(errno));
}

static int remove_below(const char *path, unsigned depth, struct error *err);

static int remove_one(const char *folder, struct str name, unsigned depth, struct error *err)
{
	struct strbuf path;
	struct stat st;
	strbuf_init(&path);
	strbuf_addf(&path, "%s/" STR_FMT "%c", folder, STR_ARG(name), '\0');
	int answer = 0;
	if (disk->lstat(path.data, &st) == 0 && S_ISDIR(st.st_mode)) {
		answer = remove_below(path.data, depth + 1, err);
	} else {
		answer = file_remove(path.data, err);
	}
	strbuf_release(&path);
	return answer;
}

static int remove_below(const char *path, unsigned depth, struct error *err)
{
	struct arena arena;
	struct str *names;
	if (depth > file_tree_depth_max) {
		return error_set(err, CDCL_E_DISK, "%s: too deep to be removed", path);
	}
	arena_init(&arena, 4096);
	int count = file_list(path, &arena, &names, err), answer = count < 0 ? count : 0;
	for (int i = 0; i < count && answer == 0; i++) {
		answer = remove_one(path, names[i], depth, err);
	}
	arena_release(&arena);
	if (answer == 0 && disk->rmdir(path) != 0) {
		answer = error_set(
			err, CDCL_E_DISK, "%s: cannot remove: %s", path, strerror(errno));
	}
	return answer;
}

int file_remove_tree(const char *path, struct error *err)
{
	struct stat st;
	if (disk->lstat(path, &st) != 0) {
		return errno == ENOENT
			? 0
			: error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
	}
	return S_ISDIR(st.st_mode) ? remove_below(path, 0, err) : file_remove(path, err);
}

struct name_list {
	struct arena *arena;
	struct str *names;
	size_t count;
	size_t capacity;
};

static void add_name(void *names, const char *name)
{
	struct name_list *l = names;
	if (l->count > list_names_max)
		return;
	if (l->count == l->capacity) {
		struct str *more = ARENA_ARRAY(l->arena, struct str, l->capacity * 2);
		memcpy(more, l->names, l->count * sizeof *more);
		l->names = more;
		l->capacity *= 2;
	}
	l->names[l->count++] = str_dup(str_c(name), l->arena);
}

int file_list(const char *path, struct arena *arena, struct str **names, struct error *err)
{
	struct name_list l = {.arena = arena, .capacity = 64};
	l.names = ARENA_ARRAY(arena, struct str, l.capacity);
	if (disk->list(path, add_name, &l) != 0) {
		return error_set(err, CDCL_E_DISK, "%s: %s", path, strerror(errno));
	}
	if (l.count > list_names_max) {
		return error_set(
			err, CDCL_E_DISK, "%s: more than %d files", path, list_names_max);
	}
	qsort(l.names, l.count, sizeof *l.names, compare_paths);
	*names = l.names;
	return (int)l.count;
}
