#ifndef CDCL_MONITOR_H
#define CDCL_MONITOR_H

/*
 * How a run looks from outside, for months: an HTTP server to look at (--listen) and systemd's
 * notifications. It outlives the jobs of a run (--watch, restarts in place), and costs nothing
 * when nobody asked for it: then it is NULL, which every function takes.
 *
 *	engine thread                            server's thread
 *	  monitor_turn, monitor_batch              /metrics, /livez, /readyz, /api/v1/progress
 *	      \-- texts, state -->  [ one lock ]  <-- copies --/
 *
 * The engine lays the texts out, about once a second; under the lock they only change hands. So an
 * engine that is busy or stuck does not keep the server from answering, and no client can keep the
 * engine waiting. What the server adds is its own to read: the process, the time since the
 * engine's last turn.
 *
 *	/livez   503 when the engine made no turn for monitor_dead_s
 *	/readyz  503 until state is recovered and every source is assigned; while no broker answers,
 *	         while the engine made no turn for monitor_stuck_s, and once the job drains
 */

#include "cdcl/error.h"
#include "base/clock.h"
#include "runtime/pipeline.h"

struct monitor;

enum { monitor_stuck_s = 15, monitor_dead_s = 60 };

enum monitor_phase {
	MONITOR_STARTING, /* the script is loaded, state recovered, targets opened */
	MONITOR_RUNNING,
	MONITOR_WAITING, /* --watch: for a save that mends the script */
	MONITOR_DRAINING
};

/*
 * `listen` NULL: no server. *out is NULL without an error when there is nothing to do: no server,
 * and no supervisor that wants to hear.
 */
int monitor_open(
	const char *listen, const struct clock *clock, struct monitor **out, struct error *err);
void monitor_close(struct monitor *m);

/* "http://127.0.0.1:8077/"; empty without a server. */
struct str monitor_url(const struct monitor *m);

void monitor_set_phase(struct monitor *m, enum monitor_phase phase);

/* A job runs (again) from here on; its name lives until the next one. */
void monitor_start(struct monitor *m, struct str job_name);
/* Its pipeline goes away: figures stay as they are now. */
void monitor_end(struct monitor *m, const struct pipeline *p);

/* The batch that the pipeline has just published, as --progress tells it. */
void monitor_batch(struct monitor *m, const struct pipeline *p, struct str progress);

/* A turn of the engine begins; it ends when there is nothing to do but to wait. */
void monitor_turn(struct monitor *m, const struct pipeline *p);
void monitor_turn_end(struct monitor *m);
/* Until it wants a turn; -1: never. */
int64_t monitor_wait_us(const struct monitor *m);

#endif
