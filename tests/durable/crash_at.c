/*
 * Preloaded into cdcl by tests: ends it, as kill -9 does, in the CRASH_AT-th of its calls that
 * change a disk or tell a server something; of a write one half is done. CRASH_COUNT names a file
 * that gets the number of such calls at a normal end. Calls on stdin, stdout, stderr do not count.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;

static int is_here(void)
{
	const char *at = getenv("CRASH_AT");
	long here = atomic_fetch_add(&calls, 1) + 1;
	return at != NULL && here == atol(at);
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("CRASH_COUNT");
	FILE *f = path == NULL ? NULL : fopen(path, "w");
	if (f == NULL)
		return;
	fprintf(f, "%ld\n", atomic_load(&calls));
	fclose(f);
}

/* An event descriptor is written to, too: 8 bytes. How often is nobody's business. */
static int counts(int fd, size_t bytes)
{
	return fd > 2 && bytes != sizeof(long long);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
	ssize_t (*f)(int, const void *, size_t) =
		(ssize_t (*)(int, const void *, size_t))real("write");
	if (counts(fd, count) && is_here()) {
		f(fd, bytes, count / 2);
		die();
	}
	return f(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at)
{
	ssize_t (*f)(int, const void *, size_t, off_t) =
		(ssize_t (*)(int, const void *, size_t, off_t))real("pwrite");
	if (counts(fd, count) && is_here()) {
		f(fd, bytes, count / 2, at);
		die();
	}
	return f(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	return pwrite(fd, bytes, count, (off_t)at);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
	ssize_t (*f)(int, const void *, size_t, int) =
		(ssize_t (*)(int, const void *, size_t, int))real("send");
	if (is_here())
		die();
	return f(fd, bytes, count, flags);
}

#define DIES(result, name, parameters, arguments)                                                  \
	result name parameters                                                                     \
	{                                                                                          \
		result (*f) parameters = (result(*) parameters)real(#name);                        \
		if (is_here())                                                                     \
			die();                                                                     \
		return f arguments;                                                                \
	}

DIES(int, fsync, (int fd), (fd))
DIES(int, fdatasync, (int fd), (fd))
DIES(int, rename, (const char *from, const char *to), (from, to))
DIES(int, link, (const char *from, const char *to), (from, to))
DIES(int, symlink, (const char *target, const char *path), (target, path))
DIES(int, unlink, (const char *path), (path))
DIES(int, rmdir, (const char *path), (path))
DIES(int, mkdir, (const char *path, mode_t mode), (path, mode))
DIES(int, truncate, (const char *path, off_t bytes), (path, bytes))
DIES(int, ftruncate, (int fd, off_t bytes), (fd, bytes))
DIES(int, ftruncate64, (int fd, off64_t bytes), (fd, bytes))
