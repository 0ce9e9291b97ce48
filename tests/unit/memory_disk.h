/*
 * A disk in memory for fault tests: the k-th call fails, and a power cut loses what was not synced.
 * Names are durable by a sync of their folder (and so are folders), bytes by a sync of their file.
 * Included by one file of a test program each; not thread-safe.
 */

#include "base/check.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { memory_files_max = 1024, memory_names_max = 1024, memory_leaf_bytes = 64 };
enum { memory_fds_max = 64, memory_fd_first = 1000, memory_links_max = 8 };
/* The call that fails answers an errno, or: a write takes half of its bytes and all is well. */
enum { memory_short = -1 };

struct memory_bytes {
	char *data;
	size_t len;
};

struct memory_file {
	struct memory_bytes now;
	struct memory_bytes synced;
	bool locked;
	bool is_folder;
	bool is_link;           /* its bytes are the path */
};

/* What a folder holds. File 0 is the folder ".". */
struct memory_name {
	char leaf[memory_leaf_bytes];
	int folder;             /* file */
	int now;                /* file; -1: none */
	int synced;
	int moved_to;           /* not synced yet: name + 1 that a rename gave its file; 0: none */
};

struct memory_disk {
	struct memory_file files[memory_files_max];
	int file_count;
	struct memory_name names[memory_names_max];
	int name_count;
	struct {
		int file;       /* -1: closed */
		off_t at;
		bool appends;
		bool locks;
	} fds[memory_fds_max];
	int64_t calls;          /* that change something, or sync */
	int64_t fail_at;        /* 1..: this one fails; 0: none */
	bool fail_on;           /* and all after it */
	int fail_errno;
	bool syncs_lie;         /* what a broken disk, or a build without fsync, does */
	bool torn;              /* half of a write was taken, the rest of it fails */
};

/* Where it is kept: this process's own memory, unless the test sets another place and allocator. */
static struct memory_disk memory_here;
static struct memory_disk *memory = &memory_here;
static void *(*memory_realloc)(void *, size_t) = realloc;
static void (*memory_free)(void *) = free;
/* Before every call that changes something or syncs; may end the process. */
static void (*memory_watch)(const char *call, const char *path);

static void memory_set(struct memory_bytes *b, const char *data, size_t len)
{
	char *copy = memory_realloc(NULL, len + 1);
	check(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	memory_free(b->data);
	*b = (struct memory_bytes){copy, len};
}

static int memory_add_file(bool is_folder);

static void memory_reset(void)
{
	for (int i = 0; i < memory->file_count; i++) {
		memory_free(memory->files[i].now.data);
		memory_free(memory->files[i].synced.data);
	}
	memset(memory, 0, sizeof(*memory));
	for (int i = 0; i < memory_fds_max; i++)
		memory->fds[i].file = -1;
	check(memory_add_file(true) == 0);
}

/* True: this call fails, and how is in errno. */
static bool memory_fails(const char *call, const char *path)
{
	if (memory_watch != NULL)
		memory_watch(call, path);
	memory->calls++;
	if (memory->fail_at == 0 || memory->fail_errno == memory_short ||
		(memory->fail_on ? memory->calls < memory->fail_at
				 : memory->calls != memory->fail_at))
		return false;
	errno = memory->fail_errno;
	return true;
}

/* A name of the file, for people. */
static const char *memory_path_of(const struct memory_file *f)
{
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].now >= 0 && &memory->files[memory->names[i].now] == f)
			return memory->names[i].leaf;
	return "a file without a name";
}

static int memory_file_at(int folder, struct str path, bool follow, int links);

static struct memory_name *memory_entry(int folder, struct str leaf)
{
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].folder == folder &&
			str_eq(str_c(memory->names[i].leaf), leaf))
			return &memory->names[i];
	return NULL;
}

