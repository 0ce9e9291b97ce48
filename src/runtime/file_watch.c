#include "runtime/file_watch.h"

#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { file_watch_files_max = 256 };

struct watched {
	int folder; /* inotify's number for it */
	struct str name;
};

struct file_watch {
	int fd;
	struct arena arena;
	struct watched files[file_watch_files_max];
	uint32_t count;
};

struct file_watch *file_watch_open(struct error *err)
{
	struct file_watch *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory to watch files");
		return NULL;
	}
	arena_init(&w->arena, 1024);
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		error_set(err, CDCL_E_INTERNAL, "cannot watch files: %s", strerror(errno));
		file_watch_close(w);
		return NULL;
	}
	return w;
}

void file_watch_close(struct file_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	arena_release(&w->arena);
	free(w);
}

int file_watch_add(struct file_watch *w, struct str path, struct error *err)
{
	if (w->count == file_watch_files_max)
		return error_set(
			err, CDCL_E_USAGE, "--watch: more than %d files", file_watch_files_max);
	size_t start = path.len;
	while (start > 0 && path.data[start - 1] != '/')
		start--;
	struct str folder = start == 0 ? str_lit(".") : str_dup(str_sub(path, 0, start), &w->arena);
	int number = inotify_add_watch(w->fd, folder.data, IN_CLOSE_WRITE | IN_MOVED_TO);
	if (number < 0)
		return error_set(err, CDCL_E_DISK, "cannot watch the folder " STR_FMT ": %s",
			STR_ARG(folder), strerror(errno));
	struct str name = str_dup(str_sub(path, start, path.len), &w->arena);
	w->files[w->count++] = (struct watched){number, name};
	return 0;
}

int file_watch_fd(const struct file_watch *w)
{
	return w->fd;
}

static bool is_watched(const struct file_watch *w, int folder, struct str name)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (w->files[i].folder == folder && str_eq(w->files[i].name, name))
			return true;
	return false;
}

bool file_watch_changed(struct file_watch *w)
{
	_Alignas(struct inotify_event) char events[8192];
	bool changed = false;
	for (;;) {
		ssize_t n = read(w->fd, events, sizeof(events));
		if (n <= 0)
			return changed;
		for (const char *at = events; at < events + n;) {
			const struct inotify_event *e =
				(const struct inotify_event *)(const void *)at;
			/* Too many at once for the kernel: one of them may have been ours. */
			if ((e->mask & IN_Q_OVERFLOW) != 0 ||
				(e->len > 0 && is_watched(w, e->wd, str_c(e->name))))
				changed = true;
			at += sizeof(*e) + e->len;
		}
	}
}
