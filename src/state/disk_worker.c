#include "state/disk_worker.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct disk_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t given;
	pthread_cond_t finished;
	struct disk_work *first; /* under the lock */
	struct disk_work *last;
	bool closing;
	int fd;
	bool told; /* under the lock: fd was written to, and not heard */
};

static void run(struct disk_work *work)
{
	if (work->call != NULL) {
		work->result = work->call(work->of, &work->err);
		return;
	}
	int r = work->bytes.len == 0
		? 0
		: file_write_all(work->fd, strbuf_str(&work->bytes), work->path, &work->err);
	if (r == 0 && work->sync)
		r = file_sync_data(work->fd, work->path, &work->err);
	if (r == 0 && work->folder != NULL)
		r = file_sync_folder(work->folder, &work->err);
	work->result = r;
}

static void *worker_main(void *argument)
{
	struct disk_worker *w = argument;
	const uint64_t one = 1;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->first == NULL && !w->closing)
			pthread_cond_wait(&w->given, &w->lock);
		struct disk_work *work = w->first;
		if (work == NULL)
			break;
		pthread_mutex_unlock(&w->lock);
		run(work);
		pthread_mutex_lock(&w->lock);
		w->first = work->next;
		atomic_store(&work->done, true); /* the giver's again */
		pthread_cond_broadcast(&w->finished);
		ssize_t n = write(w->fd, &one, sizeof(one));
		(void)n; /* full: it is readable */
		w->told = true;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct disk_worker *disk_worker_open(struct error *err)
{
	struct disk_worker *w = calloc(1, sizeof(*w));
	check(w != NULL);
	pthread_condattr_t clock;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->given, NULL);
	pthread_cond_init(&w->finished, &clock);
	pthread_condattr_destroy(&clock);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd >= 0 && pthread_create(&w->thread, NULL, worker_main, w) == 0)
		return w;
	error_set(err, CDCL_E_INTERNAL, "cannot start the thread that writes to the disk");
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	return NULL;
}

void disk_worker_close(struct disk_worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->given);
	pthread_cond_destroy(&w->finished);
	pthread_mutex_destroy(&w->lock);
	close(w->fd);
	free(w);
}

void disk_worker_give(struct disk_worker *w, struct disk_work *work)
{
	work->next = NULL;
	work->result = 0;
	error_init(&work->err);
	atomic_store(&work->done, false);
	pthread_mutex_lock(&w->lock);
	check(!w->closing);
	if (w->first == NULL)
		w->first = work;
	else
		w->last->next = work;
	w->last = work;
	pthread_cond_signal(&w->given);
	pthread_mutex_unlock(&w->lock);
}

bool disk_work_done(const struct disk_work *work)
{
	return atomic_load(&work->done);
}

bool disk_worker_wait(struct disk_worker *w, struct disk_work *work, int64_t us_max)
{
	struct timespec until;
	int64_t end_us = clock_monotonic_us(&clock_system) + us_max;
	until.tv_sec = (time_t)(end_us / 1000000);
	until.tv_nsec = (long)(end_us % 1000000) * 1000;
	int waited = 0;
	pthread_mutex_lock(&w->lock);
	while (!disk_work_done(work) && waited != ETIMEDOUT)
		waited = us_max < 0 ? pthread_cond_wait(&w->finished, &w->lock)
				    : pthread_cond_timedwait(&w->finished, &w->lock, &until);
	pthread_mutex_unlock(&w->lock);
	return disk_work_done(work);
}

int disk_worker_fd(const struct disk_worker *w)
{
	return w->fd;
}

void disk_worker_heard(struct disk_worker *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->told) {
		uint64_t times;
		ssize_t n = read(w->fd, &times, sizeof(times));
		(void)n; /* it was written to */
		w->told = false;
	}
	pthread_mutex_unlock(&w->lock);
}
