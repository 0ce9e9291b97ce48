/*
 * A disk in memory for fault tests: the k-th call fails, and a power cut loses what was not synced.
 * Names are durable by a sync of their folder, bytes by a sync of their file. Included by one test
 * program each; not thread-safe.
 */

#include "base/check.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { memory_files_max = 512, memory_names_max = 512 };
enum { memory_fds_max = 64, memory_fd_first = 1000 };

struct memory_bytes {
	char *data;
	size_t len;
};

struct memory_file {
	struct memory_bytes now;
	struct memory_bytes synced;
	bool locked;
	bool is_folder;
};

struct memory_name {
	char path[200];
	int now;                /* file; -1: none */
	int synced;
};

static struct memory_disk {
	struct memory_file files[memory_files_max];
	int file_count;
	struct memory_name names[memory_names_max];
	int name_count;
	struct {
		int file;       /* -1: closed */
		off_t at;
	} fds[memory_fds_max];
	int64_t calls;          /* that change something, or sync */
	int64_t fail_at;        /* 1..: this one fails; 0: none */
	bool fail_on;           /* and all after it */
	int fail_errno;
	bool syncs_lie;         /* what a broken disk, or a build without fsync, does */
} memory;

static void memory_set(struct memory_bytes *b, const char *data, size_t len)
{
	char *copy = malloc(len + 1);
	check(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	free(b->data);
	*b = (struct memory_bytes){copy, len};
}

static void memory_reset(void)
{
	for (int i = 0; i < memory.file_count; i++) {
		free(memory.files[i].now.data);
		free(memory.files[i].synced.data);
	}
	memset(&memory, 0, sizeof(memory));
	for (int i = 0; i < memory_fds_max; i++)
		memory.fds[i].file = -1;
}

/* True: this call fails, and how is in errno. */
static bool memory_fails(void)
{
	memory.calls++;
	if (memory.fail_at == 0 ||
		(memory.fail_on ? memory.calls < memory.fail_at : memory.calls != memory.fail_at))
		return false;
	errno = memory.fail_errno;
	return true;
}

static struct memory_name *memory_name_of(const char *path, bool make)
{
	for (int i = 0; i < memory.name_count; i++)
		if (strcmp(memory.names[i].path, path) == 0)
			return &memory.names[i];
	if (!make)
		return NULL;
	check(memory.name_count < memory_names_max && strlen(path) < 200);
	struct memory_name *n = &memory.names[memory.name_count++];
	*n = (struct memory_name){.now = -1, .synced = -1};
	strcpy(n->path, path);
	return n;
}

static int memory_add_file(bool is_folder)
{
	check(memory.file_count < memory_files_max);
	memory.files[memory.file_count] = (struct memory_file){.is_folder = is_folder};
	return memory.file_count++;
}

static int memory_open(const char *path, int flags, int mode)
{
	(void)mode;
	struct memory_name *n = memory_name_of(path, false);
	if ((flags & O_CREAT || flags & O_TRUNC) && memory_fails())
		return -1;
	if (n == NULL || n->now < 0) {
		if (!(flags & O_CREAT)) {
			errno = ENOENT;
			return -1;
		}
		n = memory_name_of(path, true);
		n->now = memory_add_file(false);
	}
	if (flags & O_TRUNC)
		memory_set(&memory.files[n->now].now, "", 0);
	for (int i = 0; i < memory_fds_max; i++) {
		if (memory.fds[i].file >= 0)
			continue;
		memory.fds[i].file = n->now;
		memory.fds[i].at = 0;
		return memory_fd_first + i;
	}
	check(false);
	return -1;
}

static struct memory_file *memory_of(int fd)
{
	check(fd >= memory_fd_first && memory.fds[fd - memory_fd_first].file >= 0);
	return &memory.files[memory.fds[fd - memory_fd_first].file];
}

static ssize_t memory_read(int fd, void *buffer, size_t bytes)
{
	struct memory_file *f = memory_of(fd);
	size_t at = (size_t)memory.fds[fd - memory_fd_first].at;
	size_t left = at < f->now.len ? f->now.len - at : 0;
	bytes = bytes < left ? bytes : left;
	if (bytes > 0)
		memcpy(buffer, f->now.data + at, bytes);
	memory.fds[fd - memory_fd_first].at += (off_t)bytes;
	return (ssize_t)bytes;
}

/* A failing write takes half of the bytes first, as a full disk does. */
static ssize_t memory_write(int fd, const void *buffer, size_t bytes)
{
	struct memory_file *f = memory_of(fd);
	if (memory_fails()) {
		if (bytes < 2)
			return -1;
		bytes /= 2;
		memory.fail_at++;
	}
	size_t at = (size_t)memory.fds[fd - memory_fd_first].at;
	size_t len = at + bytes > f->now.len ? at + bytes : f->now.len;
	char *wider = realloc(f->now.data, len + 1);
	check(wider != NULL);
	if (at > f->now.len)
		memset(wider + f->now.len, 0, at - f->now.len);
	memcpy(wider + at, buffer, bytes);
	f->now = (struct memory_bytes){wider, len};
	memory.fds[fd - memory_fd_first].at += (off_t)bytes;
	return (ssize_t)bytes;
}

/* Of a folder: all names in it. */
static int memory_sync(int fd)
{
	struct memory_file *f = memory_of(fd);
	if (memory_fails())
		return -1;
	if (memory.syncs_lie)
		return 0;
	if (!f->is_folder) {
		memory_set(&f->synced, f->now.data, f->now.len);
		return 0;
	}
	for (int i = 0; i < memory.name_count; i++)
		memory.names[i].synced = memory.names[i].now;
	return 0;
}

static int memory_rename(const char *from, const char *to)
{
	if (memory_fails())
		return -1;
	int file = memory_name_of(from, true)->now;
	if (file < 0) {
		errno = ENOENT;
		return -1;
	}
	memory_name_of(to, true)->now = file;
	memory_name_of(from, true)->now = -1;
	return 0;
}

static int memory_close(int fd)
{
	memory_of(fd)->locked = false;
	memory.fds[fd - memory_fd_first].file = -1;
	return 0;
}

static int memory_unlink(const char *path)
{
	struct memory_name *n = memory_name_of(path, false);
	if (memory_fails())
		return -1;
	if (n == NULL || n->now < 0) {
		errno = ENOENT;
		return -1;
	}
	n->now = -1;
	return 0;
}

static int memory_truncate(int fd, off_t bytes)
{
	struct memory_file *f = memory_of(fd);
	if (memory_fails())
		return -1;
	char *data = calloc((size_t)bytes + 1, 1);
	check(data != NULL);
	if (bytes > 0 && f->now.len > 0)
		memcpy(data, f->now.data, f->now.len < (size_t)bytes ? f->now.len : (size_t)bytes);
	free(f->now.data);
	f->now = (struct memory_bytes){data, (size_t)bytes};
	return 0;
}

static off_t memory_seek(int fd, off_t offset, int whence)
{
	off_t *at = &memory.fds[fd - memory_fd_first].at;
	off_t base = whence == SEEK_SET ? 0
		: whence == SEEK_CUR    ? *at
					: (off_t)memory_of(fd)->now.len;
	return *at = base + offset;
}

static int memory_lock(int fd)
{
	struct memory_file *f = memory_of(fd);
	if (f->locked) {
		errno = EWOULDBLOCK;
		return -1;
	}
	f->locked = true;
	return 0;
}

static int memory_mkdir(const char *path, mode_t mode)
{
	(void)mode;
	struct memory_name *n = memory_name_of(path, true);
	if (n->now < 0)
		n->now = n->synced = memory_add_file(true);
	return 0;
}

static int memory_access(const char *path, int how)
{
	(void)how;
	struct memory_name *n = memory_name_of(path, false);
	return n != NULL && n->now >= 0 ? 0 : -1;
}

static int memory_stat(const char *path, struct stat *st)
{
	struct memory_name *n = memory_name_of(path, false);
	if (n == NULL || n->now < 0) {
		errno = ENOENT;
		return -1;
	}
	*st = (struct stat){.st_mode = memory.files[n->now].is_folder ? S_IFDIR : S_IFREG,
		.st_size = (off_t)memory.files[n->now].now.len};
	return 0;
}

static const struct disk memory_disk = {.open = memory_open,
	.read = memory_read,
	.write = memory_write,
	.fsync = memory_sync,
	.rename = memory_rename,
	.close = memory_close,
	.unlink = memory_unlink,
	.fdatasync = memory_sync,
	.ftruncate = memory_truncate,
	.seek = memory_seek,
	.lock = memory_lock,
	.mkdir = memory_mkdir,
	.access = memory_access,
	.stat = memory_stat};

/*
 * The power goes: per name and file, `choose(n)` answers below n. A file keeps its synced bytes
 * and, of what was written since, all, nothing, a part, or that part with a page of it missing.
 */
__attribute__((unused)) static void memory_power_cut(uint32_t (*choose)(uint32_t below))
{
	for (int i = 0; i < memory_fds_max; i++)
		memory.fds[i].file = -1;
	for (int i = 0; i < memory.name_count; i++) {
		struct memory_name *n = &memory.names[i];
		n->now = choose(2) == 0 ? n->synced : n->now;
		n->synced = n->now;
	}
	for (int i = 0; i < memory.file_count; i++) {
		struct memory_file *f = &memory.files[i];
		f->locked = false;
		uint32_t how = choose(4);
		if (how == 0 || f->now.len < f->synced.len) {
			if (how != 1)
				memory_set(&f->now, f->synced.data, f->synced.len);
		} else if (how >= 2 && f->now.len > f->synced.len) {
			uint32_t more = (uint32_t)(f->now.len - f->synced.len);
			f->now.len = f->synced.len + choose(more + 1);
			size_t hole = f->synced.len + choose(more + 1);
			if (how == 3 && hole < f->now.len)
				memset(f->now.data + hole, 0,
					f->now.len - hole < 40 ? f->now.len - hole : 40);
		}
		memory_set(&f->synced, f->now.data, f->now.len);
	}
	memory.fail_at = 0;
	memory.calls = 0;
}
