#include "runtime/loop.h"

#include "base/check.h"
#include "base/patience.h"

#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
	struct ev_loop *ev;
	struct ev_timer timer;
	struct ev_io wake_io;
	int wake_fd; /* an eventfd: written by loop_wake and the signal handler */
	struct ev_io *ios; /* one per fd of the last wait, in its order */
	int *fds;
	uint32_t count;
	unsigned notes;
	bool catches_signals;
	struct sigaction old_term;
	struct sigaction old_int;
	struct sigaction old_hup;
};

/* Written by the signal handler, which can reach nothing else. */
static volatile sig_atomic_t signals_seen;
static volatile sig_atomic_t signal_fd = -1;
static bool signal_told; /* as LOOP_SIGNAL */

static void on_signal(int number)
{
	/* Of a terminal that is closed both the kernel and the shell may tell. */
	if (number == SIGHUP && signals_seen > 0)
		return;
	if (++signals_seen > 1)
		_exit(130);
	patience_stop();
	const uint64_t one = 1;
	if (signal_fd >= 0 && write(signal_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the loop is told already */
}

static void note_readable(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)io;
	(void)events;
	struct loop *l = ev_userdata(ev);
	l->notes |= LOOP_READABLE;
}

static void note_timeout(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	struct loop *l = ev_userdata(ev);
	l->notes |= LOOP_TIMEOUT;
}

static void note_wake(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)events;
	struct loop *l = ev_userdata(ev);
	uint64_t times;
	if (read(io->fd, &times, sizeof(times)) < 0)
		return;
	l->notes |= LOOP_WOKEN;
	if (l->catches_signals && signals_seen > 0 && !signal_told) {
		signal_told = true;
		l->notes |= LOOP_SIGNAL;
	}
}

void loop_catch_signals(void)
{
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	/* A terminal that is closed stops a job as ctrl-c does, but not one that nohup started. */
	struct sigaction old;
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

static void catch_signals(struct loop *l)
{
	signal_fd = l->wake_fd;
	/* One that came while the loop before this one was closed is still to be told. */
	if (signal_told) {
		signals_seen = 0;
		patience_restart();
	}
	if (signals_seen > 0)
		loop_wake(l);
	signal_told = false;
	sigaction(SIGTERM, NULL, &l->old_term);
	sigaction(SIGINT, NULL, &l->old_int);
	sigaction(SIGHUP, NULL, &l->old_hup);
	loop_catch_signals();
	l->catches_signals = true;
}

struct loop *loop_open(bool want_signals, struct error *err)
{
	struct loop *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		error_set(err, CDCL_E_MEMORY, "no memory for the event loop");
		return NULL;
	}
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->ios = calloc(loop_fds_max, sizeof(*l->ios));
	l->fds = calloc(loop_fds_max, sizeof(*l->fds));
	l->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (l->ios == NULL || l->fds == NULL || l->ev == NULL || l->wake_fd < 0) {
		error_set(err, CDCL_E_MEMORY, "cannot make an event loop");
		goto fail;
	}
	ev_set_userdata(l->ev, l);
	ev_timer_init(&l->timer, note_timeout, 0.0, 0.0);
	ev_io_init(&l->wake_io, note_wake, l->wake_fd, EV_READ);
	ev_io_start(l->ev, &l->wake_io);
	if (want_signals)
		catch_signals(l);
	return l;
fail:
	loop_close(l);
	return NULL;
}

static void stop_watching(struct loop *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		ev_io_stop(l->ev, &l->ios[i]);
	l->count = 0;
}

/* Watchers stay as they are from wait to wait as long as the same fds are asked for. */
static void watch(struct loop *l, const int *fds, uint32_t count)
{
	check(count <= loop_fds_max);
	if (count == l->count && (count == 0 || memcmp(fds, l->fds, count * sizeof(*fds)) == 0))
		return;
	stop_watching(l);
	for (uint32_t i = 0; i < count; i++) {
		l->fds[i] = fds[i];
		ev_io_init(&l->ios[i], note_readable, fds[i], EV_READ);
		ev_io_start(l->ev, &l->ios[i]);
	}
	l->count = count;
}

unsigned loop_wait(struct loop *l, const int *fds, uint32_t count, int64_t timeout_us)
{
	watch(l, fds, count);
	l->notes = 0;
	if (timeout_us == 0) {
		ev_run(l->ev, EVRUN_NOWAIT);
		return l->notes;
	}
	if (timeout_us > 0) {
		ev_now_update(l->ev);
		ev_timer_set(&l->timer, (double)timeout_us / 1e6, 0.0);
		ev_timer_start(l->ev, &l->timer);
	}
	ev_run(l->ev, EVRUN_ONCE);
	ev_timer_stop(l->ev, &l->timer);
	return l->notes;
}

void loop_wake(struct loop *l)
{
	const uint64_t one = 1;
	if (write(l->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: it is awake */
}

void loop_close(struct loop *l)
{
	if (l == NULL)
		return;
	/* A job that goes on in place opens its next loop before this one is closed. */
	if (l->catches_signals && signal_fd == l->wake_fd) {
		sigaction(SIGTERM, &l->old_term, NULL);
		sigaction(SIGINT, &l->old_int, NULL);
		sigaction(SIGHUP, &l->old_hup, NULL);
		signal_fd = -1;
	}
	if (l->ev != NULL) {
		stop_watching(l);
		ev_io_stop(l->ev, &l->wake_io);
		ev_loop_destroy(l->ev);
	}
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	free(l->ios);
	free(l->fds);
	free(l);
}

void loop_version(int *major, int *minor)
{
	*major = ev_version_major();
	*minor = ev_version_minor();
}