/* The folder that the path's last part is in; -1: there is none. */
static int memory_folder_at(int folder, struct str path, struct str *leaf, int links)
{
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.len--;
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/')
		at--;
	*leaf = str_sub(path, at, path.len - at);
	if (path.len > 0 && path.data[0] == '/')
		return -1; /* nothing lies there */
	int in = at == 0 ? folder : memory_file_at(folder, str_sub(path, 0, at), true, links);
	return in >= 0 && memory->files[in].is_folder ? in : -1;
}

static int memory_file_at(int folder, struct str path, bool follow, int links)
{
	struct str leaf;
	int in = memory_folder_at(folder, path, &leaf, links);
	if (in < 0 || str_eq(leaf, str_lit(".")))
		return in;
	const struct memory_name *n = memory_entry(in, leaf);
	if (n == NULL || n->now < 0)
		return -1;
	const struct memory_file *f = &memory->files[n->now];
	if (!follow || !f->is_link)
		return n->now;
	return links == 0 ? -1
			  : memory_file_at(in, (struct str){f->now.data, f->now.len}, true,
				    links - 1);
}

/* -1 with errno: there is no such file. */
static int memory_find(const char *path, bool follow)
{
	int file = memory_file_at(0, str_c(path), follow, memory_links_max);
	errno = file < 0 ? ENOENT : errno;
	return file;
}

/* NULL with errno: it is not there, or (make) its folder is not. */
static struct memory_name *memory_name_of(const char *path, bool make)
{
	struct str leaf;
	int folder = memory_folder_at(0, str_c(path), &leaf, memory_links_max);
	struct memory_name *n = folder < 0 ? NULL : memory_entry(folder, leaf);
	errno = ENOENT;
	if (n != NULL || folder < 0 || !make)
		return n;
	int at = 0;
	while (at < memory->name_count &&
		(memory->names[at].now >= 0 || memory->names[at].synced >= 0))
		at++;
	check(at < memory_names_max && leaf.len < memory_leaf_bytes);
	memory->name_count += at == memory->name_count;
	n = &memory->names[at];
	*n = (struct memory_name){.folder = folder, .now = -1, .synced = -1};
	memcpy(n->leaf, leaf.data, leaf.len);
	return n;
}

static bool memory_is_used(int file)
{
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].now == file || memory->names[i].synced == file)
			return true;
	for (int i = 0; i < memory_fds_max; i++)
		if (memory->fds[i].file == file)
			return true;
	return false;
}

static int memory_add_file(bool is_folder)
{
	int at = memory->file_count;
	if (at == memory_files_max)
		for (at = 1; at < memory->file_count && memory_is_used(at); at++) {
		}
	check(at < memory_files_max);
	if (at < memory->file_count) {
		memory_free(memory->files[at].now.data);
		memory_free(memory->files[at].synced.data);
	}
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].folder == at && at < memory->file_count)
			memory->names[i].now = memory->names[i].synced = -1;
	memory->file_count += at == memory->file_count;
	memory->files[at] = (struct memory_file){.is_folder = is_folder};
	return at;
}

static int memory_open(const char *path, int flags, int mode)
{
	(void)mode;
	bool changes = flags & O_CREAT || flags & O_TRUNC;
	if (changes && memory_fails("open", path))
		return -1;
	int file = memory_find(path, true);
	if (file < 0 && !(flags & O_CREAT))
		return -1;
	if (file < 0) {
		struct memory_name *n = memory_name_of(path, true);
		if (n == NULL)
			return -1;
		file = n->now = memory_add_file(false);
	}
	if (flags & O_TRUNC)
		memory_set(&memory->files[file].now, "", 0);
	for (int i = 0; i < memory_fds_max; i++) {
		if (memory->fds[i].file >= 0)
			continue;
		memory->fds[i].file = file;
		memory->fds[i].at = 0;
		memory->fds[i].appends = (flags & O_APPEND) != 0;
		return memory_fd_first + i;
	}
	check(false);
	return -1;
}

