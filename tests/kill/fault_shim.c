/*
 * Loaded before the C library (LD_PRELOAD): faults that a real process meets and a test cannot
 * bring about without being root. What it stands in for is the kernel, so SQLite, libpq and
 * librdkafka meet them too.
 *
 *	KILL_AT=n    the process is killed (SIGKILL) at the n-th counted call:
 *	KILL_ON=disk   (default) write to a file, syncs, rename, truncate, unlink, link
 *	KILL_ON=sync   fsync and fdatasync only
 *	KILL_ON=send   send and sendmsg: what goes to brokers and databases
 *	KILL_HOW=before, after, or half: half of a write's bytes are written
 *	FAULTS=path  a file of `struct faults`, shared with the test, which turns them on and off
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct faults {
	_Atomic int64_t clock_us; /* added to the wall clock */
	_Atomic int64_t full; /* no byte more fits on the disk */
	_Atomic int64_t sync_ms; /* how much longer a sync takes */
	_Atomic int64_t syncs; /* counted */
	_Atomic int64_t writes; /* of regular files, counted */
};

enum { ON_DISK = 1, ON_SYNC = 2, ON_SEND = 4 };
enum { BEFORE, AFTER, HALF };

static struct faults none;
static struct faults *faults = &none;
static _Atomic long calls_left;
static int kill_on, kill_how;

__attribute__((constructor)) static void shim_begin(void)
{
	const char *at = getenv("KILL_AT"), *on = getenv("KILL_ON"), *how = getenv("KILL_HOW");
	calls_left = at == NULL ? 0 : atol(at);
	kill_on = on == NULL || strcmp(on, "disk") == 0 ? ON_DISK | ON_SYNC
		: strcmp(on, "sync") == 0 ? ON_SYNC
		: ON_SEND;
	kill_how = how == NULL || strcmp(how, "before") == 0 ? BEFORE
		: strcmp(how, "after") == 0 ? AFTER
		: HALF;
	const char *path = getenv("FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR);
	if (fd < 0)
		return;
	void *page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page != MAP_FAILED)
		faults = page;
	close(fd);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* This call is the one at which the process dies. */
static bool is_last(int kind)
{
	if ((kind & kill_on) == 0 || calls_left <= 0)
		return false;
	bool last = atomic_fetch_sub(&calls_left, 1) == 1;
	if (last && kill_how == BEFORE)
		die();
	return last;
}

#define REAL(name) \
	static __typeof__(&name) real; \
	if (real == NULL) \
		real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static bool is_file(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A write of a file: how many bytes of it; negative: it fails. */
static ssize_t write_begins(int fd, size_t bytes, bool *last)
{
	if (fd <= STDERR_FILENO || !is_file(fd))
		return (ssize_t)bytes;
	faults->writes++;
	if (faults->full != 0) {
		errno = ENOSPC;
		return -1;
	}
	*last = is_last(ON_DISK);
	return (ssize_t)(*last && kill_how == HALF ? bytes / 2 : bytes);
}

#define WRITES(call, all) \
	bool last = false; \
	ssize_t bytes = write_begins(fd, all, &last); \
	if (bytes < 0) \
		return bytes; \
	ssize_t r = call; \
	if (last) \
		die(); \
	return r

ssize_t write(int fd, const void *from, size_t n)
{
	REAL(write);
	WRITES(real(fd, from, (size_t)bytes), n);
}

ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
	REAL(pwrite);
	WRITES(real(fd, from, (size_t)bytes, at), n);
}

ssize_t pwrite64(int fd, const void *from, size_t n, off64_t at)
{
	REAL(pwrite64);
	WRITES(real(fd, from, (size_t)bytes, at), n);
}

/* A call without bytes: before it, itself, after it. */
#define COUNTED(kind, call) \
	bool last = is_last(kind); \
	__typeof__(call) r = call; \
	if (last) \
		die(); \
	return r

static void sync_begins(void)
{
	faults->syncs++;
	int64_t ms = faults->sync_ms;
	struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
	if (ms > 0)
		nanosleep(&wait, NULL);
}

int fsync(int fd)
{
	REAL(fsync);
	sync_begins();
	COUNTED(ON_SYNC, real(fd));
}

int fdatasync(int fd)
{
	REAL(fdatasync);
	sync_begins();
	COUNTED(ON_SYNC, real(fd));
}

int rename(const char *from, const char *to)
{
	REAL(rename);
	COUNTED(ON_DISK, real(from, to));
}

int unlink(const char *path)
{
	REAL(unlink);
	COUNTED(ON_DISK, real(path));
}

int link(const char *from, const char *to)
{
	REAL(link);
	COUNTED(ON_DISK, real(from, to));
}

int symlink(const char *target, const char *path)
{
	REAL(symlink);
	COUNTED(ON_DISK, real(target, path));
}

int ftruncate(int fd, off_t bytes)
{
	REAL(ftruncate);
	COUNTED(ON_DISK, real(fd, bytes));
}

int ftruncate64(int fd, off64_t bytes)
{
	REAL(ftruncate64);
	COUNTED(ON_DISK, real(fd, bytes));
}

int truncate(const char *path, off_t bytes)
{
	REAL(truncate);
	COUNTED(ON_DISK, real(path, bytes));
}

ssize_t send(int fd, const void *from, size_t n, int flags)
{
	REAL(send);
	COUNTED(ON_SEND, real(fd, from, n, flags));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);
	COUNTED(ON_SEND, real(fd, message, flags));
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t id, struct timespec *now)
{
	REAL(clock_gettime);
	int r = real(id, now);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		int64_t us = faults->clock_us;
		now->tv_sec += us / 1000000;
	}
	return r;
}

int gettimeofday(struct timeval *now, void *zone)
{
	struct timespec exact;
	(void)zone;
	int r = clock_gettime(CLOCK_REALTIME, &exact);
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return r;
}

time_t time(time_t *out)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
