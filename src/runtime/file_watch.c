#include "runtime/file_watch.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

struct file_watch {
	int fd;
};

struct file_watch *file_watch_open(const char *script_path, struct error *err)
{
	struct file_watch *w = calloc(1, sizeof(*w));
	const char *slash = strrchr(script_path, '/');
	char *folder = slash == NULL ? strdup(".")
				     : strndup(script_path, (size_t)(slash - script_path) + 1);
	if (w == NULL || folder == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory to watch %s", script_path);
		free(w);
		free(folder);
		return NULL;
	}
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || inotify_add_watch(w->fd, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
		error_set(err, CDCL_E_DISK, "cannot watch the folder %s: %s", folder,
			strerror(errno));
		file_watch_close(w);
		w = NULL;
	}
	free(folder);
	return w;
}

void file_watch_close(struct file_watch *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int file_watch_fd(const struct file_watch *w)
{
	return w->fd;
}

static bool is_lua(const char *name)
{
	size_t len = strlen(name);
	return len > 4 && strcmp(name + len - 4, ".lua") == 0;
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
			if (e->len > 0 && is_lua(e->name))
				changed = true;
			at += sizeof(*e) + e->len;
		}
	}
}