static struct memory_file *memory_of(int fd)
{
	check(fd >= memory_fd_first && memory->fds[fd - memory_fd_first].file >= 0);
	return &memory->files[memory->fds[fd - memory_fd_first].file];
}

static ssize_t memory_read(int fd, void *buffer, size_t bytes)
{
	struct memory_file *f = memory_of(fd);
	size_t at = (size_t)memory->fds[fd - memory_fd_first].at;
	size_t left = at < f->now.len ? f->now.len - at : 0;
	bytes = bytes < left ? bytes : left;
	if (bytes > 0)
		memcpy(buffer, f->now.data + at, bytes);
	memory->fds[fd - memory_fd_first].at += (off_t)bytes;
	return (ssize_t)bytes;
}

/*
 * A failing write takes half of the bytes first, as a full disk does, and fails when it is asked
 * for the rest; an interrupted one takes nothing.
 */
static ssize_t memory_write(int fd, const void *buffer, size_t bytes)
{
	struct memory_file *f = memory_of(fd);
	bool fails = memory_fails("write", memory_path_of(f));
	bool is_short = memory->fail_errno == memory_short && memory->calls == memory->fail_at;
	if (fails && (errno == EINTR || bytes < 2 || memory->torn)) {
		memory->torn = false;
		return -1;
	}
	if (fails && !memory->fail_on)
		memory->fail_at++;
	memory->torn = fails;
	if ((fails || is_short) && bytes >= 2)
		bytes /= 2;
	off_t *from = &memory->fds[fd - memory_fd_first].at;
	if (memory->fds[fd - memory_fd_first].appends)
		*from = (off_t)f->now.len;
	size_t at = (size_t)*from;
	size_t len = at + bytes > f->now.len ? at + bytes : f->now.len;
	char *wider = memory_realloc(f->now.data, len + 1);
	check(wider != NULL);
	if (at > f->now.len)
		memset(wider + f->now.len, 0, at - f->now.len);
	memcpy(wider + at, buffer, bytes);
	f->now = (struct memory_bytes){wider, len};
	*from += (off_t)bytes;
	return (ssize_t)bytes;
}

static void memory_keep_name(struct memory_name *n, int file)
{
	n->now = n->synced = file;
	n->moved_to = 0;
}

/* Of a folder: the names in it. */
static int memory_sync(int fd)
{
	struct memory_file *f = memory_of(fd);
	if (memory_fails("sync", memory_path_of(f)))
		return -1;
	if (memory->syncs_lie)
		return 0;
	if (!f->is_folder) {
		memory_set(&f->synced, f->now.data, f->now.len);
		return 0;
	}
	for (int i = 0; i < memory->name_count; i++)
		if (&memory->files[memory->names[i].folder] == f)
			memory_keep_name(&memory->names[i], memory->names[i].now);
	return 0;
}

static bool memory_is_empty(int folder)
{
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].folder == folder && memory->names[i].now >= 0)
			return false;
	return true;
}

