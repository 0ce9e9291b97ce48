#ifndef CDCL_DISK_WORKER_H
#define CDCL_DISK_WORKER_H

/*
 * A thread that writes and syncs files, one piece of work after the other, so that the engine's
 * thread never stands still while the disk does. A piece that is more than one write and sync is a
 * function.
 *
 *	engine    give(work) ... done(work)? or wait(work), or the loop waits for disk_worker_fd
 *	worker    takes the oldest, writes its bytes, syncs, says done
 *
 * Between give and done the work is the worker's: neither its fields nor its file are touched.
 */

#include "cdcl/error.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

struct disk_worker;

struct disk_work {
	int fd;
	const char *path;    /* for messages; the giver's */
	struct strbuf bytes; /* written first; empty: none */
	bool sync;           /* contents and length */
	const char *folder;  /* then the names in it; NULL: none */
	/* instead of all that: what it answers is the result; `of` is the worker's meanwhile */
	int (*call)(void *of, struct error *err);
	void *of;
	int result;          /* 0, or negative with err filled */
	struct error err;
	struct disk_work *next;
	atomic_bool done;
};

/* NULL with the error filled. */
struct disk_worker *disk_worker_open(struct error *err);
/* What was given is done first. NULL is fine. */
void disk_worker_close(struct disk_worker *w);

void disk_worker_give(struct disk_worker *w, struct disk_work *work);
bool disk_work_done(const struct disk_work *work);
/* For so long at most (-1: until then); whether it is done. */
bool disk_worker_wait(struct disk_worker *w, struct disk_work *work, int64_t us_max);

/*
 * Readable when something was done since the last disk_worker_heard: hear first and look at the
 * works then, so that what ends in between is told again. No system call while nothing was told.
 */
int disk_worker_fd(const struct disk_worker *w);
void disk_worker_heard(struct disk_worker *w);

#endif
