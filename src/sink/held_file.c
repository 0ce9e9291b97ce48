#include "sink/held_file.h"

#include "base/file.h"
#include "sink/fenced.h"

enum { tries = 3 };

void held_file_init(struct held_file *h)
{
	h->fd = -1;
}

void held_file_release(struct held_file *h)
{
	file_close(h->fd);
	h->fd = -1;
}

void held_file_take(struct held_file *h, int fd, uint64_t inode)
{
	held_file_release(h);
	*h = (struct held_file){fd, inode};
}

static int not_alone(const char *path, struct error *err)
{
	error_set(err, CDCL_E_FENCED, "%s: another process writes to it", path);
	return fenced_help(err);
}

int held_file_lock(int fd, const char *path, struct error *err)
{
	/* Negative: no locks are to be had. */
	return file_lock(fd, path, NULL) == 0 ? not_alone(path, err) : 0;
}

bool held_file_is_locked(const char *path)
{
	int fd = file_open_read(path, NULL);
	bool locked = fd >= 0 && file_lock(fd, path, NULL) == 0;
	file_close(fd);
	return locked;
}

static bool is_there(const char *path, uint64_t *inode)
{
	struct file_info info;
	bool there = file_stat(path, &info, NULL) == 0 && info.is_regular;
	*inode = there ? info.inode : 0;
	return there;
}

/* The file that is at the path. */
static int hold(struct held_file *h, const char *path, struct error *err)
{
	uint64_t before, after;
	for (int i = 0; i < tries; i++) {
		if (!is_there(path, &before) || (h->fd >= 0 && before == h->inode))
			return 0;
		int fd = file_open_read(path, NULL);
		if (fd < 0)
			return 0; /* gone, or not to be read, but it can be replaced */
		if (held_file_lock(fd, path, err) < 0) {
			file_close(fd);
			return -(int)CDCL_E_FENCED;
		}
		held_file_take(h, fd, before);
		if (is_there(path, &after) && before == after)
			return 0;
		/* another took its place meanwhile */
	}
	return not_alone(path, err);
}

int held_file_claim(
	struct held_file *h, const char *path, const char *next, struct error *err)
{
	int r = hold(h, path, err);
	return r == 0 && held_file_is_locked(next) ? not_alone(path, err) : r;
}