static int memory_rename(const char *from, const char *to)
{
	if (memory_fails("rename", to))
		return -1;
	struct memory_name *source = memory_name_of(from, false);
	struct memory_name *target = memory_name_of(to, true);
	if (source == NULL || source->now < 0 || target == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (source->now == target->now)
		return 0; /* POSIX: two names of one file stay */
	if (target->now >= 0 && memory->files[target->now].is_folder &&
		!memory_is_empty(target->now)) {
		errno = ENOTEMPTY;
		return -1;
	}
	target->now = source->now;
	source->now = -1;
	source->moved_to = (int)(target - memory->names) + 1;
	return 0;
}

static int memory_close(int fd)
{
	if (memory->fds[fd - memory_fd_first].locks)
		memory_of(fd)->locked = false;
	memory->fds[fd - memory_fd_first].file = -1;
	memory->fds[fd - memory_fd_first].locks = false;
	return 0;
}

static int memory_unlink(const char *path)
{
	struct memory_name *n = memory_name_of(path, false);
	if (memory_fails("unlink", path))
		return -1;
	if (n == NULL || n->now < 0) {
		errno = ENOENT;
		return -1;
	}
	check(!memory->files[n->now].is_folder);
	n->now = -1;
	return 0;
}

static int memory_rmdir(const char *path)
{
	struct memory_name *n = memory_name_of(path, false);
	if (memory_fails("rmdir", path))
		return -1;
	if (n == NULL || n->now < 0 || !memory_is_empty(n->now)) {
		errno = n == NULL || n->now < 0 ? ENOENT : ENOTEMPTY;
		return -1;
	}
	n->now = -1;
	return 0;
}

/* A new name; NULL with errno. */
static struct memory_name *memory_new_name(const char *call, const char *path)
{
	if (memory_fails(call, path))
		return NULL;
	struct memory_name *n = memory_name_of(path, true);
	if (n == NULL || n->now < 0)
		return n;
	errno = EEXIST;
	return NULL;
}

static int memory_link(const char *from, const char *to)
{
	int file = memory_find(from, false);
	struct memory_name *n = file < 0 ? NULL : memory_new_name("link", to);
	if (n == NULL)
		return -1;
	n->now = file;
	return 0;
}

/* Its path is in the folder's own bytes, as far as anybody can tell. */
static int memory_symlink(const char *target, const char *path)
{
	struct memory_name *n = memory_new_name("symlink", path);
	if (n == NULL)
		return -1;
	n->now = memory_add_file(false);
	struct memory_file *f = &memory->files[n->now];
	f->is_link = true;
	memory_set(&f->now, target, strlen(target));
	memory_set(&f->synced, target, strlen(target));
	return 0;
}

static ssize_t memory_readlink(const char *path, char *target, size_t bytes)
{
	int file = memory_find(path, false);
	if (file < 0 || !memory->files[file].is_link) {
		errno = file < 0 ? ENOENT : EINVAL;
		return -1;
	}
	struct memory_bytes b = memory->files[file].now;
	size_t len = b.len < bytes ? b.len : bytes;
	memcpy(target, b.data, len);
	return (ssize_t)len;
}

static int memory_list(
	const char *path, void (*name)(void *names, const char *name), void *names)
{
	int folder = memory_find(path, true);
	if (folder < 0)
		return -1;
	for (int i = 0; i < memory->name_count; i++)
		if (memory->names[i].folder == folder && memory->names[i].now >= 0)
			name(names, memory->names[i].leaf);
	return 0;
}

static int memory_cut(struct memory_file *f, off_t bytes)
{
	if (memory_fails("cut", memory_path_of(f)))
		return -1;
	char *data = memory_realloc(NULL, (size_t)bytes + 1);
	check(data != NULL);
	memset(data, 0, (size_t)bytes + 1);
	if (bytes > 0 && f->now.len > 0)
		memcpy(data, f->now.data, f->now.len < (size_t)bytes ? f->now.len : (size_t)bytes);
	memory_free(f->now.data);
	f->now = (struct memory_bytes){data, (size_t)bytes};
	return 0;
}

static int memory_ftruncate(int fd, off_t bytes)
{
	return memory_cut(memory_of(fd), bytes);
}

static int memory_truncate(const char *path, off_t bytes)
{
	int file = memory_find(path, true);
	return file < 0 ? -1 : memory_cut(&memory->files[file], bytes);
}

static off_t memory_seek(int fd, off_t offset, int whence)
{
	off_t *at = &memory->fds[fd - memory_fd_first].at;
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
	f->locked = memory->fds[fd - memory_fd_first].locks = true;
	return 0;
}

static int memory_mkdir(const char *path, mode_t mode)
{
	(void)mode;
	if (memory_find(path, true) >= 0) {
		errno = EEXIST;
		return -1;
	}
	struct memory_name *n = memory_new_name("mkdir", path);
	if (n == NULL)
		return -1;
	n->now = memory_add_file(true);
	return 0;
}

static int memory_access(const char *path, int how)
{
	(void)how;
	return memory_find(path, true) < 0 ? -1 : 0;
}

static int memory_stat_of(int file, struct stat *st)
{
	if (file < 0)
		return -1;
	const struct memory_file *f = &memory->files[file];
	*st = (struct stat){.st_mode = f->is_folder ? S_IFDIR : f->is_link ? S_IFLNK : S_IFREG,
		.st_ino = (ino_t)file + 1,
		.st_size = (off_t)f->now.len};
	return 0;
}

static int memory_stat(const char *path, struct stat *st)
{
	return memory_stat_of(memory_find(path, true), st);
}

static int memory_lstat(const char *path, struct stat *st)
{
	return memory_stat_of(memory_find(path, false), st);
}

static const struct disk memory_disk = {.open = memory_open,
	.read = memory_read,
	.write = memory_write,
	.fsync = memory_sync,
	.rename = memory_rename,
	.close = memory_close,
	.link = memory_link,
	.symlink = memory_symlink,
	.unlink = memory_unlink,
	.fdatasync = memory_sync,
	.ftruncate = memory_ftruncate,
	.truncate = memory_truncate,
	.seek = memory_seek,
	.lock = memory_lock,
	.mkdir = memory_mkdir,
	.access = memory_access,
	.stat = memory_stat,
	.lstat = memory_lstat,
	.readlink = memory_readlink,
	.rmdir = memory_rmdir,
	.list = memory_list};

/* Which folders can still be come to from ".". */
static void memory_reach(bool *reached)
{
	bool more = true;
	memset(reached, 0, memory_files_max);
	reached[0] = true;
	while (more) {
		more = false;
		for (int i = 0; i < memory->name_count; i++) {
			const struct memory_name *n = &memory->names[i];
			if (n->now < 0 || !reached[n->folder] || reached[n->now])
				continue;
			more = reached[n->now] = true;
		}
	}
}

/*
 * A rename is whole or was not: the old name goes with the new one. A name in a folder whose own
 * name was lost is lost with it.
 */
static void memory_lose_names(uint32_t (*choose)(uint32_t below))
{
	bool lost[memory_names_max], reached[memory_files_max];
	for (int i = 0; i < memory->name_count; i++)
		lost[i] = choose(2) == 0;
	for (int i = 0; i < memory->name_count; i++) {
		struct memory_name *n = &memory->names[i];
		if (lost[n->moved_to > 0 ? n->moved_to - 1 : i])
			n->now = n->synced;
	}
	memory_reach(reached);
	for (int i = 0; i < memory->name_count; i++)
		memory_keep_name(&memory->names[i],
			reached[memory->names[i].folder] ? memory->names[i].now : -1);
}

/* A process ends: what it had open and locked is free; its bytes are with the kernel. */
__attribute__((unused)) static void memory_process_ends(void)
{
	for (int i = 0; i < memory_fds_max; i++) {
		memory->fds[i].file = -1;
		memory->fds[i].locks = false;
	}
	for (int i = 0; i < memory->file_count; i++)
		memory->files[i].locked = false;
	memory->fail_at = 0;
	memory->calls = 0;
	memory->torn = false;
}

/*
 * The power goes: per name and file, `choose(n)` answers below n. A file keeps its synced bytes
 * and, of what was written since, all, nothing, a part, or that part with a page of it missing.
 */
__attribute__((unused)) static void memory_power_cut(uint32_t (*choose)(uint32_t below))
{
	memory_process_ends();
	memory_lose_names(choose);
	for (int i = 0; i < memory->file_count; i++) {
		struct memory_file *f = &memory->files[i];
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
}
