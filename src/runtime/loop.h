#ifndef CDCL_LOOP_H
#define CDCL_LOOP_H

/*
 * Waiting, and nothing else: the only file that knows libev. Watchers note that something is there;
 * loop_wait answers the notes and the caller, job.c, acts on them in one place, so that the order
 * of events can be read in one function.
 *
 *	job_run:  for (;;) { loop_wait -> signals? script changed? -> pipeline_step -> report }
 *
 * Signals: the first SIGTERM, SIGINT or SIGHUP gives LOOP_SIGNAL; a second one (of the first two)
 * ends the process at once with 130, from the handler, so that it works while the engine is stuck
 * in a script or a sink. SIGHUP stays ignored where it was (nohup).
 */

#include "cdcl/error.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

enum loop_note { LOOP_READABLE = 1, LOOP_SIGNAL = 2, LOOP_TIMEOUT = 4, LOOP_WOKEN = 8 };

enum { loop_fds_max = 1100 }; /* plan_nodes_max sources and a few of our own */

struct loop *loop_open(bool catch_signals, struct error *err);
void loop_close(struct loop *l);

/*
 * A program that closes one loop and opens the next calls it before the first: a signal that comes
 * in between is then told by the next one.
 */
void loop_catch_signals(void);

/*
 * Waits until one of `fds` is readable, a signal came, or timeout_us passed (0: only look;
 * negative: no time limit). Answers a set of enum loop_note.
 */
unsigned loop_wait(struct loop *l, const int *fds, uint32_t count, int64_t timeout_us);

/* From another thread or a signal handler: ends the wait that is on, or the next one. */
void loop_wake(struct loop *l);

/* The library's version, for `cdcl version`. */
void loop_version(int *major, int *minor);

#endif
